//! Checks the host on a database with other tables than it expects.

use host_common::testing::{RunningHost, run_until_refused};
use http::Method;
use serde_json::{Value, json};

use crate::client::{create_user, send};
use crate::support::TestDatabase;

on_each_database! {
    all_mistakes_in_the_tables_are_printed_with_what_to_do
    a_missing_table_is_created
}

/// The tables of an earlier version of the application.
const EARLIER_TABLES: &str = "
    CREATE TABLE people (
        person_id <KEY>,
        login TEXT NOT NULL,
        external_id TEXT,
        first TEXT,
        last TEXT,
        mail TEXT,
        is_active BOOLEAN NOT NULL DEFAULT TRUE,
        organization TEXT,
        department TEXT,
        manager_id INTEGER,
        created_at <TIME>,
        updated_at <TIME>
    );
    CREATE INDEX people_login ON people (lower(login));
    CREATE TABLE teams (
        team_id <KEY>,
        title TEXT NOT NULL,
        external_id TEXT,
        created_at <TIME>,
        updated_at <TIME>
    );
    CREATE TABLE team_people (team_id INTEGER NOT NULL, person_id INTEGER NOT NULL, added_by TEXT NOT NULL);
    INSERT INTO people (login) VALUES ('fay@example.com');
";

fn earlier_tables(database: &TestDatabase) -> String {
    let (key, time) = match database.is_postgres() {
        true => ("integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "timestamptz NOT NULL DEFAULT now()"),
        false => ("INTEGER PRIMARY KEY AUTOINCREMENT", "TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP"),
    };
    EARLIER_TABLES.replace("<KEY>", key).replace("<TIME>", time)
}

fn all_mistakes_in_the_tables_are_printed_with_what_to_do(database: &TestDatabase) {
    database.run(&earlier_tables(database));
    let variables = [("SCIM_LISTEN", "127.0.0.1:0"), ("SCIM_TOKEN", "t")];
    let (code, error) = run_until_refused(&database.host(), &variables);
    assert_eq!(code, Some(1), "{error}");
    let mistakes: Vec<&str> = error.lines().filter_map(|line| line.strip_prefix("- ")).collect();
    for (subject, advice) in [
        ("`people` has no column `phone`", "add the column to the table"),
        ("`people`.`login`", "run CREATE UNIQUE INDEX people_login_key ON people (lower(login))"),
        ("`teams` has no column `changes`", "add the column to the table"),
        ("`team_people`", "run CREATE UNIQUE INDEX team_people_key ON team_people (team_id, person_id)"),
        ("`team_people`.`added_by`", "give it a default"),
    ] {
        // The names in statements may be quoted.
        let is_about =
            |mistake: &&&str| mistake.starts_with(subject) && mistake.replace('"', "").contains(advice);
        assert_eq!(mistakes.iter().filter(is_about).count(), 1, "{subject}: {error}");
    }
    assert_eq!(mistakes.len(), 5, "{error}");

    // The host starts once all that it has asked for is done.
    for mistake in mistakes {
        if let Some((_, statement)) = mistake.split_once("run CREATE ") {
            database.run(&format!("CREATE {statement}"));
        }
    }
    database.run("ALTER TABLE people ADD COLUMN phone TEXT");
    database.run("ALTER TABLE teams ADD COLUMN changes INTEGER NOT NULL DEFAULT 0");
    database.run("ALTER TABLE team_people DROP COLUMN added_by");
    let host = RunningHost::start(&database.host(), &[]);
    let phone = json!([{ "type": "work", "value": "+41 31 555 0155" }]);
    create_user(&host, "gus@example.com", json!({ "phoneNumbers": phone }));
    let (_, people) = send(&host, Method::GET, "/Users", &Value::Null);
    assert_eq!(people["totalResults"], 2, "{people}");
}

fn a_missing_table_is_created(database: &TestDatabase) {
    drop(RunningHost::start(&database.host(), &[]));
    database.run("DROP TABLE team_people");
    let host = RunningHost::start(&database.host(), &[]);
    let hal = create_user(&host, "hal@example.com", json!({}));
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": "Crew",
        "members": [{ "value": hal }],
    });
    let (status, created) = send(&host, Method::POST, "/Groups", &group);
    assert_eq!(status, 201, "{created}");
    assert_eq!(database.rows("team_people").as_array().unwrap().len(), 1);
}
