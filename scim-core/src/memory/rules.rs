//! What the memory provider enforces beyond the schemas.

use std::sync::Arc;

use crate::Context;

/// How passwords are hashed.
pub(super) type Hash = dyn Fn(&str) -> String + Send + Sync;

/// What the store enforces beyond the schemas.
#[derive(Clone, Default)]
pub(super) struct Rules {
    /// (resource type, attribute) pairs whose values must differ.
    pub(super) unique: Vec<(String, String)>,
    pub(super) keep_unknown_members: bool,
    pub(super) hasher: Option<Arc<Hash>>,
}

impl Rules {
    /// The hash of the password that a request sets, if passwords are kept at all.
    pub(super) fn hash_password(&self, cx: &Context<'_>) -> Option<String> {
        Some(self.hasher.as_ref()?(cx.secrets().get("password")?))
    }
}
