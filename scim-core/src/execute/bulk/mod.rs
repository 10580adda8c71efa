//! Bulk requests (RFC 7644 section 3.7): many operations in one request, which may refer to the resources that
//! others of them create.

mod plan;
mod references;
mod run;

use std::collections::HashSet;

use serde_json::value::RawValue;

use crate::execute::execution::RequestScope;
use crate::operation::BulkRequest;
use crate::outcome::OperationResult;
use crate::parse::{BulkOperation, may_refer};
use run::BulkRun;

/// Executes the operations, each as if it had come alone. The results are in the order of the request.
pub(super) async fn run(scope: RequestScope<'_>, request: BulkRequest) -> Vec<OperationResult> {
    let mut run = BulkRun::new(scope, request.operations.len());
    let mut bulk_ids = HashSet::new();
    let mut parse =
        |(index, raw): (usize, Box<RawValue>)| BulkOperation::parse(index, &raw, scope.setup, &mut bulk_ids);
    let has_references = request.operations.iter().any(|raw| may_refer(raw.get()));
    let operations = request.operations.into_iter().enumerate();
    if !has_references {
        // Without references the order is known, so each operation is parsed just before it is executed, and
        // only one is in memory at a time.
        for (index, raw) in operations {
            run.execute(index, parse((index, raw)), HashSet::new()).await;
            if run.errors() >= request.fail_on_errors {
                break;
            }
        }
        return run.finish().await;
    }
    let mut operations: Vec<Option<BulkOperation>> =
        operations.map(|operation| Some(parse(operation))).collect();
    for planned in plan::plan(scope.setup, scope.base_url, operations.iter_mut().flatten()) {
        if let Some(operation) = operations.get_mut(planned.index).and_then(Option::take) {
            run.execute(planned.index, operation, planned.left_out).await;
        }
        if run.errors() >= request.fail_on_errors {
            break;
        }
    }
    run.finish().await
}
