//! Finds the resources that rows are about.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use scim_client::{Client, ListQuery, Page, RequestError};
use scim_core::schema::AttributeRef;
use serde_json::{Map, Value};

use super::row::Row;

type Object = Map<String, Value>;

/// How many resources one request looks for.
const MAX_TERMS: usize = 50;

/// About how long its URI becomes, in bytes; some servers refuse more than 4 KiB.
const MAX_LENGTH: usize = 3500;

/// Looks for resources by the attribute that identifies them.
#[derive(Debug)]
pub(super) struct Finder {
    client: Client,
    endpoint: &'static str,
    key: AttributeRef,
    /// Whether the endpoint answers filters with `or`.
    has_or: AtomicBool,
    /// Whether a row that is not found must not exist, because nothing else would say that it does.
    must_be_sure: bool,
    /// The key of a resource that exists. A request for many asks for it last, to see that the endpoint has read the whole filter.
    witness: OnceLock<String>,
}

/// The resources that were found, by the form of the key that is compared.
pub(super) type Found = HashMap<String, Vec<Object>>;

impl Finder {
    /// Looks for resources at an endpoint such as `/Users`. With `must_be_sure`, a row counts as absent only if the endpoint has
    /// certainly looked for it.
    pub(super) fn new(client: Client, endpoint: &'static str, key: AttributeRef, must_be_sure: bool) -> Self {
        let (has_or, witness) = (AtomicBool::new(true), OnceLock::new());
        Self { client, endpoint, key, has_or, must_be_sure, witness }
    }

    /// Says that there is a resource with this key.
    pub(super) fn learn(&self, key: &str) {
        if self.must_be_sure && self.witness.get().is_none() {
            // Another task may have been faster.
            let _ = self.witness.set(key.to_owned());
        }
    }

    /// Says that there is this resource.
    pub(super) fn learn_resource(&self, resource: &Value) {
        if let Some(key) = resource.as_object().and_then(|resource| self.key.get(resource)?.as_str()) {
            self.learn(key);
        }
    }

    /// Looks for the resources of rows, many with one request. A row that is known to exist is looked for alone if it was not
    /// found with others, and so is every row if it must be sure: an endpoint may evaluate only a part of a filter. It has
    /// evaluated the whole filter if it has found a resource that is known to exist by the last term.
    ///
    /// # Errors
    ///
    /// If there is no answer, or the endpoint refuses the filter.
    pub(super) async fn find(&self, rows: &[(&Row, bool)]) -> Result<Found, RequestError> {
        let mut found = Found::new();
        let mut rest = rows;
        while !rest.is_empty() {
            let (chunk, others) = rest.split_at(self.chunk_length(rest));
            rest = others;
            let mut is_all = false;
            if chunk.len() > 1 {
                let witness = self.witness.get().filter(|_| self.must_be_sure);
                match self.query(chunk, witness).await {
                    Ok(page) => {
                        is_all = page.total.is_none_or(|total| total <= page.resources.len() as u64);
                        match witness {
                            Some(witness) if !self.has(&page, witness) => {
                                is_all = false;
                                self.has_or.store(false, Ordering::Relaxed);
                            }
                            Some(witness) => {
                                is_all &= !chunk.iter().any(|(row, _)| row.folded_key == self.fold(witness))
                            }
                            None => is_all &= !self.must_be_sure,
                        }
                        self.collect(page, &mut found);
                    }
                    Err(error) if is_filter_refused(&error) => self.has_or.store(false, Ordering::Relaxed),
                    Err(error) => return Err(error),
                }
            }
            for one in chunk {
                if !found.contains_key(&one.0.folded_key) && (one.1 || !is_all) {
                    let page = self.query(std::slice::from_ref(one), None).await?;
                    self.collect(page, &mut found);
                }
            }
        }
        Ok(found)
    }

    fn chunk_length(&self, rows: &[(&Row, bool)]) -> usize {
        if !self.has_or.load(Ordering::Relaxed) {
            return 1;
        }
        let mut length = self.witness.get().map_or(0, |witness| self.term_length(witness));
        let fits = |(row, _): &&(&Row, bool)| {
            length += self.term_length(&row.key);
            length <= MAX_LENGTH
        };
        rows.iter().take(MAX_TERMS).take_while(fits).count().max(1)
    }

    fn term_length(&self, key: &str) -> usize {
        25 + self.key.path().as_str().len() + key.len() + key.len() / 4
    }

    async fn query(&self, rows: &[(&Row, bool)], witness: Option<&String>) -> Result<Page, RequestError> {
        let path = self.key.path();
        let keys = rows.iter().map(|(row, _)| &row.key).chain(witness);
        let terms: Vec<String> = keys.map(|key| format!("{path} eq {}", Value::from(key.as_str()))).collect();
        ListQuery::new(self.endpoint)
            .filter(terms.join(" or "))
            .count(2 * terms.len())
            .send(&self.client)
            .await
    }

    fn fold(&self, key: &str) -> String {
        self.key.comparison().fold(key).into_owned()
    }

    fn has(&self, page: &Page, key: &str) -> bool {
        let key = self.fold(key);
        let keys = page.resources.iter().filter_map(|resource| self.key.get(resource.as_object()?)?.as_str());
        keys.into_iter().any(|found| self.fold(found) == key)
    }

    fn collect(&self, page: Page, found: &mut Found) {
        for resource in page.resources {
            let Value::Object(resource) = resource else { continue };
            // An endpoint that does not know the filter returns others, too; nobody looks for their keys.
            if let Some(key) = self.key.get(&resource).and_then(Value::as_str) {
                self.learn(key);
                let same = found.entry(self.fold(key)).or_default();
                if !same.iter().any(|other| other.get("id") == resource.get("id")) {
                    same.push(resource);
                }
            }
        }
    }
}

/// Whether an endpoint does not like the filter or the length of the request.
fn is_filter_refused(error: &RequestError) -> bool {
    error.status().is_some_and(|status| matches!(status.as_u16(), 400 | 413 | 414 | 422 | 431 | 501))
}
