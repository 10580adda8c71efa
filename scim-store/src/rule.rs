//! What the rules of an application have in common: they run statements in the transaction of the store.

use scim_core::{Error, Result};

use crate::database::{DatabaseError, Param, Rows, Statement, Transaction};

/// The transaction as a rule uses it.
pub(crate) struct RuleTransaction<'t> {
    pub(crate) inner: &'t mut dyn Transaction,
    /// Whether a statement of the rule conflicted with another transaction, so that the write is run again.
    has_conflict: bool,
}

impl<'t> RuleTransaction<'t> {
    pub(crate) fn new(inner: &'t mut dyn Transaction) -> Self {
        Self { inner, has_conflict: false }
    }

    pub(crate) async fn query(&mut self, sql: &str, params: impl IntoIterator<Item = Param>) -> Result<Rows> {
        let statement = Statement::new(sql.to_owned(), params);
        let rows = self.inner.query(vec![statement]).await.map_err(|error| self.error(error))?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    pub(crate) async fn execute(
        &mut self,
        sql: &str,
        params: impl IntoIterator<Item = Param>,
    ) -> Result<u64> {
        let statement = Statement::new(sql.to_owned(), params);
        let changed = self.inner.execute(vec![statement]).await.map_err(|error| self.error(error))?;
        Ok(changed.into_iter().next().unwrap_or_default())
    }

    /// The error that the rule sees.
    pub(crate) fn error(&mut self, error: DatabaseError) -> Error {
        match error {
            DatabaseError::Conflict(source) => {
                self.has_conflict = true;
                Error::unavailable(1).with_source(source)
            }
            DatabaseError::Unavailable(source) | DatabaseError::CommitUnknown(source) => {
                Error::unavailable(1).with_source(source)
            }
            error => Error::internal(error),
        }
    }

    /// The result of the rule. After a conflict the transaction cannot go on, even if the rule has ignored the error.
    pub(crate) fn finish<T, E: From<DatabaseError> + From<Error>>(
        self,
        result: Result<T>,
    ) -> std::result::Result<T, E> {
        if self.has_conflict {
            let ignored = || "a statement of the rule conflicted with another transaction".into();
            return Err(DatabaseError::Conflict(result.map_or_else(Into::into, |_| ignored())).into());
        }
        Ok(result?)
    }
}
