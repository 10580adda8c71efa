//! Splitting a patch: applying the delta of a list and the rest of the patch gives the same result as the patch.

use std::collections::{BTreeMap, HashSet};

use crate::support::Object;
use crate::support::random::{message, resolve, seed, thing, types};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use scim_patch::{ListDelta, Patch, key_of};
use scim_schema::{AttributeRef, Mutability, ResourceType, Tolerance, standard};
use serde_json::{Value, json};

/// Applies a delta in the simplest way that a store could.
fn apply_delta(list: &AttributeRef, stored: Vec<Value>, delta: &ListDelta<'_>) -> Vec<Value> {
    let rule = list.sub_attribute("value").unwrap().comparison();
    let same_key =
        |element: &Value, key: &str| rule.fold(element["value"].as_str().unwrap()) == rule.fold(key);
    let key = |element: &Object| element["value"].as_str().unwrap().to_owned();
    match delta {
        ListDelta::AddRemove { add, remove } => {
            let mut list = stored;
            list.retain(|element| !remove.iter().any(|key| same_key(element, key)));
            for element in add {
                if !list.iter().any(|old| same_key(old, &key(element))) {
                    list.push(json!(element));
                }
            }
            list
        }
        ListDelta::ExactKeys(_) => panic!("only a PUT creates `ExactKeys`"),
        ListDelta::Exactly(elements) => {
            let stays = |old: &&Value, requested: &Object| {
                let fixed = |name: &str| {
                    list.sub_attribute(name).unwrap().definition().mutability() == Mutability::Immutable
                };
                same_key(old, &key(requested))
                    && requested.iter().all(|(name, value)| name == "value" || old.get(name) == Some(value))
                    && old.as_object().unwrap().keys().all(|name| requested.contains_key(name) || fixed(name))
            };
            let next_element = |requested: &&Object| {
                stored.iter().find(|old| stays(old, requested)).cloned().unwrap_or(json!(requested))
            };
            elements.iter().map(next_element).collect()
        }
    }
}

fn sorted(mut list: Vec<Value>) -> Vec<Value> {
    list.sort_by_key(|element| element["value"].as_str().map(str::to_owned));
    list
}

fn member() -> impl Strategy<Value = Value> {
    let text = proptest::option::of(select(&["x", "y"][..]));
    (select(&["a", "b", "c", "d", "e", "A"][..]), text.clone(), text).prop_map(|(key, kind, note)| {
        let mut member = json!({ "value": key });
        if let Some(kind) = kind {
            member["type"] = kind.into();
        }
        if let Some(note) = note {
            member["note"] = note.into();
        }
        member
    })
}

fn members(notes: bool) -> impl Strategy<Value = Vec<Value>> {
    vec(member(), 0..5).prop_map(move |mut members| {
        for member in members.iter_mut().filter(|_| !notes) {
            member.as_object_mut().unwrap().remove("note");
        }
        members
    })
}

/// Operations that add and remove members by key, among some on other attributes.
fn operations(list: &'static str, notes: bool) -> impl Strategy<Value = Vec<Value>> {
    let key = select(&["a", "b", "c", "d", "e", "A"][..]);
    let by_key = move |op: &'static str| {
        key.clone().prop_map(move |key| match op {
            "remove" => json!({ "op": op, "path": format!("{list}[value eq \"{key}\"]") }),
            _ => json!({ "op": op, "path": format!("{list}[value eq \"{key}\"]"), "value": { "type": "x" } }),
        })
    };
    let operation = prop_oneof![
        4 => members(notes).prop_map(move |value| json!({ "op": "add", "path": list, "value": value })),
        4 => by_key("remove"),
        2 => by_key("add"),
        2 => members(false).prop_map(move |value| json!({ "op": "remove", "path": list, "value": value })),
        1 => members(notes).prop_map(move |value| json!({ "op": "replace", "path": list, "value": value })),
        1 => members(notes).prop_map(move |value| json!({ "op": "add", "value": { list: value } })),
        1 => Just(json!({ "op": "remove", "path": list })),
        1 => Just(json!({ "op": "replace", "path": "externalId", "value": "7" })),
        1 => Just(json!({ "op": "remove", "path": "externalId" })),
    ];
    vec(operation, 1..8)
}

