//! Right hosts that have less than the standard schemas, or more rules: they pass.

use scim_core::schema::{Attribute, Projection, ResourceType, Schema, standard};
use scim_core::testing::{Report, Suite};
use scim_core::{
    Capabilities, Context, Deleted, Error, MemoryProvider, Page, Precondition, Provider, Query, Resource,
    Result, Update, UpdateOptions, Updated, async_trait,
};
use serde_json::Value;

use crate::broken::{Broken, Fault};
use crate::twisted::{Twisted, exists, members};

/// Users with a schema that is adjusted, and groups.
fn types(users: Schema) -> [ResourceType; 2] {
    let users = ResourceType::builder("User", "/Users", users).extension(standard::enterprise_user());
    [users.build().unwrap(), standard::group_type()]
}

fn passes(report: &Report) {
    assert!(report.failed.is_empty() && report.skipped.is_empty() && report.left_out.is_empty(), "{report}");
}

#[test]
fn only_what_the_types_allow_is_sent() {
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
    passes(&Suite::new(MemoryProvider::new()).types(types(users)).report());
}

/// Groups that hold no groups.
fn flat() -> Twisted {
    let twisted = Twisted::new();
    let store = twisted.store();
    let groups = standard::group_type();
    twisted.storing(move |cx, resource, _| {
        if members(resource).any(|id| exists(cx, &store, &groups, id)) {
            return Err(Error::invalid_value("members", "a group holds users only"));
        }
        Ok(())
    })
}

#[test]
fn groups_may_be_flat() {
    passes(&Suite::new(flat()).flat_groups().report());
    let nested = Suite::new(MemoryProvider::new()).flat_groups().only(["groups", "circles"]).report();
    assert_eq!((nested.passed, nested.failed.len()), (vec!["groups"], 1));
}

#[test]
fn flat_groups_that_take_a_group_in_one_way_are_found() {
    type Comes = fn(Option<&Update>) -> bool;
    let ways: [Comes; 2] = [|update| update.is_none(), |update| update.is_some()];
    for comes in ways {
        let twisted = Twisted::new();
        let store = twisted.store();
        let groups = standard::group_type();
        let one = twisted.storing(move |cx, resource, update| {
            let nested = members(resource).any(|id| exists(cx, &store, &groups, id));
            if nested && !comes(update) {
                return Err(Error::invalid_value("members", "a group holds users only"));
            }
            Ok(())
        });
        let report = Suite::new(one).flat_groups().only(["circles"]).report();
        assert_eq!(report.failed.len(), 1, "{report}");
    }
}

/// Managers that exist, and a nickname that is the id of a group.
fn referring() -> Twisted {
    let twisted = Twisted::new();
    let store = twisted.store();
    let manager = format!("{}:manager.value", standard::ENTERPRISE_USER);
    let ends = [(manager, standard::user_type()), ("nickName".to_owned(), standard::group_type())];
    twisted.storing(move |cx, resource, _| {
        for (path, on) in &ends {
            if resource.text(path).is_some_and(|id| !exists(cx, &store, on, id)) {
                return Err(Error::invalid_value(path, "there is no such resource"));
            }
        }
        Ok(())
    })
}

#[test]
fn references_may_have_to_exist() {
    for manager in ["manager", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value"] {
        let suite = Suite::new(referring()).references(manager, "User").references("nickName", "Group");
        passes(&suite.report());
    }
    let untold = Suite::new(referring()).only(["kept"]).report();
    let (check, reason) = untold.failed.first().unwrap();
    assert!(*check == "kept" && reason.contains("manager") && reason.contains("nickName"), "{untold}");
    assert!(!reason.contains("emails"), "{untold}");
}

/// With one tenant everything is deleted in between, also what others refer to.
#[test]
fn what_is_referred_to_may_have_to_stay() {
    struct Stays(Twisted);
    #[async_trait]
    impl Provider for Stays {
        async fn query(&self, cx: &Context<'_>, query: &Query) -> Result<Page> {
            self.0.query(cx, query).await
        }
        async fn create(&self, cx: &Context<'_>, resource: Resource) -> Result<Resource> {
            self.0.create(cx, resource).await
        }
        async fn retrieve(&self, cx: &Context<'_>, id: &str, what: &Projection) -> Result<Option<Resource>> {
            self.0.retrieve(cx, id, what).await
        }
        async fn update(
            &self,
            cx: &Context<'_>,
            id: &str,
            update: &Update,
            options: &UpdateOptions,
        ) -> Result<Updated> {
            self.0.update(cx, id, update, options).await
        }
        async fn delete(&self, cx: &Context<'_>, id: &str, precondition: &Precondition) -> Result<Deleted> {
            let mut all = Query::new(cx.resource_type());
            all.count = 1_000;
            let manages = |user: &Resource| {
                user.text(&format!("{}:manager.value", standard::ENTERPRISE_USER)) == Some(id)
            };
            if self.0.query(cx, &all).await?.resources.iter().any(manages) {
                return Err(Error::invalid_value("manager", "somebody is managed"));
            }
            self.0.delete(cx, id, precondition).await
        }
        fn capabilities(&self, on: &ResourceType) -> Capabilities {
            self.0.capabilities(on)
        }
    }
    let suite = Suite::new(Stays(Twisted::new())).single_tenant().references("manager", "User");
    let report = suite.only(["create", "order", "index paging", "cursor paging"]).report();
    assert_eq!(report.passed.len(), 4, "{report}");
}

