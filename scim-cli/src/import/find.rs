//! Finds the resources that rows are about.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use scim_client::{Client, ListQuery, Page, RequestError};
use scim_core::schema::AttributeRef;
use serde_json::{Map, Value};

use super::rows::Row;

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
}

/// The resources that were found, by the form of the key that is compared.
pub(super) type Found = HashMap<String, Vec<Object>>;

impl Finder {
    pub(super) fn new(client: Client, endpoint: &'static str, key: AttributeRef) -> Self {
        Self { client, endpoint, key, has_or: AtomicBool::new(true) }
    }

    /// Looks for the resources of rows, many with one request. A row that is known to exist is looked for alone if it was not
    /// found with others: an endpoint may evaluate only a part of a filter.
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
                match self.query(chunk).await {
                    Ok(page) => {
                        is_all = page.total.is_none_or(|total| total <= page.resources.len() as u64);
                        self.collect(page, &mut found);
                    }
                    Err(error) if is_filter_refused(&error) => self.has_or.store(false, Ordering::Relaxed),
                    Err(error) => return Err(error),
                }
            }
            for one in chunk {
                if !found.contains_key(&one.0.folded_key) && (one.1 || !is_all) {
                    let page = self.query(std::slice::from_ref(one)).await?;
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
        let mut length = 0;
        let fits = |(row, _): &&(&Row, bool)| {
            length += 25 + self.key.path().as_str().len() + row.key.len() + row.key.len() / 4;
            length <= MAX_LENGTH
        };
        rows.iter().take(MAX_TERMS).take_while(fits).count().max(1)
    }

    async fn query(&self, rows: &[(&Row, bool)]) -> Result<Page, RequestError> {
        let path = self.key.path();
        let terms: Vec<String> =
            rows.iter().map(|(row, _)| format!("{path} eq {}", Value::from(row.key.as_str()))).collect();
        ListQuery::new(self.endpoint)
            .filter(terms.join(" or "))
            .count(2 * rows.len())
            .send(&self.client)
            .await
    }

    fn collect(&self, page: Page, found: &mut Found) {
        for resource in page.resources {
            let Value::Object(resource) = resource else { continue };
            // An endpoint that does not know the filter returns others, too; nobody looks for their keys.
            if let Some(key) = self.key.get(&resource).and_then(Value::as_str) {
                let key = self.key.comparison().fold(key).into_owned();
                let same = found.entry(key).or_default();
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
