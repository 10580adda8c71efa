//! Serves photos at URLs that nobody can guess.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::Router;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, StatusCode};

use crate::SqliteLedger;

/// A server for the photos in the file of a ledger.
pub fn photo_server(ledger: SqliteLedger) -> Router {
    Router::new().route("/{secret}", get(photo)).with_state(ledger)
}

async fn photo(
    State(ledger): State<SqliteLedger>,
    Path(secret): Path<String>,
    headers: HeaderMap,
) -> impl IntoResponse {
    // Photos are small, and SQLite answers in less than a millisecond.
    let (media_type, image) = match ledger.photo(&secret) {
        Ok(Some(photo)) => photo,
        Ok(None) => return StatusCode::NOT_FOUND.into_response(),
        Err(_) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
    };
    let etag = etag(&image);
    let has_it = |value: &http::HeaderValue| {
        value
            .to_str()
            .is_ok_and(|list| list.split(',').any(|one| matches!(one.trim(), "*") || one.trim() == etag))
    };
    // Whoever knows the URL may keep the image, and asks whether it has changed.
    let cache = (CACHE_CONTROL, "private, no-cache".to_owned());
    if headers.get_all(IF_NONE_MATCH).iter().any(has_it) {
        return (StatusCode::NOT_MODIFIED, [(ETAG, etag), cache]).into_response();
    }
    let nosniff = (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned());
    ([(ETAG, etag), cache, (CONTENT_TYPE, media_type), nosniff], image).into_response()
}

/// An ETag (RFC 9110 section 8.8.3). Two images of one URL have the same one once in 2^64 times.
fn etag(image: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    image.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}
