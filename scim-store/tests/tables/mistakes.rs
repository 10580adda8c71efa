//! `build` reports all mistakes of a declaration at once.

use scim_store::{ChildTable, Expression, Ids, InvalidTables, Table, TableStore};
use tokio::runtime::Runtime;

use crate::application::Application;
use crate::client::{Client, TENANT};
use crate::support;

/// Builds a store on tables of an application.
pub(crate) fn build(
    runtime: &Runtime,
    application: &Application,
    users: Table,
    groups: Option<Table>,
) -> Result<TableStore, InvalidTables> {
    let database = runtime.block_on(scim_store::open(&application.database.url)).unwrap();
    let builder = TableStore::builder(database).users(users);
    let builder = match groups {
        Some(groups) => builder.groups(groups),
        None => builder,
    };
    runtime.block_on(builder.build())
}

/// Mistakes without the schema and the quotes, which depend on the database.
pub(crate) fn plain(application: &Application, texts: &[String]) -> Vec<String> {
    let plain = |text: &String| text.replace(&application.schema, "").replace(['`', '"'], "");
    texts.iter().map(plain).collect()
}

const FULL_OF_MISTAKES: &str = "
    CREATE TABLE {}people (id <ROWID>, org text, login text NOT NULL, nick integer, active text, created integer,
        boss integer);
    CREATE TABLE {}teams (id <SERIAL>, title text NOT NULL);
    CREATE TABLE {}links (team_id integer, person_id text, role text NOT NULL, since text NOT NULL DEFAULT 'now');
    CREATE TABLE {}addresses (person_id integer, address text)";

#[test]
fn all_mistakes_are_reported_at_once() {
    let runtime = support::runtime();
    for application in Application::with_tables(&runtime, FULL_OF_MISTAKES) {
        let name = |table: &str| format!("{}{table}", application.schema);
        let addresses = || ChildTable::new(name("addresses"), "person_id");
        let people = Table::new(name("people"), "id", Ids::prefixed("p"))
            .tenant("org")
            .timestamps("created", "updated")
            .key("userName", "login")
            .text("emails", "login")
            .text("name", "login")
            .text("favoriteColor", "login")
            .text("title", "titel")
            .text("nickName", "nick")
            .integer("displayName", "nick")
            .boolean("active", "active")
            .reference("manager", "boss", "Robot")
            .reference("department", "boss", "User")
            .folded("title", "login")
            .folded("locale", "login")
            .one("userType", "login", "work")
            .many("addresses", ChildTable::new(name("locations"), "person_id"))
            .many("phoneNumbers", ChildTable::new(name("addresses"), "owner"))
            .many("ims", addresses().text("nick", "address").text("value", "none"))
            .many("photos", addresses().text("primary", "address").text("value", "person_id"))
            .many("locale", addresses())
            .expression("timezone", Expression::integer("1"))
            .expression("profileUrl", Expression::text("t.login").writes("url", "{}"))
            .folded("userName", "folded")
            .version("login")
            .password("hash");
        let teams = Table::new(name("teams"), "id", Ids::prefixed("t"))
            .text("displayName", "title")
            .soft_delete("title")
            .members(name("links"), "team_id", "person_id");
        let error = build(&runtime, &application, people, Some(teams)).unwrap_err();
        let found = plain(&application, error.mistakes());
        let mut expected = vec![
            "people: emails is a list; use .one(..) for one element in a column, or .many(..)",
            "people: name has sub-attributes; name one of them: formatted, familyName, givenName",
            "people: a User has no attribute favoriteColor; add a schema that has it with .extension(..)",
            "people has no column titel; it has active, boss, created, id, login, nick, org",
            "people.nick is of type int",
            "people: displayName is of type string; use .text(..)",
            "people.active is of type text, but active is a boolean; if the column is NULL while the user is active, write .active_unless(active)",
            "manager refers to Robot, for which no table is declared",
            "people: userType is not a list; use .text(..)",
            "there is no table locations",
            "locations: no column for addresses; add .text(value, ..)",
            "addresses: no column for phoneNumbers; add .text(value, ..)",
            "addresses has no column owner; it has address, person_id",
            "ims has no sub-attribute nick",
            "addresses has no column none; it has address, person_id",
            "addresses: photos.primary is of type boolean; use .boolean(..)",
            "addresses.person_id is of type int",
            "people: locale has a folded column but no text column",
            "people: department is no reference: it has no sub-attribute value",
            "people: locale is not a list; use .text(..)",
            "people: timezone is of type string; use .text(..)",
            "people has no column url; it has",
            "people has no column folded; it has",
            "people.login is of type text, but must be an integer",
            "people has no column hash; it has",
            "people.created has integers: call .time_unit(TimeUnit::Seconds) or",
            "people has no column updated; it has",
            "people has a tenant column and teams has none; declare it with .tenant(..)",
            "links.person_id is of type text, but the key to which it refers is of type bigint",
            "links: a member could be added twice; run CREATE UNIQUE INDEX",
            "links.role is NOT NULL without a default, so a member cannot be inserted; give it a default",
        ];
        if application.database.is_file() {
            expected
                .push("people.id: SQLite gives the key of a deleted row to a new row, so an id would name");
        } else {
            expected.push("teams.title must be a timestamp, or an integer with .time_unit(..)");
        }
        let missing: Vec<_> = expected
            .iter()
            .filter(|text| !found.iter().any(|found| found.to_lowercase().starts_with(&text.to_lowercase())))
            .collect();
        assert!(missing.is_empty(), "missing: {missing:#?}\nfound: {found:#?}");
        let unexpected: Vec<_> = found
            .iter()
            .filter(|found| {
                !expected.iter().any(|text| found.to_lowercase().starts_with(&text.to_lowercase()))
            })
            .collect();
        assert!(unexpected.is_empty(), "unexpected: {unexpected:#?}");
        let text = error.to_string();
        assert!(error.mistakes().iter().all(|mistake| text.contains(mistake.as_str())), "{text}");
    }
}

