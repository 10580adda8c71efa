//! What SQLite and PostgreSQL write differently.

use std::fmt::Write;

/// The database that a fragment is for.
///
/// What the PostgreSQL dialect writes is also taken by databases that speak its protocol, such as
/// CockroachDB and YugabyteDB, but that is not tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// SQLite 3.38 or later; parameters are `?1`, `?2`.
    Sqlite,
    /// PostgreSQL 12 or later; parameters are `$1`, `$2`.
    Postgres,
}

impl Dialect {
    /// Writes the parameter of that number.
    ///
    /// ```
    /// # use scim_sql::Dialect;
    /// assert_eq!(Dialect::Sqlite.parameter(3), "?3");
    /// assert_eq!(Dialect::Postgres.parameter(3), "$3");
    /// ```
    pub fn parameter(self, number: usize) -> String {
        let mut text = String::new();
        self.push_parameter(&mut text, number);
        text
    }

    pub(crate) fn push_parameter(self, sql: &mut String, number: usize) {
        sql.push(match self {
            Self::Sqlite => '?',
            Self::Postgres => '$',
        });
        // Writing to a string does not fail.
        let _ = write!(sql, "{number}");
    }

    /// What makes texts compare code point by code point, whatever the column says. SQLite does so
    /// unless a column says otherwise.
    pub(crate) fn code_point_collation(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " COLLATE \"C\"",
        }
    }

    /// What keeps the planner from working a subquery into the query around it, which may find
    /// every row of a table in order to filter it.
    pub(crate) fn optimization_fence(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " OFFSET 0",
        }
    }

    /// The most parameters that a statement may have.
    pub(crate) fn max_parameters(self) -> usize {
        match self {
            Self::Sqlite => 32_766,
            Self::Postgres => 65_535,
        }
    }
}
