//! Measures the store on real databases, compared with hand-written SQL:
//!
//! ```sh
//! cargo run --release -p benches --features sql --bin sql_bench
//! ```
//!
//! The first run fills the databases, which takes minutes. Then it prints a line for each operation: milliseconds, the
//! goal, the milliseconds of the hand-written statements through the same driver, the ratio of the two, its bar, and
//! whether the bar holds. The milliseconds depend on the machine; the verdicts are ratios within one run.
//!
//! | variable            | meaning                                                             |
//! |---------------------|---------------------------------------------------------------------|
//! | `SCIM_BENCH_USERS`  | the number of users; 1,000,000 by default                           |
//! | `SCIM_BENCH_SQLITE` | the file, created if it does not exist; in the temporary directory by default |
//! | `SCIM_BENCH_POSTGRES` | the URL of a database that is empty or was filled by this program; without it PostgreSQL is not measured |

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a case that cannot be prepared cannot be measured"
)]

mod hand;
mod load;
mod timed;

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::time::{Duration, Instant};

use hand::HandWritten;
use http::Method;
use scim_core::patch::PATCH_OP;
use scim_core::schema::standard;
use serde_json::{Value, json};
use timed::Client;

/// The number of runs of an operation.
const RUNS: usize = 300;

/// The goals of one database, in milliseconds.
struct Goals {
    point: f64,
    contains: f64,
    cursor: f64,
    deep: f64,
    creates: [f64; 2],
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let users = std::env::var("SCIM_BENCH_USERS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let file = std::env::var("SCIM_BENCH_SQLITE").unwrap_or_else(|_| {
        std::env::temp_dir().join(format!("scim-bench-{users}.db")).display().to_string()
    });
    println!("{users} users, two addresses each; median of {RUNS} runs");
    measure_translation();
    let fsync = fsync(&file);
    println!("{:<34} {:>9.3} ms", "one 4 KiB write with fdatasync", fsync * 1e3);
    let goals = Goals { point: 0.1, contains: 10.0, cursor: 1.0, deep: 60.0, creates: [200.0, 0.0] };
    runtime.block_on(run(&format!("sqlite:{file}"), users, fsync, &goals));
    if let Ok(url) = std::env::var("SCIM_BENCH_POSTGRES") {
        let goals = Goals { point: 0.5, contains: 25.0, cursor: 3.0, deep: 700.0, creates: [150.0, 2000.0] };
        runtime.block_on(run(&url, users, fsync, &goals));
    }
}

/// The median of samples.
fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The seconds of one 4 KiB write with fdatasync, on the disk of the database.
fn fsync(file: &str) -> f64 {
    let probe = format!("{file}.probe");
    let mut out = std::fs::File::create(&probe).expect("a file");
    let block = [0x5a_u8; 4096];
    let samples = (0..200).map(|_| {
        let start_time = Instant::now();
        out.write_all(&block).and_then(|()| out.sync_data()).expect("a write");
        start_time.elapsed().as_secs_f64()
    });
    let seconds = median(samples.collect());
    let _ = std::fs::remove_file(probe);
    seconds
}

/// Measures the translation of a filter to SQL, in yardsticks of `bars`.
fn measure_translation() {
    use scim_core::filter::Filter;
    use scim_core::schema::{ReadContext, Tolerance};
    use scim_sql::{Column, Dialect, Elements, Mapping};
    let resource_type = standard::user_type();
    let mapping = Mapping::builder(&resource_type, "users u", "u.id")
        .scoped_by("u.tenant", 1)
        .column("userName", Column::text("u.name").folded("u.name_folded").not_null().indexed())
        .elements(
            "emails",
            Elements::table("email e", "e.user_id")
                .scoped_by("e.tenant", 1)
                .column("value", Column::text("e.address").folded("e.address_folded").not_null().indexed())
                .column("type", Column::text("e.type").folded("e.type_folded")),
        )
        .build()
        .expect("a mapping");
    let tolerance = Tolerance::lenient();
    let filters =
        [r#"userName eq "ilse@example.com""#, r#"emails[type eq "work" and value eq "ilse@example.com"]"#];
    for text in filters {
        let filter: Filter = text.parse().expect("a filter");
        let predicate =
            filter.resolve(&resource_type, &mut ReadContext::new(&tolerance)).expect("attributes of users");
        let mut yardstick = benches::yardstick();
        let ratios = (0..101).map(|_| {
            let y = yardstick.time(50).as_secs_f64() / 50.0;
            let start_time = Instant::now();
            for _ in 0..500 {
                let _ = std::hint::black_box(
                    mapping.filter(std::hint::black_box(&predicate), Dialect::Postgres, 2).expect("SQL"),
                );
            }
            start_time.elapsed().as_secs_f64() / 500.0 / y
        });
        let ratio = median(ratios.collect());
        let name = format!("compile {}", text.split(' ').next().unwrap_or(text));
        println!("{name:<34} {ratio:>9.4} Y {:>27.3} {}", 0.05, verdict(ratio, 0.05));
    }
}

fn verdict(value: f64, bar: f64) -> &'static str {
    if value <= bar { "holds" } else { "falls short" }
}

