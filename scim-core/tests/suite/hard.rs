//! Faults of providers that look right in most respects, and are found by one check.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use scim_core::patch::ListDelta;
use scim_core::schema::standard;
use scim_core::testing::Suite;
use scim_core::{Context, ETag, Error, Update};
use serde_json::{Value, json};

use crate::twisted::{Twisted, When, exists, members};

/// What is run against each: all that does not take long.
const CHECKS: [&str; 23] = [
    "kept",
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
fn failed(provider: Twisted) -> Vec<&'static str> {
    let report = Suite::new(provider).only(CHECKS).report();
    assert_eq!(report.passed.len() + report.failed.len(), CHECKS.len(), "{report}");
    println!("{report}");
    report.failed.into_iter().map(|(name, _)| name).collect()
}

fn is_group(cx: &Context<'_>) -> bool {
    cx.resource_type().name() == "Group"
}

/// Why there is no such member.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stranger {
    MadeUp,
    WellFormed,
    Deleted,
    OfAnotherTenant,
}

/// A provider that keeps members that do not exist, if this holds for each of them.
fn keeping(keeps: impl Fn(Stranger, Option<&Update>) -> bool + Send + Sync + 'static) -> Twisted {
    // The tenant of every user that there was.
    let users: Arc<Mutex<HashMap<String, String>>> = Arc::default();
    let known = users.clone();
    let twisted = Twisted::new();
    let (store, of_users) = (twisted.store(), standard::user_type());
    let stranger = move |cx: &Context<'_>, id: &str| match known.lock().unwrap().get(id) {
        Some(tenant) if Some(tenant.as_str()) == cx.tenant() => Stranger::Deleted,
        Some(_) => Stranger::OfAnotherTenant,
        None if id.len() == 36 => Stranger::WellFormed,
        None => Stranger::MadeUp,
    };
    twisted
        .showing(move |cx, resource, when, _| {
            if when == When::Created && !is_group(cx) {
                let tenant = cx.tenant().unwrap().to_owned();
                users.lock().unwrap().insert(resource.id().to_owned(), tenant);
            }
        })
        .keeping_members(move |cx, resource, update| {
            let unknown = members(resource).filter(|id| !exists(cx, &store, &of_users, id));
            unknown.map(|id| stranger(cx, id)).all(|stranger| keeps(stranger, update))
        })
}

#[test]
fn members_that_do_not_exist_are_found_whyever_they_do_not() {
    for kind in [Stranger::MadeUp, Stranger::WellFormed, Stranger::Deleted, Stranger::OfAnotherTenant] {
        assert_eq!(failed(keeping(move |stranger, _| stranger == kind)), ["unknown members"], "{kind:?}");
    }
    assert_eq!(failed(keeping(|_, _| false)), [""; 0]);
}

/// Whether an update is a PATCH that says what members there are to be, or which come and go.
fn is_patch(update: Option<&Update>, exactly: bool) -> bool {
    let Some(Update::Patch(patch)) = update else { return false };
    patch.split("members").is_some_and(|(delta, _)| matches!(delta, ListDelta::Exactly(_)) == exactly)
}

#[test]
fn members_that_do_not_exist_are_found_however_they_come() {
    type Comes = fn(Option<&Update>) -> bool;
    let ways: [(&str, Comes); 4] = [
        ("POST", |update| update.is_none()),
        ("add", |update| is_patch(update, false)),
        ("replace", |update| is_patch(update, true)),
        ("PUT", |update| matches!(update, Some(Update::Replace(_)))),
    ];
    for (name, comes) in ways {
        assert_eq!(failed(keeping(move |_, update| comes(update))), ["unknown members"], "{name}");
    }
}

#[test]
fn a_refusal_that_has_stored_a_part_is_found() {
    let twisted = Twisted::new();
    let (store, of_users) = (twisted.store(), standard::user_type());
    let half = twisted.storing(move |cx, resource, update| {
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
fn losing_members(loses: impl Fn(When, bool) -> bool + Send + Sync + 'static) -> Twisted {
    Twisted::new().showing(move |cx, resource, when, projection| {
        if is_group(cx) && loses(when, projection.is_default()) {
            resource.as_map_mut().remove("members");
        }
    })
}

#[test]
fn members_that_are_not_shown_are_found() {
    let unchanged = When::Updated { changed: false };
    let listed = |when| matches!(when, When::Listed { .. });
    for (provider, check) in [
        (losing_members(move |when, whole| when == unchanged && !whole), "repeated members"),
        (losing_members(move |when, whole| when == unchanged && whole), "repeated members"),
        (losing_members(move |when, whole| listed(when) && whole), "listed members"),
        (losing_members(move |when, whole| listed(when) && !whole), "listed members"),
        (losing_members(|when, _| when == When::Listed { filtered: true }), "listed members"),
    ] {
        assert_eq!(failed(provider), [check]);
    }
}

#[test]
fn what_is_shown_in_place_of_members_is_found() {
    let loses_names = Twisted::new().showing(|cx, resource, when, projection| {
        let members = cx.resource_type().attribute("members");
        if matches!(when, When::Listed { .. }) && members.is_some_and(|members| !projection.shows(members)) {
            resource.as_map_mut().remove("displayName");
        }
    });
    assert_eq!(failed(loses_names), ["listed members"]);
}

/// A provider whose versions are of what it has loaded, where this holds.
fn versions_of_parts(is: impl Fn(&Context<'_>, When) -> bool + Send + Sync + 'static) -> Twisted {
    Twisted::new().showing(move |cx, resource, when, projection| {
        if is(cx, when)
            && !projection.is_default()
            && let Some(Value::Object(meta)) = resource.as_map_mut().get_mut("meta")
        {
            meta.insert("version".to_owned(), json!(ETag::fresh().to_string()));
        }
    })
}

#[test]
fn versions_of_parts_are_found() {
    let listed = |when| matches!(when, When::Listed { .. });
    let cases: [(Twisted, &[&str]); 5] = [
        (
            versions_of_parts(|cx, when| is_group(cx) && when == When::Retrieved),
            &["listed members", "left-out members"],
        ),
        (
            versions_of_parts(move |cx, when| is_group(cx) && listed(when)),
            &["listed members", "left-out members"],
        ),
        (
            versions_of_parts(|cx, when| is_group(cx) && when == When::Updated { changed: true }),
            &["left-out members"],
        ),
        (
            versions_of_parts(|cx, when| is_group(cx) && when == When::Updated { changed: false }),
            &["repeated members", "left-out members"],
        ),
        (versions_of_parts(|cx, when| !is_group(cx) && when == When::Retrieved), &["projection"]),
    ];
    for (provider, checks) in cases {
        assert_eq!(failed(provider), checks);
    }
}

#[test]
fn elements_that_are_dropped_are_found() {
    let created = |update: Option<&Update>| update.is_none();
    let patched = |update: Option<&Update>| matches!(update, Some(Update::Patch(_)));
    type Drops = fn(Option<&Update>) -> bool;
    let cases: [(Drops, bool); 3] = [(created, false), (created, true), (patched, true)];
    for (drops, keeps_last) in cases {
        let one_email = Twisted::new().storing(move |_, resource, update| {
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
