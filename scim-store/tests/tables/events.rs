//! Tests of the outbox in tables of the application.

use chrono::{TimeDelta, Utc};
use http::Method;
use scim_core::{Error, Identity};
use scim_store::{ChangeEvent, Outbox, TableStore};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::application::{Application, Form};
use crate::client::{Client, TENANT, group, id, user};
use crate::support;
use crate::support::service::check_monitored_members;

const FORMS: [Form; 6] =
    [Form::Users, Form::Organization, Form::Soft, Form::Folded, Form::CaseInsensitive, Form::Distributed];

/// The name of the table of events, one that needs quotes.
pub(crate) fn events_table(application: &Application) -> String {
    format!("{}scim \"events\" ?", application.schema)
}

/// Creates the tables for events as the mistakes of `build` say.
pub(crate) fn create_events_tables(runtime: &Runtime, application: &Application) {
    let declared = application.declare(runtime).events_table(events_table(application));
    let error = runtime.block_on(declared.build()).unwrap_err();
    assert_eq!(error.mistakes().len(), 2, "{error}");
    for mistake in error.mistakes() {
        let (_, ddl) = mistake.split_once("create the table with: ").unwrap();
        for statement in ddl.split("; ") {
            application.sql(runtime, statement);
        }
    }
}

fn tenant(application: &Application) -> Option<&'static str> {
    application.has_tenants().then_some(TENANT)
}

/// What the new events say.
fn new_events(
    runtime: &Runtime,
    application: &Application,
    outbox: &Outbox,
    last: &mut i64,
) -> Vec<ChangeEvent> {
    let batch = runtime.block_on(outbox.events(tenant(application), *last, 1_000)).unwrap();
    *last = batch.position;
    batch.events
}

fn describe(event: &ChangeEvent) -> String {
    let ChangeEvent { resource_type, attributes, added_members, removed_members, .. } = event;
    let (kind, attributes) = (event.kind.as_str(), attributes.join(","));
    format!("{kind} {resource_type} {attributes} +{} -{}", added_members.len(), removed_members.len())
}

#[test]
fn each_change_is_one_event() {
    let runtime = support::runtime();
    for application in FORMS.iter().flat_map(|form| Application::all(&runtime, *form)) {
        create_events_tables(&runtime, &application);
        let declared = application.declare(&runtime).events_table(events_table(&application));
        let store = runtime.block_on(declared.build()).unwrap();
        assert!(application.store(&runtime).outbox().is_none());
        let client = Client::new(&runtime, &application, &store);
        let outbox = store.outbox().unwrap();
        let mut last = 0;
        let mut events = || new_events(&runtime, &application, &outbox, &mut last);

        let (bea, created) = client.create("/Users", user("bea"));
        let [event] = events().try_into().unwrap();
        assert!(describe(&event).starts_with("created User userName"), "{event:?}");
        assert_eq!((event.id.as_str(), event.tenant.as_deref()), (id(&bea), tenant(&application)));
        assert_eq!(event.version_after.unwrap().to_string(), created.body["meta"]["version"]);
        assert_eq!(client.send(Method::POST, "/Users", Some(user("bea"))).status, 409);
        let rename = |name: &str| json!({ "op": "replace", "path": "userName", "value": name });
        assert_eq!(client.patch(&bea, rename("bea")).status, 200);
        assert_eq!(events(), []);
        let renamed = client.patch(&bea, rename("bee"));
        let [event] = events().try_into().unwrap();
        assert_eq!(describe(&event), "updated User userName +0 -0");
        assert_eq!(event.version_before.unwrap().to_string(), created.body["meta"]["version"]);
        assert_eq!(event.version_after.unwrap().to_string(), renamed.body["meta"]["version"]);

        if application.has_groups() {
            let (ada, _) = client.create("/Users", user("ada"));
            let (team, _) = client.create("/Groups", group("All", &[&bea]));
            let add = json!({ "op": "add", "path": "members",
                "value": [{ "value": id(&ada) }, { "value": id(&bea) }] });
            assert_eq!(client.patch(&team, add).status, 204);
            let found = events();
            let texts: Vec<String> = found.iter().skip(1).map(describe).collect();
            assert_eq!(texts, ["created Group displayName +1 -0", "updated Group  +1 -0"]);
            assert_eq!(found[2].added_members, [id(&ada)]);

            // The deletion of a user changes its groups.
            assert_eq!(client.send(Method::DELETE, &ada, None).status, 204);
            let found = events();
            let texts: Vec<String> = found.iter().map(describe).collect();
            assert_eq!(texts, ["updated Group  +0 -1", "deleted User  +0 -0"], "{}", application.schema);
            let now = client.get(&team).body["meta"]["version"].clone();
            assert_eq!(found[0].version_after.as_ref().unwrap().to_string(), now);
            assert_eq!(client.send(Method::DELETE, &team, None).status, 204);
            let texts: Vec<String> = events().iter().map(describe).collect();
            assert_eq!(texts, ["deleted Group  +0 -1"]);
        }
        assert_eq!(client.send(Method::DELETE, &bea, None).status, 204);
        assert_eq!(events().len(), 1);
        let waiting = runtime.block_on(outbox.tenants_with_events("mail")).unwrap();
        assert_eq!(waiting, [tenant(&application).map(str::to_owned)]);
    }
}

