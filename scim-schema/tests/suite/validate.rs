//! `schema/validate.json`: resources in canonical form, and what is wrong with them.
//!
//! A case changes the base of its type: a member that is null is taken away. `before` changes it
//! likewise, to what was stored; with `stored` the resource is stored already, and stays as it is.

use std::collections::BTreeMap;

use serde::Deserialize;
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
    /// The path of the violation.
    error: Option<String>,
    /// Its kind.
    r#type: Option<String>,
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

/// Each attribute of a PATCH is checked alone, by the same rules.
#[test]
fn attributes_can_be_checked_alone() {
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
