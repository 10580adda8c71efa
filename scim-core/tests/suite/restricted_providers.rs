//! Providers that support only a part of the standard schemas or have additional rules, but keep the contract. They pass
//! the suite.

use scim_core::schema::{Attribute, ResourceType, Schema, standard};
use scim_core::testing::{Report, Suite};
use scim_core::{
    Capabilities, Context, Deleted, Error, MemoryProvider, Precondition, Provider, Query, Resource, Result,
    Update, async_trait,
};
use serde_json::Value;

use crate::altered_provider::{AlteredProvider, exists, members};
use crate::obvious_faults::{Fault, FaultyProvider};
use crate::overriding::{Overrides, Overriding};

/// The resource types of users with an adjusted schema, and of standard groups.
fn types_with_users(users: Schema) -> [ResourceType; 2] {
    let users = ResourceType::builder("User", "/Users", users).extension(standard::enterprise_user());
    [users.build().unwrap(), standard::group_type()]
}

fn assert_passed(report: &Report) {
    assert!(report.failed.is_empty() && report.skipped.is_empty() && report.not_kept.is_empty(), "{report}");
}

#[test]
fn the_suite_sends_only_values_that_the_resource_types_allow() {
    let users = standard::user()
        .adjust("emails.type", |a| a.with_canonical_values(["work", "home"]).only_canonical_values())
        .and_then(|users| users.adjust("emails.value", |a| a.with_max_length(4).required()))
        .and_then(|users| users.adjust("title", |a| a.with_canonical_values(["Dr."]).only_canonical_values()))
        .and_then(|users| users.adjust("nickName", |a| a.with_max_length(3)))
        .and_then(|users| {
            users.adjust("phoneNumbers.value", |a| a.with_uniqueness(scim_core::schema::Uniqueness::Server))
        })
        .and_then(|users| users.adjust("displayName", Attribute::required))
        .unwrap();
    assert_passed(&Suite::new(MemoryProvider::new()).resource_types(types_with_users(users)).report());
}

/// A provider whose groups cannot contain groups.
fn flat_groups() -> AlteredProvider {
    let altered = AlteredProvider::new();
    let store = altered.store();
    let groups = standard::group_type();
    altered.alter_stored(move |cx, resource, _| {
        if members(resource).any(|id| exists(cx, &store, &groups, id)) {
            return Err(Error::invalid_value("members", "members must be users"));
        }
        Ok(())
    })
}

#[test]
fn a_provider_with_flat_groups_passes() {
    assert_passed(&Suite::new(flat_groups()).flat_groups().report());
    let nested = Suite::new(MemoryProvider::new()).flat_groups().only(["groups", "circles"]).report();
    assert_eq!((nested.passed, nested.failed.len()), (vec!["groups"], 1));
}

#[test]
fn a_provider_with_flat_groups_that_accepts_a_group_in_one_method_fails() {
    type Accepts = fn(Option<&Update>) -> bool;
    let methods: [Accepts; 2] = [|update| update.is_none(), |update| update.is_some()];
    for accepts in methods {
        let altered = AlteredProvider::new();
        let store = altered.store();
        let groups = standard::group_type();
        let provider = altered.alter_stored(move |cx, resource, update| {
            let nested = members(resource).any(|id| exists(cx, &store, &groups, id));
            if nested && !accepts(update) {
                return Err(Error::invalid_value("members", "members must be users"));
            }
            Ok(())
        });
        let report = Suite::new(provider).flat_groups().only(["circles"]).report();
        assert_eq!(report.failed.len(), 1, "{report}");
    }
}

/// A provider in which a manager must exist, and a nickname must be the id of a group.
fn existing_references() -> AlteredProvider {
    let altered = AlteredProvider::new();
    let store = altered.store();
    let manager = format!("{}:manager.value", standard::ENTERPRISE_USER);
    let references = [(manager, standard::user_type()), ("nickName".to_owned(), standard::group_type())];
    altered.alter_stored(move |cx, resource, _| {
        for (path, resource_type) in &references {
            if resource.text(path).is_some_and(|id| !exists(cx, &store, resource_type, id)) {
                return Err(Error::invalid_value(path, "there is no such resource"));
            }
        }
        Ok(())
    })
}

#[test]
fn a_provider_whose_references_must_exist_passes_if_the_suite_is_told_of_them() {
    for manager in ["manager", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value"] {
        let suite =
            Suite::new(existing_references()).references(manager, "User").references("nickName", "Group");
        assert_passed(&suite.report());
    }
    let without_references = Suite::new(existing_references()).only(["kept"]).report();
    let (check, reason) = without_references.failed.first().unwrap();
    assert!(
        *check == "kept" && reason.contains("manager") && reason.contains("nickName"),
        "{without_references}"
    );
    assert!(!reason.contains("emails"), "{without_references}");
}

