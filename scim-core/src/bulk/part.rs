//! One operation of a bulk request, as it came.

use std::collections::HashSet;

use http::StatusCode;
use scim_schema::Reading;
use scim_schema::internal::read_message;
use serde_json::Value;
use serde_json::value::RawValue;

use super::references;
use crate::error::shortened;
use crate::route::Route;
use crate::{ETag, Error, Precondition, Result, ScimService, json};

/// One operation.
#[derive(Debug)]
pub(super) struct Part {
    /// In upper case.
    pub(super) method: String,
    pub(super) path: String,
    pub(super) bulk_id: Option<String>,
    version: Option<String>,
    pub(super) data: Option<Value>,
    /// Whether there may be a reference in it: most have none, and need not be looked through.
    pub(super) may_refer: bool,
    /// What is wrong with it without looking further.
    pub(super) refused: Option<Error>,
}

impl Part {
    /// Reads an operation; what is wrong with it is kept for its answer.
    pub(super) fn read(
        index: usize,
        raw: &RawValue,
        service: &ScimService,
        seen: &mut HashSet<String>,
    ) -> Self {
        let mut reading = Reading::new(&service.config().tolerance);
        reading.at_operation(Some(index));
        let text = raw.get();
        let mut part = Self {
            method: String::new(),
            path: String::new(),
            bulk_id: None,
            version: None,
            data: None,
            may_refer: references::may_be_in(text),
            refused: None,
        };
        let read = json::parse(text.as_bytes()).and_then(|operation| part.fill(operation, &mut reading));
        part.refused = read.and_then(|()| part.check()).err();
        if let Some(bulk_id) = &part.bulk_id
            && !seen.insert(bulk_id.clone())
        {
            part.refused = Some(Error::invalid_syntax("the `bulkId` is there twice"));
        }
        part
    }

    fn fill(&mut self, operation: Value, reading: &mut Reading<'_>) -> Result<()> {
        let members = ["method", "bulkId", "version", "path", "data"];
        if !operation.is_object() {
            let detail = "an operation must be a JSON object, with `method`, `path` and `data`";
            return Err(Error::invalid_syntax(detail));
        }
        let mut operation = read_message(operation, None, &members, reading)?;
        let mut text = |name: &str| match operation.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Error::invalid_syntax(format!("`{name}` must be a string"))),
        };
        // In the order in which they are needed to tell what was refused.
        self.method = shortened(&text("method")?.unwrap_or_default().to_ascii_uppercase());
        self.bulk_id = text("bulkId")?.filter(|id| !id.is_empty());
        self.path = text("path")?.unwrap_or_default();
        self.version = text("version")?;
        self.data = operation.remove("data").filter(|data| !data.is_null());
        Ok(())
    }

    fn check(&self) -> Result<()> {
        if !["POST", "PUT", "PATCH", "DELETE"].contains(&self.method.as_str()) {
            return Err(Error::invalid_syntax("`method` must be POST, PUT, PATCH or DELETE"));
        }
        let relative = self.path.starts_with('/') && !self.path.contains("..") && !self.path.contains("//");
        if !relative || self.path.contains(['?', '#']) {
            return Err(Error::invalid_syntax("`path` must be relative to the base URL, such as `/Users`"));
        }
        if self.method == "POST" && self.bulk_id.is_none() {
            return Err(Error::invalid_syntax("a POST needs a `bulkId`"));
        }
        if self.method != "DELETE" && self.data.is_none() {
            return Err(Error::invalid_syntax("the operation needs `data`"));
        }
        Ok(())
    }

    pub(super) fn is_post(&self) -> bool {
        self.method == "POST"
    }

    /// The endpoint, once no `bulkId:` is left in the path.
    pub(super) fn route(&self, service: &ScimService, base: &str) -> Result<Route> {
        let route = Route::find(service, base, &self.path)?;
        match (&route, self.is_post()) {
            (Route::Collection(_), true) | (Route::Resource(..), false) => Ok(route),
            (Route::Collection(_) | Route::Resource(..), _) => Err(Error::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "POST goes to a collection, all else to a resource",
            )),
            _ => Err(Error::invalid_syntax("the endpoint cannot be part of a bulk request")),
        }
    }

    /// The version that the operation depends on.
    pub(super) fn precondition(&self) -> Precondition {
        let version = self.version.as_deref().map(ETag::from_stored);
        version.map_or(Precondition::NONE, Precondition::matches)
    }
}
