//! Checks that an element without `primary` counts as `primary: false` in all kinds of mappings: filters, value paths and
//! orders must agree with the evaluator in memory.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests and what they share")]

mod support;

use rusqlite::{Connection, params};
use scim_filter::Predicate;
use scim_schema::{AttributeRef, ReadContext, ResourceType, Tolerance, standard};
use scim_sql::{BindValue, Column, Cost, Dialect, Elements, Error, Fragment, Mapping, PageSide};
use serde_json::{Value, json};

/// A mapping in which each attribute has another kind of source.
fn mapping(resource_type: &ResourceType) -> Mapping {
    let text = |sql: &str| Column::text(sql).folded(sql);
    let table = |name: &str| {
        Elements::table("element e", "e.user")
            .condition(format!("e.source = '{name}' OR e.source = '{name}, too'"))
            .column("value", text("e.value").not_null())
    };
    Mapping::builder(resource_type, "resource r", "r.id")
        // Rows of a table, in which `primary` may be NULL.
        .elements(
            "emails",
            table("emails")
                .column("primary", Column::boolean("e.main").indexed())
                .order("e.main IS NOT TRUE, e.rowid"),
        )
        .elements(
            "entitlements",
            table("entitlements")
                .column("primary", Column::key("e.main_key"))
                .order("e.main_key IS NOT 'true', e.rowid"),
        )
        // One element in the row of the resource, which exists if one of the columns is not NULL.
        .column("phoneNumbers.value", text("r.phone"))
        .column("phoneNumbers.primary", Column::boolean("r.phone_main"))
        // One element that exists if a condition holds.
        .elements(
            "photos",
            Elements::row()
                .condition("r.photo = 'shown' OR r.photo = 'hidden'")
                .column("value", Column::text("r.photo"))
                .column("primary", Column::boolean("r.photo_main")),
        )
        // Three sources: the primary element, elements with a column for `primary`, and elements without.
        .column("ims.value", text("r.im"))
        .column("ims.primary", Column::constant(true))
        .elements("ims", table("ims").column("primary", Column::boolean("e.main")).order("e.rowid"))
        .elements("ims", table("more ims"))
        // Two sources, of which one counts for sorting; that one has no column for `primary`.
        .elements("roles", table("roles").column("type", Column::constant("direct")).order("e.rowid"))
        .elements(
            "roles",
            table("more roles")
                .column("type", Column::constant("indirect"))
                .column("primary", Column::boolean("e.main")),
        )
        .build()
        .unwrap()
}

fn users() -> [Value; 7] {
    [
        json!({ "id": "1",
            "emails": [{ "value": "a", "primary": true }, { "value": "b" }],
            "entitlements": [{ "value": "a" }, { "value": "b", "primary": true }],
            "phoneNumbers": [{ "value": "1", "primary": true }],
            "photos": [{ "value": "shown", "primary": true }],
            "ims": [{ "value": "row", "primary": true }, { "value": "more" }],
            "roles": [{ "value": "a", "type": "direct" }] }),
        json!({ "id": "2",
            "emails": [{ "value": "a" }],
            "entitlements": [{ "value": "a" }],
            "phoneNumbers": [{ "value": "1" }],
            "photos": [{ "value": "hidden" }],
            "ims": [{ "value": "row", "primary": true }],
            "roles": [{ "value": "b", "type": "direct" }, { "value": "a", "type": "indirect" }] }),
        json!({ "id": "3",
            "emails": [{ "value": "a", "primary": false }],
            "entitlements": [{ "value": "a", "primary": false }],
            "phoneNumbers": [{ "value": "1", "primary": false }],
            "photos": [{ "value": "shown", "primary": false }],
            "ims": [{ "value": "table" }],
            "roles": [{ "value": "c", "type": "direct" },
                      { "value": "a", "type": "indirect", "primary": false }] }),
        json!({ "id": "4" }),
        json!({ "id": "5",
            "emails": [{ "value": "a", "primary": false }, { "value": "b" }, { "value": "c", "primary": true }],
            "phoneNumbers": [{ "primary": false }],
            "ims": [{ "value": "table", "primary": false }, { "value": "more" }] }),
        json!({ "id": "6",
            "entitlements": [{ "value": "b" }, { "value": "a", "primary": true }],
            "phoneNumbers": [{ "primary": true }],
            "ims": [{ "value": "table", "primary": true }],
            "roles": [{ "value": "d", "type": "direct" },
                      { "value": "b", "type": "indirect", "primary": true }] }),
        json!({ "id": "7", "ims": [{ "value": "more" }] }),
    ]
}

