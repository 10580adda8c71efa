//! What goes wrong in a database, and what a client is told.

use scim_core::Error;

/// What went wrong, as far as the store does something about it.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Not now: busy, out of connections, read-only, too slow.
    Unavailable(Source),
    /// The connection broke; whether a COMMIT that was under way happened is not known.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(dead_code, reason = "an embedded database has no connection to lose")
    )]
    Lost(Source),
    /// Another transaction was in the way; the same again may succeed.
    Conflict(Source),
    /// The value of this attribute is in use; that of the unique name if none is named.
    Taken(Option<String>),
    /// A value that the database cannot hold.
    Value,
    /// The call itself is at fault, not the database.
    Refused(Error),
    /// Anything else is a bug.
    Broken(Source),
}

pub(crate) type Source = Box<dyn std::error::Error + Send + Sync>;

/// After how many seconds a client may try again.
const RETRY_AFTER: u32 = 1;

impl Fault {
    /// Another transaction was faster.
    pub(crate) fn late() -> Self {
        Self::Conflict("what was read has changed meanwhile".into())
    }

    pub(crate) fn broken(reason: &str) -> Self {
        Self::Broken(reason.into())
    }

    /// The error for the client; `unique` is the attribute whose values must differ.
    pub(crate) fn into_error(self, unique: Option<&str>) -> Error {
        match self {
            Self::Unavailable(source) | Self::Lost(source) | Self::Conflict(source) => {
                Error::unavailable(RETRY_AFTER).with_source(source)
            }
            Self::Taken(attribute) => Error::uniqueness(attribute.as_deref().or(unique).unwrap_or("id")),
            Self::Value => Error::of(
                scim_core::schema::ScimType::InvalidValue,
                "a value is too long or has a character that cannot be stored",
            ),
            Self::Refused(error) => error,
            Self::Broken(source) => Error::internal(source),
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<scim_sql::Error> for Fault {
    fn from(error: scim_sql::Error) -> Self {
        Self::Refused(Error::invalid_filter(error.to_string()))
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::Broken(error.into())
    }
}

impl From<scim_sql::InvalidMapping> for Fault {
    fn from(error: scim_sql::InvalidMapping) -> Self {
        Self::Broken(error.into())
    }
}