fn check(
    resource_type: &ResourceType,
    list: &str,
    stored: Vec<Value>,
    patch: &Patch,
) -> Result<(), TestCaseError> {
    let target = resource_type.attribute(list).unwrap();
    let mut resource = seed(resource_type);
    resource.insert("externalId".to_owned(), json!("7"));
    let document = resource.clone();
    if !stored.is_empty() {
        resource.insert(list.to_owned(), Value::Array(stored.clone()));
    }
    let mut expected = patch.apply(resource).unwrap();

    let (delta, rest) = patch.split(list).unwrap();
    let applied = rest.apply(document).unwrap();
    let next = apply_delta(target, stored.clone(), &delta);
    let remaining = expected.resource.remove(list).unwrap_or(json!([]));
    prop_assert_eq!(sorted(next.clone()), sorted(remaining.as_array().unwrap().clone()), "{:?}", delta);
    prop_assert_eq!(&applied.resource, &expected.resource);
    prop_assert_eq!(applied.changed || sorted(next.clone()) != sorted(stored.clone()), expected.changed);
    check_changes(target, &stored, &next, &delta)
}

/// Checks that the changes turn the stored elements into the next ones, except for sub-attributes that the service may
/// have added.
fn check_changes(
    list: &AttributeRef,
    stored: &[Value],
    next: &[Value],
    delta: &ListDelta<'_>,
) -> Result<(), TestCaseError> {
    let objects: Vec<&Object> = stored.iter().map(|element| element.as_object().unwrap()).collect();
    let all = || objects.iter().map(|element| (key_of(element), *element));
    let named: HashSet<&str> = delta.keys().map_or(all().map(|(key, _)| key).collect(), Iterator::collect);
    let same = |stored: &Object, requested: &Object| ListDelta::is_same(list, stored, requested);
    let changes = delta.changes(all(), same);
    prop_assert_eq!(&changes, &delta.changes(all().filter(|(key, _)| named.contains(key)), same));

    let mut rows: BTreeMap<&str, &Object> = all().collect();
    for element in &changes.added {
        prop_assert!(rows.insert(key_of(element), element).is_none());
    }
    for element in &changes.replaced {
        prop_assert!(rows.insert(key_of(element), element).is_some_and(|old| !same(old, element)));
    }
    for key in &changes.removed {
        prop_assert!(rows.remove(key).is_some());
    }
    let next: BTreeMap<&str, &Object> = next
        .iter()
        .map(|element| (key_of(element.as_object().unwrap()), element.as_object().unwrap()))
        .collect();
    prop_assert_eq!(rows.keys().collect::<Vec<_>>(), next.keys().collect::<Vec<_>>());
    for (key, element) in &rows {
        prop_assert!(next[key] == *element || same(element, next[key]), "{:?}", element);
    }
    Ok(())
}

#[test]
fn changes_follow_each_rule_of_a_delta() {
    let group = standard::group_type();
    let list = group.attribute("members").unwrap();
    let element = |element: Value| element.as_object().unwrap().clone();
    let [bare, named, renamed, new] = [
        element(json!({ "value": "a" })),
        element(json!({ "value": "a", "type": "User", "display": "Ann" })),
        element(json!({ "value": "a", "display": "Bea" })),
        element(json!({ "value": "b", "$ref": "https://example.com/Users/b" })),
    ];
    let change = |add: Vec<_>, remove| ListDelta::AddRemove { add, remove };
    let replaced = vec![&renamed];
    for (delta, expected) in [
        (ListDelta::none(), (vec![], vec![], vec![])),
        (change(vec![&renamed], vec![]), (vec![], vec![], vec![])),
        (change(vec![&renamed], vec!["a"]), (vec![], replaced.clone(), vec![])),
        (change(vec![&bare], vec!["a"]), (vec![], vec![], vec![])),
        (change(vec![&new], vec!["a", "x"]), (vec![&new], vec![], vec!["a"])),
        (ListDelta::Exactly(vec![&bare, &new]), (vec![&new], vec![], vec![])),
        (ListDelta::Exactly(vec![&renamed, &bare]), (vec![], replaced, vec![])),
        (ListDelta::Exactly(vec![]), (vec![], vec![], vec!["a"])),
        (ListDelta::ExactKeys(vec![&renamed, &new]), (vec![&new], vec![], vec![])),
        (ListDelta::ExactKeys(vec![&new]), (vec![&new], vec![], vec!["a"])),
    ] {
        let same = |stored: &Object, requested: &Object| ListDelta::is_same(list, stored, requested);
        let changes = delta.changes([("a", &named)], same);
        assert_eq!((changes.added, changes.replaced, changes.removed), expected, "{delta:?}");
    }
}

