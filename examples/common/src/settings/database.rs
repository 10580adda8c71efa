//! The setting `DATABASE_URL`.

use std::fmt;

use crate::InvalidSettings;

/// The place where a host stores its data.
#[derive(Clone, PartialEq, Eq)]
pub enum Database {
    /// The memory of the process, for experiments.
    Memory,
    /// The database that this URL names.
    Url(String),
}

impl Database {
    /// Reads the value of `DATABASE_URL`.
    pub(crate) fn read(url: String) -> Result<Self, InvalidSettings> {
        // The URL may contain a password, so errors repeat only its scheme.
        let Some((scheme, rest)) = url.split_once(':') else {
            return Err(InvalidSettings::new(
                "DATABASE_URL must begin with `sqlite:`, `postgres:` or `memory:`; for a file, use `sqlite:` and its path",
            ));
        };
        match (scheme, rest) {
            ("memory", "") => Ok(Self::Memory),
            ("memory", _) => {
                Err(InvalidSettings::new("DATABASE_URL must be `memory:` alone to store data in memory"))
            }
            ("sqlite", "") => Err(InvalidSettings::new(
                "DATABASE_URL names no file after `sqlite:`; for example, use `sqlite:scim.db`",
            )),
            ("sqlite" | "postgres" | "postgresql", _) => Ok(Self::Url(url)),
            _ => Err(InvalidSettings::new(format!(
                "DATABASE_URL must begin with `sqlite:`, `postgres:` or `memory:`, not `{scheme}:`"
            ))),
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "Memory",
            Self::Url(_) => "Url(..)",
        })
    }
}
