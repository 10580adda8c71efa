//! Applications with tables of their own, in each form that the table store supports.

use std::sync::Arc;

use scim_core::schema::{Attribute, Schema};
use scim_store::{ChildTable, Ids, Table, TableStore, TableStoreBuilder};
use tokio::runtime::Runtime;

use crate::open::open;
use crate::support::{self, Database, run_sql};

/// The tables of an application in a new database, or in a new schema of the PostgreSQL database.
pub(crate) struct Application {
    pub(crate) database: Database,
    /// The schema of PostgreSQL with a dot at its end; empty in SQLite.
    pub(crate) schema: String,
    form: Form,
    /// Whether the driver is sqlx.
    by_sqlx: bool,
}

/// A form of the tables of an application.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    /// Users alone, without tenants: integer keys, `lower()`.
    Users,
    /// Users and groups in tenants: integer keys, `lower()`, a foreign key to the manager, times in a text or timestamptz.
    Organization,
    /// UUIDs, rows that are marked as deleted, a count of changes for groups, `deactivated_at`, integer times.
    Soft,
    /// A child table of e-mail addresses, folded columns, passwords, a JSON column for the rest.
    Folded,
    /// Texts as keys, and a column that ignores case by itself: `COLLATE NOCASE` or `citext`.
    CaseInsensitive,
    /// The tenant is the first column of every key, as a database that is distributed by tenant needs it.
    Distributed,
}

/// The extension with the application's own attributes.
pub(crate) const BADGE: &str = "urn:example:params:scim:schemas:extension:badge:2.0:User";

impl Application {
    /// Creates the tables, on each database.
    pub(crate) fn all(runtime: &Runtime, form: Form) -> Vec<Self> {
        Self::all_with(runtime, form, None).collect()
    }

    /// Creates tables of a test, which declares them itself, on each database.
    pub(crate) fn with_tables(runtime: &Runtime, ddl: &str) -> Vec<Self> {
        Self::all_with(runtime, Form::Users, Some(ddl)).collect()
    }

    fn all_with(runtime: &Runtime, form: Form, ddl: Option<&str>) -> impl Iterator<Item = Self> {
        let postgres = support::postgres().map(|url| support::database_at(&url));
        // The drivers differ in how they pass values, so the forms with the most types run on both.
        let sqlx = postgres.as_ref().filter(|_| cfg!(feature = "sqlx-0_8") && ddl.is_none());
        let sqlx = sqlx.map(|postgres| (support::database_at(&postgres.url), true));
        let databases = [support::file()].into_iter().chain(postgres).map(|database| (database, false));
        databases
            .chain(sqlx)
            .map(move |(database, by_sqlx)| Self { by_sqlx, ..Self::create(runtime, database, form, ddl) })
    }

    fn create(runtime: &Runtime, database: Database, form: Form, ddl: Option<&str>) -> Self {
        let is_postgres = !database.is_file();
        let schema = match is_postgres {
            true => format!("app_{}.", support::tenant().replace('-', "_")),
            false => String::new(),
        };
        let application = Self { database, schema, form, by_sqlx: false };
        if is_postgres {
            if form == Form::CaseInsensitive || ddl.is_some_and(|ddl| ddl.contains("<CITEXT>")) {
                application.sql(runtime, "CREATE EXTENSION IF NOT EXISTS citext");
            }
            application.sql(runtime, &format!("CREATE SCHEMA {}", application.schema.trim_end_matches('.')));
        }
        for statement in application.ddl(ddl).split(';').filter(|statement| !statement.trim().is_empty()) {
            application.sql(runtime, statement);
        }
        application
    }

    /// Runs SQL beside the store, as the application does. `{}` is the schema.
    pub(crate) fn sql(&self, runtime: &Runtime, sql: &str) -> Vec<Vec<String>> {
        run_sql(runtime, &self.database, &sql.replace("{}", &self.schema))
    }

