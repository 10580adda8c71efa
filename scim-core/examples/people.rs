//! Serves the users of a table that an application already has: `cargo run -p scim-core --example people`.
//!
//! The table is in SQLite, whose driver blocks. The guide to the crate explains this file.

use std::error::Error as StdError;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, Row, ToSql, params_from_iter};
use scim_core::schema::typed::{Element, Meta, Name, User};
use scim_core::schema::{Comparison, Projection, ResourceType, Schema, SchemaError, standard};
use scim_core::{
    Capabilities, Context, Deleted, Error, Identity, Page, Precondition, Provider, Query, Resource, Result,
    ScimService, Update, UpdateOptions, Updated, Window, async_trait, new_id,
};
use scim_sql::{BindValue, Column, Dialect, Mapping, PageSide};

/// The application's table. The columns from `login_folded` on were added for SCIM.
const TABLE: &str = "CREATE TABLE person (
    id TEXT PRIMARY KEY,
    login TEXT NOT NULL,
    first_name TEXT,
    last_name TEXT,
    mail TEXT,
    is_active INTEGER,
    login_folded TEXT NOT NULL UNIQUE,
    first_folded TEXT,
    last_folded TEXT,
    mail_folded TEXT,
    external_id TEXT,
    created TEXT NOT NULL,
    changed TEXT NOT NULL,
    version TEXT NOT NULL
)";

/// Its columns in the order of the table.
const INSERT: &str =
    "INSERT INTO person VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";

/// Changes a row if it still has the version ?15.
const UPDATE: &str = "UPDATE person SET
    login = ?2, first_name = ?3, last_name = ?4, mail = ?5, is_active = ?6,
    login_folded = ?7, first_folded = ?8, last_folded = ?9, mail_folded = ?10,
    external_id = ?11, created = ?12, changed = ?13, version = ?14
    WHERE id = ?1 AND version = ?15";

/// The standard user type without the attributes that the table has no column for.
pub(crate) fn user_type() -> Result<ResourceType, SchemaError> {
    let kept = ["userName", "name", "active", "emails"];
    let standard = standard::user();
    let attributes = standard.attributes().iter().filter(|attribute| kept.contains(&attribute.name()));
    let missing = [
        "name.formatted",
        "name.middleName",
        "name.honorificPrefix",
        "name.honorificSuffix",
        "emails.display",
        "emails.primary",
    ];
    let schema = Schema::new(standard::USER, "User", attributes.cloned())?;
    let schema = missing.into_iter().try_fold(schema, Schema::without)?;
    // The column `mail` holds one address, and that is the work address.
    let schema = schema.adjust("emails", |emails| emails.keep_only_type("work"))?;
    ResourceType::builder("User", "/Users", schema).build()
}

/// A provider over the table.
#[derive(Clone)]
pub(crate) struct People {
    connection: Arc<Mutex<Connection>>,
    mapping: Arc<Mapping>,
}

impl People {
    /// Creates the table, which an application has already.
    pub(crate) fn new(connection: Connection) -> Result<Self, Box<dyn StdError>> {
        connection.execute_batch(TABLE)?;
        // What a filter can look for. A filter of anything else, such as `meta.created`, is refused.
        let mapping = Mapping::builder(&user_type()?, "person p", "p.id")
            .column("id", Column::text("p.id").not_null().indexed())
            .column("externalId", Column::text("p.external_id"))
            .column("userName", Column::text("p.login").folded("p.login_folded").not_null().indexed())
            .column("name.givenName", Column::text("p.first_name").folded("p.first_folded"))
            .column("name.familyName", Column::text("p.last_name").folded("p.last_folded"))
            .column("active", Column::boolean("p.is_active"))
            .column("emails.value", Column::text("p.mail").folded("p.mail_folded"))
            .column("emails.type", Column::constant("work"))
            .build()?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), mapping: Arc::new(mapping) })
    }

    /// Works with the database on a thread that may block.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let connection = Arc::clone(&self.connection);
        let work = move || work(&mut connection.lock().unwrap_or_else(PoisonError::into_inner));
        let done = tokio::task::spawn_blocking(work).await.map_err(Error::internal)?;
        done.map_err(scim_error)
    }

    async fn find(&self, id: &str) -> Result<Option<Resource>> {
        let id = id.to_owned();
        let find = |connection: &mut Connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM person WHERE id = ?1")?;
            statement.query_map([id], read_user)?.next().transpose()
        };
        self.run(find).await?.as_ref().map(Resource::from_typed).transpose()
    }
}