#[test]
fn ids_must_fit_the_key() {
    let runtime = support::runtime();
    let cases: [(&str, Ids, Option<&str>); 10] = [
        ("<SERIAL>", Ids::prefixed("p"), None),
        ("<SERIAL>", Ids::prefixed(""), Some("an integer key needs a prefix that is not empty")),
        ("<SERIAL>", Ids::text(), Some("the key is an integer: write `Ids::prefixed(\"p\")`")),
        ("<SERIAL>", Ids::uuid(), Some("the key is an integer: write `Ids::prefixed(\"p\")`")),
        ("text PRIMARY KEY", Ids::text(), None),
        ("text PRIMARY KEY", Ids::uuid(), None),
        ("uuid PRIMARY KEY", Ids::uuid(), None),
        ("uuid PRIMARY KEY", Ids::text(), Some("the key is a uuid: write `Ids::uuid()`")),
        ("<BLOB> PRIMARY KEY", Ids::text(), Some("a key must be an integer, a text or a uuid")),
        ("<BLOB> PRIMARY KEY", Ids::prefixed("p"), Some("a key must be an integer, a text or a uuid")),
    ];
    for (key, ids, expected) in cases {
        let ddl = format!(
            "CREATE TABLE {{}}people (id {key}, login text); CREATE UNIQUE INDEX people_login ON {{}}people (lower(login))"
        );
        for application in Application::with_tables(&runtime, &ddl) {
            let people = Table::new(format!("{}people", application.schema), "id", ids.clone())
                .key("userName", "login");
            match (build(&runtime, &application, people, None), expected) {
                (Ok(_), None) => {}
                // SQLite has no type for UUIDs: the column has texts.
                (Ok(_), _) if key.starts_with("uuid") && application.database.is_file() => {}
                (Err(error), Some(expected)) => {
                    assert!(
                        error.mistakes().first().is_some_and(|mistake| mistake.contains(expected)),
                        "{key} {ids:?}: {error}"
                    );
                }
                (result, expected) => panic!("{key} {ids:?}: {result:?}, expected {expected:?}"),
            }
        }
    }
}

#[test]
fn users_and_groups_need_different_ids() {
    let runtime = support::runtime();
    let ddl =
        "CREATE TABLE {}people (id <SERIAL>, login text); CREATE TABLE {}teams (id <SERIAL>, title text);
        CREATE UNIQUE INDEX people_login ON {}people (lower(login))";
    for application in Application::with_tables(&runtime, ddl) {
        let name = |table: &str| format!("{}{table}", application.schema);
        let people = Table::new(name("people"), "id", Ids::prefixed("x")).key("userName", "login");
        let teams = Table::new(name("teams"), "id", Ids::prefixed("x")).text("displayName", "title");
        let error = build(&runtime, &application, people, Some(teams)).unwrap_err();
        assert!(error.to_string().contains("give `Ids::prefixed` another prefix"), "{error}");
    }
}

#[test]
fn a_store_without_tables_is_a_mistake() {
    let runtime = support::runtime();
    for application in Application::with_tables(&runtime, "") {
        let database = runtime.block_on(scim_store::open(&application.database.url)).unwrap();
        let error = runtime.block_on(TableStore::builder(database).build()).unwrap_err();
        assert!(error.to_string().contains("no table is declared"), "{error}");
    }
}

