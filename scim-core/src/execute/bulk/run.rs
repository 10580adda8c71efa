//! Running the operations of a bulk request.

use std::collections::{HashMap, HashSet};

use http::{Method, StatusCode};
use scim_patch::PATCH_OP;
use scim_schema::{AttributeRef, ResourceType};
use serde_json::{Map, Value, json};

use super::references::{self, References, Replacement};
use crate::error::shortened;
use crate::execute::execution::{Execution, RequestScope};
use crate::outcome::{Answer, OperationResult, Origin};
use crate::parse::{BulkOperation, Route, parse_bulk_operation};
use crate::policy::check_scopes;
use crate::type_index::TypeIndex;
use crate::url::resource_url;
use crate::{ETag, Error, Precondition, Result, trace};

/// What an operation takes from the budget besides its own work: parsing it and calling the provider takes
/// about as long as this number of visits.
const OPERATION_VISITS: usize = 500;

/// A bulk request that is being executed.
pub(super) struct BulkRun<'a> {
    scope: RequestScope<'a>,
    /// The ids of the created resources, by `bulkId`; `None` where the operation failed.
    ids: HashMap<String, Option<String>>,
    /// References that were left out of a created resource, by the index of the operation.
    deferred: HashMap<usize, DeferredReferences>,
    /// The operations with deferred references to a `bulkId`.
    waiting: HashMap<String, Vec<usize>>,
    /// The resource that each POST has created, by the index of the operation.
    created: HashMap<usize, CreatedResource>,
    /// The operations that have created a resource with a reference to a `bulkId`.
    dependents: HashMap<String, Vec<usize>>,
    results: Vec<Option<OperationResult>>,
    errors: usize,
}

/// A resource that a POST has created, or that its client has adopted.
struct CreatedResource {
    type_index: TypeIndex,
    id: String,
    is_adopted: bool,
}

/// References that were left out when a resource was created, because the operations that create what they
/// refer to come later.
struct DeferredReferences {
    /// The attributes, with the values that were left out.
    values: Vec<(AttributeRef, Value)>,
    /// The number of `bulkId`s whose operations have not been executed.
    pending: usize,
}

/// The references of an operation after their `bulkId`s were replaced.
#[derive(Default)]
struct ResolvedReferences {
    bulk_ids: Vec<String>,
    error: Option<Error>,
    left_out: Vec<(AttributeRef, Value)>,
}

/// What a successful operation did.
struct Success {
    status: StatusCode,
    version: Option<ETag>,
    created: Option<CreatedResource>,
    references: ResolvedReferences,
}

impl<'a> BulkRun<'a> {
    /// Begins to execute a request with this number of operations.
    pub(super) fn new(scope: RequestScope<'a>, operations: usize) -> Self {
        Self {
            scope,
            ids: HashMap::new(),
            deferred: HashMap::new(),
            waiting: HashMap::new(),
            created: HashMap::new(),
            dependents: HashMap::new(),
            results: std::iter::repeat_with(|| None).take(operations).collect(),
            errors: 0,
        }
    }

    /// How many operations have failed.
    pub(super) fn errors(&self) -> usize {
        self.errors
    }

    /// Executes an operation. If it creates a resource, the `left_out` references are deferred.
    pub(super) async fn execute(
        &mut self,
        index: usize,
        mut operation: BulkOperation,
        left_out: HashSet<String>,
    ) {
        let mut result = OperationResult {
            method: operation.method.clone(),
            bulk_id: operation.bulk_id.clone(),
            version: None,
            location: None,
            status: String::new(),
            response: None,
        };
        let outcome = self.try_execute(&mut operation, &left_out, &mut result).await;
        self.scope.budget.count_toward_yield(OPERATION_VISITS);
        self.scope.budget.yield_if_due().await;
        let mut created_id = None;
        match outcome {
            Ok(success) => {
                result.status = success.status.as_str().to_owned();
                result.version = success.version.map(|version| version.to_string());
                if let Some(created) = success.created {
                    self.scope.created.insert(&created.id);
                    created_id = Some(created.id.clone());
                    self.created.insert(index, created);
                    self.remember(index, success.references, left_out);
                }
            }
            Err(error) => {
                self.errors += 1;
                result.fail(error);
            }
        }
        if let Some(slot) = self.results.get_mut(index) {
            *slot = Some(result);
        }
        if let Some(bulk_id) = operation.bulk_id.filter(|_| operation.method == "POST") {
            // The first operation with a `bulkId` counts; a second one was refused.
            self.ids.entry(bulk_id.clone()).or_insert(created_id);
            self.add_deferred(&bulk_id).await;
        }
    }

