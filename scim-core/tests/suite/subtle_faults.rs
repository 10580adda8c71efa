//! Providers with faults in rare cases, each of which only one check finds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use scim_core::patch::ListDelta;
use scim_core::schema::standard;
use scim_core::testing::Suite;
use scim_core::{Context, ETag, Error, Update};
use serde_json::{Value, json};

use crate::altered_provider::{AlteredProvider, ReturnedBy, exists, members};

/// The checks that run for each provider: all that are fast.
const CHECKS: [&str; 24] = [
    "kept",
    "valid",
    "elements",
    "create",
    "retrieve",
    "replace",
    "patch",
    "atomic",
    "no-op",
    "precondition",
    "uniqueness",
    "delete",
    "projection",
    "secrets",
    "hostile",
    "tenants",
    "order",
    "memberships",
    "unknown members",
    "repeated members",
    "listed members",
    "group versions",
    "groups",
    "cascade",
];

/// Runs the checks. Returns the names of those that fail.
fn failed_checks(provider: AlteredProvider) -> Vec<&'static str> {
    let report = Suite::new(provider).only(CHECKS).report();
    assert_eq!(report.passed.len() + report.failed.len(), CHECKS.len(), "{report}");
    println!("{report}");
    report.failed.into_iter().map(|(name, _)| name).collect()
}

fn is_group(cx: &Context<'_>) -> bool {
    cx.resource_type().name() == "Group"
}

/// Why a member does not exist.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Unknown {
    MadeUp,
    WellFormed,
    Deleted,
    InAnotherTenant,
}

/// A provider that accepts members that do not exist, if this holds for each of them.
fn accepting_unknown_members(
    accepts: impl Fn(Unknown, Option<&Update>) -> bool + Send + Sync + 'static,
) -> AlteredProvider {
    // The tenant of every user that has been created, by id.
    let users: Arc<Mutex<HashMap<String, String>>> = Arc::default();
    let known = users.clone();
    let altered = AlteredProvider::new();
    let (store, user_type) = (altered.store(), standard::user_type());
    let kind_of = move |cx: &Context<'_>, id: &str| match known.lock().unwrap().get(id) {
        Some(tenant) if Some(tenant.as_str()) == cx.tenant() => Unknown::Deleted,
        Some(_) => Unknown::InAnotherTenant,
        None if id.len() == 36 => Unknown::WellFormed,
        None => Unknown::MadeUp,
    };
    altered
        .alter_returned(move |cx, resource, returned_by, _| {
            if returned_by == ReturnedBy::Create && !is_group(cx) {
                let tenant = cx.tenant().unwrap().to_owned();
                users.lock().unwrap().insert(resource.id().to_owned(), tenant);
            }
        })
        .keep_unknown_members_if(move |cx, resource, update| {
            let unknown = members(resource).filter(|id| !exists(cx, &store, &user_type, id));
            unknown.map(|id| kind_of(cx, id)).all(|kind| accepts(kind, update))
        })
}

#[test]
fn accepting_any_kind_of_unknown_member_fails_a_check() {
    for kind in [Unknown::MadeUp, Unknown::WellFormed, Unknown::Deleted, Unknown::InAnotherTenant] {
        assert_eq!(
            failed_checks(accepting_unknown_members(move |unknown, _| unknown == kind)),
            ["unknown members"],
            "{kind:?}"
        );
    }
    assert_eq!(failed_checks(accepting_unknown_members(|_, _| false)), [""; 0]);
}

/// Whether an update is a PATCH that replaces all members (`exactly`), or one that adds and removes some.
fn is_patch(update: Option<&Update>, exactly: bool) -> bool {
    let Some(Update::Patch(patch)) = update else { return false };
    patch.split("members").is_some_and(|(delta, _)| matches!(delta, ListDelta::Exactly(_)) == exactly)
}

#[test]
fn accepting_unknown_members_by_any_method_fails_a_check() {
    type Accepts = fn(Option<&Update>) -> bool;
    let methods: [(&str, Accepts); 4] = [
        ("POST", |update| update.is_none()),
        ("add", |update| is_patch(update, false)),
        ("replace", |update| is_patch(update, true)),
        ("PUT", |update| matches!(update, Some(Update::Replace(_)))),
    ];
    for (name, accepts) in methods {
        assert_eq!(
            failed_checks(accepting_unknown_members(move |_, update| accepts(update))),
            ["unknown members"],
            "{name}"
        );
    }
}

