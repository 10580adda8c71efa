//! Sorts the errors of SQLite into the cases of [`DatabaseError`].

use rusqlite::ErrorCode;

use super::super::error::DatabaseError;

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => constraint_violation(error),
            Some(ErrorCode::TooBig) => Self::InvalidValue(error.into()),
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::ReadOnly
                | ErrorCode::DiskFull
                | ErrorCode::CannotOpen
                | ErrorCode::OperationInterrupted,
            ) => Self::Unavailable(error.into()),
            _ => Self::Unexpected(error.into()),
        }
    }
}

/// Finds the violated constraint, which SQLite names only in the text of the error.
fn constraint_violation(error: rusqlite::Error) -> DatabaseError {
    let text = error.to_string();
    if let Some(columns) = text.strip_prefix("UNIQUE constraint failed: ") {
        return DatabaseError::UniqueViolation { constraint: columns.to_owned(), source: error.into() };
    }
    if text.starts_with("FOREIGN KEY constraint failed") {
        return DatabaseError::ForeignKeyViolation { constraint: String::new(), source: error.into() };
    }
    if text.starts_with("CHECK constraint failed") {
        return DatabaseError::InvalidValue(error.into());
    }
    match text.strip_prefix("NOT NULL constraint failed: ").and_then(|column| column.rsplit_once('.')) {
        Some((_, column)) => {
            DatabaseError::NotNullViolation { column: column.to_owned(), source: error.into() }
        }
        None => DatabaseError::Unexpected(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    fn convert(code: i32, text: &str) -> DatabaseError {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some(text.to_owned())).into()
    }

    #[test]
    fn only_errors_that_may_go_away_are_unavailable() {
        for code in [
            ffi::SQLITE_BUSY_SNAPSHOT,
            ffi::SQLITE_LOCKED,
            ffi::SQLITE_READONLY_DBMOVED,
            ffi::SQLITE_FULL,
            ffi::SQLITE_CANTOPEN,
            ffi::SQLITE_INTERRUPT,
        ] {
            assert!(matches!(convert(code, ""), DatabaseError::Unavailable(_)), "{code}");
        }
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB, ffi::SQLITE_ERROR, ffi::SQLITE_CONSTRAINT_CHECK]
        {
            assert!(matches!(convert(code, ""), DatabaseError::Unexpected(_)), "{code}");
        }
        assert!(matches!(convert(ffi::SQLITE_TOOBIG, ""), DatabaseError::InvalidValue(_)));
    }

    #[test]
    fn violations_name_the_columns() {
        let text = "NOT NULL constraint failed: resource.version";
        let error = convert(ffi::SQLITE_CONSTRAINT_NOTNULL, text);
        assert!(matches!(error, DatabaseError::NotNullViolation { column, .. } if column == "version"));
        let text = "UNIQUE constraint failed: resource.tenant, resource.id";
        for code in [ffi::SQLITE_CONSTRAINT_UNIQUE, ffi::SQLITE_CONSTRAINT_PRIMARYKEY] {
            let DatabaseError::UniqueViolation { constraint, .. } = convert(code, text) else {
                panic!("{code}");
            };
            assert_eq!(constraint, "resource.tenant, resource.id");
        }
    }
}
