//! The tables of the log.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use scim_store::{Database, DatabaseError, Dialect, Mode, Param, Rows, Statement};

use super::content::Line;
use super::milestone::{ClientMilestones, Milestone};
use super::row::{COLUMNS, LoggedRequest};
use super::search::{Search, Sql};

/// How many requests without a good credential are kept. Anybody can send them, and they must not push out others.
const UNVERIFIED_KEPT: u32 = 2_000;
/// The condition for them. At the token endpoint, anybody can claim to be a client.
const UNVERIFIED: &str = "client = '' OR operation = 'token'";
/// How many requests one transaction deletes.
const DELETED_AT_ONCE: u32 = 2_000;
/// The key of the lock under which PostgreSQL writes, so that positions are in the order of the commits: a page that shows
/// new requests looks only for those after the last one that it has.
const WRITE_LOCK: &str = "SELECT CAST(pg_advisory_xact_lock(7318349394477057) AS text)";

/// The tables `scim_request` and `scim_milestone`. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Table(Arc<dyn Database>);

/// A request to write: the values of the columns, and the milestones.
pub(super) struct NewRequest {
    pub(super) params: Vec<Param>,
    pub(super) milestones: Vec<NewMilestone>,
}

/// A milestone that a client may have reached before.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct NewMilestone {
    pub(super) tenant: String,
    pub(super) client: String,
    pub(super) milestone: Milestone,
}

/// The statements that create the tables, with the definition of `position` and of texts that are compared byte by byte.
fn create(position: &str, text: &str) -> Vec<String> {
    let columns = COLUMNS.iter().map(|column| match *column {
        "time" | "microseconds" => format!("{column} bigint NOT NULL"),
        "status" => format!("{column} integer NOT NULL"),
        "name" | "name_key" => format!("{column} {text}"),
        _ => format!("{column} {text} NOT NULL"),
    });
    let columns: Vec<String> = columns.collect();
    let index =
        |name: &str, on: &str| format!("CREATE INDEX IF NOT EXISTS scim_request_{name} ON scim_request {on}");
    vec![
        format!(
            "CREATE TABLE IF NOT EXISTS scim_request (position {position}, {}, content {text})",
            columns.join(", ")
        ),
        index("tenant", "(tenant, position)"),
        index("client", "(client, position)"),
        index("resource", "(resource_id, position)"),
        index("name", "(name_key)"),
        index("refused", "(position) WHERE status >= 400"),
        format!(
            "CREATE TABLE IF NOT EXISTS scim_milestone (tenant {text} NOT NULL, client {text} NOT NULL, milestone {text} \
             NOT NULL, time bigint NOT NULL, PRIMARY KEY (tenant, client, milestone))"
        ),
    ]
}

impl Table {
    /// Opens the tables, and creates them if they do not exist.
    pub(super) async fn open(database: Arc<dyn Database>) -> Result<Self, DatabaseError> {
        let table = Self(database);
        let (find, statements) = match table.dialect() {
            Dialect::Sqlite => (
                "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'scim_milestone'",
                create("integer PRIMARY KEY AUTOINCREMENT", "text"),
            ),
            // A user who may not create tables can use those that exist.
            _ => (
                "SELECT 1 WHERE to_regclass('scim_milestone') IS NOT NULL",
                create("bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "text COLLATE \"C\""),
            ),
        };
        if table.query(Statement::new(find, [])).await?.is_empty() {
            table.write(statements.into_iter().map(|sql| Statement::new(sql, [])).collect()).await?;
        }
        Ok(table)
    }

    fn dialect(&self) -> Dialect {
        self.0.dialect()
    }

