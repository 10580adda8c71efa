//! The requests that a run sends.

use futures_util::StreamExt;
use futures_util::stream;
use http::{Method, Request, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use scim_core::Resource;
use scim_core::patch::PatchRequest;
use serde_json::{Map, Value};

use super::{Endpoint, Failure};
use crate::matching::external_id_filter;

/// The characters of a query parameter or path segment that are not escaped (RFC 3986 section 2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How many resources a page has.
const PAGE: usize = 500;

/// Sends requests to an [`Endpoint`]. Cheap to copy.
#[derive(Debug)]
pub(crate) struct Client<'a, E> {
    endpoint: &'a E,
    /// How many requests are sent at once.
    concurrency: usize,
}

impl<E> Clone for Client<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Client<'_, E> {}

/// A user that was created, or was found to be there already after an attempt whose outcome was unknown.
#[derive(Debug)]
pub(crate) struct Created {
    pub(crate) id: String,
    pub(crate) version: Option<String>,
}

impl<'a, E: Endpoint> Client<'a, E> {
    pub(crate) fn new(endpoint: &'a E, concurrency: usize) -> Self {
        Self { endpoint, concurrency: concurrency.max(1) }
    }

    /// Runs a request for each input, several at once, and returns the results in order.
    pub(crate) async fn for_each<I, T, F>(
        &self,
        inputs: impl IntoIterator<Item = I>,
        send: impl Fn(I) -> F,
    ) -> Vec<T>
    where
        F: Future<Output = T>,
    {
        // Collected first, so that the future can be sent to another thread: it contains no closure.
        let requests: Vec<F> = inputs.into_iter().map(send).collect();
        stream::iter(requests).buffered(self.concurrency).collect().await
    }

    /// Calls `each` with all users, which have only these attributes.
    pub(crate) async fn users(&self, attributes: &str, each: impl FnMut(Resource)) -> Result<(), Failure> {
        let has_cursors = self.has_cursors().await?;
        self.pages("/Users", &format!("attributes={}", escape(attributes)), has_cursors, each).await
    }

    /// Calls `each` with the resources of all pages.
    pub(super) async fn pages(
        &self,
        endpoint: &str,
        query: &str,
        has_cursors: bool,
        mut each: impl FnMut(Resource),
    ) -> Result<(), Failure> {
        let mut position = if has_cursors { "cursor=".to_owned() } else { "startIndex=1".to_owned() };
        let mut read = 0;
        loop {
            let uri = format!("{endpoint}?{position}&count={PAGE}&{query}");
            let mut page = self.json(Method::GET, uri, None).await?;
            let resources = resources(&mut page)?;
            let next_cursor = page.get("nextCursor").and_then(Value::as_str);
            read += resources.len();
            let total = page.get("totalResults").and_then(Value::as_u64);
            let is_last = resources.is_empty() || total <= Some(read as u64);
            resources.into_iter().for_each(&mut each);
            position = match next_cursor {
                Some(cursor) => format!("cursor={}", escape(cursor)),
                None if has_cursors || is_last => return Ok(()),
                None => format!("startIndex={}", read + 1),
            };
        }
    }