/// The seconds of an operation of the store, and of the hand-written statements.
type Pair = [f64; 2];

/// The medians of the first values, of the second values, and of the ratios of each pair. The ratios are taken pair by
/// pair, since other load of the machine slows down both values of a pair.
fn medians(pairs: &[Pair]) -> [f64; 3] {
    let median_of = |value: fn(&Pair) -> f64| median(pairs.iter().map(value).collect());
    [median_of(|pair| pair[0]), median_of(|pair| pair[1]), median_of(|pair| pair[0] / pair[1])]
}

/// Prints the line of an operation.
fn report(name: &str, pairs: &[Pair], goal: f64) {
    let [seconds, hand, ratio] = medians(pairs);
    let (ms, hand) = (seconds * 1e3, hand * 1e3);
    println!(
        "{name:<34} {ms:>9.3} ms  goal {goal:>7.1}  by hand {hand:>8.3}  {ratio:>6.2}  1.20 {}",
        verdict(ratio, 1.2)
    );
}

/// Measures all operations on one database.
async fn run(url: &str, users: usize, fsync: f64, goals: &Goals) {
    println!("\n{}", url.split(':').next().unwrap_or(url));
    load::load(url, users).await;
    let client = Client::open(url).await;
    let hand = HandWritten::open(url).await;

    let middle = users / 2 + 1;
    let (name, external) = (format!("user{middle}@example.com"), format!("ext-{middle}"));
    let (_, found) = client.search(json!({ "filter": format!("userName eq \"{name}\"") })).await;
    let id = found["Resources"][0]["id"].as_str().expect("the user in the middle").to_owned();

    let both = compare(RUNS, async || client.get(&id).await.0, async || hand.get(&id).await).await;
    report("get by id", &both, goals.point);
    let work = format!("work{middle}@example.com");
    let points = [
        ("userName eq", format!("userName eq \"{name}\""), vec![name.clone()], hand::NAME),
        ("externalId eq", format!("externalId eq \"{external}\""), vec![external.clone()], hand::EXTERNAL),
        (
            "emails[type and value].value eq",
            format!("emails[type eq \"work\" and value eq \"{work}\"]"),
            vec![work.clone()],
            hand::EMAIL,
        ),
        (
            "an `or` of these",
            format!(
                "userName eq \"{name}\" or externalId eq \"{external}\" or emails[type eq \"work\" and value eq \"{work}\"]"
            ),
            vec![name.clone(), external, work],
            hand::OR,
        ),
        (
            "co of more than three characters",
            format!("userName co \"{}\"", &name[3..9]),
            vec![name[3..9].to_owned()],
            hand::CONTAINS,
        ),
    ];
    for (name, filter, values, sql) in points {
        let goal = if name.starts_with("co") { goals.contains } else { goals.point };
        let search = json!({ "filter": filter, "count": 100 });
        let (took, page) = client.search(search.clone()).await;
        let found = page["Resources"].as_array().map_or(0, Vec::len);
        assert!(found > 0, "{name}: {page} after {took:?}");
        assert_eq!(hand.page(sql, &values).await.1, found, "{name}");
        let store = async || client.search(search.clone()).await.0;
        report(name, &compare(RUNS, store, async || hand.page(sql, &values).await.0).await, goal);
    }
    pages(&client, &hand, users, goals).await;
    members(&client, fsync).await;
    creates(&client, fsync, goals).await;
}

/// Runs an operation of the store and the hand-written statements; both return their own time. They alternate in which
/// comes first, since the second one finds the rows in the caches.
async fn compare(
    runs: usize,
    mut store: impl AsyncFnMut() -> Duration,
    mut hand: impl AsyncFnMut() -> Duration,
) -> Vec<Pair> {
    let mut pairs = Vec::with_capacity(runs);
    for run in 0..runs + runs / 15 {
        let pair = if run % 2 == 0 {
            let store = store().await;
            [store, hand().await]
        } else {
            let hand = hand().await;
            [store().await, hand]
        };
        // The first pairs warm up the caches.
        if run >= runs / 15 {
            pairs.push(pair.map(|time| time.as_secs_f64()));
        }
    }
    pairs
}

