//! The crate over a table that an application has.

use chrono::Utc;
use scim_core::schema::standard;
use scim_store::{Ids, Table, TableStore};
use scim_sync::{MemoryLedger, RunOptions, Synchronizer};
use serde_json::{Value, json};
use sync_program::{Graph, InProcess};

use crate::support::{FakeGraph, person};

#[tokio::test]
async fn people_are_kept_in_a_table_of_the_application() {
    let file = std::env::temp_dir().join(format!("sync-table-{}.db", scim_core::new_id()));
    let connection = rusqlite::Connection::open(&file).unwrap();
    let table = "CREATE TABLE people (
        id integer PRIMARY KEY AUTOINCREMENT, login text NOT NULL, first text, mail text, is_active integer NOT NULL DEFAULT 1, entra_id text
    ); CREATE UNIQUE INDEX people_login ON people (lower(login));
    INSERT INTO people (login, first) VALUES ('PERSON1@contoso.example', 'by hand')";
    connection.execute_batch(table).unwrap();
    let database = scim_store::open(&format!("sqlite:{}", file.display())).await.unwrap();
    let people = Table::new("people", "id", Ids::prefixed("p"))
        .key("userName", "login")
        .text("externalId", "entra_id")
        .text("name.givenName", "first")
        .one("emails", "mail", "work")
        .boolean("active", "is_active");
    let store = TableStore::builder(database).users(people).build().await.unwrap();
    let service = store.service().base_url("https://app.example.com/scim/v2").build().unwrap();
    let endpoint = InProcess::new(service);

    let settings = json!({
        "mapping": [
            { "target": "userName", "source": "userPrincipalName", "transform": ["lower"], "required": true },
            { "target": "name.givenName", "source": "givenName" },
            { "target": "emails[type eq \"work\"].value", "source": "mail" },
            { "target": "active", "source": "accountEnabled" }
        ],
        "match": [{ "source": "userPrincipalName", "target": "userName" }]
    });
    let sync = Synchronizer::new(serde_json::from_value(settings).unwrap(), &standard::user_type()).unwrap();
    let graph = FakeGraph::start().await;
    (1..=4).for_each(|number| graph.set_person(&format!("p{number}"), person(number)));
    let provider = serde_json::from_value(graph.provider()).unwrap();
    let mut directory = Graph::new(&provider, &sync.fields()).unwrap();
    let mut ledger = MemoryLedger::default();

    for (step, expected) in [(0, "link: 1"), (1, "deactivate: 1"), (2, "0 unchanged")] {
        if step == 1 {
            graph.set_person("p2", Value::Null);
            graph.set_person(
                "p1",
                json!({ "userPrincipalName": "person1@contoso.example", "givenName": "Bea" }),
            );
        }
        let options = RunOptions::new(Utc::now());
        let report = sync.run(&mut directory, &endpoint, &mut ledger, options, &mut |_| {}).await.unwrap();
        assert!(report.is_complete && report.plan.problems.is_empty(), "{report}");
        assert!(report.to_string().contains(expected), "{report}");
        let full = RunOptions { full: true, ..options };
        let plan = sync.plan(&mut directory, &endpoint, &mut ledger, full).await.unwrap();
        assert!(plan.is_empty(), "{plan}");
    }
    let sql = "SELECT login || ' ' || coalesce(first, '') || ' ' || coalesce(mail, '') || ' ' || is_active FROM people ORDER BY id";
    let mut statement = connection.prepare(sql).unwrap();
    let rows: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(
        rows,
        [
            "person1@contoso.example Bea  1",
            "person2@contoso.example Given2 person2@contoso.example 0",
            "person3@contoso.example Given3 person3@contoso.example 1",
            "person4@contoso.example Given4 person4@contoso.example 1",
        ]
    );
    std::fs::remove_file(file).unwrap();
}
