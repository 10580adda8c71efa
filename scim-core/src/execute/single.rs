//! Executes one operation, alone or as a part of a bulk request.

use super::execution::Execution;
use crate::operation::OperationKind;
use crate::outcome::Answer;
use crate::{Error, Result};

impl Execution<'_> {
    pub(super) async fn run(self, operation: OperationKind) -> Result<Answer> {
        let (scope, noted) = (self.scope, self.noted.clone());
        let answer = self.answer(operation).await;
        scope.report(&noted);
        answer
    }

    async fn answer(self, operation: OperationKind) -> Result<Answer> {
        match operation {
            OperationKind::Search(search) => self.search(search).await,
            OperationKind::Create(create) => self.create(*create).await,
            OperationKind::Retrieve { type_index, id, projection, precondition } => {
                self.retrieve(type_index, &id, projection, &precondition).await
            }
            OperationKind::Update(update) => self.update(*update).await,
            OperationKind::Delete { type_index, id, precondition } => {
                self.delete(type_index, &id, &precondition).await
            }
            OperationKind::Discover { documents, precondition } => {
                let version = documents.version(&self.setup().discovery);
                let is_known = precondition.is_known(&version);
                Ok(if is_known { Answer::NotModified { version } } else { Answer::Documents(documents) })
            }
            OperationKind::Redirect(location) => Ok(Answer::Redirect(location)),
            OperationKind::Bulk(_) => Err(Error::invalid_syntax("a bulk request cannot be part of another")),
        }
    }
}
