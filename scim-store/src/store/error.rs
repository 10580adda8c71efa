//! Errors of the store, and the errors that clients see for them.

use scim_core::Error;
use scim_core::schema::ScimType;

use crate::database::{DatabaseError, Source};

/// An error of the store. The variants are the cases that the store treats differently.
#[derive(Debug)]
pub(crate) enum StoreError {
    /// The database does not answer at the moment: it is busy, out of connections, read-only or too slow.
    Unavailable(Source),
    /// Another transaction interfered; the same write may succeed if it is run again.
    Conflict(Source),
    /// Another resource has the same value of this unique attribute. `None` means the attribute in `unique_name`.
    NotUnique(Option<String>),
    /// The database cannot store a value.
    InvalidValue,
    /// The request is wrong; the client sees this error.
    Refused(Error),
    /// Any other error: a bug, or a damaged database.
    Internal(Source),
}

/// The number of seconds after which a client may try again.
const RETRY_AFTER: u32 = 1;

impl StoreError {
    pub(crate) fn internal(reason: &str) -> Self {
        Self::Internal(reason.into())
    }

    /// The error for the client. `unique_name` is the path of the attribute in the column `unique_name`.
    pub(crate) fn into_error(self, unique_name: Option<&str>) -> Error {
        match self {
            Self::Unavailable(source) | Self::Conflict(source) => {
                Error::unavailable(RETRY_AFTER).with_source(source)
            }
            Self::NotUnique(attribute) => {
                Error::uniqueness(attribute.as_deref().or(unique_name).unwrap_or("id"))
            }
            Self::InvalidValue => Error::from_scim_type(
                ScimType::InvalidValue,
                "a value is too long or contains a character that cannot be stored",
            ),
            Self::Refused(error) => error,
            Self::Internal(source) => Error::internal(source),
        }
    }
}

impl From<DatabaseError> for StoreError {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Unavailable(source) | DatabaseError::CommitUnknown(source) => {
                Self::Unavailable(source)
            }
            DatabaseError::Conflict(source) => Self::Conflict(source),
            DatabaseError::UniqueViolation { constraint, source } => match is_unique_value(&constraint) {
                true => Self::NotUnique(None),
                false => Self::Internal(source),
            },
            // The statement that updates a resource sets the version to NULL if another version is stored than the one
            // that was read.
            DatabaseError::NotNullViolation { column, source } => match column.as_str() {
                "version" => Self::Conflict(source),
                _ => Self::Internal(source),
            },
            DatabaseError::InvalidValue(_) => Self::InvalidValue,
            DatabaseError::ForeignKeyViolation { source, .. } | DatabaseError::Unexpected(source) => {
                Self::Internal(source)
            }
        }
    }
}

/// Whether a constraint is about values that clients choose: those of `unique_name` and of the table
/// `unique_value`. All others, such as ids, are chosen by the store, so that a violation is a bug.
fn is_unique_value(constraint: &str) -> bool {
    // PostgreSQL reports the name of the constraint, SQLite its columns.
    matches!(constraint, "resource_unique_name" | "unique_value_pkey")
        || constraint.contains("resource.unique_name")
        || constraint.contains("unique_value.")
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<scim_sql::Error> for StoreError {
    fn from(error: scim_sql::Error) -> Self {
        Self::Refused(Error::invalid_filter(error.to_string()))
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(error.into())
    }
}

impl From<scim_sql::InvalidMapping> for StoreError {
    fn from(error: scim_sql::InvalidMapping) -> Self {
        Self::Internal(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unique(constraint: &str) -> StoreError {
        DatabaseError::UniqueViolation { constraint: constraint.to_owned(), source: "".into() }.into()
    }

    #[test]
    fn only_constraints_on_values_that_clients_choose_are_uniqueness_errors() {
        for constraint in [
            "resource.tenant, resource.kind, resource.unique_name",
            "unique_value.tenant, unique_value.kind, unique_value.attribute, unique_value.value",
            "resource_unique_name",
            "unique_value_pkey",
        ] {
            assert!(matches!(unique(constraint), StoreError::NotUnique(None)), "{constraint}");
        }
        for constraint in ["resource.tenant, resource.id", "resource_id", "value_pkey", ""] {
            assert!(matches!(unique(constraint), StoreError::Internal(_)), "{constraint}");
        }
    }

    #[test]
    fn null_in_the_version_is_a_conflict() {
        let refused = |column: &str| -> StoreError {
            DatabaseError::NotNullViolation { column: column.to_owned(), source: "".into() }.into()
        };
        assert!(matches!(refused("version"), StoreError::Conflict(_)));
        assert!(matches!(refused("document"), StoreError::Internal(_)));
    }
}