    async fn query(&self, statement: Statement) -> Result<Rows, DatabaseError> {
        let rows = self.0.begin(Mode::Single).await?.query(vec![statement]).await?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    /// Runs statements that write, in the order of all processes.
    async fn write(&self, statements: Vec<Statement>) -> Result<(), DatabaseError> {
        let lock = (self.dialect() != Dialect::Sqlite).then(|| Statement::new(WRITE_LOCK, []));
        let statements = lock.into_iter().chain(statements).collect();
        self.0.begin(Mode::Write).await?.commit(statements).await.map(drop)
    }

    /// Writes requests, and the milestones that their clients have reached for the first time.
    pub(super) async fn insert(&self, requests: Vec<NewRequest>) -> Result<(), DatabaseError> {
        let dialect = self.dialect();
        let values = |from: usize, count: usize| -> String {
            (from..from + count).map(|number| dialect.parameter(number)).collect::<Vec<_>>().join(", ")
        };
        let insert = format!(
            "INSERT INTO scim_request ({}, content) VALUES ({})",
            COLUMNS.join(", "),
            values(1, COLUMNS.len() + 1)
        );
        let reach = format!(
            "INSERT INTO scim_milestone (tenant, client, milestone, time) VALUES ({}) ON CONFLICT (tenant, client, \
             milestone) DO NOTHING",
            values(1, 4)
        );
        let mut statements = Vec::with_capacity(requests.len());
        let now = Utc::now().timestamp_millis();
        for NewRequest { params, milestones } in requests {
            statements.push(Statement::new(insert.clone(), params));
            statements.extend(milestones.into_iter().map(|reached| {
                let NewMilestone { tenant, client, milestone } = reached;
                let params = [tenant.into(), client.into(), milestone.as_str().into(), Param::from(now)];
                Statement::new(reach.clone(), params)
            }));
        }
        self.write(statements).await
    }

    /// Deletes the requests before a time, the oldest ones if there are more than this number, and those without a good
    /// credential beyond a number of their own. Deletes some thousands at most; returns whether that was all.
    pub(super) async fn prune(&self, before: DateTime<Utc>, keep: u32) -> Result<bool, DatabaseError> {
        let mut old = Sql::new(self.dialect(), "SELECT position FROM scim_request WHERE time < ");
        old.push(before.timestamp_millis());
        old.text.push_str(&format!(" LIMIT {DELETED_AT_ONCE}"));
        let oldest = format!(
            "SELECT position FROM scim_request WHERE NOT ({UNVERIFIED}) ORDER BY position DESC LIMIT 1 OFFSET {keep}"
        );
        let surplus = format!(
            "SELECT position FROM scim_request WHERE position <= ({oldest}) ORDER BY position LIMIT {DELETED_AT_ONCE}"
        );
        let unverified = format!(
            "SELECT position FROM scim_request WHERE {UNVERIFIED} ORDER BY position DESC LIMIT {DELETED_AT_ONCE} OFFSET \
             {UNVERIFIED_KEPT}"
        );
        let mut is_complete = true;
        for found in [old.statement(), Statement::new(surplus, []), Statement::new(unverified, [])] {
            let rows = self.query(found).await?;
            let positions: Vec<String> =
                rows.iter().filter_map(|row| row.int(0)).map(|position| position.to_string()).collect();
            if !positions.is_empty() {
                let delete = format!("DELETE FROM scim_request WHERE position IN ({})", positions.join(", "));
                self.write(vec![Statement::new(delete, [])]).await?;
            }
            is_complete = is_complete && positions.len() < DELETED_AT_ONCE as usize;
        }
        Ok(is_complete)
    }

    /// The requests that a search finds, the newest first.
    pub(super) async fn search(&self, search: &Search) -> Result<Vec<LoggedRequest>, DatabaseError> {
        let mut people = Vec::new();
        if let Some(statement) = search.people(self.dialect()) {
            people = self
                .query(statement)
                .await?
                .iter()
                .filter_map(|row| row.text(0).map(str::to_owned))
                .collect();
        }
        let rows = self.query(search.requests(self.dialect(), &people)).await?;
        let mut requests: Vec<LoggedRequest> = rows.iter().map(LoggedRequest::from_row).collect();
        self.complete_names(&mut requests).await?;
        Ok(requests)
    }

    /// Names the resources of requests that have not shown a name by what other requests have shown.
    async fn complete_names(&self, requests: &mut [LoggedRequest]) -> Result<(), DatabaseError> {
        let nameless = |request: &&LoggedRequest| request.name.is_none() && !request.resource_id.is_empty();
        let mut keys: Vec<(String, String)> = requests
            .iter()
            .filter(nameless)
            .map(|request| (request.resource_id.clone(), request.tenant.clone()))
            .collect();
        keys.sort();
        keys.dedup();
        if keys.is_empty() {
            return Ok(());
        }
        let mut sql = Sql::new(
            self.dialect(),
            "SELECT r.resource_id, r.tenant, r.name FROM scim_request r WHERE r.position IN (SELECT max(n.position) FROM \
             scim_request n WHERE n.name IS NOT NULL AND n.resource_id IN (",
        );
        for (index, (id, _)) in keys.iter().enumerate() {
            if index > 0 {
                sql.text.push_str(", ");
            }
            sql.push(id.as_str());
        }
        sql.text.push_str(") GROUP BY n.resource_id, n.tenant)");
        let rows = self.query(sql.statement()).await?;
        let names: HashMap<(&str, &str), &str> =
            rows.iter().filter_map(|row| Some(((row.text(0)?, row.text(1)?), row.text(2)?))).collect();
        for request in requests.iter_mut().filter(|request| request.name.is_none()) {
            let name = names.get(&(request.resource_id.as_str(), request.tenant.as_str()));
            request.name = name.map(|name| (*name).to_owned());
        }
        Ok(())
    }

    /// A request with what it contained.
    pub(super) async fn request(
        &self,
        position: i64,
        tenant: Option<&str>,
    ) -> Result<Option<(LoggedRequest, Vec<Line>)>, DatabaseError> {
        let columns = COLUMNS.join(", ");
        let select = format!("SELECT position, {columns}, content FROM scim_request WHERE position = ");
        let mut sql = Sql::new(self.dialect(), &select);
        sql.push(position);
        sql.and_tenant(tenant);
        let rows = self.query(sql.statement()).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let content = row.text(COLUMNS.len() + 1).unwrap_or("[]");
        let lines = serde_json::from_str(content).unwrap_or_default();
        let mut requests = [LoggedRequest::from_row(row)];
        self.complete_names(&mut requests).await?;
        let [request] = requests;
        Ok(Some((request, lines)))
    }

    /// The milestones of all clients, or of those of a tenant, in the order of their names.
    pub(super) async fn milestones(
        &self,
        tenant: Option<&str>,
    ) -> Result<Vec<ClientMilestones>, DatabaseError> {
        let select = "SELECT tenant, client, milestone, time FROM scim_milestone WHERE 1 = 1";
        let mut sql = Sql::new(self.dialect(), select);
        sql.and_tenant(tenant);
        let rows = self.query(sql.statement()).await?;
        let mut clients: BTreeMap<(&str, &str), ClientMilestones> = BTreeMap::new();
        for row in rows.iter() {
            let (Some(tenant), Some(client)) = (row.text(0), row.text(1)) else { continue };
            let milestone = row.text(2).and_then(Milestone::from_name);
            let time = row.int(3).and_then(DateTime::from_timestamp_millis);
            let known = clients.entry((tenant, client)).or_insert_with(|| ClientMilestones {
                tenant: tenant.to_owned(),
                client: client.to_owned(),
                reached: Vec::new(),
            });
            known.reached.extend(milestone.zip(time));
        }
        Ok(clients.into_values().collect())
    }

    pub(super) async fn forget_milestones(&self, tenant: &str, client: &str) -> Result<(), DatabaseError> {
        let mut sql = Sql::new(self.dialect(), "DELETE FROM scim_milestone WHERE tenant = ");
        sql.push(tenant);
        sql.and("client = ", client);
        self.write(vec![sql.statement()]).await
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use http::{Request, StatusCode};
    use scim_core::Identity;
    use std::time::Duration;

    use super::super::entry::Entry;
    use super::super::message::FinishedEntry;
    use super::super::options::LogOptions;
    use super::super::row;
    use super::super::search::StatusFilter;
    use super::*;

    /// The databases to test on: SQLite, and a schema of its own in the PostgreSQL database in `SCIM_TEST_POSTGRES`.
    async fn databases() -> Vec<Arc<dyn Database>> {
        let mut databases = vec![scim_store::open("sqlite::memory:").await.unwrap()];
        match std::env::var("SCIM_TEST_POSTGRES").ok().filter(|url| !url.is_empty()) {
            None => eprintln!("SCIM_TEST_POSTGRES is not set, so PostgreSQL is not tested"),
            Some(url) => {
                let schema = format!("console_{}", scim_core::new_id().replace('-', ""));
                let database = scim_store::open(&url).await.unwrap();
                let create = Statement::new(format!("CREATE SCHEMA {schema}"), []);
                database.begin(Mode::Write).await.unwrap().commit(vec![create]).await.unwrap();
                let separator = if url.contains('?') { '&' } else { '?' };
                let url = format!("{url}{separator}options=-csearch_path%3D{schema}");
                databases.push(scim_store::open(&url).await.unwrap());
            }
        }
        databases
    }

    /// A request of a client in a tenant, about a resource.
    fn request(
        client: &str,
        tenant: &str,
        status: u16,
        id: &str,
        name: Option<&str>,
        age: TimeDelta,
    ) -> NewRequest {
        let mut entry = Entry::new(&Request::get(format!("/Users/{id}")).body(()).unwrap().into_parts().0);
        if !client.is_empty() {
            entry.set_identity(&Identity::new(client).in_tenant(tenant));
        }
        entry.resource_type = "User".to_owned();
        entry.resource_id = id.to_owned();
        entry.name = name.map(str::to_owned);
        entry.time -= age;
        let status = StatusCode::from_u16(status).unwrap();
        let finished = FinishedEntry { entry, status, time: Duration::from_micros(1_234) };
        NewRequest { params: row::params(&finished, &LogOptions::new()), milestones: Vec::new() }
    }

    fn ids(requests: &[LoggedRequest]) -> Vec<&str> {
        requests.iter().map(|request| request.resource_id.as_str()).collect()
    }

    #[tokio::test]
    async fn searches_find_what_they_look_for_newest_first() {
        for database in databases().await {
            let table = Table::open(database.clone()).await.unwrap();
            // A second process finds the tables.
            Table::open(database).await.unwrap();
            let now = TimeDelta::zero();
            let requests = vec![
                request("okta", "a", 201, "1", Some("Ida@example.com"), now),
                request("okta", "a", 409, "2", Some("bea"), now),
                request("entra", "b", 204, "1", None, now),
                request("okta", "a", 204, "1", None, now),
                request("okta", "a", 404, "50%_\\", Some("50%_\\"), now),
                request("", "", 401, "", None, now),
            ];
            table.insert(requests).await.unwrap();
            let all = Search { limit: 10, ..Search::default() };
            let text = |text: &str| Some(text.to_owned());
            for (search, expected) in [
                (all.clone(), vec!["", "50%_\\", "1", "1", "2", "1"]),
                (Search { tenant: text("a"), ..all.clone() }, vec!["50%_\\", "1", "2", "1"]),
                (Search { client: text("entra"), ..all.clone() }, vec!["1"]),
                (Search { status: Some(StatusFilter::Refused), ..all.clone() }, vec!["", "50%_\\", "2"]),
                (Search { status: Some(StatusFilter::Successful), ..all.clone() }, vec!["1", "1", "1"]),
                (Search { status: Some(StatusFilter::Exactly(404)), ..all.clone() }, vec!["50%_\\"]),
                (Search { resource_type: text("Group"), ..all.clone() }, vec![]),
                // The requests about the resource whose name it is, also those that show no name.
                (Search { person: text("IDA"), tenant: text("a"), ..all.clone() }, vec!["1", "1"]),
                (Search { person: text("2"), ..all.clone() }, vec!["2"]),
                (Search { person: text("50%"), ..all.clone() }, vec!["50%_\\"]),
                (Search { person: text("%"), ..all.clone() }, vec![]),
                (Search { limit: 2, ..all.clone() }, vec!["", "50%_\\"]),
            ] {
                let found = table.search(&search).await.unwrap();
                assert_eq!(ids(&found), expected, "{search:?}");
            }
            let found = table.search(&all).await.unwrap();
            let positions: Vec<i64> = found.iter().map(|request| request.position).collect();
            let before = Search { before: positions.get(1).copied(), limit: 1, ..all.clone() };
            assert_eq!(ids(&table.search(&before).await.unwrap()), ["1"]);
            let after = Search { after: positions.get(2).copied(), ..all.clone() };
            assert_eq!(ids(&table.search(&after).await.unwrap()), ["", "50%_\\"]);

            // Names are completed from other requests of the same tenant only.
            let name = |index: usize| found.get(index).and_then(|request| request.name.as_deref());
            assert_eq!((name(2), name(3)), (Some("Ida@example.com"), None));
            let position = positions.get(3).copied().unwrap();
            assert!(table.request(position, Some("b")).await.unwrap().is_some());
            assert!(table.request(position, Some("a")).await.unwrap().is_none());
            let (request, lines) = table.request(position, None).await.unwrap().unwrap();
            assert_eq!((request.status, request.microseconds, lines.len()), (204, 1_234, 0));
        }
    }

    #[tokio::test]
    async fn old_requests_and_those_of_unknown_clients_are_deleted() {
        for database in databases().await {
            let table = Table::open(database).await.unwrap();
            let hours = TimeDelta::hours;
            for age in [49, 47, 1] {
                table
                    .insert(vec![request("okta", "a", 200, &age.to_string(), None, hours(age))])
                    .await
                    .unwrap();
            }
            let prune = async |keep| {
                while !table.prune(Utc::now() - TimeDelta::days(2), keep).await.unwrap() {}
            };
            prune(100).await;
            let all = Search { limit: 10_000, ..Search::default() };
            assert_eq!(ids(&table.search(&all).await.unwrap()), ["1", "47"]);
            prune(1).await;
            assert_eq!(ids(&table.search(&all).await.unwrap()), ["1"]);

            let unknown = |_| request("", "", 401, "", None, hours(0));
            table.insert((0..UNVERIFIED_KEPT + 2_500).map(unknown).collect()).await.unwrap();
            table.insert(vec![request("okta", "a", 200, "new", None, hours(0))]).await.unwrap();
            // They do not count as requests that push out others.
            prune(2).await;
            let found = table.search(&all).await.unwrap();
            assert_eq!(found.iter().filter(|request| request.client.is_empty()).count(), 2_000);
            assert_eq!(found.iter().filter(|request| request.client == "okta").count(), 2);
        }
    }

    #[tokio::test]
    async fn a_milestone_is_reached_once_until_it_is_forgotten() {
        for database in databases().await {
            let table = Table::open(database).await.unwrap();
            let reach = |tenant: &str| {
                let milestone = NewMilestone {
                    tenant: tenant.to_owned(),
                    client: "okta".to_owned(),
                    milestone: Milestone::Group,
                };
                let request = request("okta", tenant, 201, "1", None, TimeDelta::zero());
                vec![NewRequest { milestones: vec![milestone], ..request }]
            };
            table.insert(reach("a")).await.unwrap();
            let first = table.milestones(Some("a")).await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
            table.insert(reach("a")).await.unwrap();
            table.insert(reach("b")).await.unwrap();
            let again = table.milestones(Some("a")).await.unwrap();
            assert_eq!(format!("{first:?}"), format!("{again:?}"));
            assert_eq!(table.milestones(None).await.unwrap().len(), 2);
            table.forget_milestones("a", "okta").await.unwrap();
            assert_eq!(table.milestones(Some("a")).await.unwrap().len(), 0);
            assert_eq!(table.milestones(None).await.unwrap().len(), 1);
        }
    }

    #[tokio::test]
    async fn what_a_request_contained_is_read_as_it_was_written() {
        for database in databases().await {
            let table = Table::open(database).await.unwrap();
            let mut entry = Entry::new(&Request::post("/Users").body(()).unwrap().into_parts().0);
            // U+0000, which PostgreSQL does not store, and the text of its escape, which it does.
            let body = r#"{"title":"a\u0000b","nickName":"a\\u0000b"}"#;
            entry.set_body(body.as_bytes());
            let finished = FinishedEntry { entry, status: StatusCode::CREATED, time: Duration::ZERO };
            let params = row::params(&finished, &LogOptions::new().with_values());
            table.insert(vec![NewRequest { params, milestones: Vec::new() }]).await.unwrap();
            let found = table.search(&Search { limit: 1, ..Search::default() }).await.unwrap();
            let position = found.first().unwrap().position;
            let (_, lines) = table.request(position, None).await.unwrap().unwrap();
            let values: Vec<&str> = lines.iter().filter_map(|line| line.value.as_deref()).collect();
            assert_eq!(values, [r#""a\\u0000b""#, r#""a\u0000b""#]);
        }
    }
}
