//! How a call of the store can fail, and what a client is told.

use scim_core::Error;
use scim_core::schema::ScimType;

use crate::database::{DatabaseError, Source};

/// How a call can fail, as far as the store treats the failures differently.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The database does not answer now: it is busy, out of connections, read-only or too slow.
    Unavailable(Source),
    /// Another transaction got in the way; the same call may succeed if it is run again.
    Conflict(Source),
    /// Another resource has the value of this attribute; of the unique name if `None`.
    Taken(Option<String>),
    /// The database cannot hold a value.
    Value,
    /// The request is at fault, not the database.
    Refused(Error),
    /// Anything else, which is a bug or a broken database.
    Broken(Source),
}

/// After how many seconds a client may try again.
const RETRY_AFTER: u32 = 1;

impl Fault {
    pub(crate) fn broken(reason: &str) -> Self {
        Self::Broken(reason.into())
    }

    /// The error for the client; `unique` is the attribute with the unique name.
    pub(crate) fn into_error(self, unique: Option<&str>) -> Error {
        match self {
            Self::Unavailable(source) | Self::Conflict(source) => {
                Error::unavailable(RETRY_AFTER).with_source(source)
            }
            Self::Taken(attribute) => Error::uniqueness(attribute.as_deref().or(unique).unwrap_or("id")),
            Self::Value => Error::from_scim_type(
                ScimType::InvalidValue,
                "a value is too long or has a character that cannot be stored",
            ),
            Self::Refused(error) => error,
            Self::Broken(source) => Error::internal(source),
        }
    }
}

impl From<DatabaseError> for Fault {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Unavailable(source) | DatabaseError::CommitUnknown(source) => {
                Self::Unavailable(source)
            }
            DatabaseError::Conflict(source) => Self::Conflict(source),
            DatabaseError::UniqueViolation { constraint, source } => match is_unique_value(&constraint) {
                true => Self::Taken(None),
                false => Self::Broken(source),
            },
            // A rewrite sets the version to NULL if it is not the one that was read.
            DatabaseError::NotNullViolation { column, source } => match column.as_str() {
                "version" => Self::Conflict(source),
                _ => Self::Broken(source),
            },
            DatabaseError::InvalidValue(_) => Self::Value,
            DatabaseError::Unexpected(source) => Self::Broken(source),
        }
    }
}

/// Whether a constraint is about values that clients choose: the unique name and the table `unique_value`.
fn is_unique_value(constraint: &str) -> bool {
    // By PostgreSQL's names of the constraints, and by SQLite's columns.
    matches!(constraint, "resource_unique_name" | "unique_value_pkey")
        || constraint.contains("resource.unique_name")
        || constraint.contains("unique_value.")
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

#[cfg(test)]
mod tests {
    use super::*;

    fn unique(constraint: &str) -> Fault {
        DatabaseError::UniqueViolation { constraint: constraint.to_owned(), source: "".into() }.into()
    }

    #[test]
    fn only_values_that_clients_choose_are_taken() {
        for constraint in [
            "resource.tenant, resource.kind, resource.unique_name",
            "unique_value.tenant, unique_value.kind, unique_value.attribute, unique_value.value",
            "resource_unique_name",
            "unique_value_pkey",
        ] {
            assert!(matches!(unique(constraint), Fault::Taken(None)), "{constraint}");
        }
        for constraint in ["resource.tenant, resource.id", "resource_id", "value_pkey", ""] {
            assert!(matches!(unique(constraint), Fault::Broken(_)), "{constraint}");
        }
    }

    #[test]
    fn another_version_is_a_conflict() {
        let refused = |column: &str| -> Fault {
            DatabaseError::NotNullViolation { column: column.to_owned(), source: "".into() }.into()
        };
        assert!(matches!(refused("version"), Fault::Conflict(_)));
        assert!(matches!(refused("document"), Fault::Broken(_)));
    }
}
