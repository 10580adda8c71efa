//! The paths of PATCH operations: what is read prints as a strict path that reads as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use scim_core::filter::{FilterLimits, PatchPath};
use scim_core::patch::{PATCH_OP, PatchRequest};
use scim_core::schema::{ReadContext, Tolerance};
use scim_fuzz::TYPES;
use serde_json::{Value, json};

fuzz_target!(|text: &str| {
    let limits = FilterLimits::default();
    let wide = limits.with_length(usize::MAX).with_nesting(512);
    for tolerance in [Tolerance::lenient(), Tolerance::interop(), Tolerance::strict()] {
        if let Ok(path) = PatchPath::parse(text, &limits, &mut ReadContext::new(&tolerance)) {
            let printed = path.to_string();
            let strict = Tolerance::strict();
            let again = PatchPath::parse(&printed, &wide, &mut ReadContext::new(&strict))
                .unwrap_or_else(|error| panic!("`{text}` prints `{printed}`, which does not parse: {error}"));
            assert_eq!(again, path, "`{text}` prints `{printed}`");
            assert_eq!(again.to_string(), printed);
        }
        // Paths that are not ones may still be meant as something; resolving finds out.
        for (op, value) in
            [("add", json!("a")), ("replace", json!({ "value": "a" })), ("remove", Value::Null)]
        {
            let message =
                json!({ "schemas": [PATCH_OP], "Operations": [{ "op": op, "path": text, "value": value }] });
            let limits = scim_core::patch::PatchLimits::default();
            let request = PatchRequest::from_value(message, &limits, &mut ReadContext::new(&tolerance));
            let Ok(request) = request else { continue };
            for resource_type in TYPES.iter() {
                let _ = request.clone().resolve(resource_type, &limits, &mut ReadContext::new(&tolerance));
            }
        }
    }
});
