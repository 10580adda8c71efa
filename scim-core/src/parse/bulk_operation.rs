//! Parses one operation of a bulk request.

use std::collections::HashSet;

use http::StatusCode;
use scim_schema::ReadContext;
use scim_schema::internal::canonicalize_message;
use serde_json::Value;
use serde_json::value::RawValue;

use super::json;
use super::route::Route;
use crate::error::shortened;
use crate::setup::Setup;
use crate::type_index::TypeIndex;
use crate::{Action, ETag, Error, Precondition, Result};

/// How a reference to the result of another operation begins (RFC 7644 section 3.7.2).
pub(crate) const BULK_ID_PREFIX: &str = "bulkId:";

/// One operation of a bulk request. Its `data` is parsed further when the operation is executed.
#[derive(Debug)]
pub(crate) struct BulkOperation {
    /// In upper case.
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) bulk_id: Option<String>,
    version: Option<String>,
    pub(crate) data: Option<Value>,
    /// Whether it may contain a reference. Most operations have none, and need not be searched.
    pub(crate) may_refer: bool,
    /// The error, if the operation is refused already.
    pub(crate) error: Option<Error>,
}

impl BulkOperation {
    /// Parses an operation. If that fails, the error becomes the result of the operation. `bulk_ids` has the
    /// `bulkId`s of the operations before it.
    pub(crate) fn parse(index: usize, raw: &RawValue, setup: &Setup, bulk_ids: &mut HashSet<String>) -> Self {
        let mut read_context = ReadContext::new(&setup.config.tolerance);
        read_context.set_operation(Some(index));
        let text = raw.get();
        let mut operation = Self {
            method: String::new(),
            path: String::new(),
            bulk_id: None,
            version: None,
            data: None,
            may_refer: may_refer(text),
            error: None,
        };
        let filled =
            json::parse(text.as_bytes()).and_then(|members| operation.fill(members, &mut read_context));
        operation.error = filled.and_then(|()| operation.check()).err();
        if let Some(bulk_id) = &operation.bulk_id
            && !bulk_ids.insert(bulk_id.clone())
        {
            operation.error = Some(Error::invalid_syntax("duplicate `bulkId`; another operation has it too"));
        }
        operation
    }

    fn fill(&mut self, operation: Value, read_context: &mut ReadContext<'_>) -> Result<()> {
        let members = ["method", "bulkId", "version", "path", "data"];
        if !operation.is_object() {
            let detail = "an operation must be a JSON object, with `method`, `path` and `data`";
            return Err(Error::invalid_syntax(detail));
        }
        let mut operation = canonicalize_message(operation, None, &members, read_context)?;
        let mut text = |name: &str| match operation.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Error::invalid_syntax(format!("`{name}` must be a string"))),
        };
        // The members that identify the operation come first, so that its error can name it.
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
            return Err(Error::invalid_syntax(
                "`path` must be relative to the base URL and begin with `/`, such as `/Users`",
            ));
        }
        if self.method == "POST" && self.bulk_id.is_none() {
            return Err(Error::invalid_syntax("a POST needs a `bulkId`"));
        }
        if self.method != "DELETE" && self.data.is_none() {
            return Err(Error::invalid_syntax("the operation has no `data`"));
        }
        Ok(())
    }

    /// What the operation does; `None` if a bulk request cannot do that.
    pub(crate) fn action(&self) -> Option<Action> {
        match self.method.as_str() {
            "POST" => Some(Action::Create),
            "PUT" => Some(Action::Replace),
            "PATCH" => Some(Action::Patch),
            "DELETE" => Some(Action::Delete),
            _ => None,
        }
    }

    pub(crate) fn is_post(&self) -> bool {
        self.method == "POST"
    }

    /// The endpoint and its resource type. Call it after references in the path were replaced.
    pub(crate) fn route(&self, setup: &Setup, base_url: &str) -> Result<(Route, TypeIndex)> {
        let route = Route::find(setup, base_url, &self.path)?;
        match (&route, self.is_post()) {
            (Route::Collection(index), true) | (Route::Resource(index, _), false) => {
                let index = *index;
                Ok((route, index))
            }
            (Route::Collection(_) | Route::Resource(..), _) => Err(Error::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "POST needs the path of a collection, such as `/Users`; PUT, PATCH and DELETE need that of a \
                 resource",
            )),
            (Route::AbsentCollection(_), _) => Err(Route::not_found()),
            _ => Err(Error::invalid_syntax("a bulk request cannot use this endpoint")),
        }
    }

    /// The precondition from the `version` of the operation.
    pub(crate) fn precondition(&self) -> Precondition {
        let version = self.version.as_deref().map(ETag::from_stored);
        version.map_or(Precondition::NONE, Precondition::if_match)
    }
}

/// Whether JSON text may contain a reference, with escapes or without.
pub(crate) fn may_refer(json: &str) -> bool {
    json.contains(BULK_ID_PREFIX) || json.contains("\\u")
}
