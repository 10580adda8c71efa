//! Sorting, and the conditions that select the next or the previous page of a sorted list.

use scim_schema::AttributeRef;

use crate::mapping::Mapping;
use crate::writer::SqlWriter;
use crate::{BindValue, Column, Cost, Dialect, Error, Fragment};

/// The order of a query: by an attribute, and then by a tiebreaker, a column that differs in every row. So the order is
/// total, and pages neither overlap nor omit resources (RFC 7644 section 3.4.2.3).
///
/// Resources without a value come last in ascending order, and first in descending order. Resources with equal values
/// are in ascending order of the tiebreaker.
#[derive(Clone, Debug)]
#[must_use]
pub struct Order<'a> {
    mapping: &'a Mapping,
    sort_key: Option<SortKey<'a>>,
    tiebreaker: &'a str,
    dialect: Dialect,
}

/// The expression by which rows are sorted before the tiebreaker.
#[derive(Clone, Debug)]
struct SortKey<'a> {
    sql: String,
    /// The column of the values; `None` if all values are the same constant.
    column: Option<&'a Column>,
    nullable: bool,
    descending: bool,
}

/// The side of a position on which a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PageSide {
    /// The rows after the position.
    After,
    /// The row at the position, and the rows after it.
    From,
    /// The rows before the position, nearest first.
    Before,
}

impl PageSide {
    /// The operator that compares the tiebreaker of a row on this side with that of the position.
    fn operator(self) -> &'static str {
        match self {
            Self::After => " > ",
            Self::From => " >= ",
            Self::Before => " < ",
        }
    }
}

