//! The differences between the SQL of SQLite and of PostgreSQL.

use std::fmt::Write;

/// The database that a fragment is for.
///
/// Databases that are compatible with PostgreSQL, such as CockroachDB and YugabyteDB, should also accept its dialect,
/// but that is not tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// SQLite 3.38 or later. Parameters are `?1`, `?2`.
    Sqlite,
    /// PostgreSQL 12 or later. Parameters are `$1`, `$2`.
    Postgres,
}

impl Dialect {
    /// The placeholder for the parameter with this number, which begins at 1.
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
        // Writing to a String cannot fail.
        let _ = write!(sql, "{number}");
    }

    /// The collation that makes texts compare code point by code point, whatever the collation of the column is.
    /// Empty for SQLite, which compares like that by default.
    pub(crate) fn code_point_collation(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " COLLATE \"C\"",
        }
    }

    /// A clause at the end of a subquery that keeps the planner from merging it into the outer query, where it might
    /// scan the whole table.
    pub(crate) fn optimization_fence(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " OFFSET 0",
        }
    }

    /// The maximum number of parameters of a statement.
    pub(crate) fn max_parameters(self) -> usize {
        match self {
            Self::Sqlite => 32_766,
            Self::Postgres => 65_535,
        }
    }
}
