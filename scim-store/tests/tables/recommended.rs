//! The statements that the mistakes and warnings of `build` recommend are accepted by the database, and remove the mistake
//! or the warning.

use scim_core::Provider;
use scim_store::{ChildTable, Ids, Table, TimeUnit};
use tokio::runtime::Runtime;

use crate::application::Application;
use crate::mistakes::{build, plain};
use crate::support;

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
            let people = application.people().soft_delete("gone");
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
    use scim_store::{Sqlite, TableStore};

    use crate::client::{Client, user};

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
        // The child table, its addresses, the display name of groups, and the groups of a user.
        assert_eq!(recommended.len(), 4, "{:#?}", store.warnings());
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
        let people = application.people().tenant("org").text("nickName", "nick").text("title", "title");
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
fn a_foreign_key_without_an_index_is_a_warning() {
    let runtime = support::runtime();
    let ddl = "
        CREATE TABLE {}people (id <SERIAL>, login text NOT NULL, boss integer, active <BOOL>);
        CREATE UNIQUE INDEX people_login ON {}people (lower(login))";
    for application in Application::with_tables(&runtime, ddl) {
        let people = application.people().boolean("active", "active").reference("manager", "boss", "User");
        let store = build(&runtime, &application, people.clone(), None).unwrap();
        let warning = &store.warnings()[0];
        assert!(warning.contains("each DELETE reads all rows"), "{:#?}", store.warnings());
        support::run_sql(&runtime, &application.database, statement(warning).unwrap());
        let store = build(&runtime, &application, people, None).unwrap();
        let warnings = plain(&application, store.warnings());
        assert!(warnings[0].ends_with("since no index serves them: active"), "{warnings:#?}");
    }
}
