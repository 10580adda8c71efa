//! Tests of clients that adopt existing resources.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use http::{Method, Request};
use scim_core::schema::standard;
use scim_core::{Access, Action, Change, Error, Event, Identity, Me, Monitor, Permit, Policy, ScimService};
use scim_store::{Adoption, ChangeKind, Store};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support;
use crate::support::service::{Client, patch, user};

/// A store whose rule adopts what has an equal name or address, unless its title says something else.
fn open(runtime: &Runtime, database: &support::Database) -> Store {
    support::open(runtime, database).record_events().retain(1).adopt(|candidate| {
        Box::pin(async move {
            let dialect = candidate.dialect();
            let sql = format!("SELECT r.id FROM resource r WHERE r.id = {}", dialect.parameter(1));
            let found = candidate.query(&sql, [candidate.key().clone()]).await?;
            assert_eq!(found.first().and_then(|row| row.text(0)), Some(candidate.existing().id()));
            match candidate.existing().text("title") {
                Some("another person") => return Ok(Adoption::Refuse),
                Some("protected") => return Err(Error::forbidden("nobody adopts this one")),
                _ => {}
            }
            let paths = ["userName", "emails.value", "externalId", "displayName"];
            let is_same = paths.iter().any(|path| candidate.matches(path));
            assert!(!candidate.matches("nothing") && !candidate.matches("userName.value"));
            Ok(if is_same { Adoption::Adopt } else { Adoption::Refuse })
        })
    })
}

fn id(resource: &Value) -> &str {
    resource["id"].as_str().unwrap()
}

fn with(mut user: Value, values: Value) -> Value {
    user.as_object_mut().unwrap().extend(values.as_object().unwrap().clone());
    user
}

#[test]
fn what_the_request_has_replaces_and_the_rest_stays() {
    let runtime = support::runtime();
    for database in support::databases() {
        let store = open(&runtime, &database);
        let client = Client::new(&runtime, &store);
        let tenant = Some(client.tenant.as_str());
        let bea = client.create(
            "/Users",
            with(
                user("bea"),
                json!({
                    "title": "Dr", "password": "correct horse", "active": false,
                    "name": { "givenName": "Beatrix", "familyName": "Potter" },
                    "emails": [{ "value": "bea@example.com" }, { "value": "b@example.com" }],
                }),
            ),
        );
        let group = json!({ "schemas": [standard::GROUP], "displayName": "Crew", "members": [{ "value": id(&bea) }] });
        client.create("/Groups", group);
        let post = with(
            user("BEA"),
            json!({
                "externalId": "42", "password": "another horse", "name": { "givenName": "Bea" },
                "emails": [{ "value": "bea@new.example.com" }],
            }),
        );
        let (status, adopted) = client.send(Method::POST, "/Users", Some(post.clone()));
        assert_eq!((status, id(&adopted)), (201, id(&bea)), "{}: {adopted}", database.url);
        let (_, stored) = client.send(Method::GET, &format!("/Users/{}", id(&bea)), None);
        assert_eq!(stored, adopted, "{}", database.url);
        assert_ne!(stored["meta"]["version"], bea["meta"]["version"]);
        assert_eq!(stored["meta"]["created"], bea["meta"]["created"]);
        let shown = |path: &str| stored.pointer(path).cloned().unwrap_or_default();
        assert_eq!([shown("/userName"), shown("/externalId"), shown("/title")], ["BEA", "42", "Dr"]);
        assert_eq!([shown("/name/givenName"), shown("/name/familyName")], ["Bea", "Potter"]);
        assert_eq!(shown("/active"), false, "the request did not have it");
        assert_eq!(shown("/groups/0/display"), "Crew");
        assert_eq!(stored["emails"].as_array().map(Vec::len), Some(1));
        let verify = |password| runtime.block_on(store.verify_password(tenant, id(&bea), password)).unwrap();
        assert!(verify("correct horse") && !verify("another horse"));

        let batch = runtime.block_on(store.outbox().events(tenant, 0, 100)).unwrap();
        let event = batch.events.last().unwrap();
        assert_eq!((event.kind, event.id.as_str()), (ChangeKind::Adopted, id(&bea)));
        assert_eq!(event.attributes, ["externalId", "userName", "name", "emails"]);
        assert_eq!(event.version_before.as_ref().unwrap().to_string(), bea["meta"]["version"]);
        assert_eq!(event.version_after.as_ref().unwrap().to_string(), stored["meta"]["version"]);

        // It is adopted once, also after it was deleted and restored.
        assert_eq!(client.send(Method::POST, "/Users", Some(post.clone())).0, 409);
        assert_eq!(client.send(Method::DELETE, &format!("/Users/{}", id(&bea)), None).0, 204);
        runtime.block_on(store.restore(tenant, id(&bea))).unwrap();
        assert_eq!(client.send(Method::POST, "/Users", Some(post)).0, 409);
    }
}

