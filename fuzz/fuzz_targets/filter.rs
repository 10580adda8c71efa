//! Filters. A parsed filter is printed in strict syntax, which must parse to the same filter. Resolving and evaluating must
//! not panic.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use scim_core::filter::{Filter, FilterLimits};
use scim_core::schema::{ReadContext, ResourceType, Tolerance, standard};
use scim_fuzz::{USER, normalized};
use serde_json::{Map, Value, json};

static TYPES: LazyLock<[(ResourceType, Map<String, Value>); 2]> = LazyLock::new(|| {
    let group = json!({
        "schemas": [standard::GROUP],
        "displayName": "Straße",
        "members": [{ "value": "1", "display": "Bea", "type": "User" }, { "value": "2", "type": "Group" }],
    });
    let group = group.to_string();
    [(standard::user_type(), USER), (standard::group_type(), group.as_str())].map(|(resource_type, text)| {
        let resource = normalized(&resource_type, text.as_bytes(), &Tolerance::lenient());
        (resource_type, resource.expect("the resource is valid"))
    })
});

fuzz_target!(|text: &str| {
    let limits = FilterLimits::default();
    // The printed filter can be longer than the input and have more parentheses.
    let wide = limits.with_length(usize::MAX).with_nesting(512);
    for tolerance in [Tolerance::lenient(), Tolerance::interop(), Tolerance::strict()] {
        let Ok(filter) = Filter::parse(text, &limits, &mut ReadContext::new(&tolerance)) else { continue };
        let printed = filter.to_string();
        let strict = Tolerance::strict();
        let reparsed = Filter::parse(&printed, &wide, &mut ReadContext::new(&strict))
            .unwrap_or_else(|error| panic!("`{text}` prints `{printed}`, which does not parse: {error}"));
        assert_eq!(reparsed, filter, "`{text}` prints `{printed}`");
        assert_eq!(reparsed.to_string(), printed);
        for (resource_type, resource) in TYPES.iter() {
            if let Ok(predicate) = filter.resolve(resource_type, &mut ReadContext::new(&tolerance)) {
                let matches = predicate.is_match(resource);
                let negated = Filter::Not(Box::new(filter.clone()));
                let negated = negated
                    .resolve(resource_type, &mut ReadContext::new(&tolerance))
                    .expect("a filter with `not` resolves if the filter itself does");
                assert_eq!(negated.is_match(resource), !matches, "`{text}`");
                predicate.is_match(&Map::new());
            }
        }
        let types = TYPES.each_ref().map(|(resource_type, _)| resource_type);
        let _ = filter.resolve_among(&types, &mut ReadContext::new(&tolerance));
    }
});
