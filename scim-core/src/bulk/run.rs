//! Running the operations of a bulk request.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use http::{Extensions, Method, StatusCode};
use scim_filter::Budget;
use scim_patch::PATCH_OP;
use scim_schema::{ResourceType, Target};
use serde_json::{Map, Value, json};

use super::Done;
use super::part::Part;
use super::references::{self, Fate, References};
use crate::call::Call;
use crate::error::shortened;
use crate::route::Route;
use crate::service::Answer;
use crate::shown::location;
use crate::trace;
use crate::{ETag, Error, Precondition, Result, ScimService};

/// Reading an operation and calling the provider takes about as long as so many visits.
const VISITS: usize = 500;

/// A job that is running.
pub(super) struct Run<'a> {
    service: &'a ScimService,
    base: &'a str,
    extensions: &'a Extensions,
    /// All operations share it.
    budget: &'a Arc<Budget>,
    /// The ids of what was created, by `bulkId`; `None` where that failed.
    ids: HashMap<String, Option<String>>,
    /// What was created without the references that close a circle, by the index of the operation.
    links: HashMap<usize, Link>,
    /// Which of them wait for a `bulkId`.
    waiting: HashMap<String, Vec<usize>>,
    /// What was created, by the index of the operation: the type and the id.
    created: HashMap<usize, (usize, String)>,
    /// Which operations have created something with a reference to a `bulkId`.
    dependents: HashMap<String, Vec<usize>>,
    done: Vec<Option<Done>>,
    errors: usize,
}

/// References that were left out when a resource was created.
struct Link {
    /// The attributes, and the values that were left out.
    values: Vec<(Target, Value)>,
    /// For how many `bulkId`s it waits.
    waits: usize,
}

/// What came of the references of an operation.
#[derive(Default)]
struct Resolved {
    bulk_ids: Vec<String>,
    wrong: Option<Error>,
    left_out: Vec<(Target, Value)>,
}

