//! Sorts the errors that a PostgreSQL server reports into the cases of [`DatabaseError`].

use super::super::error::{DatabaseError, Source};

/// The classes of SQLSTATE codes that mean that the server is not available: connection exceptions, insufficient
/// resources, operator intervention and system errors.
const UNAVAILABLE: [&str; 4] = ["08", "53", "57", "58"];

/// An error that the server reported.
#[derive(Debug)]
pub(crate) struct ServerError {
    /// The SQLSTATE.
    pub(crate) code: String,
    pub(crate) constraint: Option<String>,
    pub(crate) column: Option<String>,
}

impl ServerError {
    /// The case of this error. `source` is the error of the driver.
    pub(crate) fn into_database_error(self, source: Source) -> DatabaseError {
        let Self { code, constraint, column } = self;
        let constraint = constraint.unwrap_or_default();
        match code.as_str() {
            // serialization_failure, deadlock_detected
            "40001" | "40P01" => DatabaseError::Conflict(source),
            // unique_violation
            "23505" => DatabaseError::UniqueViolation { constraint, source },
            // not_null_violation
            "23502" => DatabaseError::NotNullViolation { column: column.unwrap_or_default(), source },
            // foreign_key_violation
            "23503" => DatabaseError::ForeignKeyViolation { constraint, source },
            // program_limit_exceeded, check_violation, numeric_value_out_of_range, character_not_in_repertoire,
            // untranslatable_character, string_data_right_truncation, and invalid_text_representation, which is a text
            // that is no label of an enum
            "54000" | "23514" | "22003" | "22021" | "22P05" | "22001" | "22P02" => {
                DatabaseError::InvalidValue(source)
            }
            // lock_not_available, read_only_sql_transaction, idle_in_transaction_session_timeout
            "55P03" | "25006" | "25P03" => DatabaseError::Unavailable(source),
            code if UNAVAILABLE.iter().any(|class| code.starts_with(class)) => {
                DatabaseError::Unavailable(source)
            }
            _ => DatabaseError::Unexpected(source),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(code: &str) -> DatabaseError {
        let error = ServerError {
            code: code.to_owned(),
            constraint: Some("people_login_key".to_owned()),
            column: Some("login".to_owned()),
        };
        error.into_database_error("error".into())
    }

    #[test]
    fn violations_name_the_constraint_or_the_column() {
        let unique = sorted("23505");
        let DatabaseError::UniqueViolation { constraint, .. } = unique else { panic!("{unique:?}") };
        assert_eq!(constraint, "people_login_key");
        let not_null = sorted("23502");
        let DatabaseError::NotNullViolation { column, .. } = not_null else { panic!("{not_null:?}") };
        assert_eq!(column, "login");
        assert!(matches!(sorted("23503"), DatabaseError::ForeignKeyViolation { .. }));
    }

    #[test]
    fn each_code_is_in_its_case() {
        for code in ["40001", "40P01"] {
            assert!(matches!(sorted(code), DatabaseError::Conflict(_)), "{code}");
        }
        for code in ["54000", "23514", "22003", "22021", "22P05", "22001", "22P02"] {
            assert!(matches!(sorted(code), DatabaseError::InvalidValue(_)), "{code}");
        }
        for code in ["08006", "53300", "57014", "57P01", "58000", "55P03", "25006", "25P03"] {
            assert!(matches!(sorted(code), DatabaseError::Unavailable(_)), "{code}");
        }
        for code in ["42P01", "42601", "XX000", "22012", ""] {
            assert!(matches!(sorted(code), DatabaseError::Unexpected(_)), "{code}");
        }
    }
}