#[async_trait]
impl Provider for People {
    async fn query(&self, _: &Context<'_>, query: &Query) -> Result<Page> {
        // There are no other windows, since the capabilities do not include cursors.
        let Window::Start(start) = query.window else {
            return Err(Error::internal("a page by cursor, which was not announced"));
        };
        let (condition, binds) = match &query.filter {
            Some(filter) => {
                let fragment = self.mapping.filter(filter, Dialect::Sqlite, 1);
                let fragment = fragment.map_err(|error| Error::invalid_filter(error.to_string()))?;
                (fragment.sql, fragment.bind_values)
            }
            None => ("TRUE".to_owned(), Vec::new()),
        };
        let by = query.sort.as_ref().map(|sort| (&sort.by, sort.descending));
        let order = self.mapping.order(by, "p.id", Dialect::Sqlite);
        let order =
            order.map_err(|error| Error::invalid_value("sortBy", &error.to_string()))?.sql(PageSide::After);
        let offset = i64::try_from(start.saturating_sub(1)).unwrap_or(i64::MAX);
        let count = format!("SELECT count(*) FROM person p WHERE {condition}");
        let page = format!(
            "SELECT p.* FROM person p WHERE {condition} ORDER BY {order} LIMIT {} OFFSET {offset}",
            query.count
        );
        let find = move |connection: &mut Connection| {
            // Both statements see the same data.
            let transaction = connection.transaction()?;
            let binds = || params_from_iter(binds.iter().map(parameter));
            let total: i64 = transaction.query_row(&count, binds(), |row| row.get(0))?;
            let users = transaction.prepare(&page)?.query_map(binds(), read_user)?.collect();
            Ok((total, users))
        };
        let (total, users): (i64, rusqlite::Result<Vec<User>>) = self.run(find).await?;
        let resources = users.map_err(scim_error)?.iter().map(Resource::from_typed).collect::<Result<_>>()?;
        Ok(Page { resources, total: u64::try_from(total).ok(), ..Page::default() })
    }

    async fn create(&self, cx: &Context<'_>, resource: Resource) -> Result<Resource> {
        let resource = resource.stamp_new(cx, &new_id());
        let values = column_values(&resource)?;
        self.run(move |connection| connection.execute(INSERT, params_from_iter(values))).await?;
        Ok(resource)
    }

    async fn retrieve(&self, _: &Context<'_>, id: &str, _: &Projection) -> Result<Option<Resource>> {
        self.find(id).await
    }

    async fn update(
        &self,
        cx: &Context<'_>,
        id: &str,
        update: &Update,
        options: &UpdateOptions,
    ) -> Result<Updated> {
        loop {
            let before = self.find(id).await?.ok_or_else(|| Error::not_found(id))?;
            let version = before.version().ok_or_else(|| Error::internal("a row without a version"))?;
            options.precondition.check(&version)?;
            let applied = update.apply_yielding(cx, before.clone()).await?;
            if !applied.changed {
                return Ok(Updated::new(&before, &before, options));
            }
            let after = applied.resource.stamp_changed(cx, &before);
            let mut values = column_values(&after)?;
            values.push(Value::from(version.to_string()));
            let write = |connection: &mut Connection| connection.execute(UPDATE, params_from_iter(values));
            if self.run(write).await? == 1 {
                return Ok(Updated::new(&before, &after, options));
            }
            // Another request has changed the row since it was read: begin again with what it says now.
        }
    }

