//! The suite reports invalid options, refused values, errors and panics, and runs all other checks nevertheless.

use scim_core::testing::{Report, Suite};
use scim_core::{Error, MemoryProvider};
use serde_json::{Value, json};

use crate::altered_provider::{AlteredProvider, ReturnedBy};

/// Checks that are fast.
const FAST: [&str; 5] = ["kept", "create", "replace", "index paging", "memberships"];

fn run(provider: AlteredProvider) -> Report {
    Suite::new(provider).only(FAST).report()
}

/// Asserts that the first failure of a report is that of a check, for a reason that contains a text.
fn assert_first_failure(report: &Report, check: &str, text: &str) {
    let (failed, reason) = report.failed.first().unwrap();
    assert!(*failed == check && reason.contains(text), "{report}");
}

#[test]
fn a_refused_attribute_is_reported_and_no_other_check_uses_it() {
    let report = run(AlteredProvider::new().alter_stored(|_, resource, _| match resource.get("emails") {
        Some(_) => Err(Error::invalid_value("emails", "we do not want any")),
        None => Ok(()),
    }));
    assert_first_failure(&report, "kept", "we do not want any");
    assert_first_failure(&report, "kept", "`emails`");
    assert!(report.failed.iter().all(|(_, reason)| !reason.contains("`title`")), "{report}");
    assert_eq!(report.passed, FAST[1..], "{report}");
}

#[test]
fn a_provider_that_changes_the_name_fails_the_check_kept() {
    let report = run(AlteredProvider::new().alter_stored(|cx, resource, _| {
        if cx.resource_type().name() == "User" {
            let name = format!("{} of us", resource.text("userName").unwrap());
            resource.as_map_mut().insert("userName".to_owned(), json!(name));
        }
        Ok(())
    }));
    assert_first_failure(&report, "kept", "sent `userName`");
    assert!(report.passed.contains(&"memberships"), "{report}");
}

#[test]
fn a_provider_that_is_unavailable_fails_every_check_with_its_status() {
    let report = run(AlteredProvider::new().alter_stored(|_, _, _| Err(Error::unavailable(7))));
    let (failed, reasons): (Vec<_>, Vec<_>) = report.failed.iter().cloned().unzip();
    assert_eq!(failed, FAST, "{report}");
    assert!(reasons.iter().all(|reason| reason.contains("503")), "{report}");
}

#[test]
fn a_panic_fails_only_the_check_in_which_it_happens() {
    let report = run(AlteredProvider::new().alter_returned(|_, _, returned_by, _| {
        assert!(!matches!(returned_by, ReturnedBy::Query { .. }), "no lists today");
    }));
    assert_eq!(report.passed, ["kept", "create", "replace", "memberships"], "{report}");
    assert_first_failure(&report, "index paging", "the provider panicked: no lists today");

    let report = run(AlteredProvider::new().alter_stored(|_, resource, _| {
        assert!(resource.get("emails").is_none(), "no emails today");
        Ok(())
    }));
    assert_first_failure(&report, "kept", "no emails today");
    assert!(report.passed.contains(&"memberships"), "{report}");
}

#[test]
fn an_invalid_resource_in_a_response_is_reported() {
    let returns_invalid = |type_name: &'static str, attribute: &'static str, value: Value| {
        AlteredProvider::new().alter_returned(move |cx, resource, _, _| {
            if cx.resource_type().name() == type_name {
                resource.as_map_mut().insert(attribute.to_owned(), value.clone());
            }
        })
    };
    for (provider, reason) in [
        (returns_invalid("User", "active", json!("yes")), "`active`: must be"),
        (returns_invalid("User", "nickName", json!(["Bea"])), "`nickName`: must be"),
        (returns_invalid("User", "emails", json!([{ "value": 7 }])), "`emails.value`: must be"),
        (returns_invalid("Group", "displayName", json!(7)), "`displayName`: must be"),
    ] {
        let report = Suite::new(provider).only(["valid", "kept", "create"]).report();
        assert_eq!(report.passed, ["kept", "create"], "{report}");
        assert_first_failure(&report, "valid", reason);
    }
}

#[test]
fn a_check_whose_future_does_not_finish_fails() {
    let report = Suite::new(MemoryProvider::new()).only(FAST).block_on(|_| {}).report();
    assert!(report.passed.is_empty(), "{report}");
    assert_eq!(report.failed.len(), FAST.len(), "{report}");
}

#[test]
fn invalid_references_are_reported_and_the_checks_run() {
    for (attribute, type_name, reason) in [
        ("nonsense", "User", "no attribute `nonsense`"),
        ("manager", "Nobody", "`Nobody` is not one of the resource types"),
        ("userName", "User", "`userName` is required"),
    ] {
        let suite = Suite::new(MemoryProvider::new()).references(attribute, type_name);
        let report = suite.only(["create"]).report();
        assert_eq!(report.passed, ["create"], "{report}");
        assert_first_failure(&report, "set-up", reason);
    }
}

#[test]
fn an_unknown_check_name_is_reported() {
    let report = Suite::new(MemoryProvider::new()).only(["create", "creat"]).report();
    assert_eq!(report.passed, ["create"], "{report}");
    assert_eq!(report.failed, [("set-up", "there is no check `creat`".to_owned())], "{report}");
}

#[test]
fn a_service_that_cannot_be_built_is_reported() {
    let report = Suite::new(MemoryProvider::new()).resource_types([]).report();
    assert_eq!(report.failed.first().map(|(check, _)| *check), Some("set-up"), "{report}");
}
