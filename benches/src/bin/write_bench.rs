//! How many writes a second a store commits, and the processor time of each in this process: PATCH of `displayName` of one of
//! 2,000 users, and creating a user, by one client and by 32 at the same time; in memory, on an SQLite file without and
//! with events, and on PostgreSQL without and with events.
//!
//!     cargo run --release -p benches --features sql --bin write_bench [DIRECTORY]
//!
//! The file is in the directory, or in that for temporary files. `SCIM_BENCH_POSTGRES` is the URL of a database; without
//! it PostgreSQL is not measured. Each number is for requests through `ScimService::handle`, without HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use benches::processor_time;
use http::{Method, Request};
use scim_core::{Identity, MemoryProvider, Provider, ScimService};
use scim_store::Store;
use serde_json::{Value, json};

const USERS: usize = 2_000;
const TIME: Duration = Duration::from_secs(4);

type Error = Box<dyn std::error::Error + Send + Sync>;
type Result<T> = std::result::Result<T, Error>;

struct Bench {
    service: ScimService,
    tenant: String,
    users: Vec<String>,
    count: AtomicUsize,
}

impl Bench {
    async fn send(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("content-type", "application/scim+json");
        let request = request
            .extension(Identity::new("bench").in_tenant(&self.tenant))
            .body(body.to_string().into_bytes());
        let response = self.service.handle(request?).await;
        match response.status().is_success() {
            true => Ok(serde_json::from_slice(response.body())?),
            false => Err(String::from_utf8_lossy(response.body()).into()),
        }
    }

    async fn create(&self) -> Result<Value> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let user = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": format!("user{number}@example.com"),
            "displayName": format!("Person {number}"),
            "name": { "givenName": "Bea", "familyName": "Roe" },
            "emails": [
                { "type": "work", "value": format!("work{number}@example.com"), "primary": true },
                { "type": "home", "value": format!("home{number}@example.com") },
            ],
        });
        self.send(Method::POST, "/Users", &user).await
    }

    async fn rename(&self, number: usize) -> Result<Value> {
        let patch = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "replace", "path": "displayName", "value": format!("Renamed {number}") }],
        });
        // Another user each time, in an order that is not that of the rows.
        let user = self.users.get(number.wrapping_mul(7_919) % self.users.len()).ok_or("no users")?;
        self.send(Method::PATCH, &format!("/Users/{user}"), &patch).await
    }
}

async fn measure(name: &str, bench: &Arc<Bench>, clients: usize, creates: bool) -> Result<()> {
    let requests = Arc::new(AtomicUsize::new(0));
    let (start, processor) = (Instant::now(), processor_time());
    let tasks: Vec<_> = (0..clients)
        .map(|_| {
            let (bench, requests) = (bench.clone(), requests.clone());
            tokio::spawn(async move {
                // A timer would not fire while tasks that never wait keep all threads.
                while start.elapsed() < TIME {
                    let number = requests.fetch_add(1, Ordering::Relaxed);
                    match creates {
                        true => bench.create().await?,
                        false => bench.rename(number).await?,
                    };
                }
                Ok::<_, Error>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    let (elapsed, processor) = (start.elapsed(), processor_time() - processor);
    let requests = u32::try_from(requests.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
    println!(
        "{name:<20}{:<8}{clients:>3} clients {:>8.0} requests/s {:>8.3} ms of processor time each",
        if creates { "create" } else { "rename" },
        f64::from(requests) / elapsed.as_secs_f64(),
        processor.as_secs_f64() * 1_000.0 / f64::from(requests),
    );
    Ok(())
}

fn main() -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run())
}

async fn measure_provider(name: &str, provider: impl Provider + Clone + 'static) -> Result<()> {
    let service = ScimService::builder()
        .base_url("https://scim.example.com")
        .users(provider.clone())
        .groups(provider)
        .build()?;
    let (tenant, count) = (scim_core::new_id(), AtomicUsize::new(0));
    let mut bench = Bench { service, tenant, users: Vec::new(), count };
    for _ in 0..USERS {
        let created = bench.create().await?;
        bench.users.push(created.get("id").and_then(Value::as_str).unwrap_or_default().to_owned());
    }
    let bench = Arc::new(bench);
    for creates in [false, true] {
        for clients in [1, 32] {
            measure(name, &bench, clients, creates).await?;
        }
    }
    Ok(())
}

async fn run() -> Result<()> {
    let directory = std::env::args().nth(1).map_or_else(std::env::temp_dir, Into::into);
    let file = directory.join(format!("scim-write-bench-{}.db", std::process::id()));
    let store = Store::open(&format!("sqlite:{}", file.display())).await?;
    measure_provider("SQLite", store.clone()).await?;
    measure_provider("SQLite, events", store.record_events()).await?;
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", file.display()));
    }
    if let Ok(url) = std::env::var("SCIM_BENCH_POSTGRES") {
        let store = Store::open(&url).await?;
        measure_provider("PostgreSQL", store.clone()).await?;
        measure_provider("PostgreSQL, events", store.record_events()).await?;
    }
    // Last, since the many users that it leaves in the heap make the others slower.
    measure_provider("memory", MemoryProvider::new()).await?;
    Ok(())
}
