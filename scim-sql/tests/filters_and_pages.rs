//! Checks filters and pages on tables of a host in SQLite: the SQL must find the same resources as the evaluator in
//! memory.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests and what they share")]

mod support;

use rusqlite::{Connection, params};
use scim_filter::Predicate;
use scim_schema::{AttributeRef, Comparison, ReadContext, ResourceType, Tolerance, standard};
use scim_sql::{BindValue, Column, Cost, Dialect, Elements, Error, Fragment, Mapping, PageSide};
use serde_json::{Value, json};

/// A mapping with a work address in the row of the user, aliases in another table, and `active` as an expression.
fn mapping(resource_type: &ResourceType) -> Mapping {
    let alias = Elements::table("alias a", "a.user")
        .column("value", Column::text("a.address").folded("a.address_folded").not_null().indexed())
        .column("type", Column::constant("alias"))
        .column("primary", Column::constant(false))
        .order("a.rowid");
    Mapping::builder(resource_type, "user u", "u.id")
        .scoped_by("u.tenant", 1)
        .column("id", Column::text("u.id").not_null().indexed())
        .column("userName", Column::text("u.name").folded("u.name_folded").not_null().indexed())
        .column("title", Column::text("u.title").folded("u.title_folded"))
        .column("active", Column::boolean("(u.deactivated_at IS NULL)").not_null())
        .column("meta.created", Column::unix_time("u.created", 1).not_null().indexed())
        .column("userType", Column::constant("Employee"))
        .column("name.familyName", Column::text("u.last").folded("u.last_folded"))
        .column("name.givenName", Column::text("u.first").folded("u.first_folded"))
        .column("emails.value", Column::text("u.email").folded("u.email_folded").indexed())
        .column("emails.type", Column::constant("work"))
        .column("emails.primary", Column::constant(true))
        .elements("emails", alias)
        .build()
        .unwrap()
}

const USERS: [&str; 5] = [
    r#"{ "id": "1", "userName": "Bea", "title": "Dr", "userType": "Employee", "active": true,
         "name": { "familyName": "Lang", "givenName": "Bea" }, "meta": { "created": "1970-01-01T00:00:10Z" },
         "emails": [{ "value": "Bea@example.com", "type": "work", "primary": true }] }"#,
    r#"{ "id": "2", "userName": "ada", "userType": "Employee", "active": false, "meta": { "created": "1970-01-01T00:00:20Z" },
         "name": { "familyName": "Ünal" },
         "emails": [{ "value": "ada@example.com", "type": "work", "primary": true },
                    { "value": "ADA@example.org", "type": "alias", "primary": false }] }"#,
    r#"{ "id": "3", "userName": "50%_\\", "title": "", "userType": "Employee", "active": true,
         "meta": { "created": "1970-01-01T00:00:30Z" },
         "emails": [{ "value": "c@example.net", "type": "alias", "primary": false },
                    { "value": "d'or@example.net", "type": "alias", "primary": false }] }"#,
    r#"{ "id": "4", "userName": "Zoë", "title": "dr", "userType": "Employee", "active": true,
         "meta": { "created": "1970-01-01T00:00:40Z" } }"#,
    r#"{ "id": "5", "userName": "beata", "userType": "Employee", "active": true, "meta": { "created": "1970-01-01T00:00:50Z" },
         "name": { "givenName": "Beata" }, "emails": [{ "value": "", "type": "work", "primary": true }] }"#,
];

fn load() -> (Connection, Vec<Value>) {
    let connection = Connection::open_in_memory().unwrap();
    connection
        .execute_batch(
            "CREATE TABLE user (id TEXT PRIMARY KEY, tenant TEXT, name TEXT, name_folded TEXT, title TEXT,
                 title_folded TEXT, deactivated_at TEXT, created INTEGER, last TEXT, last_folded TEXT, first TEXT,
                 first_folded TEXT, email TEXT, email_folded TEXT);
             CREATE TABLE alias (user TEXT NOT NULL, address TEXT, address_folded TEXT);",
        )
        .unwrap();
    let users: Vec<Value> = USERS.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let fold = |rule: Comparison, value: &Value| value.as_str().map(|text| rule.fold(text).into_owned());
    for (user, second) in users.iter().zip((10..).step_by(10)) {
        let emails = user["emails"].as_array().cloned().unwrap_or_default();
        let addresses = |kind: &str| {
            emails.iter().filter(|e| e["type"] == kind).map(|e| e["value"].clone()).collect::<Vec<_>>()
        };
        let work = addresses("work").first().cloned().unwrap_or_default();
        let deactivated = (user["active"] == false).then_some("2020-01-01");
        connection
            .execute(
                "INSERT INTO user VALUES (?, 'one', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                params![
                    user["id"].as_str(),
                    user["userName"].as_str(),
                    fold(Comparison::UserName, &user["userName"]),
                    user["title"].as_str(),
                    fold(Comparison::Folded, &user["title"]),
                    deactivated,
                    second,
                    user["name"]["familyName"].as_str(),
                    fold(Comparison::Folded, &user["name"]["familyName"]),
                    user["name"]["givenName"].as_str(),
                    fold(Comparison::Folded, &user["name"]["givenName"]),
                    work.as_str(),
                    fold(Comparison::Folded, &work),
                ],
            )
            .unwrap();
        for alias in addresses("alias") {
            let folded = fold(Comparison::Folded, &alias);
            let row = params![user["id"].as_str(), alias.as_str(), folded];
            connection.execute("INSERT INTO alias VALUES (?, ?, ?)", row).unwrap();
        }
    }
    let other_tenant =
        "INSERT INTO user (id, tenant, name, name_folded, created) VALUES ('6', 'two', 'Bea', 'bea', 10)";
    connection.execute(other_tenant, []).unwrap();
    (connection, users)
}

