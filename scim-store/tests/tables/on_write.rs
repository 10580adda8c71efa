//! The rule of the application runs in the transaction of each write.

use http::Method;
use scim_core::schema::standard::ENTERPRISE_USER;
use scim_core::{Error, Result};
use scim_store::{Param, Write, WriteAction};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::application::{Application, Form};
use crate::client::{Client, group, id, patch, user};
use crate::faulty::{Failure, FaultyDatabase, Plan};
use crate::support;

/// The tables of an organization and a table for an audit.
fn applications(runtime: &Runtime) -> Vec<Application> {
    let applications = Application::all(runtime, Form::Organization);
    for application in &applications {
        application.sql(runtime, "CREATE TABLE {}audit (entry text NOT NULL)");
    }
    applications
}

fn audit(runtime: &Runtime, application: &Application) -> Vec<String> {
    application.sql(runtime, "SELECT entry FROM {}audit").into_iter().flatten().collect()
}

/// Writes an entry of the audit.
async fn record(write: &mut Write<'_>, schema: &str, entry: String) -> Result<()> {
    let parameter = write.dialect().parameter(1);
    let sql = format!("INSERT INTO {schema}audit (entry) VALUES ({parameter})");
    assert_eq!(write.execute(&sql, [Param::from(entry)]).await?, 1);
    Ok(())
}

/// What a write does, as a text.
fn describe(write: &Write<'_>) -> String {
    let name = |resource: Option<&scim_core::Resource>| {
        let resource = resource?.as_map();
        let name = resource.get("userName").or_else(|| resource.get("displayName"));
        name.and_then(Value::as_str).map(str::to_owned)
    };
    let (before, after) = (name(write.before()), name(write.after()));
    format!("{:?} {} {before:?} {after:?}", write.action(), write.resource_type())
}

#[test]
fn an_audit_has_exactly_the_writes_that_are_committed() {
    let runtime = support::runtime();
    for application in applications(&runtime) {
        let schema = application.schema.clone();
        let declared = application.declare(&runtime).on_write(move |write| {
            let schema = schema.clone();
            Box::pin(async move {
                let entry = describe(write);
                record(write, &schema, entry).await
            })
        });
        let store = runtime.block_on(declared.build()).unwrap();
        let client = Client::new(&runtime, &application, &store);
        let (bea, _) = client.create("/Users", user("bea"));
        assert_eq!(client.send(Method::POST, "/Users", Some(user("Bea"))).status, 409);
        let (cy, created) = client.create("/Users", user("cy"));
        let rename = |name: &str| json!({ "op": "replace", "path": "userName", "value": name });
        assert_eq!(client.patch(&cy, rename("BEA")).status, 409);
        assert_eq!(client.patch(&cy, rename("cy")).status, 200, "it changes nothing");
        assert_eq!(client.patch(&cy, rename("dan")).status, 200);
        let stale = patch([rename("eve")]);
        let stale =
            runtime.block_on(client.call(&Method::PATCH, &cy, Some(&stale), created.version.as_deref()));
        assert_eq!(stale.status, 412);
        let (team, _) = client.create("/Groups", group("All", &[&bea]));
        let add = |id: &str| json!({ "op": "add", "path": "members", "value": [{ "value": id }] });
        assert_eq!(client.patch(&team, add(id(&cy))).status, 204);
        assert_eq!(client.patch(&team, add("p999999")).status, 400);
        assert_eq!(client.send(Method::DELETE, &cy, None).status, 204);
        assert_eq!(client.send(Method::DELETE, &cy, None).status, 404);
        let expected = [
            "Create User None Some(\"bea\")",
            "Create User None Some(\"cy\")",
            "Update User Some(\"cy\") Some(\"dan\")",
            "Create Group None Some(\"All\")",
            "Update Group Some(\"All\") Some(\"All\")",
            "Delete User Some(\"dan\") None",
        ];
        assert_eq!(audit(&runtime, &application), expected, "{}", application.database.url);
    }
}

