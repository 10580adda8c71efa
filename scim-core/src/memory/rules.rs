//! The options of a memory provider.

use std::sync::Arc;

use crate::Context;

/// A function that hashes a password.
pub(super) type PasswordHasher = dyn Fn(&str) -> String + Send + Sync;

/// The rules of a provider in addition to the schemas.
#[derive(Clone, Default)]
pub(super) struct Rules {
    /// The names of a resource type and of an attribute whose values must be unique.
    pub(super) unique: Vec<(String, String)>,
    pub(super) keep_unknown_members: bool,
    pub(super) hasher: Option<Arc<PasswordHasher>>,
}

impl Rules {
    /// Hashes the password that a request sets; `None` if it sets none, or if passwords are not stored.
    pub(super) fn hash_password(&self, cx: &Context<'_>) -> Option<String> {
        Some(self.hasher.as_ref()?(cx.secrets().get("password")?))
    }
}