#[test]
fn a_value_that_the_request_has_is_not_a_default() {
    let runtime = support::runtime();
    for database in support::databases() {
        let client = Client::new(&runtime, &open(&runtime, &database));
        client.create("/Users", with(user("bea"), json!({ "active": false })));
        let adopted = client.create("/Users", with(user("bea"), json!({ "active": true })));
        assert_eq!(adopted["active"], true);
        // Nothing changes but the mark, and yet the version does.
        let cy = client.create("/Users", user("cy"));
        let adopted = client.create("/Users", user("cy"));
        assert_eq!(id(&adopted), id(&cy));
        assert_ne!(adopted["meta"]["version"], cy["meta"]["version"]);
    }
}

#[test]
fn the_rule_decides() {
    let runtime = support::runtime();
    for database in support::databases() {
        let store = open(&runtime, &database);
        let client = Client::new(&runtime, &store);
        let emails = |value: &str| json!({ "emails": [{ "value": value }] });
        let post = |body: Value| client.send(Method::POST, "/Users", Some(body));

        // A refused candidate is in the way only of its unique values.
        client.create(
            "/Users",
            with(with(user("ann"), emails("a@example.com")), json!({ "title": "another person" })),
        );
        assert_eq!(post(user("ann")).0, 409);
        let other = client.create("/Users", with(user("anna"), emails("a@example.com")));
        assert_ne!(other["userName"], "ann");

        let (status, body) = {
            client.create("/Users", with(user("pat"), json!({ "title": "protected" })));
            post(user("pat"))
        };
        assert_eq!((status, body["detail"].as_str()), (403, Some("nobody adopts this one")), "{body}");

        // Two candidates.
        let one = client.create("/Users", user("one"));
        let two = client.create("/Users", with(user("two"), emails("two@example.com")));
        let (status, body) = post(with(user("one"), emails("TWO@example.com")));
        assert_eq!((status, &body["scimType"]), (409, &json!("uniqueness")), "{body}");
        for resource in [&one, &two] {
            let (_, stored) = client.send(Method::GET, &format!("/Users/{}", id(resource)), None);
            assert_eq!(stored, *resource);
        }

        // Another tenant's resources are no candidates.
        let foreign = Client::in_tenant(&runtime, store.clone(), &support::tenant());
        let created = foreign.create("/Users", with(user("one"), json!({ "externalId": "7" })));
        assert_ne!(id(&created), id(&one));
        // A request that is wrong changes nothing.
        assert_eq!(post(with(user("one"), json!({ "nickName": "a\0b" }))).0, 400);
        let adopted = client.create("/Users", with(user("one"), emails("\"quoted\\\"@example.com")));
        assert_eq!(id(&adopted), id(&one));
    }
}

#[test]
fn groups_are_adopted_by_their_name() {
    let runtime = support::runtime();
    for database in support::databases() {
        let client = Client::new(&runtime, &open(&runtime, &database));
        let users = ["a", "b"].map(|name| client.create("/Users", user(name)));
        let [a, b] = users.each_ref().map(id);
        let group = |name: &str, members: &[&str]| {
            let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
            let mut group = json!({ "schemas": [standard::GROUP], "displayName": name });
            if !members.is_empty() {
                group["members"] = members.into();
            }
            client.create("/Groups", group)
        };
        let members = |group: &Value| -> Vec<String> {
            let elements = group["members"].as_array().cloned().unwrap_or_default();
            elements.iter().map(|element| element["value"].as_str().unwrap().to_owned()).collect()
        };
        let (crew, staff) = (group("Crew", &[a]), group("Staff", &[a]));
        let adopted = group("crew", &[]);
        assert_eq!((id(&adopted), members(&adopted)), (id(&crew), vec![a.to_owned()]), "{}", database.url);
        let adopted = group("STAFF", &[b]);
        assert_eq!((id(&adopted), members(&adopted)), (id(&staff), vec![b.to_owned()]), "{}", database.url);
    }
}

