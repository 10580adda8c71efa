//! What the suite does when it cannot prepare, or when the provider fails in the middle: the other checks are
//! run all the same.

use scim_core::testing::{Report, Suite};
use scim_core::{Error, MemoryProvider};
use serde_json::{Value, json};

use crate::altered_provider::{AlteredProvider, ReturnedBy};

/// Checks that take no time.
const FAST: [&str; 5] = ["kept", "create", "replace", "index paging", "memberships"];

fn run(provider: AlteredProvider) -> Report {
    Suite::new(provider).only(FAST).report()
}

#[test]
fn an_attribute_that_is_refused_is_reported_and_not_used_any_more() {
    let report = run(AlteredProvider::new().alter_stored(|_, resource, _| match resource.get("emails") {
        Some(_) => Err(Error::invalid_value("emails", "we do not want any")),
        None => Ok(()),
    }));
    let (check, reason) = report.failed.first().unwrap();
    assert!(*check == "kept" && reason.contains("we do not want any"), "{report}");
    assert!(reason.contains("`emails`") && !reason.contains("`title`"), "{report}");
    assert_eq!(report.passed, FAST[1..], "{report}");
}

#[test]
fn a_name_that_is_not_kept_is_a_failure() {
    let report = run(AlteredProvider::new().alter_stored(|cx, resource, _| {
        if cx.resource_type().name() == "User" {
            let name = format!("{} of us", resource.text("userName").unwrap());
            resource.as_map_mut().insert("userName".to_owned(), json!(name));
        }
        Ok(())
    }));
    let (check, reason) = report.failed.first().unwrap();
    assert!(*check == "kept" && reason.contains("sent `userName`"), "{report}");
    assert!(report.passed.contains(&"memberships"), "{report}");
}

#[test]
fn a_store_that_is_down_fails_every_check_with_its_reason() {
    let report = run(AlteredProvider::new().alter_stored(|_, _, _| Err(Error::unavailable(7))));
    let (failed, reasons): (Vec<_>, Vec<_>) = report.failed.iter().cloned().unzip();
    assert_eq!(failed, FAST, "{report}");
    assert!(reasons.iter().all(|reason| reason.contains("503")), "{report}");
}

#[test]
fn a_panic_of_the_provider_fails_only_the_check_in_which_it_happens() {
    let report = run(AlteredProvider::new().alter_returned(|_, _, returned_by, _| {
        assert!(!matches!(returned_by, ReturnedBy::Query { .. }), "no lists today");
    }));
    assert_eq!(report.passed, ["kept", "create", "replace", "memberships"], "{report}");
    let (check, reason) = report.failed.first().unwrap();
    assert!(*check == "index paging" && reason.contains("the provider panicked: no lists today"), "{report}");

    let report = run(AlteredProvider::new().alter_stored(|_, resource, _| {
        assert!(resource.get("emails").is_none(), "no emails today");
        Ok(())
    }));
    let (check, reason) = report.failed.first().unwrap();
    assert!(*check == "kept" && reason.contains("no emails today"), "{report}");
    assert!(report.passed.contains(&"memberships"), "{report}");
}

#[test]
fn a_resource_that_is_not_valid_is_reported() {
    let shown_wrong = |type_name: &'static str, attribute: &'static str, value: Value| {
        AlteredProvider::new().alter_returned(move |cx, resource, _, _| {
            if cx.resource_type().name() == type_name {
                resource.as_map_mut().insert(attribute.to_owned(), value.clone());
            }
        })
    };
    for (provider, reason) in [
        (shown_wrong("User", "active", json!("yes")), "`active`: must be"),
        (shown_wrong("User", "nickName", json!(["Bea"])), "`nickName`: must be"),
        (shown_wrong("User", "emails", json!([{ "value": 7 }])), "`emails.value`: must be"),
        (shown_wrong("Group", "displayName", json!(7)), "`displayName`: must be"),
    ] {
        let report = Suite::new(provider).only(["valid", "kept", "create"]).report();
        assert_eq!(report.passed, ["kept", "create"], "{report}");
        let (check, found) = report.failed.first().unwrap();
        assert!(*check == "valid" && found.contains(reason), "{report}");
    }
}

#[test]
fn a_check_that_is_not_run_to_its_end_has_not_passed() {
    let report = Suite::new(MemoryProvider::new()).only(FAST).block_on(|_| {}).report();
    assert!(report.passed.is_empty(), "{report}");
    assert_eq!(report.failed.len(), FAST.len(), "{report}");
}

#[test]
fn impossible_references_are_reported_and_the_checks_are_run() {
    for (attribute, to, reason) in [
        ("nonsense", "User", "no attribute `nonsense`"),
        ("manager", "Nobody", "`Nobody` is not one of the resource types"),
        ("userName", "User", "`userName` is required"),
    ] {
        let suite = Suite::new(MemoryProvider::new()).references(attribute, to);
        let report = suite.only(["create"]).report();
        assert_eq!(report.passed, ["create"], "{report}");
        let (check, found) = report.failed.first().unwrap();
        assert!(*check == "set-up" && found.contains(reason), "{report}");
    }
}

#[test]
fn a_check_that_does_not_exist_is_reported() {
    let report = Suite::new(MemoryProvider::new()).only(["create", "creat"]).report();
    assert_eq!(report.passed, ["create"], "{report}");
    assert_eq!(report.failed, [("set-up", "there is no check `creat`".to_owned())], "{report}");
}

#[test]
fn a_service_that_cannot_be_built_is_reported() {
    let report = Suite::new(MemoryProvider::new()).resource_types([]).report();
    assert_eq!(report.failed.first().map(|(check, _)| *check), Some("set-up"), "{report}");
}