fn select(connection: &Connection, fragment: &Fragment, order: &str) -> Vec<String> {
    let tenant = BindValue::Text("one".to_owned());
    let sql = "SELECT u.id FROM user u WHERE u.tenant = ?1 AND";
    support::select(connection, sql, &[tenant], fragment, order)
}

fn resolve(text: &str) -> Predicate {
    support::resolve(text, &standard::user_type(), &Tolerance::lenient())
}

#[test]
fn sql_finds_what_the_evaluator_finds() {
    let (connection, users) = load();
    let mapping = mapping(&standard::user_type());
    let leaves = [
        r#"userName eq "BEA""#,
        r#"userName ne "bea""#,
        r#"userName sw "be""#,
        r#"userName co "%_\\""#,
        r#"userName ew "A""#,
        r#"userName gt "beata""#,
        r#"userName co "ë""#,
        "title pr",
        r#"title eq "DR""#,
        r#"title ne "dr""#,
        r#"title co "r""#,
        r#"title ew """#,
        r#"title lt "e""#,
        "active eq true",
        "active ne true",
        r#"userType eq "employee""#,
        r#"userType ne "Employee""#,
        r#"userType co "loy""#,
        "userType pr",
        "name pr",
        r#"name.familyName eq "ünal""#,
        r#"name.familyName ne "lang""#,
        "name[familyName eq null]",
        r#"name[not (givenName eq "Bea")]"#,
        r#"emails eq "ada@example.org""#,
        r#"emails ne "bea@example.com""#,
        "emails pr",
        r#"emails.type eq "work""#,
        r#"emails.type ne "work""#,
        r#"emails.type eq "ALIAS""#,
        "emails.primary eq true",
        "emails[primary eq false]",
        "emails[primary ne true]",
        r#"emails co "EXAMPLE""#,
        r#"emails sw "d'OR""#,
        r#"emails[type eq "work" and value ew ".com"]"#,
        r#"emails[type eq "work" and value ew ".org"]"#,
        r#"emails[type eq "alias" or value eq ""]"#,
        "emails[not (value pr)]",
        r#"emails[value ne "bea@example.com"]"#,
        "emails eq null",
        "emails ne null",
        r#"meta.created gt "1970-01-01T00:00:19.5Z""#,
        r#"meta.created le "1970-01-01T01:00:30+01:00""#,
        r#"meta.created eq "1970-01-01T00:00:10.1Z""#,
        r#"id eq "3""#,
    ];
    let check = |text: &str| {
        let predicate = resolve(text);
        let fragment = mapping.filter(&predicate, Dialect::Sqlite, 2).unwrap();
        assert!(fragment.sql.starts_with('(') && fragment.sql.ends_with(')'), "{}", fragment.sql);
        let expected: Vec<&str> = users
            .iter()
            .filter(|user| predicate.is_match(user.as_object().unwrap()))
            .map(|user| user["id"].as_str().unwrap())
            .collect();
        assert_eq!(select(&connection, &fragment, "u.id"), expected, "{text}\n{}", fragment.sql);
        // No condition is NULL, so NOT selects all other rows.
        let mut complement = fragment.clone();
        complement.sql = format!("NOT {}", fragment.sql);
        assert_eq!(
            select(&connection, &complement, "u.id").len(),
            users.len() - expected.len(),
            "not {text}"
        );
    };
    for first in leaves {
        check(first);
        check(&format!("not ({first})"));
        for second in leaves {
            check(&format!("{first} or {second}"));
            check(&format!("not ({first} and not ({second}))"));
        }
    }
}

#[test]
fn unmapped_attributes_are_refused_and_scans_are_recognized() {
    let mapping = mapping(&standard::user_type());
    for text in [
        "nickName pr",
        r#"userName eq "a" and nickName eq "b""#,
        r#"emails[display eq "x"]"#,
        "not (roles pr)",
    ] {
        let error = mapping.filter(&resolve(text), Dialect::Postgres, 1).unwrap_err();
        assert!(matches!(error, Error::Unmapped(_)), "{text}: {error}");
    }
    let cost = |text: &str| mapping.filter(&resolve(text), Dialect::Postgres, 1).unwrap().cost;
    for text in [
        r#"userName eq "a""#,
        r#"userName sw "a" and title pr"#,
        r#"userName eq "a" or emails eq "b""#,
        r#"emails[type eq "work" and value eq "b"]"#,
        r#"meta.created gt "2020-01-01T00:00:00Z""#,
    ] {
        assert_eq!(cost(text), Cost::Indexed, "{text}");
    }
    for text in [
        r#"userName ne "a""#,
        r#"userName co "abc""#,
        "title pr",
        r#"userName eq "a" or title eq "b""#,
        r#"not (userName eq "a")"#,
        r#"emails.type eq "work""#,
        "active eq true",
    ] {
        assert_eq!(cost(text), Cost::Scan, "{text}");
    }
}