#[test]
fn one_of_many_requests_adopts() {
    let runtime = support::runtime();
    for database in support::databases() {
        let client = Client::new(&runtime, &open(&runtime, &database));
        let bea = client.create("/Users", user("bea"));
        let posts = (0..8).map(|_| client.call(Method::POST, "/Users", Some(user("bea"))));
        let answers = runtime.block_on(support::join_all(posts));
        let adopted: Vec<&Value> =
            answers.iter().filter(|(status, _)| *status == 201).map(|(_, body)| body).collect();
        assert_eq!(adopted.len(), 1, "{}: {answers:?}", database.url);
        assert_eq!(id(adopted[0]), id(&bea));
        assert!(answers.iter().all(|(status, _)| matches!(status, 201 | 409)), "{answers:?}");
        let change = patch(json!({ "op": "add", "path": "title", "value": "Dr" }));
        assert_eq!(client.send(Method::PATCH, &format!("/Users/{}", id(&bea)), change).0, 200);
    }
}

/// What a policy says about changes of single resources, by their `userName`s in the order of their creation.
struct ByResource(Arc<Mutex<HashMap<String, &'static str>>>);

impl Policy for ByResource {
    fn check(&self, access: &Access<'_>) -> scim_core::Result<Permit> {
        let rules = self.0.lock().unwrap();
        let rule = access.id.filter(|_| access.action == Action::Patch).and_then(|id| rules.get(id).copied());
        match rule {
            Some("forbidden") => Err(Error::forbidden("not yours")),
            Some("unknown") => Err(Error::not_found(access.id.unwrap_or_default())),
            Some("protected") => Ok(Permit::all().protecting(["nickName"])),
            Some("hidden") => Ok(Permit::hiding(["title"])),
            _ => Ok(Permit::all()),
        }
    }
}

#[test]
fn the_policy_is_asked_about_the_change() {
    let runtime = support::runtime();
    for database in support::databases() {
        let store = open(&runtime, &database);
        let rules = Arc::<Mutex<HashMap<String, &'static str>>>::default();
        let builder = ScimService::builder().users(store.clone()).groups(store.clone());
        let policy = ByResource(rules.clone());
        let me = Me::new(|_, _| None).allow_creating("User");
        let builder = builder.base_url("https://scim.example.com").policy(policy).me(me);
        let service = builder.build().unwrap();
        let tenant = support::tenant();
        let send = |method: Method, path: &str, body: &Value| {
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header("content-type", "application/scim+json")
                .extension(Identity::new("tests").in_tenant(&tenant))
                .body(body.to_string());
            let response = runtime.block_on(service.handle(request.unwrap()));
            let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
            (response.status().as_u16(), body)
        };
        let names = ["forbidden", "unknown", "protected", "hidden", "free", "me"];
        let users: Vec<Value> = names
            .iter()
            .map(|name| {
                let post = with(user(name), json!({ "title": "Dr", "active": false }));
                let (status, user) = send(Method::POST, "/Users", &post);
                assert_eq!(status, 201, "{user}");
                rules.lock().unwrap().insert(id(&user).to_owned(), name);
                user
            })
            .collect();
        let post = |name: &str| send(Method::POST, "/Users", &with(user(name), json!({ "nickName": "new" })));
        assert_eq!(post("forbidden").0, 403);
        assert_eq!(post("unknown").0, 409);
        assert_eq!(post("protected").0, 403);
        let me = with(user("me"), json!({ "active": true }));
        assert_eq!(send(Method::POST, "/Me", &me).0, 409);
        for index in [0, 1, 2, 5] {
            let path = format!("/Users/{}", id(&users[index]));
            assert_eq!(send(Method::GET, &path, &Value::Null).1, users[index], "{}", names[index]);
        }
        let (status, hidden) = post("hidden");
        assert_eq!((status, hidden.get("title")), (201, None), "{hidden}");
        let (status, free) = post("free");
        assert_eq!((status, &free["title"], &free["nickName"]), (201, &json!("Dr"), &json!("new")), "{free}");

        // What a bulk request has created, another of its operations does not adopt.
        let create = |name: &str| json!({ "method": "POST", "path": "/Users", "bulkId": scim_core::new_id(), "data": user(name) });
        let bulk = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "Operations": [create("twice"), create("twice")],
        });
        let (_, results) = send(Method::POST, "/Bulk", &bulk);
        let statuses = [0, 1].map(|index| results["Operations"][index]["status"].clone());
        assert_eq!(statuses, ["201", "409"], "{results}");
    }
}

