//! Sorting, and going on from a place in a sorted list.

use scim_schema::AttributeRef;

use crate::mapping::Mapping;
use crate::writer::Writer;
use crate::{Bind, Column, Cost, Dialect, Error, Fragment};

/// The order of a query: by an attribute, then by a column that is different in every row, so that
/// pages neither overlap nor leave anything out (RFC 7644 section 3.4.2.3).
///
/// Resources without a value come last when ascending and first when descending; those with equal
/// values are in the ascending order of the last column.
#[derive(Clone, Debug)]
#[must_use]
pub struct Order<'a> {
    mapping: &'a Mapping,
    key: Option<Key<'a>>,
    tiebreaker: &'a str,
    dialect: Dialect,
}

#[derive(Clone, Debug)]
struct Key<'a> {
    sql: String,
    /// The column with the values; none where those that there are are the same.
    column: Option<&'a Column>,
    nullable: bool,
    descending: bool,
}

/// Which way pages go from a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PageSide {
    /// To what comes after it.
    After,
    /// To what comes after it, and what is at it.
    From,
    /// To what comes before it.
    Before,
}

impl PageSide {
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
    /// The order by an attribute and a direction, if the client asked for one, and by `tiebreaker`: a
    /// column that is different in every row and not NULL, mostly the id.
    ///
    /// # Errors
    ///
    /// If the attribute is not mapped.
    pub fn order<'a>(
        &'a self,
        by: Option<(&AttributeRef, bool)>,
        tiebreaker: &'a str,
        dialect: Dialect,
    ) -> Result<Order<'a>, Error> {
        let key = match by {
            Some((target, descending)) => self.sort_key(target, descending, dialect)?,
            None => None,
        };
        Ok(Order { mapping: self, key, tiebreaker, dialect })
    }

    fn sort_key(
        &self,
        target: &AttributeRef,
        descending: bool,
        dialect: Dialect,
    ) -> Result<Option<Key<'_>>, Error> {
        let unmapped = || Error::Unmapped(target.to_string());
        let (attribute, sub) = self.find(target)?;
        let elements = attribute.sorted_by().ok_or_else(unmapped)?;
        let column = elements.find(sub);
        if column.is_none() && !target.is_primary() {
            // What the elements lack none of the resources has.
            return Ok(None);
        }
        let column = column.filter(|column| column.constant_value().is_none());
        let filled = target.is_primary() && column.is_some_and(|column| column.nullable);
        let value = match column {
            // An element without `primary` has primary false.
            Some(column) if filled => {
                let absent = if column.is_text() { "'false'" } else { "FALSE" };
                format!("coalesce({}, {absent})", column.compared())
            }
            Some(column) => column.compared().to_owned(),
            // Where all elements have the same value, what counts is whether there is one.
            None => "TRUE".to_owned(),
        };
        let key = |sql, nullable| Ok(Some(Key { sql, column, nullable, descending }));
        let Some((table, owner)) = &elements.table else {
            let own = column.is_some_and(|column| column.nullable) && !filled;
            if own && elements.condition.is_none() {
                return key(value, true);
            }
            let mut there = Writer::new(self, dialect, 1);
            return match (there.exists(elements, "")?, column) {
                (true, _) => key(format!("CASE WHEN {} THEN {value} END", there.sql), true),
                (false, Some(_)) => key(value, own),
                (false, None) => Ok(None),
            };
        };
        // The value of the element that counts.
        let mut sql = format!("(SELECT {value} FROM {table} WHERE {owner} = {}", self.id);
        for (scoped_by, parameter) in &elements.scoped_by {
            sql.push_str(&format!(" AND {scoped_by} = "));
            dialect.push_parameter(&mut sql, *parameter);
        }
        if let Some(condition) = &elements.condition {
            sql.push_str(&format!(" AND ({condition})"));
        }
        if let Some(order) = &elements.order {
            sql.push_str(&format!(" ORDER BY {order}"));
        }
        sql.push_str(" LIMIT 1)");
        key(sql, true)
    }
}