#[test]
fn a_refused_update_that_is_stored_in_part_fails_a_check() {
    let altered = AlteredProvider::new();
    let (store, user_type) = (altered.store(), standard::user_type());
    let storing_known_members = altered.alter_stored(move |cx, resource, update| {
        let unknown = |id: &str| !exists(cx, &store, &user_type, id);
        if !is_group(cx) || update.is_none() || !members(resource).any(unknown) {
            return Ok(());
        }
        if let Some(Value::Array(list)) = resource.as_map_mut().get_mut("members") {
            list.retain(|member| !unknown(member["value"].as_str().unwrap()));
        }
        let known = Update::Replace(resource.clone());
        pollster::block_on(scim_core::Provider::update(
            &store,
            cx,
            resource.id(),
            &known,
            &Default::default(),
        ))?;
        Err(Error::invalid_value("members", "there is no such resource"))
    });
    assert_eq!(failed_checks(storing_known_members), ["unknown members"]);
}

/// A provider that returns groups without their members if this holds.
fn dropping_members(drops: impl Fn(ReturnedBy, bool) -> bool + Send + Sync + 'static) -> AlteredProvider {
    AlteredProvider::new().alter_returned(move |cx, resource, returned_by, projection| {
        if is_group(cx) && drops(returned_by, projection.is_default()) {
            resource.as_map_mut().remove("members");
        }
    })
}

#[test]
fn omitting_members_fails_a_check() {
    let unchanged = ReturnedBy::Update { changed: false };
    let listed = |returned_by| matches!(returned_by, ReturnedBy::Query { .. });
    for (provider, check) in [
        (
            dropping_members(move |returned_by, is_complete| returned_by == unchanged && !is_complete),
            "repeated members",
        ),
        (
            dropping_members(move |returned_by, is_complete| returned_by == unchanged && is_complete),
            "repeated members",
        ),
        (
            dropping_members(move |returned_by, is_complete| listed(returned_by) && is_complete),
            "listed members",
        ),
        (
            dropping_members(move |returned_by, is_complete| listed(returned_by) && !is_complete),
            "listed members",
        ),
        (
            dropping_members(|returned_by, _| returned_by == ReturnedBy::Query { filtered: true }),
            "listed members",
        ),
    ] {
        assert_eq!(failed_checks(provider), [check]);
    }
}

#[test]
fn omitting_other_attributes_together_with_members_fails_a_check() {
    let dropping_names = AlteredProvider::new().alter_returned(|cx, resource, returned_by, projection| {
        let members = cx.resource_type().attribute("members");
        if matches!(returned_by, ReturnedBy::Query { .. })
            && members.is_some_and(|members| !projection.shows(members))
        {
            resource.as_map_mut().remove("displayName");
        }
    });
    assert_eq!(failed_checks(dropping_names), ["listed members"]);
}

/// A provider whose versions depend on the projection if this holds.
fn versions_by_projection(
    applies: impl Fn(&Context<'_>, ReturnedBy) -> bool + Send + Sync + 'static,
) -> AlteredProvider {
    AlteredProvider::new().alter_returned(move |cx, resource, returned_by, projection| {
        if applies(cx, returned_by)
            && !projection.is_default()
            && let Some(Value::Object(meta)) = resource.as_map_mut().get_mut("meta")
        {
            meta.insert("version".to_owned(), json!(ETag::fresh().to_string()));
        }
    })
}

#[test]
fn versions_that_depend_on_the_projection_fail_a_check() {
    let listed = |returned_by| matches!(returned_by, ReturnedBy::Query { .. });
    let cases: [(AlteredProvider, &[&str]); 5] = [
        (
            versions_by_projection(|cx, returned_by| is_group(cx) && returned_by == ReturnedBy::Retrieve),
            &["listed members", "group versions"],
        ),
        (
            versions_by_projection(move |cx, returned_by| is_group(cx) && listed(returned_by)),
            &["listed members", "group versions"],
        ),
        (
            versions_by_projection(|cx, returned_by| {
                is_group(cx) && returned_by == ReturnedBy::Update { changed: true }
            }),
            &["group versions"],
        ),
        (
            versions_by_projection(|cx, returned_by| {
                is_group(cx) && returned_by == ReturnedBy::Update { changed: false }
            }),
            &["repeated members", "group versions"],
        ),
        (
            versions_by_projection(|cx, returned_by| !is_group(cx) && returned_by == ReturnedBy::Retrieve),
            &["projection"],
        ),
    ];
    for (provider, checks) in cases {
        assert_eq!(failed_checks(provider), checks);
    }
}

#[test]
fn dropping_elements_of_a_list_fails_a_check() {
    let created = |update: Option<&Update>| update.is_none();
    let patched = |update: Option<&Update>| matches!(update, Some(Update::Patch(_)));
    type Drops = fn(Option<&Update>) -> bool;
    let cases: [(Drops, bool); 3] = [(created, false), (created, true), (patched, true)];
    for (drops, keeps_last) in cases {
        let one_email = AlteredProvider::new().alter_stored(move |_, resource, update| {
            if let Some(Value::Array(list)) = resource.as_map_mut().get_mut("emails")
                && drops(update)
            {
                if keeps_last {
                    list.reverse();
                }
                list.truncate(1);
            }
            Ok(())
        });
        assert_eq!(failed_checks(one_email), ["elements"]);
    }
}
