//! Where the data is kept.

use std::fmt;

use crate::InvalidSettings;

/// Where the data is kept.
#[derive(Clone, PartialEq, Eq)]
pub enum Database {
    /// In the memory provider, for trying things out.
    Memory,
    /// In a database, which this URL names.
    Url(String),
}

impl Database {
    /// What `DATABASE_URL` asks for.
    pub(crate) fn read(url: Option<String>) -> Result<Self, InvalidSettings> {
        let url = url.unwrap_or_else(|| "sqlite:scim.db".to_owned());
        // No more than the scheme is shown, since such a URL may hold a password.
        match url.split_once(':').unwrap_or(("?", "")) {
            ("memory", "") => Ok(Self::Memory),
            ("sqlite", "") => Err(InvalidSettings::new("DATABASE_URL names no file; sqlite:scim.db does")),
            ("sqlite" | "postgres" | "postgresql", _) => Ok(Self::Url(url)),
            (scheme, _) => Err(InvalidSettings::new(format!(
                "DATABASE_URL begins with `sqlite:`, `postgres:` or `memory:`, not `{scheme}:`"
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