/// Users of an application that has one column for each of these.
fn slim() -> ResourceType {
    let subs = ["value", "type"].map(Attribute::string);
    let name = Attribute::complex("name", ["familyName", "givenName"].map(Attribute::string));
    let emails = Attribute::complex("emails", subs.clone()).multi_valued().single("work");
    let phones = Attribute::complex("phoneNumbers", subs).multi_valued().single("mobile");
    let own = [Attribute::string("userName").required(), name, Attribute::boolean("active"), emails, phones];
    let unique = |a: Attribute| a.with_uniqueness(scim_core::schema::Uniqueness::Server);
    let users = Schema::new(standard::USER, "User", own).unwrap().adjust("userName", unique).unwrap();
    ResourceType::builder("User", "/Users", users).build().unwrap()
}

#[test]
fn lists_may_keep_one_element() {
    let suite = || Suite::new(MemoryProvider::new()).types([slim(), standard::group_type()]);
    let report = suite().report();
    assert!(report.failed.is_empty() && report.left_out.is_empty(), "{report}");
    let lost = Suite::new(Broken::new(Fault::LosesUpdates)).types([slim(), standard::group_type()]);
    let lost = lost.only(["race"]).report();
    assert!(lost.failed.first().is_some_and(|(_, reason)| reason.contains("is not there")), "{lost}");
}

#[test]
fn lists_may_refuse_a_second_element() {
    let short = Twisted::new().storing(|cx, resource, _| {
        for list in cx.resource_type().attributes().filter(|list| !list.holds_members()) {
            let two = list.get(resource.as_map()).and_then(Value::as_array).is_some_and(|l| l.len() > 1);
            if two && list.attribute().name() != "schemas" && list.attribute().name() != "groups" {
                return Err(Error::invalid_value(list.path().as_str(), "there is place for one"));
            }
        }
        Ok(())
    });
    passes(&Suite::new(short).report());
}

#[test]
fn what_is_not_kept_is_left_out() {
    let no_emails = Twisted::new().storing(|_, resource, _| {
        for name in ["emails", "active"] {
            resource.as_map_mut().remove(name);
        }
        Ok(())
    });
    let report = Suite::new(no_emails).report();
    assert!(report.failed.is_empty() && report.skipped.is_empty(), "{report}");
    assert_eq!(report.left_out, ["active", "emails"]);
}

#[test]
fn what_is_not_claimed_is_not_tested() {
    struct Modest(MemoryProvider);
    #[async_trait]
    impl Provider for Modest {
        async fn query(&self, cx: &Context<'_>, query: &Query) -> Result<Page> {
            self.0.query(cx, query).await
        }
        async fn create(&self, cx: &Context<'_>, resource: Resource) -> Result<Resource> {
            self.0.create(cx, resource).await
        }
        async fn retrieve(
            &self,
            cx: &Context<'_>,
            id: &str,
            projection: &Projection,
        ) -> Result<Option<Resource>> {
            self.0.retrieve(cx, id, projection).await
        }
        async fn update(
            &self,
            cx: &Context<'_>,
            id: &str,
            update: &Update,
            o: &UpdateOptions,
        ) -> Result<Updated> {
            self.0.update(cx, id, update, o).await
        }
        async fn delete(&self, cx: &Context<'_>, id: &str, precondition: &Precondition) -> Result<Deleted> {
            self.0.delete(cx, id, precondition).await
        }
    }
    let report = Suite::new(Modest(MemoryProvider::new())).types([standard::user_type()]).report();
    assert!(report.failed.is_empty(), "{report}");
    for check in ["filter", "sort", "cursor paging", "memberships", "groups"] {
        assert!(report.skipped.contains(&check), "{check}: {report}");
    }
}