#[test]
fn long_chains_stay_shallow_and_within_the_limits() {
    let (connection, _) = load();
    let mapping = mapping(&standard::user_type());
    let terms = |count: usize, path: &str| vec![resolve(&format!("{path} ne \"x\"")); count];
    let fragment = mapping.filter(&Predicate::Or(terms(5_000, "title")), Dialect::Sqlite, 2).unwrap();
    assert_eq!(select(&connection, &fragment, "u.id").len(), 5);
    let fragment = mapping.filter(&Predicate::And(terms(5_000, "title")), Dialect::Sqlite, 2).unwrap();
    assert_eq!(select(&connection, &fragment, "u.id").len(), 5);
    assert_eq!(
        mapping.filter(&Predicate::Or(terms(40_000, "title")), Dialect::Sqlite, 2),
        Err(Error::TooLong)
    );
    assert_eq!(mapping.filter(&Predicate::Or(terms(600, "emails")), Dialect::Sqlite, 2), Err(Error::TooLong));
}

#[test]
fn pages_are_adjacent_in_both_directions() {
    let (connection, users) = load();
    let resource_type = standard::user_type();
    let mapping = mapping(&resource_type);
    let target = |path: &str| -> AttributeRef {
        resource_type.resolve(&path.parse().unwrap(), &mut ReadContext::new(&Tolerance::strict())).unwrap()
    };
    let all = mapping.filter(&Predicate::Const(true), Dialect::Sqlite, 2).unwrap();
    for path in ["userName", "title", "name.familyName", "meta.created"] {
        let by = target(path);
        for descending in [false, true] {
            let order = mapping.order(Some((&by, descending)), "u.id", Dialect::Sqlite).unwrap();
            let mut expected: Vec<&Value> = users.iter().collect();
            expected.sort_by(|a, b| {
                let value = |user: &Value| by.sort_value(user.as_object().unwrap()).cloned();
                let order = match (value(a), value(b)) {
                    (Some(a), Some(b)) => by.comparison().order_values(&a, &b),
                    (a, b) => b.is_some().cmp(&a.is_some()),
                };
                let order = if descending { order.reverse() } else { order };
                order.then_with(|| a["id"].as_str().cmp(&b["id"].as_str()))
            });
            let expected: Vec<&str> = expected.iter().map(|user| user["id"].as_str().unwrap()).collect();
            let forwards = order.sql(PageSide::After);
            assert_eq!(select(&connection, &all, &forwards), expected, "{path} {forwards}");
            for (index, id) in expected.iter().enumerate() {
                let sql = format!("SELECT {} FROM user u WHERE u.id = ?", order.sort_value());
                let key: rusqlite::types::Value = connection.query_row(&sql, [id], |row| row.get(0)).unwrap();
                let key = match key {
                    rusqlite::types::Value::Text(text) => Some(BindValue::Text(text)),
                    rusqlite::types::Value::Integer(number) => Some(BindValue::Integer(number)),
                    _ => None,
                };
                let tiebreaker = BindValue::Text((*id).to_owned());
                let after =
                    order.page_condition(PageSide::After, key.clone(), tiebreaker.clone(), 2).unwrap();
                assert_eq!(
                    select(&connection, &after, &forwards),
                    expected[index + 1..],
                    "{path} after {id}"
                );
                let from = order.page_condition(PageSide::From, key.clone(), tiebreaker.clone(), 2).unwrap();
                let forwards = order.sql(PageSide::From);
                assert_eq!(select(&connection, &from, &forwards), expected[index..], "{path} from {id}");
                let before = order.page_condition(PageSide::Before, key, tiebreaker, 2).unwrap();
                let mut found = select(&connection, &before, &order.sql(PageSide::Before));
                found.reverse();
                assert_eq!(found, expected[..index], "{path} before {id}: {}", before.sql);
            }
        }
    }
    assert!(mapping.order(Some((&target("nickName"), false)), "u.id", Dialect::Sqlite).is_err());
}

#[test]
fn mappings_that_do_not_fit_the_schema_are_refused() {
    let resource_type = standard::user_type();
    let build = |path: &str, column: Column| {
        Mapping::builder(&resource_type, "u", "u.id").column(path, column).build()
    };
    for (path, column) in [
        ("nothing", Column::text("u.x")),
        ("userName", Column::text("u.name")),
        ("active", Column::text("u.active").folded("u.active")),
        ("userName", Column::boolean("u.name")),
        ("emails", Column::text("u.email").folded("u.email")),
        ("active", Column::constant("yes")),
    ] {
        assert!(build(path, column.clone()).is_err(), "{path} {column:?}");
    }
    assert!(build("active", Column::constant(json!(true))).is_ok());
}
