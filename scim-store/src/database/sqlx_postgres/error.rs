//! Sorts the errors of `sqlx` into the cases of [`DatabaseError`].

use sqlx::Error;
use sqlx::postgres::PgDatabaseError;

use super::super::error::DatabaseError;
use super::super::postgres_common::sqlstate::ServerError;

impl From<Error> for DatabaseError {
    fn from(error: Error) -> Self {
        let reported = error.as_database_error().and_then(|reported| reported.try_downcast_ref());
        if let Some(reported) = reported.map(server_error) {
            return reported.into_database_error(error.into());
        }
        match error {
            // `sqlx` reports a closed connection as an I/O error.
            Error::Io(_) | Error::Tls(_) | Error::PoolTimedOut | Error::PoolClosed | Error::WorkerCrashed => {
                Self::Unavailable(error.into())
            }
            _ => Self::Unexpected(error.into()),
        }
    }
}

fn server_error(reported: &PgDatabaseError) -> ServerError {
    ServerError {
        code: reported.code().to_owned(),
        constraint: reported.constraint().map(str::to_owned),
        column: reported.column().map(str::to_owned),
    }
}
