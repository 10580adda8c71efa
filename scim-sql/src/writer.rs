//! Writes SQL and collects the values of its parameters.

use crate::mapping::Mapping;
use crate::{BindValue, Cost, Dialect, Error, Fragment};

/// The maximum number of terms in one flat AND or OR. More terms are joined as a balanced tree, since databases limit
/// the depth of expressions, and parse `a OR b OR c` as nested.
const MAX_FLAT_TERMS: usize = 16;

/// A fragment while it is written.
pub(crate) struct SqlWriter<'m> {
    pub(crate) mapping: &'m Mapping,
    pub(crate) dialect: Dialect,
    first: usize,
    pub(crate) sql: String,
    bind_values: Vec<BindValue>,
}

/// The table by which the database finds the rows of a subquery.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum DrivingTable {
    /// The database decides.
    Any,
    /// An FTS5 table of SQLite, which has the trigrams of the text.
    Fts5,
}

impl<'m> SqlWriter<'m> {
    pub(crate) fn new(mapping: &'m Mapping, dialect: Dialect, first: usize) -> Self {
        Self { mapping, dialect, first, sql: String::with_capacity(128), bind_values: Vec::new() }
    }

    /// The finished fragment.
    ///
    /// # Errors
    ///
    /// [`Error::TooLong`] if there are more parameters than the database allows.
    pub(crate) fn finish(self, cost: Cost) -> Result<Fragment, Error> {
        if self.first + self.bind_values.len() > self.dialect.max_parameters() {
            return Err(Error::TooLong);
        }
        Ok(Fragment { sql: self.sql, bind_values: self.bind_values, cost })
    }

    pub(crate) fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    /// Writes the placeholder of a new parameter with this value, and returns its number.
    pub(crate) fn bind(&mut self, value: BindValue) -> usize {
        let number = self.first + self.bind_values.len();
        self.bind_values.push(value);
        self.dialect.push_parameter(&mut self.sql, number);
        number
    }

    /// Writes terms joined by AND or OR, in parentheses.
    pub(crate) fn join<T>(
        &mut self,
        terms: &[T],
        operator: &str,
        write: &mut impl FnMut(&mut Self, &T) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.push("(");
        if terms.len() <= MAX_FLAT_TERMS {
            for (index, term) in terms.iter().enumerate() {
                if index > 0 {
                    self.push(operator);
                }
                write(self, term)?;
            }
        } else {
            let (left, right) = terms.split_at_checked(terms.len() / 2).unwrap_or_default();
            self.join(left, operator, write)?;
            self.push(operator);
            self.join(right, operator, write)?;
        }
        self.push(")");
        Ok(())
    }

    /// Begins a subquery that selects ids of resources. The caller continues it with AND and a condition.
    pub(crate) fn select_ids(&mut self, driving: DrivingTable) {
        let mapping = self.mapping;
        for part in ["SELECT ", &mapping.id, " FROM ", &mapping.table, " WHERE "] {
            self.push(part);
        }
        self.push_scope(&mapping.scoped_by, driving);
    }

    /// Writes the conditions of `scoped_by`: columns that must have the values of parameters.
    pub(crate) fn push_scope(&mut self, columns: &[(String, usize)], driving: DrivingTable) {
        if columns.is_empty() {
            self.push("TRUE");
        }
        for (index, (column, parameter)) in columns.iter().enumerate() {
            if index > 0 {
                self.push(" AND ");
            }
            // The unary plus has no effect but to keep SQLite from using an index on this column.
            if driving == DrivingTable::Fts5 {
                self.push("+");
            }
            self.push(column);
            self.push(" = ");
            self.dialect.push_parameter(&mut self.sql, *parameter);
        }
    }
}