    /// Whether the endpoint has pages with cursors, which miss nobody when users come and go (RFC 9865 section 4).
    async fn has_cursors(&self) -> Result<bool, Failure> {
        match self.json(Method::GET, "/ServiceProviderConfig".to_owned(), None).await {
            Ok(config) => Ok(config.pointer("/pagination/cursor") == Some(&Value::Bool(true))),
            Err(failure) if failure.is_not_found() => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// The resources that satisfy a filter, with these attributes; at most one page.
    pub(crate) async fn search(
        &self,
        endpoint: &str,
        filter: &str,
        attributes: &str,
    ) -> Result<Vec<Resource>, Failure> {
        let uri = format!("{endpoint}?filter={}&attributes={}", escape(filter), escape(attributes));
        resources(&mut self.json(Method::GET, uri, None).await?)
    }

    /// A resource; `None` if there is none.
    pub(crate) async fn get(
        &self,
        endpoint: &str,
        id: &str,
        query: &str,
    ) -> Result<Option<Resource>, Failure> {
        match self.json(Method::GET, format!("{endpoint}/{}{query}", escape(id)), None).await {
            Ok(resource) => Ok(Some(resource_from(resource)?)),
            Err(failure) if failure.is_not_found() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Creates a user. If the outcome is unknown, or a user is in the way, the user with the `externalId` of this one counts
    /// as created: an earlier attempt has created it.
    pub(crate) async fn create(&self, user: &Map<String, Value>) -> Result<Created, Failure> {
        let failure = match self.json(Method::POST, "/Users".to_owned(), serde_json::to_vec(user).ok()).await
        {
            Ok(user) => {
                let user = resource_from(user)?;
                return Ok(Created {
                    id: user.id().to_owned(),
                    version: user.text("meta.version").map(str::to_owned),
                });
            }
            Err(failure) => failure,
        };
        let may_be_there =
            matches!(failure, Failure::Unreachable(_) | Failure::Refused { status: 409 | 500.., .. });
        if may_be_there && let Some(id) = user.get("externalId").and_then(Value::as_str) {
            let found = self.search("/Users", &external_id_filter(id), "externalId").await;
            // An endpoint that does not know the filter may return somebody else.
            if let Ok([found]) = found.as_deref()
                && found.external_id() == Some(id)
            {
                // Its version is left out, so that the next run compares all of it.
                return Ok(Created { id: found.id().to_owned(), version: None });
            }
        }
        Err(failure)
    }

    /// Changes a resource. Returns its version, if the endpoint says it.
    pub(crate) async fn patch(&self, path: &str, patch: &PatchRequest) -> Result<Option<String>, Failure> {
        let response = self.send(Method::PATCH, path.to_owned(), serde_json::to_vec(patch).ok()).await?;
        if !response.status().is_success() {
            return Err(Failure::refused(response.status(), response.body()));
        }
        let version =
            response.headers().get(http::header::ETAG).and_then(|tag| Some(tag.to_str().ok()?.to_owned()));
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let in_body = body.pointer("/meta/version").and_then(Value::as_str).map(str::to_owned);
        Ok(in_body.or(version))
    }

    /// Deletes a user. It is no error if there is none.
    pub(crate) async fn delete(&self, id: &str) -> Result<(), Failure> {
        let response = self.send(Method::DELETE, user_path(id), None).await?;
        if response.status().is_success() || response.status() == http::StatusCode::NOT_FOUND {
            return Ok(());
        }
        Err(Failure::refused(response.status(), response.body()))
    }

    async fn json(&self, method: Method, uri: String, body: Option<Vec<u8>>) -> Result<Value, Failure> {
        let response = self.send(method, uri, body).await?;
        if !response.status().is_success() {
            return Err(Failure::refused(response.status(), response.body()));
        }
        serde_json::from_slice(response.body()).map_err(|_| Failure::NotUnderstood("a request"))
    }

    async fn send(
        &self,
        method: Method,
        uri: String,
        body: Option<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, Failure> {
        let mut request =
            Request::builder().method(method).uri(uri).header(http::header::ACCEPT, "application/scim+json");
        if body.is_some() {
            request = request.header(http::header::CONTENT_TYPE, "application/scim+json");
        }
        let request = request
            .body(body.unwrap_or_default())
            .map_err(|_| Failure::NotUnderstood("a request for its URI"))?;
        Ok(self.endpoint.send(request).await?)
    }
}

/// The path of a user.
pub(crate) fn user_path(id: &str) -> String {
    format!("/Users/{}", escape(id))
}

pub(super) fn escape(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

fn resource_from(value: Value) -> Result<Resource, Failure> {
    let resource =
        Resource::try_from(value).map_err(|_| Failure::NotUnderstood("a request for a resource"))?;
    if resource.id().is_empty() {
        Err(Failure::NotUnderstood("a request for a resource, which has no id"))
    } else {
        Ok(resource)
    }
}

/// The resources of a list response (RFC 7644 section 3.4.2). An empty one may have no list.
fn resources(page: &mut Value) -> Result<Vec<Resource>, Failure> {
    match page.get_mut("Resources").map(Value::take) {
        Some(Value::Array(list)) => list.into_iter().map(resource_from).collect(),
        Some(Value::Null) | None if page.is_object() => Ok(Vec::new()),
        _ => Err(Failure::NotUnderstood("a search")),
    }
}