#[test]
fn a_rule_refuses_with_an_error_of_its_own() {
    let runtime = support::runtime();
    for application in applications(&runtime) {
        let schema = application.schema.clone();
        let declared = application.declare(&runtime).on_write(move |write| {
            let schema = schema.clone();
            Box::pin(async move {
                record(write, &schema, "refused".to_owned()).await?;
                let resource = write.after().or(write.before()).unwrap().as_map();
                let name = resource.get("userName").or_else(|| resource.get("displayName"));
                match (name.and_then(Value::as_str), write.action()) {
                    (Some("root"), WriteAction::Create | WriteAction::Update) => {
                        Err(Error::invalid_value("userName", "is reserved"))
                    }
                    (Some("bea"), WriteAction::Delete) => Err(Error::forbidden("bea stays")),
                    (Some("Locked"), WriteAction::Update) => Err(Error::uniqueness("displayName")),
                    _ => Ok(()),
                }
            })
        });
        let store = runtime.block_on(declared.build()).unwrap();
        let client = Client::new(&runtime, &application, &store);
        let (bea, _) = client.create("/Users", user("bea"));
        let (cy, _) = client.create("/Users", user("cy"));
        let (team, _) = client.create("/Groups", group("Locked", &[&bea]));
        application.sql(&runtime, "DELETE FROM {}audit");
        let before = application.contents(&runtime);
        let add = json!({ "op": "add", "path": "members", "value": [{ "value": id(&cy) }] });
        let rename = json!({ "op": "replace", "path": "userName", "value": "root" });
        let responses = [
            client.send(Method::POST, "/Users", Some(user("root"))),
            client.patch(&cy, rename),
            client.send(Method::PUT, &cy, Some(user("root"))),
            client.send(Method::DELETE, &bea, None),
            client.patch(&team, add),
            client.patch(&team, json!({ "op": "remove", "path": "members" })),
        ];
        let errors = responses.map(|response| (response.status, response.body["scimType"].clone()));
        let (reserved, locked) = ((400, json!("invalidValue")), (409, json!("uniqueness")));
        let expected =
            [reserved.clone(), reserved.clone(), reserved, (403, Value::Null), locked.clone(), locked];
        assert_eq!(errors, expected, "{}", application.database.url);
        let detail = client.send(Method::DELETE, &bea, None).body["detail"].clone();
        assert_eq!(detail, "bea stays");
        assert_eq!(application.contents(&runtime), before);
        assert_eq!(audit(&runtime, &application), [""; 0]);
    }
}

#[test]
fn a_rule_changes_the_row_and_the_response_shows_it() {
    let runtime = support::runtime();
    for application in applications(&runtime) {
        let schema = application.schema.clone();
        let declared = application.declare(&runtime).on_write(move |write| {
            let schema = schema.clone();
            Box::pin(async move {
                let [first, second] = [1, 2].map(|number| write.dialect().parameter(number));
                let department = format!("{:?}", write.action());
                let key = write.key().clone();
                let sql = match write.resource_type() {
                    "User" => {
                        format!("UPDATE {schema}people SET department = {first} WHERE person_id = {second}")
                    }
                    _ => format!("UPDATE {schema}teams SET external_id = {first} WHERE team_id = {second}"),
                };
                write.execute(&sql, [Param::from(department), key]).await?;
                Ok(())
            })
        });
        let store = runtime.block_on(declared.build()).unwrap();
        let client = Client::new(&runtime, &application, &store);
        let (bea, created) = client.create("/Users", user("bea"));
        assert_eq!(created.body[ENTERPRISE_USER]["department"], "Create");
        assert_eq!(client.get(&bea).version, created.version);
        let rename = json!({ "op": "replace", "path": "userName", "value": "bea2" });
        let patched = client.patch(&bea, rename);
        assert_eq!(patched.body[ENTERPRISE_USER]["department"], "Update");
        assert_eq!(patched.body["userName"], "bea2");
        let read = client.get(&bea);
        assert_eq!((&read.version, &read.body), (&patched.version, &patched.body));
        let put = client.send(Method::PUT, &bea, Some(user("bea3")));
        assert_eq!(put.body[ENTERPRISE_USER]["department"], "Update");
        let (team, created) = client.create("/Groups", group("All", &[&bea]));
        assert_eq!(created.body["externalId"], "Create");
        assert_eq!(created.body["members"][0]["display"], "bea3");
        let removed = client.patch(&team, json!({ "op": "remove", "path": "members" }));
        assert_eq!(removed.version, client.get(&team).version);
    }
}

#[test]
fn a_rule_that_fails_writes_nothing() {
    let runtime = support::runtime();
    for application in applications(&runtime) {
        let schema = application.schema.clone();
        let declared = application.declare(&runtime).on_write(move |write| {
            let schema = schema.clone();
            Box::pin(async move {
                record(write, &schema, "failed".to_owned()).await?;
                write.execute("INSERT INTO a_table_that_does_not_exist VALUES (1)", []).await?;
                Ok(())
            })
        });
        let store = runtime.block_on(declared.build()).unwrap();
        let client = Client::new(&runtime, &application, &store);
        let failed = client.send(Method::POST, "/Users", Some(user("bea")));
        assert_eq!(failed.status, 500);
        let detail = failed.body["detail"].as_str().unwrap_or_default();
        assert!(!detail.contains("a_table"), "{detail}");
        assert_eq!(client.send(Method::GET, "/Users", None).body["totalResults"], 0);
        assert_eq!(audit(&runtime, &application), [""; 0]);
    }
}

