//! The mistakes in a declaration, collected.

use std::fmt;

use crate::database::DatabaseError;

/// The reasons why a [`TableStore`](crate::TableStore) cannot be built: all mistakes in the declarations of the tables,
/// each with what to write instead.
pub struct InvalidTables {
    mistakes: Vec<String>,
}

impl InvalidTables {
    /// The mistakes.
    pub fn mistakes(&self) -> &[String] {
        &self.mistakes
    }
}

impl fmt::Display for InvalidTables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the declared tables cannot be served:")?;
        for mistake in &self.mistakes {
            write!(f, "\n- {mistake}")?;
        }
        Ok(())
    }
}

/// As [`Display`](fmt::Display): a `main` that returns the error prints this, and its DDL is there to be copied.
impl fmt::Debug for InvalidTables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for InvalidTables {}

impl From<DatabaseError> for InvalidTables {
    fn from(error: DatabaseError) -> Self {
        Self { mistakes: vec![format!("the catalog of the database cannot be read: {error}")] }
    }
}

/// Mistakes and warnings while they are collected.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    mistakes: Vec<String>,
    warnings: Vec<String>,
}

impl Problems {
    pub(crate) fn mistake(&mut self, text: impl Into<String>) {
        self.mistakes.push(text.into());
    }

    pub(crate) fn warning(&mut self, text: impl Into<String>) {
        self.warnings.push(text.into());
    }

    /// Whether there is no mistake so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.mistakes.is_empty()
    }

    /// The warnings, if there is no mistake.
    pub(crate) fn finish(self) -> Result<Vec<String>, InvalidTables> {
        match self.mistakes.is_empty() {
            true => Ok(self.warnings),
            false => Err(InvalidTables { mistakes: self.mistakes }),
        }
    }
}