#[test]
fn empty_values_identify_nobody() {
    let runtime = support::runtime();
    for database in support::databases() {
        let client = Client::new(&runtime, &open(&runtime, &database));
        let values = |name: &str| with(user(name), json!({ "externalId": "", "emails": [{ "value": " " }] }));
        let bea = client.create("/Users", values("bea"));
        assert_ne!(id(&client.create("/Users", values("ann"))), id(&bea));
    }
}

#[test]
fn all_candidates_are_asked_about() {
    let runtime = support::runtime();
    for database in support::databases() {
        let store = open(&runtime, &database).unique("User", "nickName");
        let client = Client::new(&runtime, &store);
        let shared = |name: &str| {
            let emails = json!({ "emails": [{ "value": "info@example.com" }], "title": "another person" });
            with(user(name), emails)
        };
        for n in 0..20 {
            client.create("/Users", shared(&format!("user{n}")));
        }
        let mut newest = shared("newest");
        newest["title"] = json!("Dr");
        let newest = client.create("/Users", newest);
        assert_eq!(id(&client.create("/Users", shared("newest"))), id(&newest));
        // An attribute that a rule of the store makes unique. The rule for adoptions does not compare it.
        client.create("/Users", with(user("nick"), json!({ "nickName": "Nick" })));
        let (status, _) =
            client.send(Method::POST, "/Users", Some(with(user("nicole"), json!({ "nickName": "nick" }))));
        assert_eq!(status, 409);
    }
}

/// What a monitor is told about adoptions.
#[derive(Clone, Default)]
struct Adoptions(Arc<Mutex<Vec<Value>>>);

impl Monitor for Adoptions {
    fn changed(&self, event: &Event<'_>) {
        if let Change::Adopted(resource) = event.change() {
            self.0.lock().unwrap().push(json!([
                event.before().map(ToString::to_string),
                event.after().map(ToString::to_string),
                event.added_members(),
                event.removed_members(),
                event.sets("active"),
                resource.id(),
            ]));
        }
    }
}

#[test]
fn a_monitor_is_told_what_an_adoption_changes() {
    let runtime = support::runtime();
    for database in support::databases() {
        let store = open(&runtime, &database);
        let client = Client::new(&runtime, &store);
        let monitor = Adoptions::default();
        let builder = ScimService::builder().users(store.clone()).groups(store.clone());
        let builder = builder.base_url("https://scim.example.com").monitor(monitor.clone());
        let service = builder.build().unwrap();
        let post = |path: &str, body: &Value| -> Value {
            let request = Request::post(path)
                .header("content-type", "application/scim+json")
                .extension(Identity::new("tests").in_tenant(&client.tenant))
                .body(body.to_string());
            serde_json::from_slice(runtime.block_on(service.handle(request.unwrap())).body()).unwrap()
        };
        let users = ["a", "b", "c"].map(|name| client.create("/Users", user(name)));
        let [a, b, c] = users.each_ref().map(id);
        let group = |name: &str, members: &[&str]| {
            let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
            json!({ "schemas": [standard::GROUP], "displayName": name, "members": members })
        };
        let crew = client.create("/Groups", group("Crew", &[a, b]));
        let adopted = post("/Groups", &group("Crew", &[b, c]));
        let version = |resource: &Value| resource["meta"]["version"].clone();
        let told = std::mem::take(&mut *monitor.0.lock().unwrap());
        let expected = json!([[version(&crew), version(&adopted), [c], [a], null, id(&crew)]]);
        assert_eq!(Value::from(told), expected, "{}", database.url);
        post("/Users", &user("a"));
        post("/Users", &with(user("b"), json!({ "active": false })));
        let told = std::mem::take(&mut *monitor.0.lock().unwrap());
        assert_eq!([&told[0][4], &told[1][4]], [&Value::Null, &json!(false)]);
    }
}