#[test]
fn columns_that_nothing_fills_and_repeated_attributes_are_mistakes() {
    let runtime = support::runtime();
    let ddl = "
        CREATE TABLE {}people (id <SERIAL>, company_id text NOT NULL, badge text NOT NULL, login text NOT NULL,
            level integer NOT NULL DEFAULT 1, mail text);
        CREATE UNIQUE INDEX people_login ON {}people (lower(login))";
    for application in Application::with_tables(&runtime, ddl) {
        let people = application.people().one("emails", "mail", "work").one("emails", "login", "Work");
        let error = build(&runtime, &application, people.clone(), None).unwrap_err();
        let found = plain(&application, error.mistakes());
        assert_eq!(found.len(), 3, "{found:#?}");
        assert_eq!(found[0], "people: emails is declared twice; remove one");
        assert!(
            found[1].starts_with("people.badge is NOT NULL, has no default and is not declared"),
            "{found:?}"
        );
        assert!(found[2].contains("if it is the tenant, write .tenant(company_id)"), "{found:?}");
    }
}

#[test]
fn hints_name_what_was_probably_meant() {
    let runtime = support::runtime();
    for (path, hint) in [
        (
            "emails[type eq \"work\"].value",
            "`emails` is a list; write `.one(\"emails\", \"column\", \"work\")`",
        ),
        ("emails.mail", "`emails` is a list"),
        ("name.first", "`name` has formatted, familyName, givenName"),
        ("mail", "did you mean `emails`?"),
        ("favoriteColor", "add a schema that has it with `.extension(..)`"),
    ] {
        for application in
            Application::with_tables(&runtime, "CREATE TABLE {}people (id <SERIAL>, login text)")
        {
            let people = application.people().text(path, "login");
            let error = build(&runtime, &application, people, None).unwrap_err();
            assert!(error.mistakes().iter().any(|mistake| mistake.contains(hint)), "{path}: {error}");
        }
    }
}

#[test]
fn a_missing_table_is_reported_with_those_that_exist() {
    let runtime = support::runtime();
    for application in Application::with_tables(&runtime, "CREATE TABLE {}accounts (id <SERIAL>, login text)")
    {
        let people = Table::new(format!("{}account", application.schema), "id", Ids::prefixed("p"));
        let error = build(&runtime, &application, people.key("userName", "login"), None).unwrap_err();
        let mistake = plain(&application, error.mistakes()).join(" ");
        assert!(mistake.starts_with("there is no table account; the database has"), "{mistake}");
        assert!(mistake.contains("accounts") || !application.database.is_file(), "{mistake}");
    }
}

#[test]
fn a_key_must_be_unique_unless_every_table_has_the_tenant() {
    let runtime = support::runtime();
    let ddl = "
        CREATE TABLE {}people (org text NOT NULL, id text NOT NULL, login text NOT NULL, PRIMARY KEY (org, id));
        CREATE UNIQUE INDEX people_login ON {}people (org, lower(login));
        CREATE TABLE {}addresses (org text NOT NULL DEFAULT 'a', person_id text NOT NULL, address text)";
    for application in Application::with_tables(&runtime, ddl) {
        let people = Table::new(format!("{}people", application.schema), "id", Ids::text());
        let people = people.tenant("org").key("userName", "login");
        build(&runtime, &application, people.clone(), None).unwrap();
        let addresses = ChildTable::new(format!("{}addresses", application.schema), "person_id");
        let addresses = addresses.text("value", "address");
        let error = build(&runtime, &application, people.clone().many("emails", addresses.clone()), None);
        let error = error.unwrap_err();
        let [mistake] = error.mistakes() else { panic!("{error}") };
        assert!(mistake.contains("no unique index has this column alone"), "{mistake}");
        build(&runtime, &application, people.many("emails", addresses.tenant("org")), None).unwrap();
    }
}

#[test]
fn prefixes_must_not_be_each_other_with_digits() {
    let runtime = support::runtime();
    let ddl = "
        CREATE TABLE {}people (id <SERIAL>, login text NOT NULL);
        CREATE UNIQUE INDEX people_login ON {}people (lower(login));
        CREATE TABLE {}teams (id <SERIAL>, title text NOT NULL)";
    for application in Application::with_tables(&runtime, ddl) {
        let name = |table: &str| format!("{}{table}", application.schema);
        let people = Table::new(name("people"), "id", Ids::prefixed("p")).key("userName", "login");
        for (prefix, is_mistake) in [("p1", true), ("pt", false), ("t", false)] {
            let teams = Table::new(name("teams"), "id", Ids::prefixed(prefix)).text("displayName", "title");
            let built = build(&runtime, &application, people.clone(), Some(teams));
            assert_eq!(built.is_err(), is_mistake, "{prefix}: {built:?}");
        }
    }
}