/// Returns the list in the form of a store, where each key is unique.
fn stored(resource_type: &ResourceType, list: &str, members: Vec<Value>) -> Vec<Value> {
    let patch = json!({ "op": "add", "path": list, "value": members });
    let resource = resolve(resource_type, &Tolerance::lenient(), message(&[patch]))
        .unwrap()
        .apply(seed(resource_type))
        .unwrap()
        .resource;
    resource.get(list).and_then(Value::as_array).cloned().unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn splitting_a_patch_of_members_gives_the_same_result(before in members(false), operations in operations("members", false)) {
        let resource_type = standard::group_type();
        let patch = resolve(&resource_type, &Tolerance::lenient(), message(&operations)).unwrap();
        check(&resource_type, "members", stored(&resource_type, "members", before), &patch)?;
    }

    #[test]
    fn splitting_a_patch_of_mutable_elements_gives_the_same_result(before in members(true), operations in operations("holders", true)) {
        let resource_type = thing();
        let patch = resolve(&resource_type, &Tolerance::lenient(), message(&operations)).unwrap();
        if patch.split("holders").is_some() {
            check(&resource_type, "holders", stored(&resource_type, "holders", before), &patch)?;
        }
    }

    #[test]
    fn the_delta_of_an_unchanged_list_is_empty(operations in operations("members", false)) {
        let resource_type = thing();
        let patch = resolve(&resource_type, &Tolerance::lenient(), message(&operations)).unwrap();
        let (delta, _) = patch.split("holders").unwrap();
        prop_assert!(delta.is_empty());
    }
}

#[test]
fn the_net_effect_depends_on_the_order() {
    let resource_type = standard::group_type();
    let split = |operations: Value| {
        let patch =
            resolve(&resource_type, &Tolerance::lenient(), message(operations.as_array().unwrap())).unwrap();
        let (delta, rest) = patch.split("members").unwrap();
        (format!("{delta:?}").replace("String", ""), rest.is_empty())
    };
    let add = json!({ "op": "add", "path": "members", "value": [{ "value": "a" }] });
    let remove = json!({ "op": "remove", "path": "members[value eq \"a\"]" });
    let replace = json!({ "op": "replace", "path": "members", "value": [{ "value": "b" }] });
    let all = json!({ "op": "remove", "path": "members" });
    let name = json!({ "op": "replace", "path": "displayName", "value": "x" });
    for (operations, delta, empty) in [
        (json!([add]), r#"AddRemove { add: [{"value": ("a")}], remove: [] }"#, true),
        (json!([remove]), r#"AddRemove { add: [], remove: ["a"] }"#, true),
        (json!([add, remove]), r#"AddRemove { add: [], remove: ["a"] }"#, true),
        (json!([remove, add]), r#"AddRemove { add: [{"value": ("a")}], remove: ["a"] }"#, true),
        (json!([replace]), r#"Exactly([{"value": ("b")}])"#, true),
        (json!([add, replace]), r#"Exactly([{"value": ("b")}])"#, true),
        (json!([replace, add]), r#"Exactly([{"value": ("b")}, {"value": ("a")}])"#, true),
        (json!([replace, add, remove]), r#"Exactly([{"value": ("b")}])"#, true),
        (json!([all]), "Exactly([])", true),
        (json!([all, add]), r#"Exactly([{"value": ("a")}])"#, true),
        (json!([add, name, remove]), r#"AddRemove { add: [], remove: ["a"] }"#, false),
        (json!([name]), "AddRemove { add: [], remove: [] }", false),
    ] {
        assert_eq!(split(operations.clone()), (delta.to_owned(), empty), "{operations}");
    }
}

#[test]
fn a_patch_that_reads_or_changes_elements_is_not_split() {
    let [user, group, thing] = types();
    for (resource_type, list, operation) in [
        (&group, "members", json!({ "op": "remove", "path": "members[type eq \"User\"]" })),
        (&group, "members", json!({ "op": "remove", "path": "members[value ne \"a\"]" })),
        (&group, "members", json!({ "op": "add", "path": "members[value eq \"a\"].display", "value": "x" })),
        (&group, "members", json!({ "op": "add", "path": "members.display", "value": "x" })),
        (
            &group,
            "members",
            json!({ "op": "replace", "path": "members[value eq \"a\"]", "value": { "value": "a" } }),
        ),
        (
            &thing,
            "holders",
            json!({ "op": "add", "path": "holders", "value": [{ "value": "a", "note": "x" }] }),
        ),
        (&user, "emails", json!({ "op": "replace", "path": "title", "value": "x" })),
        (&user, "title", json!({ "op": "replace", "path": "title", "value": "x" })),
        (&user, "nothing", json!({ "op": "replace", "path": "title", "value": "x" })),
    ] {
        let patch =
            resolve(resource_type, &Tolerance::lenient(), message(std::slice::from_ref(&operation))).unwrap();
        assert!(patch.split(list).is_none(), "{operation}");
    }
}

#[test]
fn a_required_list_is_not_split() {
    let schema = standard::group().adjust("members", |members| members.required()).unwrap();
    let resource_type = ResourceType::builder("Group", "/Groups", schema).build().unwrap();
    let operation = json!({ "op": "remove", "path": "members[value eq \"a\"]" });
    let patch = resolve(&resource_type, &Tolerance::lenient(), message(&[operation])).unwrap();
    assert!(patch.split("members").is_none());
}
