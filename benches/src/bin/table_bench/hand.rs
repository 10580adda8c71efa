//! The hand-written statements that the store is compared with: those of a developer who knows the tables, through the
//! same drivers. Each read returns a person as JSON with its teams, as a SCIM response shows it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_postgres::types::ToSql;

const PERSON: &str = "SELECT person_id, login, external_id, first, last, is_active, mail, phone, organization, department, \
     manager_id, {created}, {updated} FROM people";

const TEAMS: &str = "SELECT m.person_id, t.team_id, t.title FROM team_people m JOIN teams t ON t.team_id = m.team_id \
     WHERE m.person_id";

/// A connection of the application.
#[expect(clippy::large_enum_variant, reason = "there is only one value at a time")]
pub(crate) enum HandWritten {
    Sqlite(Arc<Mutex<rusqlite::Connection>>),
    Postgres { client: tokio_postgres::Client, prepared: Mutex<HashMap<String, tokio_postgres::Statement>> },
}

impl HandWritten {
    pub(crate) async fn open(url: &str) -> Self {
        if let Some(file) = url.strip_prefix("sqlite:") {
            let connection = rusqlite::Connection::open(file).expect("a database");
            connection
                .execute_batch(
                    "PRAGMA cache_size = -65536; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON",
                )
                .expect("settings");
            return Self::Sqlite(Arc::new(Mutex::new(connection)));
        }
        let (client, connection) =
            tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("a database");
        tokio::spawn(connection);
        Self::Postgres { client, prepared: Mutex::default() }
    }

    pub(crate) async fn get(&self, key: i64) -> Duration {
        match self {
            Self::Sqlite(_) => self.sqlite(move |c| people(c, "WHERE person_id = ?1", [key])).await,
            Self::Postgres { .. } => self.postgres("WHERE person_id = $1", &[&int(key)]).await,
        }
    }

    pub(crate) async fn find(&self, login: &str) -> Duration {
        let login = login.to_owned();
        match self {
            Self::Sqlite(_) => {
                self.sqlite(move |c| {
                    people(c, "WHERE lower(login) = ?1 ORDER BY person_id LIMIT 101", [login])
                })
                .await
            }
            Self::Postgres { .. } => {
                self.postgres("WHERE lower(login) = $1 ORDER BY person_id LIMIT 101", &[&login]).await
            }
        }
    }

    pub(crate) async fn page(&self, start: i64) -> Duration {
        match self {
            Self::Sqlite(_) => {
                self.sqlite(move |c| people(c, "WHERE person_id >= ?1 ORDER BY person_id LIMIT 101", [start]))
                    .await
            }
            Self::Postgres { .. } => {
                self.postgres("WHERE person_id >= $1 ORDER BY person_id LIMIT 101", &[&int(start)]).await
            }
        }
    }

    pub(crate) async fn set_department(&self, key: i64, department: &str) -> Duration {
        let department = department.to_owned();
        match self {
            Self::Sqlite(_) => {
                self.sqlite(move |c| {
                    people(c, "WHERE person_id = ?1", [key])?;
                    c.prepare_cached(
                        "UPDATE people SET department = ?1, updated_at = strftime('%Y-%m-%d %H:%M:%f', 'now') \
                         WHERE person_id = ?2",
                    )?
                    .execute(rusqlite::params![department, key])?;
                    people(c, "WHERE person_id = ?1", [key])
                })
                .await
            }
            Self::Postgres { client, .. } => {
                let start = Instant::now();
                client.batch_execute("BEGIN").await.expect("a transaction");
                let key = int(key);
                self.rows(&select("WHERE person_id = $1 FOR NO KEY UPDATE", false), &[&key]).await;
                let update = "UPDATE people SET department = $1, updated_at = now() WHERE person_id = $2";
                self.rows(update, &[&department, &key]).await;
                self.read("WHERE person_id = $1", &[&key]).await;
                client.batch_execute("COMMIT").await.expect("a commit");
                start.elapsed()
            }
        }
    }