    /// Records the references of a created resource, and those that it lacks so far.
    fn remember(&mut self, index: usize, references: ResolvedReferences, left_out: HashSet<String>) {
        for bulk_id in references.bulk_ids {
            self.dependents.entry(bulk_id).or_default().push(index);
        }
        if !references.left_out.is_empty() {
            let deferred = DeferredReferences { values: references.left_out, pending: left_out.len() };
            self.deferred.insert(index, deferred);
            for bulk_id in left_out {
                self.waiting.entry(bulk_id).or_default().push(index);
            }
        }
    }

    async fn try_execute(
        &self,
        operation: &mut BulkOperation,
        left_out: &HashSet<String>,
        result: &mut OperationResult,
    ) -> Result<Success> {
        let RequestScope { setup, base_url, budget, .. } = self.scope;
        if let Some(error) = operation.error.take() {
            return Err(error);
        }
        if budget.is_exhausted() {
            return Err(Error::too_much_work());
        }
        if !operation.is_post() {
            result.location = Some(format!("{base_url}{}", operation.path));
        }
        // Before the references, so that an operation that refers to a refused one is refused in the same way.
        if let Some(action) = operation.action() {
            check_scopes(self.scope.extensions, action)?;
        }
        let mut references = ResolvedReferences::default();
        let mut replace = |bulk_id: &str| self.replacement(bulk_id, left_out, &mut references);
        operation.path = references::in_path(&operation.path, &mut replace);
        references.error.take().map_or(Ok(()), Err)?;
        let (route, type_index) = operation.route(setup, base_url)?;
        let resource_type = &setup.registration(type_index)?.resource_type;
        if let Route::Resource(_, id) = &route {
            result.location = Some(resource_url(base_url, resource_type.endpoint(), id));
        }
        if let Some(data) = operation.data.as_mut().filter(|_| operation.may_refer) {
            references = self.replace_references(resource_type, &operation.method, data, left_out)?;
        }
        let method = Method::from_bytes(operation.method.as_bytes())
            .map_err(|_| Error::invalid_syntax("`method` must be POST, PUT, PATCH or DELETE"))?;
        let answer = self.call(&method, route, operation.data.take(), operation.precondition()).await?;
        let status = answer.status();
        Ok(match answer {
            Answer::Resource { resource, origin, .. } => {
                let id = resource.id().to_owned();
                result.location = Some(resource_url(base_url, resource_type.endpoint(), &id));
                let is_adopted = origin == Origin::Adopted;
                let created =
                    (origin != Origin::Stored).then_some(CreatedResource { type_index, id, is_adopted });
                Success { status, version: resource.version(), created, references }
            }
            Answer::NoContent { version } => Success { status, version, created: None, references },
            _ => Success { status, version: None, created: None, references },
        })
    }

    async fn call(
        &self,
        method: &Method,
        route: Route,
        data: Option<Value>,
        precondition: Precondition,
    ) -> Result<Answer> {
        let RequestScope { setup, extensions, .. } = self.scope;
        let operation = parse_bulk_operation(setup, method, route, data, precondition, extensions)?;
        trace::quirks(operation.tolerated());
        self.scope.noted.add(operation.tolerated().iter().cloned());
        Execution::new(self.scope, operation.tolerated).run(operation.kind).await
    }

    /// What replaces a reference to a `bulkId`.
    fn replacement(
        &self,
        bulk_id: &str,
        left_out: &HashSet<String>,
        references: &mut ResolvedReferences,
    ) -> Replacement {
        match self.ids.get(bulk_id) {
            Some(Some(id)) => {
                references.bulk_ids.push(bulk_id.to_owned());
                Replacement::Id(id.clone())
            }
            None if left_out.contains(bulk_id) => Replacement::LeaveOut,
            failed => {
                references.error.get_or_insert_with(|| unresolved(bulk_id, failed.is_some()));
                Replacement::Keep
            }
        }
    }

