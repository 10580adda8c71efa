//! Bulk requests (RFC 7644 section 3.7): many operations in one, which may refer to what others of
//! them create.

mod plan;
mod references;

use std::collections::{HashMap, HashSet};

use http::{Extensions, Method, StatusCode};
use scim_patch::PATCH_OP;
use scim_schema::{Reading, ResourceType, ScimType, read_message};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::context::Secrets;
use crate::operation::Kind;
use crate::response::location;
use crate::route::Route;
use crate::service::{Answer, Call};
use crate::{ETag, Error, Precondition, Result, ScimService};
use references::{Fate, References};

/// The URI of the BulkRequest message schema.
const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// A bulk request whose operations are still as they came: each is read when its turn comes.
#[derive(Debug)]
pub(crate) struct Job {
    parts: Vec<Part>,
    fail_on_errors: usize,
}

/// One operation.
#[derive(Debug)]
struct Part {
    method: String,
    path: String,
    bulk_id: Option<String>,
    version: Option<String>,
    data: Option<Value>,
    /// What is wrong with it without looking further.
    refused: Option<Error>,
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
    /// Reads the message, and of its operations only what says how they depend on each other.
    pub(crate) fn read(message: Value, max_operations: usize, reading: &mut Reading<'_>) -> Result<Self> {
        let mut message =
            read_message(message, Some(BULK_REQUEST), &["Operations", "failOnErrors"], reading)?;
        let operations = match message.remove("Operations") {
            Some(Value::Array(operations)) => operations,
            _ => return Err(Error::invalid_syntax("`Operations` is required and must be an array")),
        };
        if operations.len() > max_operations {
            return Err(Error::too_large(format!("more than {max_operations} operations (maxOperations)")));
        }
        let fail_on_errors = match message.remove("failOnErrors") {
            None | Some(Value::Null) => usize::MAX,
            Some(Value::Number(number)) if number.is_i64() || number.is_u64() => {
                // Less than one error would mean not to begin.
                number.as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(1).max(1)
            }
            Some(_) => {
                return Err(Error::of(ScimType::InvalidValue, "`failOnErrors` must be a whole number"));
            }
        };
        let mut seen = HashSet::new();
        let mut parts = Vec::with_capacity(operations.len());
        for (index, operation) in operations.into_iter().enumerate() {
            reading.at_operation(Some(index));
            let mut part = Part::read(operation, reading);
            if let Some(bulk_id) = &part.bulk_id
                && !seen.insert(bulk_id.clone())
            {
                part.refused = Some(Error::invalid_syntax("the `bulkId` is there twice"));
            }
            parts.push(part);
        }
        reading.at_operation(None);
        Ok(Self { parts, fail_on_errors })
    }

    /// Runs the operations, each as if it had come alone; the answers are in the order of the request.
    pub(crate) async fn run(
        mut self,
        service: &ScimService,
        base: &str,
        extensions: &Extensions,
    ) -> Vec<Done> {
        let plan = plan::of(service, base, &mut self.parts);
        let mut run = Run {
            service,
            base,
            extensions,
            ids: HashMap::new(),
            links: Vec::new(),
            done: self.parts.iter().map(|_| None).collect(),
        };
        for step in plan {
            let Some(part) = self.parts.get_mut(step.index) else { continue };
            let part = std::mem::replace(part, Part::taken());
            run.part(step.index, part, &step.left_out).await;
            if run.errors() >= self.fail_on_errors {
                break;
            }
        }
        run.done.into_iter().flatten().collect()
    }
}

impl Part {
    fn taken() -> Self {
        Self {
            method: String::new(),
            path: String::new(),
            bulk_id: None,
            version: None,
            data: None,
            refused: None,
        }
    }