fn load(users: &[Value]) -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    connection
        .execute_batch(
            "CREATE TABLE resource (id TEXT, phone TEXT, phone_main INTEGER, photo TEXT, photo_main INTEGER, im TEXT);
             CREATE TABLE element (user TEXT NOT NULL, source TEXT, value TEXT, main INTEGER, main_key TEXT);",
        )
        .unwrap();
    for user in users {
        let id = user["id"].as_str();
        let (phone, photo) = (&user["phoneNumbers"][0], &user["photos"][0]);
        let row = user["ims"].as_array().into_iter().flatten().find(|im| im["value"] == "row");
        // If the condition for a photo does not hold, its columns have other content.
        let (photo, main) = (photo["value"].as_str().unwrap_or("none"), photo["primary"].as_bool());
        let main = if photo == "none" { Some(true) } else { main };
        let row =
            params![id, phone["value"].as_str(), phone["primary"].as_bool(), photo, main, row.map(|_| "row")];
        connection.execute("INSERT INTO resource VALUES (?, ?, ?, ?, ?, ?)", row).unwrap();
        for attribute in ["emails", "entitlements", "ims", "roles"] {
            for element in user[attribute].as_array().into_iter().flatten() {
                let source = match (element["value"].as_str(), element["type"].as_str()) {
                    (Some("row"), _) => continue,
                    (Some("more"), _) => "more ims",
                    (_, Some("indirect")) => "more roles",
                    (Some("b"), _) if attribute == "emails" => "emails, too",
                    _ => attribute,
                };
                let main = element["primary"].as_bool();
                let key = main.map(|main| main.to_string());
                let row = params![id, source, element["value"].as_str(), main, key];
                connection.execute("INSERT INTO element VALUES (?, ?, ?, ?, ?)", row).unwrap();
            }
        }
    }
    connection
}

fn select(connection: &Connection, fragment: &Fragment, order: &str) -> Vec<String> {
    support::select(connection, "SELECT r.id FROM resource r WHERE", &[], fragment, order)
}

fn resolve(text: &str) -> Predicate {
    support::resolve(text, &standard::user_type(), &Tolerance::strict())
}

const ATTRIBUTES: [&str; 6] = ["emails", "entitlements", "phoneNumbers", "photos", "ims", "roles"];

#[test]
fn an_absent_primary_is_false_in_every_kind_of_mapping() {
    let users = users();
    let (connection, mapping) = (load(&users), mapping(&standard::user_type()));
    let check = |text: &str| {
        let predicate = resolve(text);
        let fragment = mapping.filter(&predicate, Dialect::Sqlite, 1).unwrap();
        let matching = users.iter().filter(|user| predicate.is_match(user.as_object().unwrap()));
        let expected: Vec<&str> = matching.map(|user| user["id"].as_str().unwrap()).collect();
        assert_eq!(select(&connection, &fragment, "r.id"), expected, "{text}\n{}", fragment.sql);
    };
    for attribute in ATTRIBUTES {
        let leaves = [
            format!("{attribute}.primary eq true"),
            format!("{attribute}.primary eq false"),
            format!("{attribute}.primary ne true"),
            format!("{attribute}.primary ne false"),
            format!("{attribute}.primary eq null"),
            format!("{attribute}.primary pr"),
            format!("{attribute}[primary eq true]"),
            format!("{attribute}[primary eq false]"),
            format!("{attribute}[primary ne true]"),
            format!("{attribute}[primary ne false]"),
            format!("{attribute}[primary pr]"),
            format!("{attribute}[not (primary eq true)]"),
            format!("{attribute}[not (primary eq false)]"),
            format!("{attribute}[primary eq false and value eq \"a\"]"),
            format!("{attribute}[primary eq false or value eq \"b\"]"),
            format!("{attribute}.value eq \"hidden\""),
            format!("{attribute}.value ne \"none\""),
            format!("{attribute} pr"),
        ];
        for (index, first) in leaves.iter().enumerate() {
            check(first);
            check(&format!("not ({first})"));
            for second in leaves.iter().cycle().skip(index + 1).step_by(5).take(3) {
                check(&format!("{first} or {second}"));
                check(&format!("{first} and not ({second})"));
            }
            check(&format!("{first} or phoneNumbers.primary eq false"));
            check(&format!("emails.primary eq false or {first}"));
        }
    }
}

