//! Sorts the errors of `tokio-postgres` into the cases of [`DatabaseError`].

use std::error::Error;

use super::super::error::DatabaseError;
use super::super::postgres_common::sqlstate::ServerError;
use super::super::postgres_common::values::ValueError;

impl From<tokio_postgres::Error> for DatabaseError {
    fn from(error: tokio_postgres::Error) -> Self {
        if let Some(reported) = error.as_db_error() {
            let reported = ServerError {
                code: reported.code().code().to_owned(),
                constraint: reported.constraint().map(str::to_owned),
                column: reported.column().map(str::to_owned),
            };
            return reported.into_database_error(error.into());
        }
        let source = error.source();
        let is_io = source.is_some_and(|source| source.is::<std::io::Error>());
        match source.and_then(|source| source.downcast_ref()) {
            Some(ValueError::DoesNotFit(_)) => Self::InvalidValue(error.into()),
            _ if error.is_closed() || is_io => Self::Unavailable(error.into()),
            _ => Self::Unexpected(error.into()),
        }
    }
}
