//! What a store gives a new or changed resource: id, times and version.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};

use crate::{Context, ETag, Resource};

impl Resource {
    /// Completes a resource that is about to be created: sets its id, `meta.created` and `meta.lastModified` to the
    /// time of the request, and a new version.
    #[must_use]
    pub fn stamp_new(mut self, cx: &Context<'_>, id: &str) -> Self {
        let now = timestamp(cx.now());
        let object = self.as_map_mut();
        object.insert("id".to_owned(), Value::from(id));
        let meta = Map::from_iter([
            ("created".to_owned(), Value::from(now.clone())),
            ("lastModified".to_owned(), Value::from(now)),
            ("version".to_owned(), Value::from(ETag::fresh().to_string())),
        ]);
        object.insert("meta".to_owned(), Value::Object(meta));
        self
    }

    /// Completes a resource that was changed: sets the id and `meta.created` that it had, `meta.lastModified` to the
    /// time of the request, and a new version.
    ///
    /// Call it only if something changed: otherwise the version must stay the same (RFC 7644 section 3.14).
    #[must_use]
    pub fn stamp_changed(mut self, cx: &Context<'_>, before: &Resource) -> Self {
        // If the clock was set back, the time stays the same instead of going back.
        let now = before.last_modified().map_or(cx.now(), |last| last.max(cx.now()));
        let mut meta = before.get("meta").and_then(Value::as_object).cloned().unwrap_or_default();
        meta.insert("lastModified".to_owned(), Value::from(timestamp(now)));
        meta.insert("version".to_owned(), Value::from(ETag::fresh().to_string()));
        let id = before.id().to_owned();
        let object = self.as_map_mut();
        object.insert("id".to_owned(), Value::from(id));
        object.insert("meta".to_owned(), Value::Object(meta));
        self
    }
}

/// A random UUID, which no resource has had as its id.
pub fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

fn timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
