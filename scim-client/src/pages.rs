//! Reads all resources of a query, page after page.

use http::Request;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::{Client, Discovery, Refused, RequestError};

/// The characters of a query parameter that are not escaped (RFC 3986 section 2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How many resources a page has, if the query says nothing.
const COUNT: usize = 500;

/// How many pages in a row can be empty. An endpoint may have read many resources, of which none satisfies the filter.
const MAX_EMPTY_PAGES: usize = 100;

/// A query for resources (RFC 7644 section 3.4.2).
///
/// ```
/// use scim_client::ListQuery;
///
/// let query = ListQuery::new("/Users").filter("userName eq \"bea\"").attributes("userName,active").count(10);
/// assert_eq!(
///     query.uri(),
///     "/Users?count=10&filter=userName%20eq%20%22bea%22&attributes=userName%2Cactive"
/// );
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ListQuery {
    endpoint: String,
    filter: Option<String>,
    attributes: Option<String>,
    count: Option<usize>,
}

impl ListQuery {
    /// A query for all resources of an endpoint such as `/Users`.
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self { endpoint: endpoint.into(), filter: None, attributes: None, count: None }
    }

    /// Asks only for resources that satisfy a filter.
    pub fn filter(mut self, filter: impl Into<String>) -> Self {
        self.filter = Some(filter.into());
        self
    }

    /// Asks only for these attributes, with commas between them.
    pub fn attributes(mut self, attributes: impl Into<String>) -> Self {
        self.attributes = Some(attributes.into());
        self
    }

    /// Asks for this many resources at once. An endpoint may return fewer.
    pub fn count(mut self, count: usize) -> Self {
        self.count = Some(count);
        self
    }

    /// The path and query of the request.
    pub fn uri(&self) -> String {
        let mut uri = self.endpoint.clone();
        let count = self.count.map(|count| count.to_string());
        let parameters = [("count", &count), ("filter", &self.filter), ("attributes", &self.attributes)];
        for (name, value) in parameters {
            if let Some(value) = value {
                push(&mut uri, name, value);
            }
        }
        uri
    }

    /// Sends the query, and returns one page.
    ///
    /// # Errors
    ///
    /// If there is no answer, or it is not a list of resources.
    pub async fn send(&self, client: &Client) -> Result<Page, RequestError> {
        page(client, &self.uri()).await
    }
}

/// Adds a parameter to a URI.
fn push(uri: &mut String, name: &str, value: &str) {
    uri.push(if uri.contains('?') { '&' } else { '?' });
    uri.push_str(name);
    uri.push('=');
    uri.extend(utf8_percent_encode(value, ESCAPED));
}

/// Some resources of a query (RFC 7644 section 3.4.2).
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The resources, each a JSON object.
    pub resources: Vec<Value>,
    /// How many resources the query has, if the endpoint says it.
    pub total: Option<u64>,
    next_cursor: Option<String>,
}

/// The pages of a query, one after the other; made by [`Pages::new`].
///
/// With cursors (RFC 9865), if the endpoint announces them, else by `startIndex`. By `startIndex`, a resource can be missed or
/// come twice if others are deleted or created meanwhile.
#[derive(Debug)]
pub struct Pages<'a> {
    client: &'a Client,
    query: ListQuery,
    has_cursors: bool,
    next: Next,
    read: usize,
    first_id: Option<String>,
    /// How many pages in a row were empty.
    empty: usize,
}

#[derive(Debug, PartialEq)]
enum Next {
    First,
    Index(usize),
    Cursor(String),
    End,
}

impl<'a> Pages<'a> {
    /// The pages of a query at an endpoint that announces this.
    pub fn new(client: &'a Client, mut query: ListQuery, discovery: &Discovery) -> Self {
        let count = query.count.unwrap_or(COUNT).max(1);
        query.count = Some(discovery.max_results().map_or(count, |max| count.min(max)));
        let has_cursors = discovery.announces("cursor");
        Self { client, query, has_cursors, next: Next::First, read: 0, first_id: None, empty: 0 }
    }

    /// Reads the next page; `None` after the last one.
    ///
    /// # Errors
    ///
    /// If there is no answer, if it is not a list of resources, if it is the same page or the same cursor again, or if 100 pages
    /// in a row are empty: the endpoint does not do what it announces. The pages end there.
    pub async fn next(&mut self) -> Result<Option<Page>, RequestError> {
        let mut uri = self.query.uri();
        let this = std::mem::replace(&mut self.next, Next::End);
        match &this {
            Next::First if self.has_cursors => push(&mut uri, "cursor", ""),
            Next::First => push(&mut uri, "startIndex", "1"),
            Next::Index(index) => push(&mut uri, "startIndex", &index.to_string()),
            Next::Cursor(cursor) => push(&mut uri, "cursor", cursor),
            Next::End => return Ok(None),
        }
        let page = page(self.client, &uri).await?;
        let first_id =
            page.resources.first().and_then(|resource| Some(resource.get("id")?.as_str()?.to_owned()));
        if first_id.is_some() && first_id == self.first_id {
            return Err(RequestError::NotUnderstood("it is the same page again"));
        }
        self.first_id = first_id;
        self.empty = if page.resources.is_empty() { self.empty + 1 } else { 0 };
        let is_same_cursor =
            matches!(&this, Next::Cursor(cursor) if page.next_cursor.as_ref() == Some(cursor));
        if is_same_cursor || self.empty > MAX_EMPTY_PAGES {
            return Err(RequestError::NotUnderstood("the pages do not end"));
        }
        self.read += page.resources.len();
        let is_last = page.resources.is_empty() || page.total.is_some_and(|total| total <= self.read as u64);
        self.next = match &page.next_cursor {
            Some(cursor) if self.has_cursors => Next::Cursor(cursor.clone()),
            None if self.has_cursors => Next::End,
            _ if is_last => Next::End,
            _ => Next::Index(self.read + 1),
        };
        Ok(Some(page))
    }
}

async fn page(client: &Client, uri: &str) -> Result<Page, RequestError> {
    let request = Request::get(uri).body(Vec::new());
    let request = request.map_err(|_| RequestError::NotUnderstood("the query is too long for a request"))?;
    let response = client.send(request).await?;
    if !response.status().is_success() {
        return Err(Refused::from_response(&response).into());
    }
    let not_a_list = RequestError::NotUnderstood("it is not a list of resources");
    let Ok(Value::Object(mut body)) = serde_json::from_slice(response.body()) else { return Err(not_a_list) };
    let resources = match body.remove("Resources") {
        Some(Value::Array(resources)) => resources,
        // An empty list may be left out.
        Some(Value::Null) | None if body.contains_key("totalResults") => Vec::new(),
        _ => return Err(not_a_list),
    };
    let total = body.get("totalResults").and_then(Value::as_u64);
    let next_cursor = body.get("nextCursor").and_then(Value::as_str).map(str::to_owned);
    Ok(Page { resources, total, next_cursor })
}
