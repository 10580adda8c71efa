//! Sorting, and going on from a place in a sorted list.

use scim_schema::Target;

use crate::filter::Writer;
use crate::mapping::Mapping;
use crate::{Bind, Class, Column, Dialect, Error, Fragment};

/// The order of a query: by an attribute, then by a column that is different in every row, so that
/// pages neither overlap nor leave anything out (RFC 7644 section 3.4.2.3).
///
/// Resources without a value come last when ascending and first when descending; those with equal
/// values are in the ascending order of the last column.
#[derive(Clone, Debug)]
pub struct Order<'a> {
    mapping: &'a Mapping,
    key: Option<Key<'a>>,
    tie: &'a str,
    dialect: Dialect,
}

#[derive(Clone, Debug)]
struct Key<'a> {
    sql: String,
    column: &'a Column,
    /// Whether the column is compared by its own expression, which an index may have.
    plain: bool,
    descending: bool,
}

/// Which way pages go from a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// To what comes after it.
    After,
    /// To what comes after it, and what is at it.
    From,
    /// To what comes before it.
    Before,
}

impl Side {
    /// How the last column of a row there compares to that of the place.
    fn word(self) -> &'static str {
        match self {
            Self::After => " > ",
            Self::From => " >= ",
            Self::Before => " < ",
        }
    }
}

impl Mapping {
    /// The order by an attribute and a direction, if the client asked for one, and by `tie`: a
    /// column that is different in every row and not NULL, mostly the id.
    ///
    /// # Errors
    ///
    /// If the attribute is not mapped.
    pub fn order<'a>(
        &'a self,
        by: Option<(&Target, bool)>,
        tie: &'a str,
        dialect: Dialect,
    ) -> Result<Order<'a>, Error> {
        let key = match by {
            Some((target, descending)) => self.sort_key(target, descending, dialect)?,
            None => None,
        };
        Ok(Order { mapping: self, key, tie, dialect })
    }

    fn sort_key(
        &self,
        target: &Target,
        descending: bool,
        dialect: Dialect,
    ) -> Result<Option<Key<'_>>, Error> {
        let unmapped = || Error::Unmapped(target.to_string());
        let (attribute, sub) = self.find(target)?;
        let [elements] = attribute.sources.as_slice() else { return Err(unmapped()) };
        let column = elements.find(sub).ok_or_else(unmapped)?;
        if column.constant_value().is_some() && elements.table.is_none() {
            return Ok(None);
        }
        let Some((table, owner)) = &elements.table else {
            let sql = column.compared().to_owned();
            return Ok(Some(Key { sql, column, plain: true, descending }));
        };
        // The value of the element that counts.
        let mut sql = format!("(SELECT {} FROM {table} WHERE {owner} = {}", column.compared(), self.id);
        for (within, parameter) in &elements.within {
            sql.push_str(&format!(" AND {within} = "));
            dialect.push_parameter(&mut sql, *parameter);
        }
        if let Some(when) = &elements.when {
            sql.push_str(&format!(" AND {when}"));
        }
        if let Some(order) = &elements.order {
            sql.push_str(&format!(" ORDER BY {order}"));
        }
        sql.push_str(" LIMIT 1)");
        Ok(Some(Key { sql, column, plain: false, descending }))
    }
}

impl Order<'_> {
    /// What stands after `ORDER BY`; the other way round for a page that ends at a place.
    pub fn sql(&self, side: Side) -> String {
        let backwards = side == Side::Before;
        let tie = if backwards { "DESC" } else { "ASC" };
        let Some(key) = &self.key else { return [self.tie, " ", tie].concat() };
        let collation = if key.column.is_text() { self.dialect.bytewise() } else { "" };
        // Where a column is never NULL, an index serves only an order that does not speak of NULLs.
        let descending = key.descending != backwards;
        let nulls = match (key.is_nullable(), descending) {
            (false, false) => "ASC",
            (false, true) => "DESC",
            (true, false) => "ASC NULLS LAST",
            (true, true) => "DESC NULLS FIRST",
        };
        format!("{}{collation} {nulls}, {} {tie}", key.sql, self.tie)
    }

    /// The value by which a row is sorted, to be selected for the position of a page; NULL if the
    /// order is by the last column alone.
    pub fn key(&self) -> &str {
        self.key.as_ref().map_or("NULL", |key| key.sql.as_str())
    }

    /// A condition that holds for the rows on one side of a place: of the row that had this sort
    /// value and this value of the last column. Its parameters begin with the number `first`.
    ///
    /// # Errors
    ///
    /// None but for limits of the database.
    pub fn beyond(&self, side: Side, key: Option<Bind>, tie: Bind, first: usize) -> Result<Fragment, Error> {
        let mut writer = Writer::new(self.mapping, self.dialect, first);
        let backwards = side == Side::Before;
        let tie_word = side.word();
        writer.push("(");
        match (&self.key, key) {
            (None, _) => {
                writer.push(self.tie);
                writer.push(tie_word);
                writer.bind(tie);
            }
            (Some(order), None) => {
                // Those without a value come last of all, or first.
                let nulls_ahead = order.descending == backwards;
                for part in ["(", &order.sql, " IS NULL AND ", self.tie, tie_word] {
                    writer.push(part);
                }
                writer.bind(tie);
                writer.push(")");
                if !nulls_ahead {
                    for part in [" OR ", &order.sql, " IS NOT NULL"] {
                        writer.push(part);
                    }
                }
            }
            (Some(order), Some(key)) => self.beyond_value(&mut writer, order, side, key, tie),
        }
        writer.push(")");
        writer.finish(Class::Indexed)
    }

    fn beyond_value(&self, writer: &mut Writer<'_>, order: &Key<'_>, side: Side, key: Bind, tie: Bind) {
        let backwards = side == Side::Before;
        let collation = if order.column.is_text() { self.dialect.bytewise() } else { "" };
        let less = order.descending != backwards;
        let (weak, strict) = if less { (" <= ", " < ") } else { (" >= ", " > ") };
        // The first comparison is one that an index serves.
        for part in ["(", &order.sql, collation, weak] {
            writer.push(part);
        }
        let key_text = writer.sql.len();
        writer.value(order.column, key);
        let key_text = writer.sql.get(key_text..).unwrap_or_default().to_owned();
        for part in [" AND (", &order.sql, collation, strict, &key_text, " OR ", self.tie, side.word()] {
            writer.push(part);
        }
        writer.bind(tie);
        writer.push("))");
        // Those without a value come after all that have one when the order ascends.
        if order.is_nullable() && order.descending == backwards {
            for part in [" OR ", &order.sql, " IS NULL"] {
                writer.push(part);
            }
        }
    }
}

impl Key<'_> {
    fn is_nullable(&self) -> bool {
        self.column.nullable || !self.plain
    }
}
