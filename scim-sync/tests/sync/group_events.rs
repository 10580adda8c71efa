//! An identity provider pushes its groups by SCIM, and an application keeps memberships in a table of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use http::{Method, Request};
use scim_core::schema::standard;
use scim_core::{Action, Event, Identity, MemoryProvider, Monitor, Resource, ScimService};
use scim_sync::{
    ExternalGroups, Grant, GrantRule, Grants, Membership, MembershipChange, Origin, membership_changes,
};
use serde_json::{Value, json};

/// The users whose groups have changed; `None` for everybody, since the deletion of a group does not list its members.
#[derive(Clone, Default)]
struct Changed(Arc<Mutex<Vec<Option<String>>>>);

impl Monitor for Changed {
    fn changed(&self, event: &Event<'_>) {
        let mut changed = self.0.lock().unwrap();
        changed.extend(event.added_members().iter().chain(event.removed_members()).cloned().map(Some));
        if event.resource_type().name() == "Group" && event.action() == Action::Delete {
            changed.push(None);
        }
    }
}

struct Application {
    service: ScimService,
    changed: Changed,
    grants: Grants,
    /// The memberships by the ids of users.
    table: BTreeMap<String, Vec<Membership>>,
}

impl Application {
    fn new() -> Self {
        let (store, changed) = (MemoryProvider::new(), Changed::default());
        let service = ScimService::builder()
            .base_url("https://app.example.com/scim/v2")
            .users(store.clone())
            .groups(store)
            .monitor(changed.clone());
        let rules: Vec<GrantRule> = serde_json::from_value(json!([
            { "group": "projects", "access": "edit", "external": ["Sales leads"] },
            { "group": "projects", "access": "read", "external": ["Sales"] },
        ]))
        .unwrap();
        let grants = Grants::new(&rules, &standard::user_type()).unwrap();
        Self { service: service.build().unwrap(), changed, grants, table: BTreeMap::new() }
    }

    fn send(&self, method: Method, path: &str, body: Value) -> Value {
        let request =
            Request::builder().method(method).uri(path).header("content-type", "application/scim+json");
        let mut request = request.body(body.to_string().into_bytes()).unwrap();
        request.extensions_mut().insert(Identity::new("entra"));
        let response = pollster::block_on(self.service.handle(request));
        assert!(response.status().is_success(), "{path}: {}", String::from_utf8_lossy(response.body()));
        serde_json::from_slice(response.body()).unwrap_or_default()
    }

    /// The provider sends a request; then the application looks at those whose groups have changed.
    fn push(&mut self, method: Method, path: &str, body: Value) -> String {
        let created = self.send(method, path, body);
        let changed = std::mem::take(&mut *self.changed.0.lock().unwrap());
        let all = changed.contains(&None).then(|| self.table.keys().cloned().collect::<BTreeSet<_>>());
        for id in all.unwrap_or_else(|| changed.into_iter().flatten().collect()) {
            let user =
                Resource::try_from(self.send(Method::GET, &format!("/Users/{id}"), json!({}))).unwrap();
            let wanted = self.grants.wanted(&ExternalGroups::names_from_user(&user), user.as_map());
            let current = self.table.entry(id).or_default();
            for change in membership_changes(&wanted, current) {
                match change {
                    MembershipChange::Remove(group) => current.retain(|membership| membership.group != group),
                    MembershipChange::Grant(Grant { group, access }) => {
                        current.retain(|membership| membership.group != group);
                        current.push(Membership { group, access, origin: Origin::Federated });
                    }
                }
            }
        }
        created["id"].as_str().unwrap_or_default().to_owned()
    }

    fn access(&self, user: &str) -> Vec<(&str, Option<&str>, Origin)> {
        let memberships = self.table.get(user).into_iter().flatten();
        memberships
            .map(|membership| (&*membership.group, membership.access.as_deref(), membership.origin))
            .collect()
    }
}

#[test]
fn events_of_groups_change_memberships_of_the_application() {
    let mut application = Application::new();
    let user =
        |name: &str| json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name });
    let ada = application.push(Method::POST, "/Users", user("ada"));
    let bob = application.push(Method::POST, "/Users", user("bob"));
    let manual =
        Membership { group: "projects".to_owned(), access: Some("own".to_owned()), origin: Origin::Manual };
    application.table.insert(bob.clone(), vec![manual]);

    let group = |name: &str, members: &[&String]| {
        let members: Vec<_> = members.iter().map(|id| json!({ "value": id })).collect();
        json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name, "members": members })
    };
    let sales = application.push(Method::POST, "/Groups", group("Sales", &[&ada, &bob]));
    assert_eq!(application.access(&ada), [("projects", Some("read"), Origin::Federated)]);
    let leads = application.push(Method::POST, "/Groups", group("Sales leads", &[&ada]));
    assert_eq!(application.access(&ada), [("projects", Some("edit"), Origin::Federated)]);

    let operations = json!([{ "op": "remove", "path": format!("members[value eq \"{ada}\"]") }]);
    let patch =
        json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
    application.push(Method::PATCH, &format!("/Groups/{leads}"), patch);
    assert_eq!(application.access(&ada), [("projects", Some("read"), Origin::Federated)]);
    application.push(Method::DELETE, &format!("/Groups/{sales}"), json!({}));
    assert_eq!(application.access(&ada), []);
    assert_eq!(application.access(&bob), [("projects", Some("own"), Origin::Manual)]);
}