/// An operation that went well.
struct Success {
    status: StatusCode,
    version: Option<ETag>,
    /// The type and the id of what it created.
    created: Option<(usize, String)>,
    resolved: Resolved,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        service: &'a ScimService,
        base: &'a str,
        extensions: &'a Extensions,
        budget: &'a Arc<Budget>,
        operations: usize,
    ) -> Self {
        Self {
            service,
            base,
            extensions,
            budget,
            ids: HashMap::new(),
            links: HashMap::new(),
            waiting: HashMap::new(),
            created: HashMap::new(),
            dependents: HashMap::new(),
            done: std::iter::repeat_with(|| None).take(operations).collect(),
            errors: 0,
        }
    }

    /// How many operations have failed.
    pub(super) fn errors(&self) -> usize {
        self.errors
    }

    /// Runs an operation, without its references to some `bulkId`s if it creates something.
    pub(super) async fn part(&mut self, index: usize, mut part: Part, left_out: HashSet<String>) {
        let mut done = Done {
            method: part.method.clone(),
            bulk_id: part.bulk_id.clone(),
            version: None,
            location: None,
            status: String::new(),
            response: None,
        };
        let outcome = self.execute(&mut part, &left_out, &mut done).await;
        // What each operation costs besides.
        self.budget.pass(VISITS);
        self.budget.turn().await;
        let mut created = None;
        match outcome {
            Ok(success) => {
                done.status = success.status.as_str().to_owned();
                done.version = success.version.map(|version| version.to_string());
                if let Some((on, id)) = success.created {
                    created = Some(id.clone());
                    self.created.insert(index, (on, id));
                    self.remember(index, success.resolved, left_out);
                }
            }
            Err(error) => {
                self.errors += 1;
                done.refuse(error);
            }
        }
        if let Some(slot) = self.done.get_mut(index) {
            *slot = Some(done);
        }
        if let Some(bulk_id) = part.bulk_id.filter(|_| part.method == "POST") {
            // A second operation of the same name must not take the first one's place.
            self.ids.entry(bulk_id.clone()).or_insert(created);
            self.link(&bulk_id).await;
        }
    }

    /// Keeps what a creation has to do with others: what it refers to, and what it waits for.
    fn remember(&mut self, index: usize, resolved: Resolved, left_out: HashSet<String>) {
        for bulk_id in resolved.bulk_ids {
            self.dependents.entry(bulk_id).or_default().push(index);
        }
        if !resolved.left_out.is_empty() {
            self.links.insert(index, Link { values: resolved.left_out, waits: left_out.len() });
            for bulk_id in left_out {
                self.waiting.entry(bulk_id).or_default().push(index);
            }
        }
    }

    async fn execute(&self, part: &mut Part, left_out: &HashSet<String>, done: &mut Done) -> Result<Success> {
        if let Some(error) = part.refused.take() {
            return Err(error);
        }
        if self.budget.is_exhausted() {
            return Err(Error::too_much_work());
        }
        if !part.is_post() {
            done.location = Some(format!("{}{}", self.base, part.path));
        }
        let mut resolved = Resolved::default();
        part.path = references::in_path(&part.path, &mut |id| self.fate(id, left_out, &mut resolved));
        resolved.wrong.take().map_or(Ok(()), Err)?;
        let route = part.route(self.service, self.base)?;
        let on = route.resource_type().unwrap_or_default();
        let resource_type = &self.service.registration(on)?.resource_type;
        if let Route::Resource(_, id) = &route {
            done.location = Some(location(self.base, resource_type.endpoint(), id));
        }
        if let Some(data) = part.data.as_mut().filter(|_| part.may_refer) {
            resolved = self.substitute(resource_type, &part.method, data, left_out)?;
        }
        let method =
            Method::from_bytes(part.method.as_bytes()).map_err(|_| Error::invalid_syntax("`method`"))?;
        let answer = self.call(&method, route, part.data.take(), part.precondition()).await?;
        let status = answer.status();
        Ok(match answer {
            Answer::Resource { resource, created, .. } => {
                let id = resource.id().to_owned();
                done.location = Some(location(self.base, resource_type.endpoint(), &id));
                let created = created.then_some((on, id));
                Success { status, version: resource.version(), created, resolved }
            }
            Answer::NoContent { version } => Success { status, version, created: None, resolved },
            _ => Success { status, version: None, created: None, resolved },
        })
    }

    async fn call(
        &self,
        method: &Method,
        route: Route,
        data: Option<Value>,
        precondition: Precondition,
    ) -> Result<Answer> {
        let operation = self.service.parse_part(method, route, data, precondition, self.extensions)?;
        trace::quirks(operation.fired());
        Call::new(self.service, self.base, self.extensions, self.budget, operation.fired)
            .execute(operation.kind)
            .await
    }

    /// What becomes of a reference.
    fn fate(&self, bulk_id: &str, left_out: &HashSet<String>, resolved: &mut Resolved) -> Fate {
        match self.ids.get(bulk_id) {
            Some(Some(id)) => {
                resolved.bulk_ids.push(bulk_id.to_owned());
                Fate::Replace(id.clone())
            }
            None if left_out.contains(bulk_id) => Fate::LeaveOut,
            failed => {
                resolved.wrong.get_or_insert_with(|| unresolved(bulk_id, failed.is_some()));
                Fate::Keep
            }
        }
    }

    /// Puts ids for `bulkId:` references, and takes out what is to be linked later.
    fn substitute(
        &self,
        on: &ResourceType,
        method: &str,
        data: &mut Value,
        left_out: &HashSet<String>,
    ) -> Result<Resolved> {
        let mut resolved = Resolved::default();
        let mut fate = |bulk_id: &str| self.fate(bulk_id, left_out, &mut resolved);
        let mut references = References::new(on, &mut fate);
        if method == "PATCH" {
            references.in_patch(data)
        } else {
            references.in_resource(data)
        }
        let References { left_out, missing, .. } = references;
        if let Some(error) = resolved.wrong {
            return Err(error);
        }
        match missing {
            None => Ok(Resolved { left_out, ..resolved }),
            Some(target) => Err(conflict(format!(
                "`{target}` is required, and the operations refer to each other in a circle through it"
            ))),
        }
    }

    /// Makes the links that waited for nothing else.
    async fn link(&mut self, bulk_id: &str) {
        for index in self.waiting.remove(bulk_id).unwrap_or_default() {
            let Some(link) = self.links.get_mut(&index) else { continue };
            link.waits = link.waits.saturating_sub(1);
            if link.waits > 0 {
                continue;
            }
            let Some(link) = self.links.remove(&index) else { continue };
            let Some((on, id)) = self.created.get(&index) else { continue };
            match self.link_one(*on, id, link).await {
                Ok(version) => {
                    if let Some(Some(done)) = self.done.get_mut(index) {
                        done.version = version.map(|version| version.to_string());
                    }
                }
                Err(error) => self.fail(index, error).await,
            }
        }
    }

    async fn link_one(&self, on: usize, id: &str, link: Link) -> Result<Option<ETag>> {
        let mut lists: Vec<(Target, Vec<Value>)> = Vec::new();
        for (target, value) in link.values {
            match lists.last_mut() {
                Some((last, list)) if *last == target => list.push(value),
                _ => lists.push((target, vec![value])),
            }
        }
        let operations = lists.into_iter().map(|(target, mut list)| {
            let value =
                if target.definition().is_multi_valued() { Value::Array(list) } else { list.remove(0) };
            json!({ "op": "add", "path": target.path().as_str(), "value": value })
        });
        let mut data = Value::Object(Map::from_iter([
            ("schemas".to_owned(), json!([PATCH_OP])),
            ("Operations".to_owned(), operations.collect()),
        ]));
        let resource_type = &self.service.registration(on)?.resource_type;
        self.substitute(resource_type, "PATCH", &mut data, &HashSet::new())?;
        let route = Route::Resource(on, id.to_owned());
        match self.call(&Method::PATCH, route, Some(data), Precondition::ANY).await? {
            Answer::Resource { resource, .. } => Ok(resource.version()),
            Answer::NoContent { version } => Ok(version),
            _ => Ok(None),
        }
    }

    /// A creation that cannot be completed leaves nothing behind, and what refers to it fails with it.
    async fn fail(&mut self, index: usize, error: Error) {
        let mut failing = vec![(index, error)];
        while let Some((index, error)) = failing.pop() {
            let Some((on, id)) = self.created.remove(&index) else { continue };
            self.errors += 1;
            self.links.remove(&index);
            let call = Call::new(self.service, self.base, self.extensions, self.budget, Vec::new());
            let gone = call.take_back(on, &id).await.is_ok();
            let Some(Some(done)) = self.done.get_mut(index) else { continue };
            if gone {
                done.location = None;
            }
            done.refuse(error);
            if let Some(bulk_id) = &done.bulk_id {
                self.ids.insert(bulk_id.clone(), None);
                let dependents = self.dependents.remove(bulk_id).unwrap_or_default();
                failing.extend(dependents.into_iter().map(|index| (index, unresolved(bulk_id, true))));
            }
        }
    }

    /// What came of the operations that were run, in the order of the request.
    pub(super) async fn finish(mut self) -> Vec<Done> {
        // The job has ended before what these wait for had its turn.
        let mut waiting: Vec<(String, Vec<usize>)> = std::mem::take(&mut self.waiting).into_iter().collect();
        waiting.sort_unstable();
        for (bulk_id, links) in waiting {
            for index in links {
                if self.links.remove(&index).is_some() {
                    self.fail(index, unresolved(&bulk_id, false)).await;
                }
            }
        }
        self.done.into_iter().flatten().collect()
    }
}

impl Done {
    fn refuse(&mut self, error: Error) {
        self.status = error.status().as_str().to_owned();
        self.version = None;
        self.response = Some(error);
    }
}

fn unresolved(bulk_id: &str, failed: bool) -> Error {
    let name = shortened(bulk_id);
    conflict(if failed {
        format!("the operation with bulkId `{name}` has failed")
    } else {
        format!("no operation creates bulkId `{name}`")
    })
}

fn conflict(detail: String) -> Error {
    Error::new(StatusCode::CONFLICT, detail)
}