#[test]
fn a_key_that_nothing_assigns_is_a_mistake() {
    let runtime = support::runtime();
    let ddl = "
        CREATE TABLE {}people (id INT PRIMARY KEY, login text NOT NULL);
        CREATE UNIQUE INDEX people_login ON {}people (lower(login))";
    for application in Application::with_tables(&runtime, ddl) {
        let people = application.people();
        let error = build(&runtime, &application, people, None).unwrap_err();
        let [mistake] = error.mistakes() else { panic!("{error}") };
        let declaration = match application.database.is_file() {
            true => "`id INTEGER PRIMARY KEY AUTOINCREMENT`",
            false => "`id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY`",
        };
        assert!(mistake.contains("assigns no key") && mistake.ends_with(declaration), "{mistake}");
    }
}

#[test]
fn a_child_table_with_a_column_that_nothing_fills_is_a_mistake() {
    let runtime = support::runtime();
    let ddl = "
        CREATE TABLE {}people (id <SERIAL>, login text NOT NULL);
        CREATE UNIQUE INDEX people_login ON {}people (lower(login));
        CREATE TABLE {}addresses (id <ROWID>, person_id integer NOT NULL, address text NOT NULL,
            position integer NOT NULL, level integer NOT NULL DEFAULT 1);
        CREATE INDEX addresses_person ON {}addresses (person_id)";
    for application in Application::with_tables(&runtime, ddl) {
        let addresses = ChildTable::new(format!("{}addresses", application.schema), "person_id");
        let people =
            application.people().many("emails", addresses.text("value", "address").order("position"));
        let error = build(&runtime, &application, people, None).unwrap_err();
        let [mistake] = &plain(&application, error.mistakes())[..] else { panic!("{error}") };
        assert!(mistake.starts_with("addresses.position is NOT NULL, has no default"), "{mistake}");
    }
}

#[test]
fn a_tenant_is_a_text_or_a_uuid_or_an_integer() {
    let runtime = support::runtime();
    for (column_type, tenant, status) in [
        ("<BLOB>", "a", None),
        ("text", "a", Some(200)),
        ("integer", "7", Some(200)),
        ("integer", "a", Some(500)),
        ("<UUID>", TENANT, Some(200)),
        ("<UUID>", "0F8FAD5B-D9CB-469F-A165-70867728950E", Some(200)),
    ] {
        let ddl = format!(
            "CREATE TABLE {{}}people (id <SERIAL>, org {column_type} NOT NULL, login text NOT NULL);
            CREATE UNIQUE INDEX people_login ON {{}}people (org, lower(login))"
        );
        for application in Application::with_tables(&runtime, &ddl) {
            let people = application.people().tenant("org");
            let store = match (build(&runtime, &application, people, None), status) {
                (Ok(store), Some(_)) => store,
                (Err(error), None) => {
                    assert!(error.to_string().contains("but a tenant is a text"), "{error}");
                    continue;
                }
                (built, _) => panic!("{column_type}: {built:?}"),
            };
            let client = |tenant| Client::over(&runtime, store.resource_types(), &store, Some(tenant));
            let found = client(tenant).send(http::Method::GET, "/Users", None);
            assert_eq!(Some(found.status), status, "{column_type}: {}", found.body);
            if column_type == "<UUID>" && !application.database.is_file() {
                let found = client("a").send(http::Method::GET, "/Users", None);
                assert_eq!(found.body["detail"], "the tenant of the identity of this client is not a uuid");
            }
        }
    }
}

#[test]
fn a_misspelled_column_has_no_other_mistake() {
    let runtime = support::runtime();
    let ddl = "
        CREATE TABLE {}people (id <SERIAL>, login text NOT NULL, boss integer);
        CREATE UNIQUE INDEX people_login ON {}people (lower(login));
        CREATE TABLE {}addresses (person_id integer NOT NULL, address text NOT NULL)";
    for application in Application::with_tables(&runtime, ddl) {
        let people = application.people();
        for (owner, address) in [("person", "address"), ("person_id", "adress")] {
            let addresses = ChildTable::new(format!("{}addresses", application.schema), owner);
            let people = people.clone().many("emails", addresses.text("value", address));
            let error = build(&runtime, &application, people, None).unwrap_err();
            let [mistake] = &plain(&application, error.mistakes())[..] else { panic!("{error}") };
            assert!(mistake.starts_with("addresses has no column"), "{mistake}");
        }
        let error = build(&runtime, &application, people.text("manager", "boss"), None).unwrap_err();
        let [mistake] = error.mistakes() else { panic!("{error}") };
        assert!(mistake.ends_with("use `.reference(\"manager\", \"column\", \"User\")`"), "{mistake}");
    }
}
