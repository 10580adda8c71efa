//! Errors of a table store, and the errors that clients see for them.

use http::StatusCode;
use scim_core::Error;
use scim_core::schema::ScimType;

use super::layout::{FieldWrite, Layout};
use crate::database::DatabaseError;

/// The number of seconds after which a client may try again.
const RETRY_AFTER: u32 = 1;

/// An error of a table store.
#[derive(Debug)]
pub(crate) enum TableError {
    Database(DatabaseError),
    /// The request is wrong; the client sees this error.
    Refused(Error),
}

impl From<DatabaseError> for TableError {
    fn from(error: DatabaseError) -> Self {
        Self::Database(error)
    }
}

impl From<Error> for TableError {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<scim_sql::Error> for TableError {
    fn from(error: scim_sql::Error) -> Self {
        Self::Refused(Error::invalid_filter(error.to_string()))
    }
}

impl TableError {
    /// Whether the same write may succeed if it is run again.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self, Self::Database(DatabaseError::Conflict(_)))
    }

    /// The error for the client.
    pub(crate) fn into_error(self, layout: &Layout) -> Error {
        let error = match self {
            Self::Refused(error) => return error,
            Self::Database(error) => error,
        };
        match error {
            DatabaseError::Unavailable(source)
            | DatabaseError::CommitUnknown(source)
            | DatabaseError::Conflict(source) => Error::unavailable(RETRY_AFTER).with_source(source),
            DatabaseError::UniqueViolation { constraint, source } => {
                not_unique(layout, &constraint).with_source(source)
            }
            DatabaseError::NotNullViolation { column, source } => {
                let error = match attribute_of(layout, &column) {
                    Some(path) => Error::invalid_value(&path, "is required by the application"),
                    None => Error::from_scim_type(
                        ScimType::InvalidValue,
                        "the application requires a value that SCIM does not have",
                    ),
                };
                error.with_source(source)
            }
            DatabaseError::ForeignKeyViolation { source, .. } => {
                let detail = "other data of the application refers to the resource, or the resource to data that does \
                              not exist";
                Error::new(StatusCode::CONFLICT, detail).with_source(source)
            }
            DatabaseError::InvalidValue(source) => {
                let detail = "the application refuses a value: it is too long, out of range, or contains a character \
                              that cannot be stored";
                Error::from_scim_type(ScimType::InvalidValue, detail).with_source(source)
            }
            DatabaseError::Unexpected(source) => Error::internal(source),
        }
    }
}

/// The error for a unique index that refused a row. SQLite reports `index 'name'`, or the columns, or, for the primary
/// key, its column; PostgreSQL the name of the index.
fn not_unique(layout: &Layout, constraint: &str) -> Error {
    let is_reported = |name: &String| {
        constraint == name
            || constraint == format!("index '{name}'")
            || constraint.split(", ").any(|column| column.eq_ignore_ascii_case(name))
    };
    let found = layout.unique.iter().find(|unique| unique.reported_as.iter().any(is_reported));
    match found {
        Some(unique) => Error::uniqueness(unique.attribute.path().as_str()),
        None => Error::from_scim_type(
            ScimType::Uniqueness,
            "another resource has a value that must be unique in the application",
        ),
    }
}

/// The path of the attribute in a column.
fn attribute_of(layout: &Layout, column: &str) -> Option<String> {
    let quoted = super::sql::quote(column);
    let field = layout.fields.iter().find(|field| match &field.write {
        Some(FieldWrite::Value { column, .. }) => *column == quoted,
        Some(FieldWrite::NullWhileTrue(time)) => time.column == quoted,
        None => false,
    })?;
    Some(field.target.attribute().path().as_str().to_owned())
}