/// Measures pages by cursor and by `startIndex`.
async fn pages(client: &Client, hand: &HandWritten, users: usize, goals: &Goals) {
    // Follows the cursors, so that the last pages are deep in the list. `compare` runs a fifteenth more to warm up.
    let steps = (users / 107).min(3_000);
    let (cursor, step) = (RefCell::new(String::new()), Cell::new(0));
    let store = async || {
        let search = json!({ "cursor": cursor.borrow().as_str(), "count": 100 });
        let (time, page) = client.search(search).await;
        page["nextCursor"].as_str().unwrap_or_default().clone_into(&mut cursor.borrow_mut());
        time
    };
    let hand_after = async || {
        let place = step.replace(step.get() + 100);
        hand.after(place).await
    };
    let pairs = compare(steps, store, hand_after).await;
    let part = pairs.len().min(100);
    report("cursor page, at the beginning", &pairs[..part], goals.cursor);
    let name = format!("cursor page, {} deep", step.get());
    report(&name, &pairs[pairs.len() - part..], goals.cursor);

    // The number of users in the database: earlier runs have created more.
    let (_, all) = client.search(json!({ "count": 0 })).await;
    let all = all["totalResults"].as_u64().and_then(|total| usize::try_from(total).ok()).unwrap_or(users);
    let start = all.saturating_sub(99);
    let search = json!({ "startIndex": start, "count": 100 });
    let store = async || client.search(search.clone()).await.0;
    let both = compare(30, store, async || hand.skip(start - 1).await).await;
    report(&format!("startIndex={start}"), &both, goals.deep);
}

/// Removes a member and adds it again, in a large group and in a small group alternately.
async fn members(client: &Client, fsync: f64) {
    let path = async |group: &str| {
        let filter = format!("displayName eq \"{group}\"");
        let (_, found) = client.groups(json!({ "filter": filter, "attributes": ["id"] })).await;
        format!("/Groups/{}", found["Resources"][0]["id"].as_str().expect("the group"))
    };
    let (large, small) = (path("Large").await, path("Small").await);
    let (_, user) = client.search(json!({ "filter": "userName eq \"user1@example.com\"" })).await;
    let user = user["Resources"][0]["id"].clone();
    let change = async |path: &str, removes: bool| {
        let operation = match removes {
            true => json!({ "op": "remove", "path": format!("members[value eq {user}]") }),
            false => json!({ "op": "add", "path": "members", "value": [{ "value": user }] }),
        };
        let patch = json!({ "schemas": [PATCH_OP], "Operations": [operation] });
        let (time, status, body) = client.send(Method::PATCH, path, Some(patch)).await;
        assert_eq!(status, 204, "{body}");
        time
    };
    // At first the user is in both groups, so each first change removes it.
    let (mut first, mut second) = (false, false);
    let large = async || {
        first = !first;
        change(&large, first).await
    };
    let small = async || {
        second = !second;
        change(&small, second).await
    };
    let [large, _, compared] = medians(&compare(RUNS, large, small).await);
    let (ratio, ms) = (large / fsync, large * 1e3);
    println!(
        "{:<34} {ms:>9.3} ms  in fsyncs {ratio:>6.2}  1.50 {}",
        "one member of a large group",
        verdict(ratio, 1.5)
    );
    let verdict = verdict(compared, 1.2);
    println!("{:<34} {compared:>9.2}  1.20 {verdict}", "  compared with a group of ten");
}

/// Measures the creation of users by one client and by eight concurrent clients.
async fn creates(client: &Client, fsync: f64, goals: &Goals) {
    let create = async |body: Value| {
        let (time, status, body) = client.send(Method::POST, "/Users", Some(body)).await;
        assert_eq!(status, 201, "{body}");
        time
    };
    let start_time = Instant::now();
    let mut samples = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        samples.push(create(user()).await.as_secs_f64());
    }
    let (seconds, rate) = (median(samples), RUNS as f64 / start_time.elapsed().as_secs_f64());
    let bar = 1.5 * fsync + 1e-3;
    println!(
        "{:<34} {:>9.3} ms  1.5 F + 1 ms {:>8.3} {}; {rate:.0} per second, goal {}",
        "create, 1 client",
        seconds * 1e3,
        bar * 1e3,
        verdict(seconds, bar),
        goals.creates[0]
    );
    let start_time = Instant::now();
    let mut clients = Vec::new();
    for _ in 0..8 {
        let client = client.clone();
        clients.push(tokio::spawn(async move {
            for _ in 0..250 {
                let (_, status, body) = client.send(Method::POST, "/Users", Some(user())).await;
                assert_eq!(status, 201, "{body}");
            }
        }));
    }
    for client in clients {
        client.await.expect("a client");
    }
    let rate = 2_000.0 / start_time.elapsed().as_secs_f64();
    println!("{:<34} {rate:>9.0} per second, goal {}", "create, 8 clients", goals.creates[1]);
}

/// A user with a new name.
fn user() -> Value {
    let name = format!("{}@example.com", scim_core::new_id());
    json!({
        "schemas": [standard::USER], "userName": name,
        "emails": [{ "value": name, "type": "work" }, { "value": format!("x{name}"), "type": "home" }],
    })
}
