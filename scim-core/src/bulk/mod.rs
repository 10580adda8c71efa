//! Bulk requests (RFC 7644 section 3.7): many operations in one, which may refer to what others of
//! them create.

mod part;
mod plan;
mod references;
mod run;

use std::collections::HashSet;
use std::sync::Arc;

use http::Extensions;
use scim_filter::Budget;
use scim_schema::internal::read_message;
use scim_schema::{Quirk, Reading, ScimType};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::{Error, Result, ScimService, json};
use part::Part;
use run::Run;

/// The URI of the BulkRequest message schema.
const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// A bulk request whose operations are still as they came: each is read when its turn comes.
#[derive(Debug)]
pub(crate) struct Job {
    operations: Vec<Box<RawValue>>,
    fail_on_errors: usize,
}

/// What came of one operation (RFC 7644 section 3.7.3).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Done {
    method: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    bulk_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Error>,
}

impl Job {
    /// Reads the message, but none of its operations.
    pub(crate) fn read(body: &[u8], max_operations: usize, reading: &mut Reading<'_>) -> Result<Self> {
        let json::Message { members, list: operations } = json::message(body, "Operations")?;
        if !members.keys().any(|name| name.eq_ignore_ascii_case("Operations")) {
            return Err(Error::invalid_syntax("`Operations` is required and must be an array"));
        }
        let members = Value::Object(members);
        let mut message =
            read_message(members, Some(BULK_REQUEST), &["Operations", "failOnErrors"], reading)?;
        if operations.len() > max_operations {
            return Err(Error::too_large(format!("more than {max_operations} operations (maxOperations)")));
        }
        let fail_on_errors = match message.remove("failOnErrors") {
            None | Some(Value::Null) => usize::MAX,
            Some(Value::Number(number)) if number.is_i64() || number.is_u64() => {
                // Less than one error would mean not to begin.
                match number.as_u64().map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)) {
                    Some(limit) if limit > 0 => limit,
                    _ if reading.tolerates(Quirk::NoErrorLimit, "failOnErrors") => usize::MAX,
                    _ => {
                        let detail = "`failOnErrors` must be 1 or more; leave it out for no limit";
                        return Err(Error::of(ScimType::InvalidValue, detail));
                    }
                }
            }
            Some(_) => {
                return Err(Error::of(ScimType::InvalidValue, "`failOnErrors` must be a whole number"));
            }
        };
        Ok(Self { operations, fail_on_errors })
    }

    /// Runs the operations, each as if it had come alone; the answers are in the order of the request.
    pub(crate) async fn run(
        self,
        service: &ScimService,
        base: &str,
        extensions: &Extensions,
        budget: &Arc<Budget>,
    ) -> Vec<Done> {
        let mut run = Run::new(service, base, extensions, budget, self.operations.len());
        let mut seen = HashSet::new();
        let mut read = |(index, raw): (usize, Box<RawValue>)| Part::read(index, &raw, service, &mut seen);
        let refer = self.operations.iter().any(|raw| references::may_be_in(raw.get()));
        let operations = self.operations.into_iter().enumerate();
        if !refer {
            // Where nothing refers to anything, each is read when its turn comes and not kept.
            for operation in operations {
                run.part(operation.0, read(operation), HashSet::new()).await;
                if run.errors() >= self.fail_on_errors {
                    break;
                }
            }
            return run.finish().await;
        }
        let mut parts: Vec<Option<Part>> = operations.map(|operation| Some(read(operation))).collect();
        for step in plan::of(service, base, parts.iter_mut().flatten()) {
            if let Some(part) = parts.get_mut(step.index).and_then(Option::take) {
                run.part(step.index, part, step.left_out).await;
            }
            if run.errors() >= self.fail_on_errors {
                break;
            }
        }
        run.finish().await
    }
}
