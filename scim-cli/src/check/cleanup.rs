//! Deletes what was created.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{Method, Request, Response, StatusCode};
use scim_client::{Client, Unanswered};
use serde_json::Value;

use crate::conversation::{json, reason};

/// The paths of the resources that were created and not deleted yet. Cheap to clone: all clones are the same list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Created(Arc<Mutex<Paths>>);

#[derive(Debug, Default)]
struct Paths {
    /// Those that are not deleted yet.
    left: Vec<String>,
    /// All of them.
    all: HashSet<String>,
}

impl Created {
    fn lock(&self) -> MutexGuard<'_, Paths> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what a request has created or deleted.
    pub(crate) fn note(&self, method: &Method, path: &str, response: &Response<Vec<u8>>, base_url: &str) {
        let body = json(response);
        if *method == Method::DELETE && response.status().is_success() {
            self.lock().left.retain(|created| created != path);
        }
        if response.status() == StatusCode::CREATED
            && let Some(id) = body.get("id").and_then(Value::as_str)
        {
            let endpoint = path.split('?').next().unwrap_or_default().trim_end_matches('/');
            self.add(format!("{endpoint}/{id}"));
        }
        if path == "/Bulk" {
            for operation in body.get("Operations").and_then(Value::as_array).into_iter().flatten() {
                let text = |name| operation.get(name).and_then(Value::as_str);
                let is_new = text("method") == Some("POST") && text("status") == Some("201");
                let location = text("location").filter(|_| is_new);
                if let Some(path) = location.and_then(|location| location.strip_prefix(base_url))
                    && path.starts_with('/')
                {
                    self.add(path.to_owned());
                }
            }
        }
    }

    fn add(&self, path: String) {
        let mut paths = self.lock();
        if paths.all.insert(path.clone()) {
            paths.left.push(path);
        }
    }

    /// Whether a request may be sent: it changes only what this run has created, or names what cannot exist.
    pub(crate) fn may_change(&self, method: &Method, path: &str, prefix: &str) -> bool {
        let path = path.split('?').next().unwrap_or_default();
        matches!(*method, Method::GET | Method::HEAD | Method::POST)
            || path.contains(prefix)
            || self.lock().all.contains(path)
    }

    /// Searches for what a request has created whose answer was not read.
    pub(crate) async fn find_by_prefix(&self, client: &Client, prefix: &str) {
        for (endpoint, attribute) in [("/Users", "userName"), ("/Groups", "displayName")] {
            let path = format!(
                "{endpoint}?count=500&attributes={attribute}&filter={attribute}%20sw%20%22{prefix}%22"
            );
            let Ok(response) = send(client, Method::GET, &path).await else { continue };
            for resource in json(&response).get("Resources").and_then(Value::as_array).into_iter().flatten() {
                let text = |name| resource.get(name).and_then(Value::as_str);
                // An endpoint may not look at the filter.
                if let (Some(id), Some(name)) = (text("id"), text(attribute))
                    && name.starts_with(prefix)
                {
                    self.add(format!("{endpoint}/{id}"));
                }
            }
        }
    }

    /// Deletes everything, the newest first. Returns what is left behind, each with the reason.
    pub(crate) async fn delete_all(&self, client: &Client) -> Vec<String> {
        let mut left = Vec::new();
        loop {
            let Some(path) = self.lock().left.pop() else { return left };
            match send(client, Method::DELETE, &path).await {
                Ok(response)
                    if response.status().is_success() || response.status() == StatusCode::NOT_FOUND => {}
                Ok(response) => left.push(format!("{path}: {}", reason(&response))),
                Err(error) => left.push(format!("{path}: {error}")),
            }
        }
    }
}

/// Sends a request without a body.
async fn send(client: &Client, method: Method, path: &str) -> Result<Response<Vec<u8>>, Unanswered> {
    let mut request = Request::new(Vec::new());
    *request.method_mut() = method;
    // An id that cannot be a part of a URI is asked for as the base URL, which answers 404.
    *request.uri_mut() = path.parse().unwrap_or_default();
    client.send(request).await
}

#[cfg(test)]
mod tests {
    use super::Created;
    use http::{Method, Response};

    #[test]
    fn only_what_was_created_may_be_changed() {
        let created = Created::default();
        let response = Response::builder().status(201).body(br#"{"id":"7"}"#.to_vec()).unwrap();
        created.note(&Method::POST, "/Users", &response, "https://app.example.com");
        for (method, path, may_change) in [
            (Method::GET, "/Groups/1", true),
            (Method::POST, "/Groups", true),
            (Method::DELETE, "/Users/7", true),
            (Method::PATCH, "/Users/7?attributes=id", true),
            (Method::PUT, "/Users/x-1-unknown", true),
            (Method::PATCH, "/Users/8", false),
            (Method::DELETE, "/Groups/7", false),
        ] {
            assert_eq!(created.may_change(&method, path, "x-1"), may_change, "{method} {path}");
        }
    }
}
