//! An application with its own tables of people and teams, which serves them by SCIM. Run
//! `cargo run --release -p people-host`, paste the `curl` line that it prints, and open `/people`.
//!
//! The tables are in `people.sqlite.sql` and `people.postgres.sql`. [`people`] and [`teams`] declare where the attributes
//! are; everything that SCIM needs follows from that. The application reads and writes the tables as before.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::get;
use host_common::{
    Database as DatabaseSetting, Host, InvalidSettings, Program, RawListener, Resources, Settings,
};
use scim_store::{
    Database, DatabaseError, Dialect, Ids, Mode, Statement, Table, TableStore, Write, WriteAction,
};

/// Where the attributes of users are.
fn people() -> Table {
    Table::new("people", "person_id", Ids::prefixed("p"))
        .timestamps("created_at", "updated_at")
        .key("userName", "login")
        .text("externalId", "external_id")
        .text("name.givenName", "first")
        .text("name.familyName", "last")
        .boolean("active", "is_active")
        .one("emails", "mail", "work")
        .one("phoneNumbers", "phone", "work")
        .text("organization", "organization")
        .text("department", "department")
        .reference("manager", "manager_id", "User")
}

/// Where the attributes of groups are.
fn teams() -> Table {
    Table::new("teams", "team_id", Ids::prefixed("t"))
        .timestamps("created_at", "updated_at")
        .version("changes")
        .text("displayName", "title")
        .text("externalId", "external_id")
        .members("team_people", "team_id", "person_id")
}

/// Writes to the audit table what the identity provider changes, in the same transaction.
async fn audit(write: &mut Write<'_>) -> scim_core::Result<()> {
    let action = match write.action() {
        WriteAction::Create => "create",
        WriteAction::Delete => "delete",
        _ => "update",
    };
    let params = [action.into(), write.resource_type().into(), write.key().clone()];
    write.execute("INSERT INTO audit (action, resource_type, key) VALUES ($1, $2, $3)", params).await?;
    Ok(())
}

const PROGRAM: Program = Program {
    name: "people-host",
    about: "An application with its own tables of people and teams, which serves them by SCIM",
    default_database: "sqlite:people.db",
    has_store: false,
};

#[tokio::main]
async fn main() -> ExitCode {
    host_common::run(PROGRAM, people_and_teams, serve).await
}

/// Opens the database of the application, and serves its tables.
async fn people_and_teams(settings: &Settings) -> Result<Resources, Box<dyn Error>> {
    let DatabaseSetting::Url(url) = &settings.database else {
        return Err(
            InvalidSettings::new("the tables of people and teams need a database; set DATABASE_URL").into()
        );
    };
    let database = scim_store::open(url).await?;
    create_tables(&*database).await?;
    let store = TableStore::builder(database.clone())
        .users(people())
        .groups(teams())
        .on_write(|write| Box::pin(audit(write)))
        .build()
        .await?;
    for warning in store.warnings() {
        eprintln!("people-host: {warning}");
    }
    Ok(Resources { builder: store.service(), database: Some(database) })
}

async fn serve(host: Host, listener: RawListener) -> Result<(), Box<dyn Error>> {
    let database = host.database().ok_or("the host has no database")?;
    let app = Router::new()
        .route("/people", get(list_people))
        .with_state(database)
        .fallback_service(host.clone().into_service());
    host.serve(listener, app).await
}

/// Creates the application's tables if they do not exist.
async fn create_tables(database: &dyn Database) -> Result<(), DatabaseError> {
    let sql = match database.dialect() {
        Dialect::Sqlite => include_str!("../people.sqlite.sql"),
        _ => include_str!("../people.postgres.sql"),
    };
    let statements = sql.split("\n\n").map(|statement| Statement::new(statement, []));
    database.begin(Mode::Write).await?.commit(statements.collect()).await?;
    Ok(())
}

/// The application's own page, which knows nothing of SCIM.
async fn list_people(State(database): State<Arc<dyn Database>>) -> Result<Html<String>, StatusCode> {
    let sql = "SELECT login, coalesce(first, ''), coalesce(last, ''), coalesce(department, '') FROM people \
               WHERE is_active ORDER BY login LIMIT 1000";
    let read = async {
        let mut tx = database.begin(Mode::Single).await?;
        tx.query(vec![Statement::new(sql, [])]).await
    };
    let found = read.await.map_err(|_: DatabaseError| StatusCode::SERVICE_UNAVAILABLE)?;
    let mut page = String::from("<!DOCTYPE html>\n<title>People</title>\n<h1>People</h1>\n<table>\n");
    for row in found.iter().flat_map(|rows| rows.iter()) {
        let cells = (0..row.len()).map(|column| format!("<td>{}</td>", escape(row.text(column))));
        page.push_str(&format!("<tr>{}</tr>\n", cells.collect::<String>()));
    }
    page.push_str("</table>\n");
    Ok(Html(page))
}

/// A text for HTML.
fn escape(text: Option<&str>) -> String {
    let text = text.unwrap_or_default();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