#[test]
fn old_events_are_pruned() {
    let runtime = support::runtime();
    for application in [Form::Users, Form::Soft].iter().flat_map(|form| Application::all(&runtime, *form)) {
        create_events_tables(&runtime, &application);
        let declared = application.declare(&runtime).events_table(events_table(&application));
        let store = runtime.block_on(declared.build()).unwrap();
        let client = Client::new(&runtime, &application, &store);
        let outbox = store.outbox().unwrap();
        let read = |after| runtime.block_on(outbox.events(tenant(&application), after, 1_000)).unwrap();
        for n in 0..10 {
            client.create("/Users", user(&format!("user{n}")));
        }
        let all = read(0);
        let (old, long_ago) = (Utc::now() + TimeDelta::hours(1), Utc::now() - TimeDelta::hours(1));
        let prune = |older_than, keep| runtime.block_on(outbox.prune(older_than, keep)).unwrap();
        assert_eq!(prune(long_ago, 10), 0);
        assert_eq!(prune(long_ago, 4), 6, "{}", application.database.url);
        let rest = read(0);
        assert!(rest.missed && rest.events == all.events[6..]);
        assert_eq!(prune(old, 1_000), 4);
        assert_eq!((read(0).position, read(0).events.len()), (all.position, 0));
        // More than one transaction deletes.
        let insert = "INSERT INTO {}\"scim \"\"events\"\" ?\" (tenant, time, resource_type, resource_id, kind, attributes, \
                      added_members, removed_members) SELECT TENANT, 0, 'User', 'x', 'updated', '[]', '[]', '[]' FROM \
                      (SELECT 1 AS one UNION SELECT 2 UNION SELECT 3) a, (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL \
                      SELECT i + 1 FROM n WHERE i < 900) SELECT i FROM n) b";
        let insert = insert.replace("TENANT", &format!("'{}'", tenant(&application).unwrap_or_default()));
        application.sql(&runtime, &insert);
        assert_eq!(prune(long_ago, 10_000), 2_700, "{}", application.database.url);
    }
}

#[test]
fn equal_tenants_have_one_order_of_events() {
    let runtime = support::runtime();
    // In SQLite the column with the tenant is a text, in which case matters.
    let all = Application::all(&runtime, Form::Soft);
    for application in all.into_iter().filter(|application| !application.schema.is_empty()) {
        create_events_tables(&runtime, &application);
        let declared = application.declare(&runtime).events_table(events_table(&application));
        let store = runtime.block_on(declared.build()).unwrap();
        let outbox = store.outbox().unwrap();
        let upper = TENANT.to_ascii_uppercase();
        for (name, tenant) in [("bea", TENANT), ("ada", upper.as_str())] {
            Client::over(&runtime, store.resource_types(), &store, Some(tenant)).create("/Users", user(name));
        }
        assert_eq!(runtime.block_on(outbox.events(Some(&upper), 0, 9)).unwrap().events.len(), 2);
        let waiting = runtime.block_on(outbox.tenants_with_events("mail")).unwrap();
        assert_eq!(waiting, [Some(TENANT.to_owned())]);
    }
}

