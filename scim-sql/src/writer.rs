//! Writing SQL with its parameters.

use crate::mapping::Mapping;
use crate::{Bind, Cost, Dialect, Error, Fragment};

/// The most terms that are joined side by side. More are joined as a tree, whose depth databases limit as well.
const MAX_FLAT_TERMS: usize = 16;

/// A fragment that is being written.
pub(crate) struct Writer<'m> {
    pub(crate) mapping: &'m Mapping,
    pub(crate) dialect: Dialect,
    first: usize,
    pub(crate) sql: String,
    binds: Vec<Bind>,
}

/// The table by which a subquery finds its rows.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum DrivingTable {
    /// The database chooses.
    Any,
    /// An FTS5 table of SQLite.
    Fts5,
}

impl<'m> Writer<'m> {
    pub(crate) fn new(mapping: &'m Mapping, dialect: Dialect, first: usize) -> Self {
        Self { mapping, dialect, first, sql: String::with_capacity(128), binds: Vec::new() }
    }

    pub(crate) fn finish(self, cost: Cost) -> Result<Fragment, Error> {
        if self.first + self.binds.len() > self.dialect.max_parameters() {
            return Err(Error::TooLong);
        }
        Ok(Fragment { sql: self.sql, binds: self.binds, cost })
    }

    pub(crate) fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    /// Writes a parameter, and returns its number.
    pub(crate) fn bind(&mut self, value: Bind) -> usize {
        let number = self.first + self.binds.len();
        self.binds.push(value);
        self.dialect.push_parameter(&mut self.sql, number);
        number
    }

    /// Joins terms by AND or OR, in parentheses and as a balanced tree.
    pub(crate) fn join<T>(
        &mut self,
        terms: &[T],
        word: &str,
        write: &mut impl FnMut(&mut Self, &T) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.push("(");
        if terms.len() <= MAX_FLAT_TERMS {
            for (index, term) in terms.iter().enumerate() {
                if index > 0 {
                    self.push(word);
                }
                write(self, term)?;
            }
        } else {
            let (left, right) = terms.split_at_checked(terms.len() / 2).unwrap_or_default();
            self.join(left, word, write)?;
            self.push(word);
            self.join(right, word, write)?;
        }
        self.push(")");
        Ok(())
    }

    /// Begins a subquery for the ids of resources. The caller continues it with AND.
    pub(crate) fn select_ids(&mut self, driving: DrivingTable) {
        let mapping = self.mapping;
        for part in ["SELECT ", &mapping.id, " FROM ", &mapping.table, " WHERE "] {
            self.push(part);
        }
        self.scoped_by(&mapping.scoped_by, driving);
    }

    /// Writes the columns that must have the values of certain parameters.
    pub(crate) fn scoped_by(&mut self, columns: &[(String, usize)], driving: DrivingTable) {
        if columns.is_empty() {
            self.push("TRUE");
        }
        for (index, (column, parameter)) in columns.iter().enumerate() {
            if index > 0 {
                self.push(" AND ");
            }
            // The unary plus does nothing but keep SQLite from finding the rows by this column.
            if driving == DrivingTable::Fts5 {
                self.push("+");
            }
            self.push(column);
            self.push(" = ");
            self.dialect.push_parameter(&mut self.sql, *parameter);
        }
    }
}