/// With a single tenant the suite deletes all resources after each check, including those that others refer to.
#[test]
fn a_provider_that_refuses_to_delete_referenced_resources_passes() {
    struct KeepsManagers(AlteredProvider);
    #[async_trait]
    impl Overrides for KeepsManagers {
        fn inner(&self) -> &dyn Provider {
            &self.0
        }
        async fn delete(&self, cx: &Context<'_>, id: &str, precondition: &Precondition) -> Result<Deleted> {
            let mut all = Query::new(cx.resource_type());
            all.count = 1_000;
            let is_managed = |user: &Resource| {
                user.text(&format!("{}:manager.value", standard::ENTERPRISE_USER)) == Some(id)
            };
            if self.0.query(cx, &all).await?.resources.iter().any(is_managed) {
                return Err(Error::invalid_value("manager", "a manager of other users cannot be deleted"));
            }
            self.0.delete(cx, id, precondition).await
        }
    }
    let suite = Suite::new(Overriding(KeepsManagers(AlteredProvider::new())))
        .single_tenant()
        .references("manager", "User");
    let report = suite.only(["create", "order", "index paging", "cursor paging"]).report();
    assert_eq!(report.passed.len(), 4, "{report}");
}

/// The users of an application with a few columns, one for each attribute.
fn few_columns() -> ResourceType {
    let subs = ["value", "type"].map(Attribute::string);
    let name = Attribute::complex("name", ["familyName", "givenName"].map(Attribute::string));
    let emails = Attribute::complex("emails", subs.clone()).multi_valued().keep_only_type("work");
    let phones = Attribute::complex("phoneNumbers", subs).multi_valued().keep_only_type("mobile");
    let attributes =
        [Attribute::string("userName").required(), name, Attribute::boolean("active"), emails, phones];
    let unique = |a: Attribute| a.with_uniqueness(scim_core::schema::Uniqueness::Server);
    let users = Schema::new(standard::USER, "User", attributes).unwrap().adjust("userName", unique).unwrap();
    ResourceType::builder("User", "/Users", users).build().unwrap()
}

#[test]
fn a_provider_whose_lists_have_one_element_passes() {
    let suite = || Suite::new(MemoryProvider::new()).resource_types([few_columns(), standard::group_type()]);
    let report = suite().report();
    assert!(report.failed.is_empty() && report.not_kept.is_empty(), "{report}");
    let losing_updates = Suite::new(FaultyProvider::new(Fault::LosesUpdates))
        .resource_types([few_columns(), standard::group_type()]);
    let report = losing_updates.only(["race"]).report();
    assert!(report.failed.first().is_some_and(|(_, reason)| reason.contains("got none in")), "{report}");
}

#[test]
fn a_provider_that_refuses_a_second_element_passes() {
    let single_elements = AlteredProvider::new().alter_stored(|cx, resource, _| {
        for list in cx.resource_type().attributes().filter(|list| !list.holds_members()) {
            let has_several =
                list.get(resource.as_map()).and_then(Value::as_array).is_some_and(|l| l.len() > 1);
            if has_several && list.attribute().name() != "schemas" && list.attribute().name() != "groups" {
                return Err(Error::invalid_value(list.path().as_str(), "must have at most one element"));
            }
        }
        Ok(())
    });
    assert_passed(&Suite::new(single_elements).report());
}

#[test]
fn attributes_that_the_provider_does_not_keep_are_listed_and_not_used() {
    let no_emails = AlteredProvider::new().alter_stored(|_, resource, _| {
        for name in ["emails", "active"] {
            resource.as_map_mut().remove(name);
        }
        Ok(())
    });
    let report = Suite::new(no_emails).report();
    assert!(report.failed.is_empty() && report.skipped.is_empty(), "{report}");
    assert_eq!(report.not_kept, ["active", "emails"]);
}

#[test]
fn checks_of_capabilities_that_are_not_announced_are_skipped() {
    struct WithoutCapabilities(MemoryProvider);
    impl Overrides for WithoutCapabilities {
        fn inner(&self) -> &dyn Provider {
            &self.0
        }
        fn capabilities(&self, _: &ResourceType) -> Capabilities {
            Capabilities::NONE
        }
    }
    let provider = Overriding(WithoutCapabilities(MemoryProvider::new()));
    let report = Suite::new(provider).resource_types([standard::user_type()]).report();
    assert!(report.failed.is_empty(), "{report}");
    for check in ["filter", "sort", "cursor paging", "memberships", "groups"] {
        assert!(report.skipped.contains(&check), "{check}: {report}");
    }
}
