//! Faults of providers that keep the contract in most respects, each of which one check finds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use scim_core::patch::ListDelta;
use scim_core::schema::standard;
use scim_core::testing::Suite;
use scim_core::{Context, ETag, Error, Update};
use serde_json::{Value, json};

use crate::altered_provider::{AlteredProvider, ReturnedBy, exists, members};

/// The checks that are run against each provider: all that do not take long.
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
    "left-out members",
    "groups",
    "cascade",
];

/// The checks that a provider fails.
fn failed(provider: AlteredProvider) -> Vec<&'static str> {
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
    OfAnotherTenant,
}

/// A provider that keeps members that do not exist, if this holds for each of them.
fn keeping_unknown(
    keeps: impl Fn(Unknown, Option<&Update>) -> bool + Send + Sync + 'static,
) -> AlteredProvider {
    // The tenant of every user that there was.
    let users: Arc<Mutex<HashMap<String, String>>> = Arc::default();
    let known = users.clone();
    let altered = AlteredProvider::new();
    let (store, of_users) = (altered.store(), standard::user_type());
    let kind_of = move |cx: &Context<'_>, id: &str| match known.lock().unwrap().get(id) {
        Some(tenant) if Some(tenant.as_str()) == cx.tenant() => Unknown::Deleted,
        Some(_) => Unknown::OfAnotherTenant,
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
            let unknown = members(resource).filter(|id| !exists(cx, &store, &of_users, id));
            unknown.map(|id| kind_of(cx, id)).all(|kind| keeps(kind, update))
        })
}

#[test]
fn accepting_any_kind_of_unknown_member_is_found() {
    for kind in [Unknown::MadeUp, Unknown::WellFormed, Unknown::Deleted, Unknown::OfAnotherTenant] {
        assert_eq!(
            failed(keeping_unknown(move |unknown, _| unknown == kind)),
            ["unknown members"],
            "{kind:?}"
        );
    }
    assert_eq!(failed(keeping_unknown(|_, _| false)), [""; 0]);
}

/// Whether an update is a PATCH that replaces all members (`exactly`), or one that adds and removes some.
fn is_patch(update: Option<&Update>, exactly: bool) -> bool {
    let Some(Update::Patch(patch)) = update else { return false };
    patch.split("members").is_some_and(|(delta, _)| matches!(delta, ListDelta::Exactly(_)) == exactly)
}

#[test]
fn accepting_unknown_members_by_any_method_is_found() {
    type Accepts = fn(Option<&Update>) -> bool;
    let methods: [(&str, Accepts); 4] = [
        ("POST", |update| update.is_none()),
        ("add", |update| is_patch(update, false)),
        ("replace", |update| is_patch(update, true)),
        ("PUT", |update| matches!(update, Some(Update::Replace(_)))),
    ];
    for (name, accepts) in methods {
        assert_eq!(failed(keeping_unknown(move |_, update| accepts(update))), ["unknown members"], "{name}");
    }
}

#[test]
fn a_refused_update_that_is_stored_in_part_is_found() {
    let altered = AlteredProvider::new();
    let (store, of_users) = (altered.store(), standard::user_type());
    let half = altered.alter_stored(move |cx, resource, update| {
        let unknown = |id: &str| !exists(cx, &store, &of_users, id);
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
    assert_eq!(failed(half), ["unknown members"]);
}

/// A provider that shows groups without their members where this holds.
fn losing_members(loses: impl Fn(ReturnedBy, bool) -> bool + Send + Sync + 'static) -> AlteredProvider {
    AlteredProvider::new().alter_returned(move |cx, resource, returned_by, projection| {
        if is_group(cx) && loses(returned_by, projection.is_default()) {
            resource.as_map_mut().remove("members");
        }
    })
}

#[test]
fn omitting_members_is_found() {
    let unchanged = ReturnedBy::Update { changed: false };
    let listed = |returned_by| matches!(returned_by, ReturnedBy::Query { .. });
    for (provider, check) in [
        (losing_members(move |returned_by, whole| returned_by == unchanged && !whole), "repeated members"),
        (losing_members(move |returned_by, whole| returned_by == unchanged && whole), "repeated members"),
        (losing_members(move |returned_by, whole| listed(returned_by) && whole), "listed members"),
        (losing_members(move |returned_by, whole| listed(returned_by) && !whole), "listed members"),
        (
            losing_members(|returned_by, _| returned_by == ReturnedBy::Query { filtered: true }),
            "listed members",
        ),
    ] {
        assert_eq!(failed(provider), [check]);
    }
}

#[test]
fn omitting_other_attributes_together_with_members_is_found() {
    let loses_names = AlteredProvider::new().alter_returned(|cx, resource, returned_by, projection| {
        let members = cx.resource_type().attribute("members");
        if matches!(returned_by, ReturnedBy::Query { .. })
            && members.is_some_and(|members| !projection.shows(members))
        {
            resource.as_map_mut().remove("displayName");
        }
    });
    assert_eq!(failed(loses_names), ["listed members"]);
}

/// A provider whose versions depend on the projection, where this holds.
fn versions_by_projection(
    is: impl Fn(&Context<'_>, ReturnedBy) -> bool + Send + Sync + 'static,
) -> AlteredProvider {
    AlteredProvider::new().alter_returned(move |cx, resource, returned_by, projection| {
        if is(cx, returned_by)
            && !projection.is_default()
            && let Some(Value::Object(meta)) = resource.as_map_mut().get_mut("meta")
        {
            meta.insert("version".to_owned(), json!(ETag::fresh().to_string()));
        }
    })
}

#[test]
fn versions_that_depend_on_the_projection_are_found() {
    let listed = |returned_by| matches!(returned_by, ReturnedBy::Query { .. });
    let cases: [(AlteredProvider, &[&str]); 5] = [
        (
            versions_by_projection(|cx, returned_by| is_group(cx) && returned_by == ReturnedBy::Retrieve),
            &["listed members", "left-out members"],
        ),
        (
            versions_by_projection(move |cx, returned_by| is_group(cx) && listed(returned_by)),
            &["listed members", "left-out members"],
        ),
        (
            versions_by_projection(|cx, returned_by| {
                is_group(cx) && returned_by == ReturnedBy::Update { changed: true }
            }),
            &["left-out members"],
        ),
        (
            versions_by_projection(|cx, returned_by| {
                is_group(cx) && returned_by == ReturnedBy::Update { changed: false }
            }),
            &["repeated members", "left-out members"],
        ),
        (
            versions_by_projection(|cx, returned_by| !is_group(cx) && returned_by == ReturnedBy::Retrieve),
            &["projection"],
        ),
    ];
    for (provider, checks) in cases {
        assert_eq!(failed(provider), checks);
    }
}

#[test]
fn dropping_elements_of_a_list_is_found() {
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
        assert_eq!(failed(one_email), ["elements"]);
    }
}