    async fn delete(&self, _: &Context<'_>, id: &str, precondition: &Precondition) -> Result<Deleted> {
        loop {
            let before = self.find(id).await?.ok_or_else(|| Error::not_found(id))?;
            let version = before.version().ok_or_else(|| Error::internal("a row without a version"))?;
            precondition.check(&version)?;
            let values = [id.to_owned(), version.to_string()];
            let delete = |connection: &mut Connection| {
                connection.execute("DELETE FROM person WHERE id = ?1 AND version = ?2", values)
            };
            if self.run(delete).await? == 1 {
                return Ok(Deleted { version });
            }
        }
    }

    fn capabilities(&self, _: &ResourceType) -> Capabilities {
        Capabilities::NONE.with_filter().with_sort()
    }
}

/// A user from a row.
fn read_user(row: &Row<'_>) -> rusqlite::Result<User> {
    let mail: Option<String> = row.get("mail")?;
    let name =
        Name { given_name: row.get("first_name")?, family_name: row.get("last_name")?, ..Name::default() };
    let meta = Meta {
        created: row.get("created")?,
        last_modified: row.get("changed")?,
        version: row.get("version")?,
        ..Meta::default()
    };
    Ok(User {
        id: row.get("id")?,
        external_id: row.get("external_id")?,
        user_name: row.get("login")?,
        name: Some(name),
        active: row.get("is_active")?,
        emails: mail.map(|mail| Element::new(mail).with_type("work")).into_iter().collect(),
        meta: Some(meta),
        ..User::default()
    })
}

/// The values of the columns for a resource, in the order of the table.
fn column_values(resource: &Resource) -> Result<Vec<Value>> {
    let user: User = resource.to_typed()?;
    let name = user.name.unwrap_or_default();
    let meta = user.meta.unwrap_or_default();
    let mail = user.emails.into_iter().next().and_then(|email| email.value);
    // SCIM compares without regard to case. Rust folds, so that the database and filters agree.
    let login_folded = Comparison::UserName.fold(&user.user_name).into_owned();
    let folded =
        |text: &Option<String>| text.as_deref().map(|text| Comparison::Folded.fold(text).into_owned());
    let (first_folded, last_folded) = (folded(&name.given_name), folded(&name.family_name));
    let mail_folded = folded(&mail);
    Ok(vec![
        Value::from(user.id),
        Value::from(user.user_name),
        Value::from(name.given_name),
        Value::from(name.family_name),
        Value::from(mail),
        Value::from(user.active),
        Value::from(login_folded),
        Value::from(first_folded),
        Value::from(last_folded),
        Value::from(mail_folded),
        Value::from(user.external_id),
        Value::from(meta.created),
        Value::from(meta.last_modified),
        Value::from(meta.version),
    ])
}

/// A value of a filter as a parameter.
fn parameter(bind: &BindValue) -> &dyn ToSql {
    match bind {
        BindValue::Text(text) => text,
        BindValue::Integer(number) => number,
        BindValue::Real(number) => number,
        BindValue::Boolean(flag) => flag,
        _ => &rusqlite::types::Null,
    }
}

/// The error that the client sees for an error of the database.
fn scim_error(error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => Error::uniqueness("userName").with_source(error),
        Some(ErrorCode::DatabaseBusy) => Error::unavailable(1).with_source(error),
        _ => Error::internal(error),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let service = ScimService::builder()
        .base_url("https://app.example.com/scim/v2")
        .resource(user_type()?, People::new(Connection::open_in_memory()?)?)
        .build()?;
    let user = r#"{
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "Bea",
        "emails": [{ "value": "bea@example.com", "type": "work" }]
    }"#;
    for request in [
        http::Request::post("/Users").body(user)?,
        http::Request::get("/Users?filter=userName%20eq%20%22bea%22").body("")?,
    ] {
        let mut request = request;
        request.extensions_mut().insert(Identity::new("example"));
        let response = service.handle(request).await;
        println!("{}\n{}", response.status(), String::from_utf8_lossy(response.body()));
    }
    Ok(())
}
