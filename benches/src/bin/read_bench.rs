//! The processor time of reads, in memory, on an SQLite file and on PostgreSQL: GET of a user of 2 KB by its id, and the
//! first page of 100 of 1,000 such users.
//!
//!     cargo run --release -p benches --features sql --bin read_bench [DIRECTORY]
//!
//! The file is in the directory, or in that for temporary files. `SCIM_BENCH_POSTGRES` is the URL of a database; without
//! it PostgreSQL is not measured. Each number is for requests of one client through `ScimService::handle`, without HTTP,
//! and does not contain the time of PostgreSQL's own processes.

use std::time::Duration;

use benches::processor_time;
use http::{Method, Request};
use scim_core::{Identity, MemoryProvider, Provider, ScimService};
use scim_store::Store;
use serde_json::{Value, json};

const USERS: usize = 1_000;
const PAGE: usize = 100;
const TIME: Duration = Duration::from_secs(2);

type Error = Box<dyn std::error::Error + Send + Sync>;
type Result<T> = std::result::Result<T, Error>;

struct Bench {
    service: ScimService,
    tenant: String,
    users: Vec<String>,
}

impl Bench {
    async fn new(provider: impl Provider + Clone + 'static) -> Result<Self> {
        let service = ScimService::builder()
            .base_url("https://scim.example.com")
            .users(provider.clone())
            .groups(provider)
            .build()?;
        let mut bench = Self { service, tenant: scim_core::new_id(), users: Vec::new() };
        for number in 0..USERS {
            let created = bench.send(Method::POST, "/Users", &user(number)).await?;
            let created: Value = serde_json::from_slice(&created)?;
            bench.users.push(created.get("id").and_then(Value::as_str).unwrap_or_default().to_owned());
        }
        Ok(bench)
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Result<Vec<u8>> {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request = Request::builder().method(method).uri(path);
        let request = request.header("content-type", "application/scim+json");
        let request = request.extension(Identity::new("bench").in_tenant(&self.tenant)).body(body);
        let response = self.service.handle(request?).await;
        match response.status().is_success() {
            true => Ok(response.into_body()),
            false => Err(String::from_utf8_lossy(response.body()).into()),
        }
    }

    async fn get(&self, number: usize) -> Result<usize> {
        // Another user each time, in an order that is not that of the rows.
        let id = self.users.get(number.wrapping_mul(7_919) % self.users.len()).ok_or("no users")?;
        Ok(self.send(Method::GET, &format!("/Users/{id}"), &Value::Null).await?.len())
    }

    async fn page(&self) -> Result<usize> {
        let path = format!("/Users?startIndex=1&count={PAGE}");
        Ok(self.send(Method::GET, &path, &Value::Null).await?.len())
    }
}

/// A user with the attributes that large directories send.
fn user(number: usize) -> Value {
    let address = |kind: &str| {
        json!({
            "type": kind, "streetAddress": format!("{number} Harbour Street"), "locality": "Port Ellen",
            "region": "Islay", "postalCode": format!("PA{number}"), "country": "GB",
            "formatted": format!("{number} Harbour Street\nPort Ellen\nIslay"),
        })
    };
    let email = |kind: &str| json!({ "type": kind, "value": format!("{kind}{number}@example.com") });
    let phone = |kind: &str| json!({ "type": kind, "value": format!("tel:+44-1496-{number:06}") });
    json!({
        "schemas": [
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        ],
        "userName": format!("user{number}@example.com"),
        "externalId": format!("00u{number:017}"),
        "displayName": format!("Bea Person {number}"),
        "nickName": "Bea",
        "profileUrl": format!("https://people.example.com/{number}"),
        "title": "Harbour engineer",
        "userType": "Employee",
        "preferredLanguage": "en-GB",
        "locale": "en-GB",
        "timezone": "Europe/London",
        "active": true,
        "name": {
            "formatted": format!("Ms. Bea Person {number}"), "givenName": "Bea", "familyName": "Person",
            "middleName": "Ann", "honorificPrefix": "Ms.",
        },
        "emails": [email("work"), email("home"), email("other")],
        "phoneNumbers": [phone("work"), phone("mobile"), phone("home")],
        "addresses": [address("work"), address("home")],
        "roles": [{ "value": "engineer", "display": "Engineer" }, { "value": "reviewer", "display": "Reviewer" }],
        "entitlements": [{ "value": "crane", "display": "May use the crane" }],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "employeeNumber": format!("{number}"), "costCenter": "4130", "organization": "Harbour",
            "division": "Cranes", "department": "Maintenance",
            "manager": { "value": "a2c4", "displayName": "Ada Manager" },
        },
    })
}

/// Prints the milliseconds of processor time that a request takes, and the bytes of its response.
async fn measure(name: &str, request: impl AsyncFn(usize) -> Result<usize>) -> Result<()> {
    let bytes = request(0).await?;
    let (start, processor) = (std::time::Instant::now(), processor_time());
    let mut requests = 0_u32;
    while start.elapsed() < TIME {
        request(requests as usize).await?;
        requests += 1;
    }
    let processor = processor_time() - processor;
    println!("{name:<24}{:>8.4} ms   {bytes} bytes", processor.as_secs_f64() * 1_000.0 / f64::from(requests));
    Ok(())
}

async fn measure_provider(name: &str, provider: impl Provider + Clone + 'static) -> Result<()> {
    let bench = Bench::new(provider).await?;
    for _ in 0..2 {
        measure(&format!("{name} get by id"), async |number| bench.get(number).await).await?;
        measure(&format!("{name} page of {PAGE}"), async |_| bench.page().await).await?;
    }
    Ok(())
}

fn main() -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run())
}

async fn run() -> Result<()> {
    let directory = std::env::args().nth(1).map_or_else(std::env::temp_dir, Into::into);
    let file = directory.join(format!("scim-read-bench-{}.db", std::process::id()));
    measure_provider("memory", MemoryProvider::new()).await?;
    measure_provider("sqlite", Store::open(&format!("sqlite:{}", file.display())).await?).await?;
    if let Ok(url) = std::env::var("SCIM_BENCH_POSTGRES") {
        measure_provider("postgres", Store::open(&url).await?).await?;
    }
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", file.display()));
    }
    Ok(())
}