impl Order<'_> {
    /// What stands after `ORDER BY`; the other way round for a page that ends at a place.
    pub fn sql(&self, side: PageSide) -> String {
        let backwards = side == PageSide::Before;
        let tiebreaker = if backwards { "DESC" } else { "ASC" };
        let Some(key) = &self.key else { return [self.tiebreaker, " ", tiebreaker].concat() };
        let collation = if key.is_text() { self.dialect.bytewise() } else { "" };
        // Where a column is never NULL, an index serves only an order that does not speak of NULLs.
        let descending = key.descending != backwards;
        let nulls = match (key.nullable, descending) {
            (false, false) => "ASC",
            (false, true) => "DESC",
            (true, false) => "ASC NULLS LAST",
            (true, true) => "DESC NULLS FIRST",
        };
        format!("{}{collation} {nulls}, {} {tiebreaker}", key.sql, self.tiebreaker)
    }

    /// The value by which a row is sorted, to be selected for the position of a page; NULL if the
    /// order is by the last column alone.
    pub fn sort_value(&self) -> &str {
        self.key.as_ref().map_or("NULL", |key| key.sql.as_str())
    }

    /// A condition that holds for the rows on one side of a place: of the row that had this sort
    /// value and this value of the last column. Its parameters begin with the number `first`.
    ///
    /// # Errors
    ///
    /// None but for limits of the database.
    pub fn page_condition(
        &self,
        side: PageSide,
        key: Option<Bind>,
        tiebreaker: Bind,
        first: usize,
    ) -> Result<Fragment, Error> {
        let mut writer = Writer::new(self.mapping, self.dialect, first);
        let backwards = side == PageSide::Before;
        let tie_word = side.word();
        writer.push("(");
        match (&self.key, key) {
            (None, _) => {
                writer.push(self.tiebreaker);
                writer.push(tie_word);
                writer.bind(tiebreaker);
            }
            (Some(order), None) => {
                // Those without a value come last of all, or first.
                let nulls_ahead = order.descending == backwards;
                for part in ["(", &order.sql, " IS NULL AND ", self.tiebreaker, tie_word] {
                    writer.push(part);
                }
                writer.bind(tiebreaker);
                writer.push(")");
                if !nulls_ahead {
                    for part in [" OR ", &order.sql, " IS NOT NULL"] {
                        writer.push(part);
                    }
                }
            }
            (Some(order), Some(key)) => self.value_condition(&mut writer, order, side, key, tiebreaker),
        }
        writer.push(")");
        writer.finish(Cost::Indexed)
    }

    fn value_condition(
        &self,
        writer: &mut Writer<'_>,
        order: &Key<'_>,
        side: PageSide,
        key: Bind,
        tiebreaker: Bind,
    ) {
        let backwards = side == PageSide::Before;
        let collation = if order.is_text() { self.dialect.bytewise() } else { "" };
        let less = order.descending != backwards;
        let (weak, strict) = if less { (" <= ", " < ") } else { (" >= ", " > ") };
        // The first comparison is one that an index serves.
        for part in ["(", &order.sql, collation, weak] {
            writer.push(part);
        }
        let key_text = writer.sql.len();
        match order.column {
            Some(column) => writer.value(column, key),
            None => {
                writer.bind(key);
            }
        }
        let key_text = writer.sql.get(key_text..).unwrap_or_default().to_owned();
        for part in [" AND (", &order.sql, collation, strict, &key_text, " OR ", self.tiebreaker, side.word()]
        {
            writer.push(part);
        }
        writer.bind(tiebreaker);
        writer.push("))");
        // Those without a value come after all that have one when the order ascends.
        if order.nullable && order.descending == backwards {
            for part in [" OR ", &order.sql, " IS NULL"] {
                writer.push(part);
            }
        }
    }
}

impl Key<'_> {
    fn is_text(&self) -> bool {
        self.column.is_some_and(Column::is_text)
    }
}
