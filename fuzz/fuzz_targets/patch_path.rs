//! Paths of PATCH operations. A parsed path is printed in strict syntax, which must parse to the same path.

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
            let reparsed = PatchPath::parse(&printed, &wide, &mut ReadContext::new(&strict))
                .unwrap_or_else(|error| panic!("`{text}` prints `{printed}`, which does not parse: {error}"));
            assert_eq!(reparsed, path, "`{text}` prints `{printed}`");
            assert_eq!(reparsed.to_string(), printed);
        }
        // The lenient profile also accepts some texts that are no paths; only resolving shows whether it does.
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