#[test]
fn comparisons_of_primary_use_an_index() {
    let mapping = mapping(&standard::user_type());
    let cost = |text: &str| mapping.filter(&resolve(text), Dialect::Sqlite, 1).unwrap().cost;
    for text in ["emails.primary eq true", "emails.primary eq false", "emails[primary eq false]"] {
        assert_eq!(cost(text), Cost::Indexed, "{text}");
    }
    for text in ["emails.primary ne true", "entitlements.primary eq true", "roles.primary eq false"] {
        assert_eq!(cost(text), Cost::Scan, "{text}");
    }
}

#[test]
fn resources_are_sorted_by_an_absent_primary_as_by_false() {
    let (resource_type, users) = (standard::user_type(), users());
    let (connection, mapping) = (load(&users), mapping(&resource_type));
    let target = |path: &str| -> AttributeRef {
        resource_type.resolve(&path.parse().unwrap(), &mut ReadContext::new(&Tolerance::strict())).unwrap()
    };
    let all = mapping.filter(&Predicate::Const(true), Dialect::Sqlite, 1).unwrap();
    for path in [
        "emails.primary",
        "emails.value",
        "entitlements.primary",
        "entitlements.value",
        "phoneNumbers.primary",
        "phoneNumbers.value",
        "photos.primary",
        "photos.value",
        "roles.primary",
        "roles.value",
        "roles.type",
    ] {
        let by = target(path);
        for descending in [false, true] {
            let mut expected: Vec<&Value> = users.iter().collect();
            // The first role counts; the source without an order does not count for sorting.
            let value = |user: &Value| match path.strip_prefix("roles.") {
                Some(sub) => user["roles"].get(0).map(|role| role.get(sub).cloned().unwrap_or(json!(false))),
                None => by.sort_value(user.as_object().unwrap()).cloned(),
            };
            expected.sort_by(|a, b| {
                let order = match (value(a), value(b)) {
                    (Some(a), Some(b)) => by.comparison().order_values(&a, &b),
                    (a, b) => b.is_some().cmp(&a.is_some()),
                };
                let order = if descending { order.reverse() } else { order };
                order.then_with(|| a["id"].as_str().cmp(&b["id"].as_str()))
            });
            let expected: Vec<&str> = expected.iter().map(|user| user["id"].as_str().unwrap()).collect();
            let order = mapping.order(Some((&by, descending)), "r.id", Dialect::Sqlite).unwrap();
            let forwards = order.sql(PageSide::After);
            assert_eq!(select(&connection, &all, &forwards), expected, "{path} {forwards}");
            for (index, id) in expected.iter().enumerate() {
                let sql = format!("SELECT {} FROM resource r WHERE r.id = ?", order.sort_value());
                let key: rusqlite::types::Value = connection.query_row(&sql, [id], |row| row.get(0)).unwrap();
                let key = match key {
                    rusqlite::types::Value::Text(text) => Some(BindValue::Text(text)),
                    rusqlite::types::Value::Integer(number) => Some(BindValue::Integer(number)),
                    _ => None,
                };
                let tiebreaker = BindValue::Text((*id).to_owned());
                let from = order.page_condition(PageSide::From, key.clone(), tiebreaker.clone(), 1).unwrap();
                assert_eq!(select(&connection, &from, &forwards), expected[index..], "{path} from {id}");
                let before = order.page_condition(PageSide::Before, key, tiebreaker, 1).unwrap();
                let mut found = select(&connection, &before, &order.sql(PageSide::Before));
                found.reverse();
                assert_eq!(found, expected[..index], "{path} before {id}: {}", before.sql);
            }
        }
    }
    // With two sources that count, the first element is unknown.
    let error = mapping.order(Some((&target("ims.value"), false)), "r.id", Dialect::Sqlite).unwrap_err();
    assert!(matches!(error, Error::Unmapped(_)), "{error}");
}
