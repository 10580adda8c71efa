//! PATCH: applying to a resource that is owned.

use scim_core::patch::{Limits, PATCH_OP, Patch, PatchRequest};
use scim_core::schema::{Reading, Tolerance, standard};
use serde_json::json;

use crate::Case;

/// What Entra ID sends when a person's work address changes.
fn patch() -> Patch {
    let message = json!({
        "schemas": [PATCH_OP],
        "Operations": [
            { "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "ilse@example.com" },
        ],
    });
    let (tolerance, limits) = (Tolerance::lenient(), Limits::default());
    let mut reading = Reading::new(&tolerance);
    PatchRequest::from_value(message, &limits, &mut reading)
        .and_then(|request| request.resolve(&standard::user_type(), &limits, &mut reading))
        .expect("a patch of users")
}

pub(crate) fn cases() -> Vec<Case> {
    let (patch, user) = (patch(), crate::user());
    let apply = move |user| patch.apply(user).expect("a patch that fits");
    vec![Case::consuming("patch/apply", None, move || user.clone(), apply)]
}
