//! Tests of clients that adopt existing resources.

use http::Method;
use scim_core::Error;
use scim_core::schema::standard;
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
