//! Sorts the errors of PostgreSQL into the cases of [`DatabaseError`].

use std::error::Error;
use std::num::TryFromIntError;

use tokio_postgres::error::SqlState;

use super::super::error::DatabaseError;

/// The classes of SQLSTATE codes that mean that the server is not available: connection exceptions, insufficient
/// resources, operator intervention and system errors.
const UNAVAILABLE: [&str; 4] = ["08", "53", "57", "58"];

impl From<tokio_postgres::Error> for DatabaseError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(reported) = error.as_db_error() else {
            let source = error.source();
            // An integer that does not fit into the column; the driver refuses it before the server sees it.
            if source.is_some_and(|source| source.is::<TryFromIntError>()) {
                return Self::InvalidValue(error.into());
            }
            let is_io = source.is_some_and(|source| source.is::<std::io::Error>());
            return match error.is_closed() || is_io {
                true => Self::Unavailable(error.into()),
                false => Self::Unexpected(error.into()),
            };
        };
        match *reported.code() {
            SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => {
                Self::Conflict(error.into())
            }
            SqlState::UNIQUE_VIOLATION => {
                let constraint = reported.constraint().unwrap_or_default().to_owned();
                Self::UniqueViolation { constraint, source: error.into() }
            }
            SqlState::NOT_NULL_VIOLATION => {
                let column = reported.column().unwrap_or_default().to_owned();
                Self::NotNullViolation { column, source: error.into() }
            }
            SqlState::FOREIGN_KEY_VIOLATION => {
                let constraint = reported.constraint().unwrap_or_default().to_owned();
                Self::ForeignKeyViolation { constraint, source: error.into() }
            }
            SqlState::PROGRAM_LIMIT_EXCEEDED
            | SqlState::CHECK_VIOLATION
            | SqlState::NUMERIC_VALUE_OUT_OF_RANGE
            | SqlState::CHARACTER_NOT_IN_REPERTOIRE
            | SqlState::UNTRANSLATABLE_CHARACTER
            | SqlState::STRING_DATA_RIGHT_TRUNCATION => Self::InvalidValue(error.into()),
            SqlState::QUERY_CANCELED
            | SqlState::LOCK_NOT_AVAILABLE
            | SqlState::READ_ONLY_SQL_TRANSACTION
            | SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT => Self::Unavailable(error.into()),
            ref code if UNAVAILABLE.iter().any(|class| code.code().starts_with(class)) => {
                Self::Unavailable(error.into())
            }
            _ => Self::Unexpected(error.into()),
        }
    }
}