    /// All rows of all tables, to see what a request has written.
    pub(crate) fn contents(&self, runtime: &Runtime) -> Vec<Vec<Vec<String>>> {
        let tables: &[&str] = match self.form {
            Form::Users => &["people"],
            Form::Soft => &["accounts", "roles", "role_accounts"],
            Form::Folded | Form::Distributed => &["people", "addresses", "teams", "team_people"],
            Form::Organization | Form::CaseInsensitive => &["people", "teams", "team_people"],
        };
        let read = |table: &&str| self.sql(runtime, &format!("SELECT * FROM {{}}{table} ORDER BY 1, 2"));
        tables.iter().map(read).collect()
    }

    fn is_postgres(&self) -> bool {
        !self.schema.is_empty()
    }

    /// The statements that create the tables: those of the test, or those of the form.
    fn ddl(&self, of_test: Option<&str>) -> String {
        let ddl = match self.form {
            _ if of_test.is_some() => of_test.unwrap_or_default(),
            Form::Users => include_str!("ddl/users.sql"),
            Form::Organization => include_str!("ddl/organization.sql"),
            Form::Soft => include_str!("ddl/soft.sql"),
            Form::Folded => include_str!("ddl/folded.sql"),
            Form::CaseInsensitive => include_str!("ddl/case_insensitive.sql"),
            Form::Distributed => include_str!("ddl/distributed.sql"),
        };
        let words = match self.is_postgres() {
            true => [
                ("SERIAL", "integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"),
                ("UUID", "uuid"),
                ("BOOL", "boolean"),
                ("TIME", "timestamptz"),
                ("CITEXT", "citext"),
                ("JSON", "jsonb"),
                ("BLOB", "bytea"),
                ("ROWID", "integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"),
            ],
            false => [
                ("SERIAL", "INTEGER PRIMARY KEY AUTOINCREMENT"),
                ("UUID", "TEXT"),
                ("BOOL", "BOOLEAN"),
                ("TIME", "TEXT"),
                ("CITEXT", "TEXT COLLATE NOCASE"),
                ("JSON", "TEXT"),
                ("BLOB", "BLOB"),
                ("ROWID", "INTEGER PRIMARY KEY"),
            ],
        };
        let ddl = ddl.replace("{}", &self.schema);
        words.iter().fold(ddl, |ddl, (word, replacement)| ddl.replace(&format!("<{word}>"), replacement))
    }

    /// The declaration of a table `people` that a test has made: integer keys in `id`, and the `userName` in `login`.
    pub(crate) fn people(&self) -> Table {
        Table::new(self.name("people"), "id", Ids::prefixed("p")).key("userName", "login")
    }

    fn name(&self, table: &str) -> String {
        format!("{}{table}", self.schema)
    }

    pub(crate) fn has_tenants(&self) -> bool {
        self.form != Form::Users
    }

    pub(crate) fn has_groups(&self) -> bool {
        self.form != Form::Users
    }

    /// The store, declared but not built.
    pub(crate) fn declare(&self, runtime: &Runtime) -> TableStoreBuilder {
        self.declare_on(self.open(runtime))
    }

    /// The database, opened with the driver of this application.
    pub(crate) fn open(&self, runtime: &Runtime) -> Arc<dyn scim_store::Database> {
        runtime.block_on(open(&self.database.url, self.by_sqlx, 10, &[]))
    }

    /// The store on another way to the same database, declared but not built.
    pub(crate) fn declare_on(&self, database: impl scim_store::Database + 'static) -> TableStoreBuilder {
        let builder = TableStore::builder(database).users(self.users());
        if self.has_groups() { builder.groups(self.groups()) } else { builder }
    }

    pub(crate) fn store(&self, runtime: &Runtime) -> TableStore {
        runtime.block_on(self.declare(runtime).build()).unwrap()
    }

