//! Measures `TableStore` on an application's tables, compared with hand-written SQL through the same driver:
//!
//! ```sh
//! cargo run --release -p benches --features sql --bin table_bench
//! ```
//!
//! The tables are those of `people-host`. The first run fills them, which takes a minute. Then it prints a line for each
//! operation: milliseconds of the store, milliseconds by hand, the ratio of the two, its bar, and whether the bar holds.
//!
//! | variable            | meaning                                                             |
//! |---------------------|---------------------------------------------------------------------|
//! | `SCIM_BENCH_USERS`  | the number of people; 1,000,000 by default                           |
//! | `SCIM_BENCH_SQLITE` | the file, created if it does not exist; in the temporary directory by default |
//! | `SCIM_BENCH_POSTGRES` | the URL of a database that is empty or was filled by this program; without it PostgreSQL is not measured |

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a case that cannot be prepared cannot be measured"
)]

mod fill;
mod hand;

use std::time::{Duration, Instant};

use hand::HandWritten;
use scim_core::patch::{PATCH_OP, PatchLimits, PatchRequest};
use scim_core::schema::{Projection, ReadContext, ResourceType, Tolerance};
use scim_core::{Context, Provider, Query, Update, UpdateOptions, Window};
use scim_store::{Ids, Table, TableStore};
use serde_json::{Value, json};

/// The number of runs of an operation.
const RUNS: i64 = 300;

/// The largest ratio to the hand-written statements.
const BAR: f64 = 1.3;

/// The number of members of the large team.
const MEMBERS: i64 = 100_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let users = std::env::var("SCIM_BENCH_USERS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let file = std::env::var("SCIM_BENCH_SQLITE").unwrap_or_else(|_| {
        std::env::temp_dir().join(format!("scim-people-{users}.db")).display().to_string()
    });
    println!("{users} people; median of {RUNS} pairs");
    let postgres = std::env::var("SCIM_BENCH_POSTGRES").ok();
    for url in [Some(format!("sqlite:{file}")), postgres].into_iter().flatten() {
        runtime.block_on(run(&url, users));
    }
}

async fn run(url: &str, users: i64) {
    println!("{}", url.split(':').next().unwrap_or_default());
    let database = scim_store::open(url).await.expect("a database");
    fill::fill(&*database, users, MEMBERS).await;
    let start = Instant::now();
    let builder = TableStore::builder(database).users(people()).groups(teams());
    let store = builder.build().await.expect("tables that fit the declaration");
    println!("{:<28} {:>9.3} ms (bar 50)", "build()", start.elapsed().as_secs_f64() * 1e3);
    let hand = HandWritten::open(url).await;
    Measurement { store, hand, users: users.min(i64::MAX / 2) }.run().await;
}

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

fn teams() -> Table {
    Table::new("teams", "team_id", Ids::prefixed("t"))
        .timestamps("created_at", "updated_at")
        .version("changes")
        .text("displayName", "title")
        .text("externalId", "external_id")
        .members("team_people", "team_id", "person_id")
}

struct Measurement {
    store: TableStore,
    hand: HandWritten,
    users: i64,
}

