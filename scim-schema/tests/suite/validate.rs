//! `schema/validate.json`: resources in canonical form, and the violation that each has.
//!
//! A case applies `change` to the base resource of its type; null removes a member. `before` gives the stored resource
//! in the same way. With `stored`, the stored resource is the same as the new one.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::support::{Object, Types};

#[derive(Deserialize)]
struct File {
    bases: BTreeMap<String, Object>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    name: String,
    resource_type: String,
    #[serde(default)]
    change: Object,
    before: Option<Object>,
    #[serde(default)]
    stored: bool,
    /// The path of the expected violation; absent if the resource is valid.
    error: Option<String>,
    /// The error keyword of the violation, `invalidValue` by default.
    r#type: Option<String>,
    /// The statements in `testdata/conformance` that the case proves, which `.ci/conformance_page.py` reads.
    #[serde(default, rename = "proves")]
    _proves: IgnoredAny,
}

fn changed(base: &Object, change: &Object) -> Object {
    let mut object = base.clone();
    object.extend(change.clone());
    object.retain(|_, value| *value != Value::Null);
    object
}

#[test]
fn cases_are_valid_or_not() {
    let types = Types::load();
    let file: File = testdata::load("schema/validate.json");
    for case in &file.cases {
        let resource_type = types.get(&case.resource_type);
        let base = &file.bases[&case.resource_type];
        let next = changed(base, &case.change);
        let before = match &case.before {
            Some(before) => Some(changed(base, before)),
            None => case.stored.then(|| next.clone()),
        };
        let result = resource_type.validate(&next, before.as_ref());
        let found = result.as_ref().err().map(|violation| (violation.scim_type().as_str(), violation.path()));
        let kind = case.r#type.as_deref().unwrap_or("invalidValue");
        assert_eq!(found, case.error.as_deref().map(|path| (kind, path)), "{}: {result:?}", case.name);
    }
}

/// PATCH validates single attributes, by the same rules.
#[test]
fn single_attributes_are_validated_by_the_same_rules() {
    let types = Types::load();
    let file: File = testdata::load("schema/validate.json");
    for case in file.cases.iter().filter(|case| case.before.is_none() && !case.stored) {
        let resource_type = types.get(&case.resource_type);
        let object = changed(&file.bases[&case.resource_type], &case.change);
        for (target, value) in
            resource_type.all_attributes().filter_map(|target| Some((target, target.get(&object)?)))
        {
            if let Err(violation) = target.validate(value) {
                assert_eq!(Some(violation.path()), case.error.as_deref(), "{}: {violation}", case.name);
            }
        }
    }
}
