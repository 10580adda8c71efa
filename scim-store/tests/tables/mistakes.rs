//! `build` reports all mistakes of a declaration at once. The statements that it recommends remove the mistake, or the
//! warning, when they are executed.

use scim_core::Provider;
#[cfg(feature = "rusqlite-0_37")]
use scim_store::Sqlite;
use scim_store::{ChildTable, Expression, Ids, InvalidTables, Table, TableStore, TimeUnit};
use tokio::runtime::Runtime;

use crate::application::Application;
use crate::client::{Client, user};
use crate::support;

fn build(
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
fn plain(application: &Application, texts: &[String]) -> Vec<String> {
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

/// The statement that a message recommends.
fn statement(message: &str) -> Option<&str> {
    message.find("CREATE ").and_then(|start| message.get(start..))
}

/// Tables without any index, in forms that need different indexes; with names that must be quoted.
const WITHOUT_INDEXES: [&str; 6] = [
    "CREATE TABLE {}people (id <SERIAL>, login text, folded text, org text, external text, deleted bigint)",
    "CREATE TABLE {}people (id <SERIAL>, login <CITEXT>, folded text, org text, external text, deleted bigint)",
    "CREATE TABLE {}\"my \"\"people\"\" ?\" (id <SERIAL>, \"log in\" text, \"the folded\" text, \"select\" text, \"ex?ternal\" text, \"is.deleted\" bigint)",
    "CREATE TABLE {}\"my \"\"people\"\" ?\" (id <SERIAL>, \"log in\" <CITEXT>, \"the folded\" text, \"select\" text, \"ex?ternal\" text, \"is.deleted\" bigint)",
    "CREATE TABLE {}\"Order\" (id <SERIAL>, \"logIn\" text, \"group\" text, \"Select\" text, \"from\" text, \"DELETED\" bigint)",
    "CREATE TABLE {}\"a(b)::c\" (id <SERIAL>, \"log'in\" text, \"a,b\" text, \"lower(x)\" text, \"x::y\" text, \"d$1d\" bigint)",
];

const NAMES: [[&str; 6]; 6] = [
    ["people", "login", "folded", "org", "external", "deleted"],
    ["people", "login", "folded", "org", "external", "deleted"],
    ["my \"people\" ?", "log in", "the folded", "select", "ex?ternal", "is.deleted"],
    ["my \"people\" ?", "log in", "the folded", "select", "ex?ternal", "is.deleted"],
    ["Order", "logIn", "group", "Select", "from", "DELETED"],
    ["a(b)::c", "log'in", "a,b", "lower(x)", "x::y", "d$1d"],
];

#[test]
fn recommended_indexes_are_accepted() {
    let runtime = support::runtime();
    for (ddl, names) in WITHOUT_INDEXES.into_iter().zip(NAMES) {
        for flags in [0b000, 0b011, 0b101, 0b110] {
            for application in Application::with_tables(&runtime, ddl) {
                run_recommended_indexes(&runtime, &application, names, flags);
            }
        }
    }
}

/// Builds a store, and runs the statements that its mistakes and warnings recommend. The bits of `flags` declare a folded
/// column, a tenant, and a column for deleted rows.
fn run_recommended_indexes(runtime: &Runtime, application: &Application, names: [&str; 6], flags: u8) {
    let [table, login, folded, org, external, deleted] = names;
    let mut people = Table::new(format!("{}{table}", application.schema), "id", Ids::prefixed("p"))
        .time_unit(TimeUnit::Seconds)
        .key("userName", login)
        .text("externalId", external);
    if flags & 1 != 0 {
        people = people.folded("userName", folded);
    }
    if flags & 2 != 0 {
        people = people.tenant(org);
    }
    if flags & 4 != 0 {
        people = people.soft_delete(deleted);
    }
    let about = format!("{} {table} {flags:b}", application.database.url);
    let error = build(runtime, application, people.clone(), None).unwrap_err();
    let [mistake] = error.mistakes() else { panic!("{about}: {error}") };
    assert!(mistake.contains("`userName` must be unique without regard to case"), "{mistake}");
    support::run_sql(runtime, &application.database, statement(mistake).unwrap());
    let store = build(runtime, application, people.clone(), None);
    let store = store.unwrap_or_else(|error| panic!("{about}: {error}"));
    let [warning] = store.warnings() else { panic!("{about}: {:?}", store.warnings()) };
    assert!(warning.contains("no index serves filters on `externalId`"), "{warning}");
    support::run_sql(runtime, &application.database, statement(warning).unwrap());
    let store = build(runtime, application, people, None).unwrap();
    assert_eq!(store.warnings(), [""; 0], "{about}");
    assert_eq!(store.unique(&store.resource_types()[0]), ["userName"], "{about}");
}

#[test]
fn a_partial_index_must_cover_all_rows_that_exist() {
    let runtime = support::runtime();
    let cases = [
        ("<BOOL>", "gone IS NOT TRUE", true),
        ("<BOOL>", "gone IS NULL", false),
        ("<BOOL>", "NOT gone", false),
        ("<BOOL> NOT NULL DEFAULT FALSE", "NOT gone", true),
        ("<BOOL> NOT NULL DEFAULT FALSE", "gone IS NOT TRUE", true),
        ("<TIME>", "gone IS NULL", true),
        ("<TIME>", "login <> 'x'", false),
    ];
    for (column_type, predicate, is_accepted) in cases {
        let ddl = format!(
            "CREATE TABLE {{}}people (id <SERIAL>, login text, gone {column_type});
            CREATE UNIQUE INDEX people_login ON {{}}people (lower(login)) WHERE {predicate}"
        );
        for application in Application::with_tables(&runtime, &ddl) {
            let people = Table::new(format!("{}people", application.schema), "id", Ids::prefixed("p"))
                .key("userName", "login")
                .soft_delete("gone");
            let built = build(&runtime, &application, people.clone(), None);
            assert_eq!(built.is_ok(), is_accepted, "{column_type} {predicate}: {built:?}");
            if let Err(error) = built {
                support::run_sql(&runtime, &application.database, statement(&error.mistakes()[0]).unwrap());
                build(&runtime, &application, people, None).unwrap();
            }
        }
    }
}

#[cfg(feature = "rusqlite-0_37")]
#[test]
fn tables_of_an_attached_database_are_served() {
    let runtime = support::runtime();
    let (main, attached) = (support::file(), support::file());
    let ddl = "CREATE TABLE people (id INTEGER PRIMARY KEY AUTOINCREMENT, login TEXT)";
    support::run_sql(&runtime, &attached, ddl);
    let [main_path, path] = [&main, &attached].map(|file| file.url.trim_start_matches("sqlite:").to_owned());
    let open = || {
        let (main_path, path) = (main_path.clone(), path.clone());
        runtime.block_on(Sqlite::connect(move || {
            let connection = rusqlite::Connection::open(&main_path)?;
            connection.execute("ATTACH ?1 AS hr", [&path])?;
            Ok(connection)
        }))
    };
    let declare = || {
        let people = Table::new("hr.people", "id", Ids::prefixed("p")).key("userName", "login");
        runtime.block_on(TableStore::builder(open().unwrap()).users(people).build())
    };
    let error = declare().unwrap_err();
    let recommended = statement(&error.mistakes()[0]).unwrap();
    assert!(recommended.contains("\"hr\".\"hr_people_login_key\" ON \"people\""), "{recommended}");
    let connection = rusqlite::Connection::open(&main_path).unwrap();
    connection.execute("ATTACH ?1 AS hr", [&path]).unwrap();
    connection.execute(recommended, []).unwrap();
    let client = Client::over(&runtime, declare().unwrap().resource_types(), &declare().unwrap(), None);
    let (bea, _) = client.create("/Users", user("bea"));
    assert_eq!(client.send(http::Method::POST, "/Users", Some(user("BEA"))).body["scimType"], "uniqueness");
    assert_eq!(client.get(&bea).body["userName"], "bea");
}

#[test]
fn recommended_indexes_of_links_and_child_tables_are_accepted() {
    let runtime = support::runtime();
    let ddl = "
        CREATE TABLE {}people (id <SERIAL>, login text NOT NULL);
        CREATE UNIQUE INDEX people_login ON {}people (lower(login));
        CREATE TABLE {}teams (id <SERIAL>, title text NOT NULL);
        CREATE TABLE {}\"team's people\" (\"the team\" integer NOT NULL, \"Person\" integer NOT NULL);
        CREATE TABLE {}\"mail addresses\" (\"of\" integer NOT NULL, address text)";
    for application in Application::with_tables(&runtime, ddl) {
        let name = |table: &str| format!("{}{table}", application.schema);
        let addresses = ChildTable::new(name("mail addresses"), "of").text("value", "address");
        let people = Table::new(name("people"), "id", Ids::prefixed("p"))
            .key("userName", "login")
            .many("emails", addresses);
        let teams = Table::new(name("teams"), "id", Ids::prefixed("t")).text("displayName", "title").members(
            name("team's people"),
            "the team",
            "Person",
        );
        let error = build(&runtime, &application, people.clone(), Some(teams.clone())).unwrap_err();
        let [mistake] = error.mistakes() else { panic!("{error}") };
        assert!(mistake.contains("a member could be added twice"), "{mistake}");
        support::run_sql(&runtime, &application.database, statement(mistake).unwrap());
        let store = build(&runtime, &application, people.clone(), Some(teams.clone())).unwrap();
        let recommended: Vec<&str> =
            store.warnings().iter().filter_map(|warning| statement(warning)).collect();
        // The child table, the display name of groups, and the groups of a user.
        assert_eq!(recommended.len(), 3, "{:#?}", store.warnings());
        for statement in recommended {
            support::run_sql(&runtime, &application.database, statement);
        }
        let store = build(&runtime, &application, people, Some(teams)).unwrap();
        let others = store.warnings().iter().filter(|warning| !warning.contains("`externalId`"));
        assert_eq!(others.count(), 0, "{:#?}", store.warnings());
    }
}

#[test]
fn warnings_name_searches_without_an_index_and_hidden_rows() {
    let runtime = support::runtime();
    let ddl = "
        CREATE TABLE {}people (id <SERIAL>, org text, login text, nick text, title text);
        CREATE UNIQUE INDEX people_login ON {}people (org, lower(login));
        INSERT INTO {}people (org, login) VALUES ('a', NULL);
        INSERT INTO {}people (org, login) VALUES ('a', '');
        INSERT INTO {}people (org, login) VALUES (NULL, 'bea');
        INSERT INTO {}people (org, login) VALUES ('a', 'bea')";
    for application in Application::with_tables(&runtime, ddl) {
        let people = Table::new(format!("{}people", application.schema), "id", Ids::prefixed("p"))
            .tenant("org")
            .key("userName", "login")
            .text("nickName", "nick")
            .text("title", "title");
        let store = build(&runtime, &application, people, None).unwrap();
        let warnings = plain(&application, store.warnings());
        let scanned = "filters on these attributes read all rows of people, since no index serves them: nickName, title";
        assert_eq!(warnings.len(), 3, "{warnings:?}");
        assert_eq!(warnings[0], scanned);
        assert!(warnings[1].starts_with("people has no column for externalId"), "{warnings:?}");
        assert!(
            warnings[2].starts_with("3 rows of") && warnings[2].contains("do not exist for SCIM"),
            "{warnings:?}"
        );
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
        let people = Table::new(format!("{}people", application.schema), "id", Ids::prefixed("p"))
            .key("userName", "login")
            .one("emails", "mail", "work")
            .one("emails", "login", "Work");
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
            let people = Table::new(format!("{}people", application.schema), "id", Ids::prefixed("p"))
                .key("userName", "login")
                .text(path, "login");
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
fn a_key_must_be_unique_by_itself() {
    let runtime = support::runtime();
    let ddl = "
        CREATE TABLE {}people (org text NOT NULL, id text NOT NULL, login text NOT NULL, PRIMARY KEY (org, id));
        CREATE UNIQUE INDEX people_login ON {}people (org, lower(login))";
    for application in Application::with_tables(&runtime, ddl) {
        let people = Table::new(format!("{}people", application.schema), "id", Ids::text());
        let error =
            build(&runtime, &application, people.tenant("org").key("userName", "login"), None).unwrap_err();
        let [mistake] = error.mistakes() else { panic!("{error}") };
        assert!(mistake.contains("no unique index has this column alone"), "{mistake}");
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