#[test]
fn a_monitor_is_told_which_members_change() {
    let runtime = support::runtime();
    for application in FORMS.iter().flat_map(|form| Application::all(&runtime, *form)) {
        if !application.has_groups() {
            continue;
        }
        let store = application.store(&runtime);
        let client = Client::new(&runtime, &application, &store);
        let users = ["a", "b", "c"].map(|name| client.create("/Users", user(name)).0);
        let (group, _) = client.create("/Groups", group("All", &[&users[0]]));
        let identity = Identity::new("tests").in_tenant(TENANT);
        let members = users.each_ref().map(|path| id(path));
        check_monitored_members(&runtime, store.service(), &identity, (&group, members));
    }
}

#[test]
fn references_that_are_removed_are_events() {
    let runtime = support::runtime();
    for application in
        [Form::Organization, Form::Distributed].iter().flat_map(|form| Application::all(&runtime, *form))
    {
        create_events_tables(&runtime, &application);
        let declared = application.declare(&runtime).events_table(events_table(&application));
        let store = runtime.block_on(declared.build()).unwrap();
        let client = Client::new(&runtime, &application, &store);
        let (boss, _) = client.create("/Users", user("boss"));
        let (bea, _) = client.create("/Users", user("bea"));
        let change = json!({ "op": "add", "path":
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "value": id(&boss) });
        assert_eq!(client.patch(&bea, change).status, 200);
        let outbox = store.outbox().unwrap();
        let mut last = 0;
        new_events(&runtime, &application, &outbox, &mut last);
        assert_eq!(client.send(Method::DELETE, &boss, None).status, 204);
        let found = new_events(&runtime, &application, &outbox, &mut last);
        let expected =
            "updated User urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager +0 -0";
        assert_eq!(found.iter().map(describe).collect::<Vec<_>>(), [expected, "deleted User  +0 -0"]);
        assert_eq!(found[0].id, id(&bea));
    }
}

#[test]
fn what_a_rule_refuses_is_no_event_and_what_it_changes_is() {
    let runtime = support::runtime();
    for application in Application::all(&runtime, Form::Organization) {
        create_events_tables(&runtime, &application);
        let schema = application.schema.clone();
        let declared = application.declare(&runtime).events_table(events_table(&application));
        let declared = declared.on_write(move |write| {
            let schema = schema.clone();
            Box::pin(async move {
                let name = write.after().and_then(|after| after.text("userName")).unwrap_or_default();
                if name == "refused" {
                    return Err(Error::forbidden("no"));
                }
                let sql = format!("UPDATE {schema}people SET department = 'new' WHERE department IS NULL");
                write.execute(&sql, []).await.map(drop)
            })
        });
        let store = runtime.block_on(declared.build()).unwrap();
        let client = Client::new(&runtime, &application, &store);
        let outbox = store.outbox().unwrap();
        let mut last = 0;
        assert_eq!(client.send(Method::POST, "/Users", Some(user("refused"))).status, 403);
        let (bea, created) = client.create("/Users", user("bea"));
        let [event] = new_events(&runtime, &application, &outbox, &mut last).try_into().unwrap();
        assert!(event.attributes.iter().any(|path| path.ends_with(":department")), "{event:?}");
        assert_eq!(event.version_after.unwrap().to_string(), created.body["meta"]["version"]);
        assert_eq!(client.get(&bea).body["meta"]["version"], created.body["meta"]["version"]);
    }
}

#[test]
fn tables_for_events_that_do_not_fit_are_mistakes() {
    let runtime = support::runtime();
    let ddl = "CREATE TABLE {}people (id <SERIAL>, login text NOT NULL);
        CREATE UNIQUE INDEX people_login ON {}people (lower(login));
        CREATE TABLE {}events (position bigint NOT NULL, tenant text);
        CREATE TABLE {}events_reader (tenant text, name text)";
    for application in Application::with_tables(&runtime, ddl) {
        let database = application.open(&runtime);
        let declared = TableStore::builder(database).users(application.people());
        let declared = declared.events_table(format!("{}events", application.schema));
        let error = runtime.block_on(declared.build()).unwrap_err();
        let mistakes = Value::from(error.mistakes().to_vec());
        let has = |index: usize, text: &str| mistakes[index].as_str().unwrap_or_default().contains(text);
        assert!(has(0, "does not assign the column `position`"), "{error}");
        assert!(has(1, "no unique index has the columns `tenant` and `name`"), "{error}");
        assert!(has(2, "no index begins with `tenant` and `position`"), "{error}");
        assert!(has(3, "events_reader`: it has no column `position`; create the table with"), "{error}");
    }
}