    fn read(operation: Value, reading: &mut Reading<'_>) -> Self {
        let mut part = Self::taken();
        let members = ["method", "bulkId", "version", "path", "data"];
        let mut operation = match read_message(operation, None, &members, reading) {
            Ok(operation) => operation,
            Err(violation) => {
                part.refused = Some(violation.into());
                return part;
            }
        };
        let mut text = |name: &str| match operation.remove(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        part.method = text("method").unwrap_or_default().to_ascii_uppercase();
        part.path = text("path").unwrap_or_default();
        part.bulk_id = text("bulkId").filter(|id| !id.is_empty());
        part.version = text("version");
        part.data = operation.remove("data").filter(|data| !data.is_null());
        part.refused = part.check().err();
        part
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

    /// The endpoint, once no `bulkId:` is left in the path.
    fn route(&self, service: &ScimService, base: &str) -> Result<Route> {
        let route = Route::find(service, base, &self.path)?;
        match (&route, self.method.as_str()) {
            (Route::Collection(_), "POST") | (Route::Resource(..), "PUT" | "PATCH" | "DELETE") => Ok(route),
            (Route::Collection(_) | Route::Resource(..), _) => Err(Error::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "POST goes to a collection, all else to a resource",
            )),
            _ => Err(Error::invalid_syntax("the endpoint cannot be part of a bulk request")),
        }
    }

    /// The resource type that the data is of.
    fn resource_type<'s>(&self, service: &'s ScimService, base: &str) -> Option<&'s ResourceType> {
        let on = Route::find(service, base, &self.path).ok()?.resource_type()?;
        service.registrations().get(on).map(|registration| &registration.resource_type)
    }
}

/// A job that is running.
struct Run<'a> {
    service: &'a ScimService,
    base: &'a str,
    extensions: &'a Extensions,
    /// The ids of what was created, by `bulkId`; `None` where that failed.
    ids: HashMap<String, Option<String>>,
    links: Vec<Link>,
    done: Vec<Option<Done>>,
}

/// References that were left out when a resource was created, because they close a circle.
struct Link {
    index: usize,
    on: usize,
    id: String,
    /// The attributes, and the values that were left out.
    values: Vec<(String, Value)>,
    /// The `bulkId`s that are waited for.
    waits: HashSet<String>,
}