impl Measurement {
    async fn run(&self) {
        let types = self.store.resource_types();
        let [people, teams] = types.as_slice() else { return };
        let shown = Projection::new(people);
        let request = Context::builder(people);
        let cx = request.context();

        let mut pairs = Vec::new();
        for run in 0..RUNS {
            let key = self.key(run);
            let id = format!("p{key}");
            let by_store = time(self.store.retrieve(&cx, &id, &shown)).await;
            pairs.push([by_store, self.hand.get(key).await]);
        }
        report("get by id", &pairs);

        let mut pairs = Vec::new();
        for run in 0..RUNS {
            let login = format!("user{}@example.com", self.key(run));
            let query = filtered(people, &format!("userName eq \"{login}\""));
            let by_store = time(self.store.query(&cx, &query)).await;
            pairs.push([by_store, self.hand.find(&login).await]);
        }
        report("userName eq", &pairs);

        let mut pairs = Vec::new();
        for run in 0..RUNS {
            let start = self.key(run);
            // The cursor after a person, as the store makes it.
            let mut query = Query::new(people);
            query.window =
                Window::After(scim_core::Position(json!([null, start, true]).to_string().into_bytes()));
            let by_store = time(self.store.query(&cx, &query)).await;
            pairs.push([by_store, self.hand.page(start).await]);
        }
        report("a page of 100", &pairs);

        let mut pairs = Vec::new();
        for run in 0..RUNS {
            let key = self.key(run);
            let department = format!("D{run}");
            let operation = json!({ "op": "replace", "path": "department", "value": department });
            let update = patch(people, operation);
            let options = UpdateOptions::new().returning(shown.clone());
            let by_store = time(self.store.update(&cx, &format!("p{key}"), &update, &options)).await;
            pairs.push([by_store, self.hand.set_department(key, &format!("{department} by hand")).await]);
        }
        report("PATCH of one attribute", &pairs);

        let request = Context::builder(teams);
        let cx = request.context();
        let mut pairs = Vec::new();
        for run in 0..RUNS {
            let (first, second) = (MEMBERS + 1 + 2 * run, MEMBERS + 2 + 2 * run);
            let operation =
                json!({ "op": "add", "path": "members", "value": [{ "value": format!("p{first}") }] });
            let add = patch(teams, operation);
            let by_store = time(self.store.update(&cx, "t1", &add, &UpdateOptions::new())).await;
            pairs.push([by_store, self.hand.add_member(1, second).await]);
            let remove = json!({ "op": "remove", "path": format!("members[value eq \"p{first}\"]") });
            let remove = patch(teams, remove);
            let removed = self.store.update(&cx, "t1", &remove, &UpdateOptions::new()).await;
            removed.expect("the member is removed");
            self.hand.remove_member(1, second).await;
        }
        report("one member of 100,000", &pairs);
    }

    /// A key that differs from those of the runs before, spread over the table.
    fn key(&self, run: i64) -> i64 {
        1 + run * 7_919 % self.users
    }
}

/// The time of an operation, which must succeed.
async fn time<T>(operation: impl Future<Output = scim_core::Result<T>>) -> Duration {
    let start = Instant::now();
    let result = operation.await;
    let time = start.elapsed();
    result.expect("the operation succeeds");
    time
}

fn filtered(resource_type: &ResourceType, text: &str) -> Query {
    let tolerance = Tolerance::lenient();
    let filter: scim_core::filter::Filter = text.parse().expect("a filter");
    let mut query = Query::new(resource_type);
    let resolved = filter.resolve(resource_type, &mut ReadContext::new(&tolerance));
    query.filter = Some(resolved.expect("attributes of the type"));
    query
}

fn patch(resource_type: &ResourceType, operation: Value) -> Update {
    let body = json!({ "schemas": [PATCH_OP], "Operations": [operation] }).to_string();
    let (tolerance, limits) = (Tolerance::lenient(), PatchLimits::default());
    let mut read_context = ReadContext::new(&tolerance);
    let request = PatchRequest::parse(body.as_bytes(), &limits, &mut read_context).expect("a PATCH request");
    Update::Patch(request.resolve(resource_type, &limits, &mut read_context).expect("attributes of the type"))
}

/// Prints the medians of the times of the store and by hand, and the median of the ratios. The ratios are taken pair by
/// pair, since other load of the machine slows down both times of a pair.
fn report(name: &str, pairs: &[[Duration; 2]]) {
    let milliseconds =
        |index: usize| median(pairs.iter().map(|pair| pair[index].as_secs_f64() * 1e3).collect());
    let ratio = median(pairs.iter().map(|[store, hand]| store.as_secs_f64() / hand.as_secs_f64()).collect());
    let verdict = if ratio <= BAR { "holds" } else { "falls short" };
    println!(
        "{name:<28} {:>9.3} ms {:>9.3} ms by hand {ratio:>6.2} {BAR:>5.1} {verdict}",
        milliseconds(0),
        milliseconds(1)
    );
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}
