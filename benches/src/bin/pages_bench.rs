//! How long the page with the requests takes to be made, with 100,000 requests in the log, for each kind of filter.
//!
//! `cargo run --release -p benches --features host --bin pages_bench`. With `SCIM_TEST_POSTGRES`, on PostgreSQL too. It
//! takes about a minute for each database, since the log writes at most 2,000 requests a second.

use std::time::{Duration, Instant};

use chrono::Utc;
use http::header::{COOKIE, HOST, ORIGIN, SET_COOKIE};
use http::{Request, StatusCode};
use http_body::Body;
use scim_auth::{Credentials, MemoryCredentials, NewToken};
use scim_console::{Console, ConsoleBody, ConsoleOptions, LogOptions, ProvisioningLog};
use scim_core::{Identity, MemoryProvider, ScimService};

type AnyError = Box<dyn std::error::Error + Send + Sync>;

const REQUESTS: usize = 100_000;
const PEOPLE: usize = 10_000;
const CLIENTS: usize = 20;
/// How often each page is made.
const ROUNDS: usize = 30;

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let file = std::env::temp_dir().join(format!("pages-bench-{}.db", std::process::id()));
    measure("SQLite", &format!("sqlite:{}", file.display())).await?;
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", file.display()));
    }
    if let Ok(url) = std::env::var("SCIM_TEST_POSTGRES") {
        measure("PostgreSQL", &url).await?;
    }
    Ok(())
}

async fn measure(name: &str, url: &str) -> Result<(), AnyError> {
    let log = ProvisioningLog::open(scim_store::open(url).await?, LogOptions::new()).await?;
    fill(&log).await?;
    let credentials = Credentials::new(MemoryCredentials::new());
    let (_, token) = credentials.create_admin_token(NewToken::new("bench"), Utc::now()).await?;
    let options =
        ConsoleOptions::new("https://app.example.com/scim/v2", "https://app.example.com/oauth/token");
    let console = Console::new(log, credentials, options);
    let sign_in = Request::post("/login").header(HOST, "localhost").header(ORIGIN, "http://localhost");
    let signed_in = console.handle(sign_in.body(format!("token={}", token.expose()))?).await;
    let cookie = signed_in.headers().get(SET_COOKIE).ok_or("the token is good")?.clone();
    println!("{name:<38} {:>10} {:>10}", "median", "longest");
    for path in [
        "/",
        "/?status=refused",
        "/?status=409",
        "/?status=503",
        "/?client=client-7",
        "/?client=nobody",
        "/?tenant=tenant-3",
        "/?type=User",
        "/?type=Nothing",
        "/?person=person-77",
        "/?person=person-",
        "/?person=nobody",
        "/?client=client-7&status=refused&type=User",
        "/?before=5000",
        "/requests/50000",
        "/connections",
    ] {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let request = Request::get(path).header(HOST, "localhost").header(COOKIE, &cookie);
            let begun = Instant::now();
            let response = console.handle(request.body(String::new())?).await;
            if response.status() != StatusCode::OK {
                return Err(format!("{path}: {}", response.status()).into());
            }
            let length = length(response.into_body()).await;
            times.push((begun.elapsed(), length));
        }
        times.sort();
        let median = times.get(times.len() / 2).copied().unwrap_or_default();
        let longest = times.last().copied().unwrap_or_default();
        println!("{path:<38} {:>10.2?} {:>10.2?}   {} bytes", median.0, longest.0, median.1);
    }
    Ok(())
}

async fn length(body: ConsoleBody) -> usize {
    let mut body = std::pin::pin!(body);
    let mut length = 0;
    while let Some(frame) = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        length += frame.ok().and_then(|frame| frame.into_data().ok()).map_or(0, |data| data.len());
    }
    length
}

/// Records requests as identity providers send them: a lookup, and then a change, of one person after the other.
async fn fill(log: &ProvisioningLog) -> Result<(), AnyError> {
    let service = ScimService::builder()
        .base_url("https://app.example.com/scim/v2")
        .users(MemoryProvider::new())
        .multi_tenant()
        .build()?;
    let begun = Instant::now();
    for number in 0..REQUESTS {
        let person = number / 2 % PEOPLE;
        let client = person % CLIENTS;
        let identity = Identity::new(format!("client-{client}")).in_tenant(format!("tenant-{}", client % 4));
        let (method, uri, body) = match number % 2 {
            0 => ("GET", format!("/Users?filter=userName%20eq%20%22person-{person}%22"), String::new()),
            _ => (
                "PUT",
                format!("/Users/{person}"),
                format!(
                    r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"person-{person}","active":"True","name":{{"familyName":"x"}}}}"#
                ),
            ),
        };
        let mut request = Request::builder().method(method).uri(uri).body(())?;
        request.extensions_mut().insert(identity.clone());
        let (parts, ()) = request.into_parts();
        let mut entry = log.begin(&parts).ok_or("the queue is full")?;
        entry.set_identity(&identity);
        entry.set_operation(&service.parse(&parts, body.as_bytes())?);
        entry.set_body(body.as_bytes());
        let status = if number % 50 == 1 { StatusCode::CONFLICT } else { StatusCode::OK };
        log.record(entry, status, Duration::from_micros(700));
        if number % 500 == 499 {
            log.flush().await;
        }
    }
    log.flush().await;
    println!("{REQUESTS} requests recorded in {:.0?}, {} dropped", begun.elapsed(), log.dropped());
    Ok(())
}