impl Run<'_> {
    fn errors(&self) -> usize {
        self.done.iter().flatten().filter(|done| done.response.is_some()).count()
    }

    async fn part(&mut self, index: usize, mut part: Part, left_out: &HashSet<String>) {
        let mut done = Done {
            method: part.method.clone(),
            bulk_id: part.bulk_id.clone(),
            version: None,
            location: None,
            status: String::new(),
            response: None,
        };
        let outcome = self.execute(index, &mut part, left_out).await;
        if part.method != "POST" && part.path.starts_with('/') {
            done.location = Some(format!("{}{}", self.base, part.path));
        }
        let created = match outcome {
            Ok((status, id_and_location, version)) => {
                done.status = status.as_u16().to_string();
                done.version = version.map(|version| version.to_string());
                id_and_location.map(|(id, location)| {
                    done.location = Some(location);
                    id
                })
            }
            Err(error) => {
                done.refuse(error);
                None
            }
        };
        if let (Some(bulk_id), "POST") = (&part.bulk_id, part.method.as_str()) {
            // A second operation of the same name must not take the first one's place.
            self.ids.entry(bulk_id.clone()).or_insert(created);
        }
        if let Some(slot) = self.done.get_mut(index) {
            *slot = Some(done);
        }
        self.link().await;
    }

    #[expect(clippy::type_complexity, reason = "status, what was created and where, version")]
    async fn execute(
        &mut self,
        index: usize,
        part: &mut Part,
        left_out: &HashSet<String>,
    ) -> Result<(StatusCode, Option<(String, String)>, Option<ETag>)> {
        if let Some(error) = part.refused.take() {
            return Err(error);
        }
        let values = self.substitute(part, left_out)?;
        let route = part.route(self.service, self.base)?;
        let on = route.resource_type().unwrap_or_default();
        let method =
            Method::from_bytes(part.method.as_bytes()).map_err(|_| Error::invalid_syntax("`method`"))?;
        let precondition = part
            .version
            .as_deref()
            .map_or(Precondition::NONE, |tag| Precondition::matches(ETag::from_stored(tag)));
        let answer = self.call(&method, route, part.data.take(), precondition).await?;
        let status = answer.status();
        match answer {
            Answer::Resource { resource, created, .. } => {
                let endpoint = self.service.registration(on)?.resource_type.endpoint();
                let place = location(self.base, endpoint, resource.id());
                if created && !values.is_empty() {
                    let id = resource.id().to_owned();
                    self.links.push(Link { index, on, id, values, waits: left_out.clone() });
                }
                Ok((status, Some((resource.id().to_owned(), place)), resource.version()))
            }
            Answer::NoContent { version } => Ok((status, None, version)),
            _ => Ok((status, None, None)),
        }
    }

    async fn call(
        &self,
        method: &Method,
        route: Route,
        data: Option<Value>,
        precondition: Precondition,
    ) -> Result<Answer> {
        let operation = self.service.parse_part(method, route, data, precondition, self.extensions)?;
        if matches!(operation.kind, Kind::Bulk(_)) {
            return Err(Error::invalid_syntax("a bulk request cannot be part of another"));
        }
        let call = Call::new(self.service, self.base, self.extensions, Secrets::default(), operation.fired);
        call.execute(operation.kind).await
    }

    /// Puts ids for `bulkId:` references, and takes out what is to be linked later.
    fn substitute(&self, part: &mut Part, left_out: &HashSet<String>) -> Result<Vec<(String, Value)>> {
        let mut wrong = None;
        let mut fate = |bulk_id: &str| match self.ids.get(bulk_id) {
            Some(Some(id)) => Fate::Replace(id.clone()),
            _ if left_out.contains(bulk_id) => Fate::LeaveOut,
            found => {
                let name = bulk_id.escape_debug();
                wrong.get_or_insert_with(|| match found {
                    Some(_) => conflict(format!("the operation with bulkId `{name}` has failed")),
                    None => conflict(format!("no operation before or after creates bulkId `{name}`")),
                });
                Fate::Keep
            }
        };
        part.path = references::in_path(&part.path, &mut fate);
        let on = part.resource_type(self.service, self.base);
        let mut values = Vec::new();
        if let (Some(on), Some(data)) = (on, &mut part.data) {
            let mut references = References { on, fate: &mut fate, left_out: &mut values };
            if part.method == "PATCH" {
                references.in_patch(data)
            } else {
                references.in_resource(data)
            }
            for (path, _) in &values {
                references::check_not_required(on, data, path)?;
            }
        }
        wrong.map_or(Ok(values), Err)
    }

    /// Links what waits for nothing any more.
    async fn link(&mut self) {
        let ready = |link: &Link| link.waits.iter().all(|bulk_id| self.ids.contains_key(bulk_id));
        let (ready, waiting): (Vec<Link>, Vec<Link>) =
            std::mem::take(&mut self.links).into_iter().partition(ready);
        self.links = waiting;
        for link in ready {
            let index = link.index;
            let linked = self.link_one(link).await;
            let Some(Some(done)) = self.done.get_mut(index) else { continue };
            match linked {
                Ok(Some(version)) => done.version = Some(version.to_string()),
                Ok(None) => {}
                Err(error) => done.refuse(error),
            }
        }
    }

    async fn link_one(&self, link: Link) -> Result<Option<ETag>> {
        let operations: Vec<Value> = link
            .values
            .into_iter()
            .map(|(path, value)| json!({ "op": "add", "path": path, "value": value }))
            .collect();
        let mut part = Part::taken();
        part.method = "PATCH".to_owned();
        part.path = format!("{}/{}", self.service.registration(link.on)?.resource_type.endpoint(), link.id);
        part.data = Some(Value::Object(Map::from_iter([
            ("schemas".to_owned(), json!([PATCH_OP])),
            ("Operations".to_owned(), Value::Array(operations)),
        ])));
        self.substitute(&mut part, &HashSet::new())?;
        let route = Route::Resource(link.on, link.id);
        match self.call(&Method::PATCH, route, part.data, Precondition::NONE).await? {
            Answer::Resource { resource, .. } => Ok(resource.version()),
            Answer::NoContent { version } => Ok(version),
            _ => Ok(None),
        }
    }
}

impl Done {
    fn refuse(&mut self, error: Error) {
        self.status = error.status().as_str().to_owned();
        self.version = None;
        self.response = Some(error);
    }
}

fn conflict(detail: String) -> Error {
    Error::new(StatusCode::CONFLICT, detail)
}