impl Mapping {
    /// The order of a query. `by` is the attribute that the client requested, if any, and whether the order is
    /// descending: in a provider of scim-core, `query.sort.as_ref().map(Into::into)`. `tiebreaker` is a column that
    /// differs in every row and is not NULL, such as the id.
    ///
    /// # Errors
    ///
    /// [`Error::Unmapped`] if the attribute is not mapped, or its first element is not known.
    pub fn order<'a>(
        &'a self,
        by: Option<(&AttributeRef, bool)>,
        tiebreaker: &'a str,
        dialect: Dialect,
    ) -> Result<Order<'a>, Error> {
        let sort_key = match by {
            Some((target, descending)) => self.sort_key(target, descending, dialect)?,
            None => None,
        };
        Ok(Order { mapping: self, sort_key, tiebreaker, dialect })
    }

    /// The sort key for an attribute; `None` if no resource has a value.
    fn sort_key(
        &self,
        target: &AttributeRef,
        descending: bool,
        dialect: Dialect,
    ) -> Result<Option<SortKey<'_>>, Error> {
        let unmapped = || Error::Unmapped(target.to_string());
        let (attribute, sub) = self.attribute_for(target)?;
        let elements = attribute.sort_source().ok_or_else(unmapped)?;
        let column = elements.column_for(sub);
        if column.is_none() && !target.is_primary() {
            // The elements do not have this sub-attribute, so no resource has a value.
            return Ok(None);
        }
        let column = column.filter(|column| column.constant_value().is_none());
        let has_default = target.is_primary() && column.is_some_and(|column| column.nullable);
        let value = match column {
            // In an element without `primary` it counts as false.
            Some(column) if has_default => {
                let absent = if column.is_text() { "'false'" } else { "FALSE" };
                format!("coalesce({}, {absent})", column.comparison_sql())
            }
            Some(column) => column.comparison_sql().to_owned(),
            // All elements have the same value, so the order is by whether the resource has an element.
            None => "TRUE".to_owned(),
        };
        let key = |sql, nullable| Ok(Some(SortKey { sql, column, nullable, descending }));
        let Some((table, owner)) = &elements.table else {
            let nullable = column.is_some_and(|column| column.nullable) && !has_default;
            if nullable && elements.condition.is_none() {
                return key(value, true);
            }
            let mut exists = SqlWriter::new(self, dialect, 1);
            return match (exists.push_exists(elements, "")?, column) {
                (true, _) => key(format!("CASE WHEN {} THEN {value} END", exists.sql), true),
                (false, Some(_)) => key(value, nullable),
                (false, None) => Ok(None),
            };
        };
        // The value of the first element.
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
    /// The SQL after `ORDER BY`. For [`PageSide::Before`] the order is reversed, so that LIMIT keeps the rows nearest to
    /// the position; the host then reverses the rows of the page.
    pub fn sql(&self, side: PageSide) -> String {
        let backwards = side == PageSide::Before;
        let tiebreaker = if backwards { "DESC" } else { "ASC" };
        let Some(key) = &self.sort_key else { return [self.tiebreaker, " ", tiebreaker].concat() };
        let collation = if key.is_text() { self.dialect.code_point_collation() } else { "" };
        // If a column is never NULL, an index serves the order only without NULLS FIRST and NULLS LAST.
        let descending = key.descending != backwards;
        let nulls = match (key.nullable, descending) {
            (false, false) => "ASC",
            (false, true) => "DESC",
            (true, false) => "ASC NULLS LAST",
            (true, true) => "DESC NULLS FIRST",
        };
        format!("{}{collation} {nulls}, {} {tiebreaker}", key.sql, self.tiebreaker)
    }

    /// The SQL expression for the sort value of a row. A statement selects it, so that the host can store the position of
    /// the next page. `NULL` if the order is by the tiebreaker alone.
    pub fn sort_value(&self) -> &str {
        self.sort_key.as_ref().map_or("NULL", |key| key.sql.as_str())
    }

    /// The condition that selects the rows on one side of a position. The position is that of a row with this sort value,
    /// `None` for NULL, and this value of the tiebreaker; the row itself need not exist any more. The parameters begin
    /// with the number `first`.
    ///
    /// # Errors
    ///
    /// [`Error::TooLong`] if the statement would have more parameters than the database allows.
    pub fn page_condition(
        &self,
        side: PageSide,
        sort_value: Option<BindValue>,
        tiebreaker: BindValue,
        first: usize,
    ) -> Result<Fragment, Error> {
        let mut writer = SqlWriter::new(self.mapping, self.dialect, first);
        let backwards = side == PageSide::Before;
        let tiebreaker_operator = side.operator();
        writer.push("(");
        match (&self.sort_key, sort_value) {
            (None, _) => {
                writer.push(self.tiebreaker);
                writer.push(tiebreaker_operator);
                writer.bind(tiebreaker);
            }
            (Some(key), None) => {
                // The position is among the rows without a value. The rows with a value are all on one side of it.
                let values_are_behind = key.descending == backwards;
                for part in ["(", &key.sql, " IS NULL AND ", self.tiebreaker, tiebreaker_operator] {
                    writer.push(part);
                }
                writer.bind(tiebreaker);
                writer.push(")");
                if !values_are_behind {
                    for part in [" OR ", &key.sql, " IS NOT NULL"] {
                        writer.push(part);
                    }
                }
            }
            (Some(key), Some(value)) => self.value_condition(&mut writer, key, side, value, tiebreaker),
        }
        writer.push(")");
        writer.finish(Cost::Indexed)
    }

    /// Writes the condition for a position with a sort value. For [`PageSide::After`] in ascending order it is
    /// `(key >= value AND (key > value OR tiebreaker > ..))`. The first comparison is redundant, but an index serves it.
    fn value_condition(
        &self,
        writer: &mut SqlWriter<'_>,
        key: &SortKey<'_>,
        side: PageSide,
        value: BindValue,
        tiebreaker: BindValue,
    ) {
        let backwards = side == PageSide::Before;
        let collation = if key.is_text() { self.dialect.code_point_collation() } else { "" };
        let less = key.descending != backwards;
        let (inclusive, strict) = if less { (" <= ", " < ") } else { (" >= ", " > ") };
        for part in ["(", &key.sql, collation, inclusive] {
            writer.push(part);
        }
        let start = writer.sql.len();
        match key.column {
            Some(column) => writer.bind_column_value(column, value),
            None => {
                writer.bind(value);
            }
        }
        let placeholder = writer.sql.get(start..).unwrap_or_default().to_owned();
        for part in
            [" AND (", &key.sql, collation, strict, &placeholder, " OR ", self.tiebreaker, side.operator()]
        {
            writer.push(part);
        }
        writer.bind(tiebreaker);
        writer.push("))");
        // In ascending order the rows without a value come after all others.
        if key.nullable && key.descending == backwards {
            for part in [" OR ", &key.sql, " IS NULL"] {
                writer.push(part);
            }
        }
    }
}

impl SortKey<'_> {
    fn is_text(&self) -> bool {
        self.column.is_some_and(Column::is_text)
    }
}