#[cfg(all(feature = "rusqlite-0_37", feature = "tokio-postgres-0_7", feature = "sqlx-0_8"))]
#[test]
fn a_rule_uses_the_driver() {
    let runtime = support::runtime();
    for application in applications(&runtime) {
        let schema = application.schema.clone();
        let declared = application.declare(&runtime).on_write(move |write| {
            let schema = schema.clone();
            Box::pin(async move {
                let name =
                    write.after().and_then(|user| user.as_map().get("userName")?.as_str()).map(str::to_owned);
                let name = name.unwrap_or_default();
                let entry = name.clone();
                let sqlite = write.with_rusqlite(move |connection| {
                    assert!(!connection.is_autocommit(), "the transaction is open");
                    connection.execute("INSERT INTO audit (entry) VALUES (?1)", [entry])
                });
                let is_sqlite = sqlite.await?.is_some();
                let sql = format!("INSERT INTO {schema}audit (entry) VALUES ($1)");
                if let Some(client) = write.tokio_postgres() {
                    assert!(!is_sqlite);
                    client.execute(&sql, &[&name]).await.map_err(Error::internal)?;
                } else if !is_sqlite {
                    write_by_sqlx(write, &sql, &name).await?;
                }
                if name == "root" { Err(Error::forbidden("reserved")) } else { Ok(()) }
            })
        });
        let store = runtime.block_on(declared.build()).unwrap();
        let client = Client::new(&runtime, &application, &store);
        client.create("/Users", user("bea"));
        assert_eq!(client.send(Method::POST, "/Users", Some(user("root"))).status, 403);
        client.create("/Users", user("cy"));
        assert_eq!(audit(&runtime, &application), ["bea", "cy"], "{}", application.database.url);
    }
}

#[cfg(all(feature = "rusqlite-0_37", feature = "tokio-postgres-0_7", feature = "sqlx-0_8"))]
async fn write_by_sqlx(write: &mut Write<'_>, sql: &str, entry: &str) -> Result<()> {
    let connection = write.sqlx().unwrap();
    sqlx::query(sql).bind(entry).execute(connection).await.map_err(Error::internal)?;
    Ok(())
}

#[test]
fn a_conflict_of_a_rule_runs_the_write_again() {
    let runtime = support::runtime();
    for application in applications(&runtime) {
        let database = FaultyDatabase::new(application.open(&runtime));
        let schema = application.schema.clone();
        // The second statement of the rule may fail: whether the rule ignores that makes no difference.
        let declared = application.declare_on(database.clone()).on_write(move |write| {
            let schema = schema.clone();
            Box::pin(async move {
                record(write, &schema, "once".to_owned()).await?;
                drop(write.query("SELECT 1", []).await);
                Ok(())
            })
        });
        let store = runtime.block_on(declared.build()).unwrap();
        let client = Client::new(&runtime, &application, &store);
        for after in 0.. {
            database.fail(Plan { failure: Failure::Conflict, after, commits: false, times: 1 });
            client.create("/Users", user(&format!("user{after}")));
            assert_eq!(audit(&runtime, &application).len(), after + 1);
            if database.repair() == 0 {
                assert!(
                    after > 3,
                    "BEGIN, INSERT, SELECT, two statements of the rule, SELECT, COMMIT: {after}"
                );
                break;
            }
        }
    }
}

#[test]
fn a_rule_sees_who_asks_and_which_members_change() {
    let runtime = support::runtime();
    for form in [Form::Organization, Form::Folded] {
        for application in Application::all(&runtime, form) {
            application.sql(&runtime, "CREATE TABLE {}audit (entry text NOT NULL)");
            let schema = application.schema.clone();
            let declared = application.declare(&runtime).on_write(move |write| {
                let schema = schema.clone();
                Box::pin(async move {
                    let principal = write.identity().map(|identity| identity.principal.as_str());
                    let entry = json!([
                        principal,
                        write.resource_type(),
                        write.added_members(),
                        write.removed_members(),
                        write.has_secrets(),
                    ]);
                    record(write, &schema, entry.to_string()).await
                })
            });
            let store = runtime.block_on(declared.build()).unwrap();
            let client = Client::new(&runtime, &application, &store);
            let mut bea = user("bea");
            if form == Form::Folded {
                bea["password"] = json!("correct horse");
            }
            let (bea, _) = client.create("/Users", bea);
            let (cy, _) = client.create("/Users", user("cy"));
            let (team, _) = client.create("/Groups", group("All", &[&bea]));
            let add = json!({ "op": "add", "path": "members", "value": [{ "value": id(&bea) }, { "value": id(&cy) }] });
            client.patch(&team, add);
            client.send(Method::PUT, &team, Some(group("All", &[&cy])));
            client.send(Method::DELETE, &team, None);
            let (b, c, has_password) = (id(&bea), id(&cy), form == Form::Folded);
            let expected = [
                json!(["tests", "User", [], [], has_password]),
                json!(["tests", "User", [], [], false]),
                json!(["tests", "Group", [b], [], false]),
                json!(["tests", "Group", [c], [], false]),
                json!(["tests", "Group", [], [b], false]),
                json!(["tests", "Group", [], [], false]),
            ];
            assert_eq!(audit(&runtime, &application), expected.map(|entry| entry.to_string()), "{form:?}");
        }
    }
}