    pub(crate) fn users(&self) -> Table {
        let badge =
            Schema::new(BADGE, "Badge", [Attribute::string("tag"), Attribute::integer("floor")]).unwrap();
        match self.form {
            Form::Users => Table::new(self.name("people"), "id", Ids::prefixed("p"))
                .timestamps("created_at", "updated_at")
                .key("userName", "login")
                .text("name.givenName", "first")
                .text("name.familyName", "last")
                .text("title", "title")
                .boolean("active", "is_active")
                .one("emails", "mail", "work"),
            Form::Organization => Table::new(self.name("people"), "person_id", Ids::prefixed("p"))
                .tenant("org_id")
                .timestamps("created_at", "updated_at")
                .key("userName", "login")
                .text("externalId", "external_id")
                .text("name.givenName", "first")
                .text("name.familyName", "last")
                .text("displayName", "full_name")
                .boolean("active", "is_active")
                .one("emails", "mail", "work")
                .one("phoneNumbers", "phone", "work")
                .one("phoneNumbers", "mobile", "mobile")
                .text("department", "department")
                .reference("manager", "manager_id", "User"),
            Form::Soft => Table::new(self.name("accounts"), "id", Ids::uuid())
                .tenant("company_id")
                .time_unit(scim_store::TimeUnit::Milliseconds)
                .timestamps("created", "modified")
                .soft_delete("deleted")
                .key("userName", "login")
                .text("displayName", "display name")
                .text("nickName", "nick?name")
                .active_unless("disabled")
                .extension(badge)
                .text(&format!("{BADGE}:tag"), "badge")
                .integer(&format!("{BADGE}:floor"), "floor"),
            Form::Folded => Table::new(self.name("people"), "id", Ids::prefixed("u-"))
                .tenant("tenant")
                .timestamps("created_at", "updated_at")
                .key("userName", "login")
                .folded("userName", "login_folded")
                .password("password_hash")
                .boolean("active", "active")
                .rest("rest")
                .many(
                    "emails",
                    ChildTable::new(self.name("addresses"), "person_id")
                        .text("value", "address")
                        .text("type", "kind")
                        .boolean("primary", "is_main")
                        .text("display", "label"),
                ),
            Form::CaseInsensitive => Table::new(self.name("people"), "id", Ids::text())
                .tenant("tenant")
                .timestamps("created_at", "updated_at")
                .key("userName", "login")
                .text("title", "title")
                .text("preferredLanguage", "language"),
            Form::Distributed => Table::new(self.name("people"), "id", Ids::uuid())
                .tenant("tenant")
                .timestamps("created_at", "updated_at")
                .key("userName", "login")
                .text("displayName", "full_name")
                .text("externalId", "external_id")
                .boolean("active", "is_active")
                .reference("manager", "boss", "User")
                .rest("rest")
                .many(
                    "emails",
                    ChildTable::new(self.name("addresses"), "person_id")
                        .tenant("tenant")
                        .text("value", "address")
                        .text("type", "kind")
                        .boolean("primary", "is_main"),
                ),
        }
    }

    pub(crate) fn groups(&self) -> Table {
        match self.form {
            Form::Soft => Table::new(self.name("roles"), "id", Ids::uuid())
                .tenant("company_id")
                .time_unit(scim_store::TimeUnit::Milliseconds)
                .timestamps("created", "modified")
                .version("changes")
                .text("displayName", "name")
                .members(self.name("role_accounts"), "role_id", "account_id"),
            Form::Users | Form::Organization => Table::new(self.name("teams"), "team_id", Ids::prefixed("t"))
                .tenant("org_id")
                .timestamps("created_at", "updated_at")
                .text("displayName", "title")
                .text("externalId", "external_id")
                .members(self.name("team_people"), "team_id", "person_id"),
            Form::Distributed => Table::new(self.name("teams"), "id", Ids::uuid())
                .tenant("tenant")
                .timestamps("created_at", "updated_at")
                .version("changes")
                .text("displayName", "title")
                .members(self.name("team_people"), "team_id", "person_id")
                .members_tenant("tenant"),
            Form::Folded | Form::CaseInsensitive => {
                let ids = if self.form == Form::Folded { Ids::prefixed("g-") } else { Ids::text() };
                Table::new(self.name("teams"), "id", ids)
                    .tenant("tenant")
                    .timestamps("created_at", "updated_at")
                    .text("displayName", "title")
                    .members(self.name("team_people"), "team_id", "person_id")
            }
        }
    }
}
