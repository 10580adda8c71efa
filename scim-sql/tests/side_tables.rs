//! Checks attributes in other tables than that of the resources: profiles, employments, and the members of groups.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails that way")]

mod support;

use rusqlite::Connection;
use scim_schema::{ResourceType, Tolerance, standard};
use scim_sql::{Column, Cost, Dialect, Elements, Mapping};
use serde_json::{Value, json};

use support::{resolve, select};

/// Checks that each filter, and its negation, finds the same resources as the evaluator in memory, at this cost.
fn check(
    connection: &Connection,
    mapping: &Mapping,
    resource_type: &ResourceType,
    resources: &[Value],
    filters: &[(&str, Cost)],
) {
    for (text, cost) in filters {
        for text in [(*text).to_owned(), format!("not ({text})")] {
            let predicate = resolve(&text, resource_type, &Tolerance::lenient());
            let fragment = mapping.filter(&predicate, Dialect::Sqlite, 1).unwrap();
            let expected: Vec<&str> = resources
                .iter()
                .filter(|resource| predicate.is_match(resource.as_object().unwrap()))
                .map(|resource| resource["id"].as_str().unwrap())
                .collect();
            let sql = "SELECT r.id FROM resource r WHERE";
            let found = select(connection, sql, &[], &fragment, "r.id");
            assert_eq!(found, expected, "{text}\n{}", fragment.sql);
            let cost = if text.starts_with("not") { Cost::Scan } else { *cost };
            assert_eq!(fragment.cost, cost, "{text}\n{}", fragment.sql);
        }
    }
}

#[test]
fn single_valued_attributes_can_be_in_another_table() {
    let connection = Connection::open_in_memory().unwrap();
    connection
        .execute_batch(
            "CREATE TABLE resource (id TEXT PRIMARY KEY);
             CREATE TABLE profile (user TEXT PRIMARY KEY, title TEXT, title_folded TEXT);
             CREATE TABLE employment (user TEXT PRIMARY KEY, department TEXT, department_folded TEXT, boss TEXT);
             INSERT INTO resource VALUES ('1'), ('2'), ('3'), ('4');
             INSERT INTO profile VALUES ('1', 'Dr', 'dr'), ('2', NULL, NULL), ('3', '', '');
             INSERT INTO employment VALUES ('1', 'Reef', 'reef', '3'), ('2', NULL, NULL, '1'), ('4', 'Lab', 'lab', NULL);",
        )
        .unwrap();
    let resource_type = standard::user_type();
    let enterprise = standard::ENTERPRISE_USER;
    let mapping = Mapping::builder(&resource_type, "resource r", "r.id")
        .column("id", Column::text("r.id").not_null().indexed())
        .elements(
            "title",
            Elements::table("profile p", "p.user")
                .condition("p.title IS NOT NULL")
                .value(Column::text("p.title").folded("p.title_folded").not_null().indexed()),
        )
        .elements(
            &format!("{enterprise}:department"),
            Elements::table("employment e", "e.user")
                .value(Column::text("e.department").folded("e.department_folded").indexed()),
        )
        .elements(
            &format!("{enterprise}:manager"),
            Elements::table("employment e", "e.user")
                .column("value", Column::text("e.boss").folded("e.boss").indexed()),
        )
        .build()
        .unwrap();
    let users = [
        json!({ "id": "1", "title": "Dr", enterprise: { "department": "Reef", "manager": { "value": "3" } } }),
        json!({ "id": "2", enterprise: { "manager": { "value": "1" } } }),
        json!({ "id": "3", "title": "" }),
        json!({ "id": "4", enterprise: { "department": "Lab" } }),
    ];
    let filters = [
        (r#"title eq "DR""#, Cost::Indexed),
        (r#"title ne "dr""#, Cost::Scan),
        ("title pr", Cost::Scan),
        (r#"title co "r""#, Cost::Scan),
        (r#"department sw "re""#, Cost::Indexed),
        (r#"department eq "lab" or title eq "dr""#, Cost::Indexed),
        (r#"manager.value eq "1" or id eq "3""#, Cost::Indexed),
        (r#"manager[value eq "3"] and title eq "dr""#, Cost::Indexed),
        (r#"department ne "lab" and manager pr"#, Cost::Scan),
    ];
    check(&connection, &mapping, &resource_type, &users, &filters);
}

#[test]
fn members_can_be_rows_of_another_table() {
    let connection = Connection::open_in_memory().unwrap();
    connection
        .execute_batch(
            "CREATE TABLE resource (id TEXT PRIMARY KEY, name TEXT, name_folded TEXT);
             CREATE TABLE member (team TEXT, user TEXT, PRIMARY KEY (team, user));
             INSERT INTO resource VALUES ('a', 'Alle', 'alle'), ('b', 'Bund', 'bund'), ('c', NULL, NULL);
             INSERT INTO member VALUES ('a', '1'), ('a', '2'), ('b', '2');",
        )
        .unwrap();
    let resource_type = standard::group_type();
    let mapping = Mapping::builder(&resource_type, "resource r", "r.id")
        .column("displayName", Column::text("r.name").folded("r.name_folded").indexed())
        .elements(
            "members",
            Elements::table("member m", "m.team")
                .column("value", Column::text("m.user").folded("m.user").not_null().indexed())
                .column("type", Column::constant("User")),
        )
        .build()
        .unwrap();
    let user = |id: &str| json!({ "value": id, "type": "User" });
    let groups = [
        json!({ "id": "a", "displayName": "Alle", "members": [user("1"), user("2")] }),
        json!({ "id": "b", "displayName": "Bund", "members": [user("2")] }),
        json!({ "id": "c" }),
    ];
    let filters = [
        (r#"members.value eq "2""#, Cost::Indexed),
        (r#"members[value eq "1" and type eq "User"]"#, Cost::Indexed),
        (r#"members[value eq "1" and type eq "Group"]"#, Cost::Indexed),
        (r#"members.value eq "1" or displayName eq "bund""#, Cost::Indexed),
        (r#"members.type eq "user""#, Cost::Scan),
        ("members pr", Cost::Scan),
        (r#"members.value ne "1""#, Cost::Scan),
    ];
    check(&connection, &mapping, &resource_type, &groups, &filters);
}