    /// Replaces the references in the data of an operation, and takes those out that are deferred.
    fn replace_references(
        &self,
        resource_type: &ResourceType,
        method: &str,
        data: &mut Value,
        left_out: &HashSet<String>,
    ) -> Result<ResolvedReferences> {
        let mut resolved = ResolvedReferences::default();
        let mut replace = |bulk_id: &str| self.replacement(bulk_id, left_out, &mut resolved);
        let mut references = References::new(resource_type, &mut replace);
        if method == "PATCH" {
            references.in_patch(data)
        } else {
            references.in_resource(data)
        }
        let References { left_out, missing, .. } = references;
        if let Some(error) = resolved.error {
            return Err(error);
        }
        match missing {
            None => Ok(ResolvedReferences { left_out, ..resolved }),
            Some(target) => Err(conflict(format!(
                "`{target}` is required, and the operations refer to each other in a circle through it"
            ))),
        }
    }

    /// Adds the deferred references of resources for which this was the last `bulkId` to wait for.
    async fn add_deferred(&mut self, bulk_id: &str) {
        for index in self.waiting.remove(bulk_id).unwrap_or_default() {
            let Some(deferred) = self.deferred.get_mut(&index) else { continue };
            deferred.pending = deferred.pending.saturating_sub(1);
            if deferred.pending > 0 {
                continue;
            }
            let Some(deferred) = self.deferred.remove(&index) else { continue };
            let Some(CreatedResource { type_index, id, .. }) = self.created.get(&index) else { continue };
            match self.add_references(*type_index, id, deferred).await {
                Ok(version) => {
                    if let Some(Some(result)) = self.results.get_mut(index) {
                        result.version = version.map(|version| version.to_string());
                    }
                }
                Err(error) => self.fail(index, error).await,
            }
        }
    }

    /// Adds deferred references to a resource with a PATCH. Returns the version of the resource after it.
    async fn add_references(
        &self,
        type_index: TypeIndex,
        id: &str,
        deferred: DeferredReferences,
    ) -> Result<Option<ETag>> {
        let mut lists: Vec<(AttributeRef, Vec<Value>)> = Vec::new();
        for (target, value) in deferred.values {
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
        let resource_type = &self.scope.setup.registration(type_index)?.resource_type;
        self.replace_references(resource_type, "PATCH", &mut data, &HashSet::new())?;
        let route = Route::Resource(type_index, id.to_owned());
        match self.call(&Method::PATCH, route, Some(data), Precondition::ANY).await? {
            Answer::Resource { resource, .. } => Ok(resource.version()),
            Answer::NoContent { version } => Ok(version),
            _ => Ok(None),
        }
    }

    /// Undoes a creation that could not be completed, and the creations that refer to it.
    async fn fail(&mut self, index: usize, error: Error) {
        let mut failing = vec![(index, error)];
        while let Some((index, error)) = failing.pop() {
            let Some(created) = self.created.remove(&index) else { continue };
            self.errors += 1;
            self.deferred.remove(&index);
            let execution = Execution::new(self.scope, Vec::new());
            // A resource that existed before stays.
            let is_undone =
                !created.is_adopted && execution.undo_create(created.type_index, &created.id).await.is_ok();
            let Some(Some(result)) = self.results.get_mut(index) else { continue };
            if is_undone {
                result.location = None;
            }
            result.fail(error);
            if let Some(bulk_id) = &result.bulk_id {
                self.ids.insert(bulk_id.clone(), None);
                let dependents = self.dependents.remove(bulk_id).unwrap_or_default();
                failing.extend(dependents.into_iter().map(|index| (index, unresolved(bulk_id, true))));
            }
        }
    }

    /// The results of the executed operations, in the order of the request.
    pub(super) async fn finish(mut self) -> Vec<OperationResult> {
        // The request ended before the operations that these resources refer to were executed.
        let mut waiting: Vec<(String, Vec<usize>)> = std::mem::take(&mut self.waiting).into_iter().collect();
        waiting.sort_unstable();
        for (bulk_id, indexes) in waiting {
            for index in indexes {
                if self.deferred.remove(&index).is_some() {
                    self.fail(index, unresolved(&bulk_id, false)).await;
                }
            }
        }
        self.results.into_iter().flatten().collect()
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
