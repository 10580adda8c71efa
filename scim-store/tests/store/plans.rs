//! Checks the query plans of filters whose cost is `Indexed`: they must not scan a table.

use crate::overriding::{Overrides, Overriding};
use crate::support;
use std::sync::{Arc, Mutex};

use crate::support::service::{Client, user};
use http::Method;
use scim_core::schema::standard;
use scim_core::{Context, Page, Provider, Query, Result, async_trait};
use scim_store::Store;
use serde_json::json;

const USERS: usize = 20_000;

/// A provider that records the query plan of the last query.
#[derive(Clone)]
struct ExplainingStore {
    store: Store,
    plan: Arc<Mutex<String>>,
}

#[async_trait]
impl Overrides for ExplainingStore {
    fn inner(&self) -> &dyn Provider {
        &self.store
    }

    async fn query(&self, cx: &Context<'_>, query: &Query) -> Result<Page> {
        *self.plan.lock().unwrap() = self.store.explain(cx, query).await?;
        self.store.query(cx, query).await
    }
}

/// Filters that an index serves. Each finds few users.
const INDEXED: [&str; 17] = [
    "userName eq \"User777@example.com\"",
    "userName sw \"user777\"",
    "userName co \"r1777\"",
    "userName ew \"19999@example.com\"",
    "externalId eq \"ext-4711\"",
    "displayName eq \"person 99\"",
    "displayName co \"son 999\"",
    "emails.value eq \"work777@example.com\"",
    "emails co \"work1234\"",
    "emails[type eq \"work\" and value eq \"work777@example.com\"]",
    "employeeNumber eq \"777\"",
    "manager.value eq \"nobody\"",
    "groups.value eq \"{group}\"",
    "meta.lastModified gt \"2999-01-01T00:00:00Z\"",
    "userName eq \"user1@example.com\" or emails.value eq \"work2@example.com\"",
    "userName eq \"a\" or externalId eq \"ext-7\" or emails[type eq \"work\" and value eq \"work3@example.com\"]",
    "active eq true and (emails.value eq \"home5@example.com\" or employeeNumber eq \"6\")",
];

/// Filters that no index serves.
const SCANS: [&str; 6] = [
    "title eq \"x\"",
    "userName ne \"x\"",
    "not (userName eq \"x\")",
    "userName co \"ab\"",
    "active eq true",
    "userName eq \"x\" or title eq \"x\"",
];

#[test]
fn indexed_filters_do_not_scan_tables() {
    let runtime = support::runtime();
    // A file has the same plans as memory.
    for database in support::databases().into_iter().filter(|database| !database.is_file()) {
        let store = support::open(&runtime, &database).refuse_scans();
        let plan = Arc::new(Mutex::new(String::new()));
        let client = Client::in_tenant(
            &runtime,
            Overriding(ExplainingStore { store, plan: plan.clone() }),
            &support::tenant(),
        );
        let group = load(&runtime, &client);
        if database.url.starts_with("postgres") {
            support::run_sql(&runtime, &database, "ANALYZE");
        }
        for filter in INDEXED {
            let filter = filter.replace("{group}", &group);
            let (status, page) = client.search("/Users", json!({ "filter": filter, "count": 100 }));
            assert_eq!(status, 200, "{}: {filter}: {page}", database.url);
            let plan = plan.lock().unwrap().clone();
            let scan = plan.lines().find(|line| {
                let line = line.trim_start_matches([' ', '-', '>']);
                line.contains("Seq Scan on")
                    || line.starts_with("SCAN r")
                    || line.starts_with("SCAN v")
                    || line.starts_with("SCAN m")
                    // These read all resources of a type, or all elements of an attribute, in an index.
                    || line.ends_with("(tenant=? AND kind=?)")
                    || line.ends_with("(tenant=? AND attribute=?)")
                    || line.starts_with("Index Scan using resource_order")
            });
            assert_eq!(scan, None, "{}: {filter}\n{plan}", database.url);
        }
        for filter in SCANS {
            let (status, page) = client.search("/Users", json!({ "filter": filter }));
            assert_eq!((status, page["scimType"].as_str()), (400, Some("tooMany")), "{filter}: {page}");
        }
        for (method, path) in [
            (Method::GET, "/Users?filter=password%20eq%20%22x%22"),
            (Method::GET, "/Groups?filter=members.display%20eq%20%22x%22"),
        ] {
            let (status, _) = client.send(method, path, None);
            assert!(matches!(status, 400 | 403), "{path}: {status}");
        }
    }
}

/// Creates the users and groups, and returns the id of a small group.
fn load(runtime: &tokio::runtime::Runtime, client: &Client<'_>) -> String {
    let body = |n: usize| {
        let mut body = user(&format!("user{n}@example.com"));
        body["externalId"] = json!(format!("ext-{n}"));
        body["displayName"] = json!(format!("Person {n}"));
        body["emails"] = json!([
            { "type": "work", "value": format!("work{n}@example.com"), "primary": true },
            { "type": "home", "value": format!("home{n}@example.com") },
        ]);
        body[standard::ENTERPRISE_USER] =
            json!({ "employeeNumber": n.to_string(), "manager": { "value": format!("m{n}") } });
        body
    };
    let mut members = Vec::new();
    for chunk in (0..USERS).collect::<Vec<_>>().chunks(16) {
        let calls = chunk.iter().map(|n| client.call(Method::POST, "/Users", Some(body(*n))));
        for (status, created) in runtime.block_on(support::join_all(calls)) {
            assert_eq!(status, 201, "{created}");
            members.push(json!({ "value": created["id"] }));
        }
    }
    // Large groups, so that reading all members would be expensive.
    for (n, members) in members.chunks(2_000).enumerate() {
        let name = format!("Many {n}");
        client.create(
            "/Groups",
            json!({ "schemas": [standard::GROUP], "displayName": name, "members": members }),
        );
    }
    members.truncate(100);
    let group = json!({ "schemas": [standard::GROUP], "displayName": "Some", "members": members });
    client.create("/Groups", group)["id"].as_str().unwrap().to_owned()
}