    pub(crate) async fn add_member(&self, team: i64, person: i64) -> Duration {
        self.change_member(
            team,
            person,
            "INSERT INTO team_people (team_id, person_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        )
        .await
    }

    pub(crate) async fn remove_member(&self, team: i64, person: i64) -> Duration {
        self.change_member(team, person, "DELETE FROM team_people WHERE team_id = $1 AND person_id = $2")
            .await
    }

    async fn change_member(&self, team: i64, person: i64, change: &'static str) -> Duration {
        match self {
            Self::Sqlite(_) => {
                self.sqlite(move |c| {
                    c.prepare_cached("SELECT changes FROM teams WHERE team_id = ?1")?
                        .query_row([team], |row| row.get::<_, i64>(0))?;
                    c.prepare_cached("SELECT 1 FROM people WHERE person_id = ?1")?
                        .query_row([person], |row| row.get::<_, i64>(0))?;
                    c.prepare_cached(change)?.execute([team, person])?;
                    c.prepare_cached(
                        "UPDATE teams SET changes = changes + 1, updated_at = strftime('%Y-%m-%d %H:%M:%f', 'now') \
                         WHERE team_id = ?1",
                    )?
                    .execute([team])?;
                    Ok(Vec::new())
                })
                .await
            }
            Self::Postgres { client, .. } => {
                let start = Instant::now();
                client.batch_execute("BEGIN").await.expect("a transaction");
                let (team, person) = (int(team), int(person));
                self.rows("SELECT changes FROM teams WHERE team_id = $1 FOR NO KEY UPDATE", &[&team]).await;
                self.rows("SELECT 1 FROM people WHERE person_id = $1 FOR KEY SHARE", &[&person]).await;
                self.rows(change, &[&team, &person]).await;
                let update = "UPDATE teams SET changes = changes + 1, updated_at = now() WHERE team_id = $1";
                self.rows(update, &[&team]).await;
                client.batch_execute("COMMIT").await.expect("a commit");
                start.elapsed()
            }
        }
    }

    /// Runs work on the connection in one transaction, on a blocking thread, which any asynchronous host needs.
    async fn sqlite(
        &self,
        work: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<Vec<Value>> + Send + 'static,
    ) -> Duration {
        let Self::Sqlite(connection) = self else { return Duration::ZERO };
        let connection = connection.clone();
        let start = Instant::now();
        let work = tokio::task::spawn_blocking(move || {
            let connection = connection.lock().expect("one at a time");
            connection.prepare_cached("BEGIN")?.execute([])?;
            let people = work(&connection)?;
            connection.prepare_cached("COMMIT")?.execute([])?;
            rusqlite::Result::<Vec<Value>>::Ok(people)
        });
        std::hint::black_box(work.await.expect("a thread").expect("rows"));
        start.elapsed()
    }

    async fn postgres(&self, condition: &str, values: &[&(dyn ToSql + Sync)]) -> Duration {
        let Self::Postgres { client, .. } = self else { return Duration::ZERO };
        let start = Instant::now();
        client.batch_execute("BEGIN READ ONLY").await.expect("a transaction");
        std::hint::black_box(self.read(condition, values).await);
        client.batch_execute("COMMIT").await.expect("a commit");
        start.elapsed()
    }

    /// Reads people and their teams.
    async fn read(&self, condition: &str, values: &[&(dyn ToSql + Sync)]) -> Vec<Value> {
        let rows = self.rows(&select(condition, false), values).await;
        let mut people: Vec<Value> = rows
            .iter()
            .map(|row| {
                let text = |column| row.get::<_, Option<&str>>(column);
                person(
                    [text(1), text(2), text(3), text(4), text(6), text(7), text(8), text(9)],
                    &Keys {
                        key: row.get::<_, i32>(0).into(),
                        manager: row.get::<_, Option<i32>>(10).map(i64::from),
                        is_active: row.get(5),
                        times: [row.get(11), row.get(12)],
                    },
                )
            })
            .collect();
        let keys: Vec<i32> = rows.iter().map(|row| row.get(0)).collect();
        for row in self.rows(&format!("{TEAMS} = ANY ($1) ORDER BY t.team_id"), &[&keys]).await {
            add_team(&mut people, row.get::<_, i32>(0).into(), row.get::<_, i32>(1).into(), row.get(2));
        }
        people
    }

    async fn rows(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Vec<tokio_postgres::Row> {
        let Self::Postgres { client, prepared } = self else { return Vec::new() };
        let cached = prepared.lock().expect("one at a time").get(sql).cloned();
        let statement = match cached {
            Some(statement) => statement,
            None => {
                let statement = client.prepare(sql).await.expect("a statement");
                prepared.lock().expect("one at a time").insert(sql.to_owned(), statement.clone());
                statement
            }
        };
        client.query(&statement, values).await.expect("rows")
    }
}

/// The keys of the tables are 32-bit integers.
fn int(key: i64) -> i32 {
    i32::try_from(key).expect("a small number")
}

fn select(condition: &str, is_sqlite: bool) -> String {
    let (created, updated) = match is_sqlite {
        true => ("created_at", "updated_at"),
        false => ("created_at::text", "updated_at::text"),
    };
    let columns = PERSON.replace("{created}", created).replace("{updated}", updated);
    format!("{columns} {condition}")
}

/// Reads people and their teams from SQLite.
fn people(
    connection: &rusqlite::Connection,
    condition: &str,
    values: impl rusqlite::Params,
) -> rusqlite::Result<Vec<Value>> {
    let mut statement = connection.prepare_cached(&select(condition, true))?;
    let mut rows = statement.query(values)?;
    let (mut people, mut keys) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let text = |column: usize| row.get_ref(column).ok().and_then(|value| value.as_str().ok());
        let values = Keys {
            key: row.get(0)?,
            manager: row.get(10)?,
            is_active: row.get(5)?,
            times: [text(11).unwrap_or_default(), text(12).unwrap_or_default()],
        };
        keys.push(values.key);
        people
            .push(person([text(1), text(2), text(3), text(4), text(6), text(7), text(8), text(9)], &values));
    }
    let sql = format!("{TEAMS} IN (SELECT value FROM json_each(?1)) ORDER BY t.team_id");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([json!(keys).to_string()])?;
    while let Some(row) = rows.next()? {
        add_team(&mut people, row.get(0)?, row.get(1)?, row.get_ref(2)?.as_str()?);
    }
    Ok(people)
}

/// What a person has besides texts.
struct Keys<'r> {
    key: i64,
    manager: Option<i64>,
    is_active: bool,
    times: [&'r str; 2],
}

fn person(texts: [Option<&str>; 8], keys: &Keys<'_>) -> Value {
    let [login, external_id, first, last, mail, phone, organization, department] = texts;
    json!({
        "id": format!("p{}", keys.key),
        "userName": login,
        "externalId": external_id,
        "name": { "givenName": first, "familyName": last },
        "active": keys.is_active,
        "emails": [{ "value": mail, "type": "work" }],
        "phoneNumbers": [{ "value": phone, "type": "work" }],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "organization": organization,
            "department": department,
            "manager": keys.manager.map(|manager| json!({ "value": format!("p{manager}") })),
        },
        "meta": { "created": keys.times[0], "lastModified": keys.times[1] },
    })
}

fn add_team(people: &mut [Value], person: i64, team: i64, title: &str) {
    let id = format!("p{person}");
    if let Some(person) = people.iter_mut().find(|other| other["id"] == id.as_str()) {
        let team = json!({ "value": format!("t{team}"), "display": title, "type": "direct" });
        match person["groups"].as_array_mut() {
            Some(groups) => groups.push(team),
            None => person["groups"] = json!([team]),
        }
    }
}
