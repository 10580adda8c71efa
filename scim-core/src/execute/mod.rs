//! Executing: from an [`Operation`] to an [`Outcome`], with the calls of the providers.

mod adoption;
mod bulk;
mod execution;
mod resource;
mod search;
mod single;

use std::sync::Arc;

use http::Extensions;
use scim_filter::Budget;

use crate::noted_quirks::NotedQuirks;
use crate::operation::OperationKind;
use crate::outcome::Answer;
use crate::setup::Setup;
use crate::{Operation, Outcome, Result};
use adoption::CreatedIds;
use execution::{Execution, RequestScope};

/// Executes an operation, with one call of a provider for each resource type.
pub(crate) async fn execute(setup: &Setup, operation: Operation, extensions: &Extensions) -> Result<Outcome> {
    setup.admit(extensions, operation.is_discovery())?;
    let base_url = setup.base_url(extensions);
    let budget = Arc::new(Budget::new(setup.config.max_work));
    let created = CreatedIds::default();
    let noted = NotedQuirks::default();
    let scope =
        RequestScope { setup, base_url, extensions, budget: &budget, created: &created, noted: &noted };
    let answer = match operation.kind {
        OperationKind::Bulk(request) => Answer::Bulk(bulk::run(scope, request).await),
        kind => Execution::new(scope, operation.tolerated).run(kind).await?,
    };
    Ok(Outcome { answer, base_url: base_url.to_owned(), tolerated: noted.all() })
}
