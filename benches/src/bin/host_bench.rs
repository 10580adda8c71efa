//! The throughput of `GET /Users/{id}` over HTTP, with everything that a host does around the service: an issued token, limits,
//! metrics and logs. Beside it, in the same run, the service alone, mounted in axum with a fixed token.
//!
//! `cargo build --release -p axum-host && cargo run --release -p benches --features host --bin host_bench [PART]`. With
//! a part of their names, it starts only these hosts; with `SCIM_TEST_POSTGRES`, PostgreSQL too. The clients share the processors with the server, so only the ratios mean something.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use scim_core::tower::Mount;
use scim_core::{BearerTokens, Identity, MemoryProvider, ScimService};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// The argument with which this program serves.
const ALONE: &str = "alone";
/// The variant with which the others are compared.
const SERVICE: &str = "the service alone";

/// The variable of a variant on whose page of requests a browser looks.
const PAGE_OPEN: (&str, &str) = ("SCIM_BENCH_PAGE", "open");

/// How many connections send requests.
const CLIENTS: usize = 32;
/// How long each round of a variant takes, and how many rounds there are.
const ROUND: Duration = Duration::from_secs(2);
const ROUNDS: usize = 7;

const USER: &str = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"bea@example.com","name":{"givenName":"Bea","familyName":"Rau"},"emails":[{"value":"bea@example.com","type":"work","primary":true}],"title":"Diver"}"#;

/// A server with a user, and the request for it.
struct Variant {
    name: String,
    address: SocketAddr,
    request: Vec<u8>,
    /// Requests per second, and the 99th percentile of their times, of each round.
    rounds: Vec<(f64, Duration)>,
    _process: Process,
}

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let part = std::env::args().nth(1).unwrap_or_default();
    if part == ALONE {
        return serve_alone().await;
    }
    let mut alone = Command::new(std::env::current_exe()?);
    alone.arg(ALONE);
    let mut variants = vec![start(SERVICE, alone, &[], Some("fixed-token".to_owned())).await?];
    let file = std::env::temp_dir().join(format!("host-bench-{}.db", std::process::id()));
    let (fixed, issued, no_log) = (("SCIM_TOKEN", "fixed-token"), ("SCIM_DEV", "1"), ("RUST_LOG", "off"));
    let pages = ("SCIM_ADMIN_LISTEN", "127.0.0.1:0");
    let sqlite = format!("sqlite:{}", file.display());
    let postgres = std::env::var("SCIM_TEST_POSTGRES").ok();
    let hosts = [
        ("memory, fixed token, no log", Some("memory:"), vec![fixed, no_log]),
        ("memory, issued token", Some("memory:"), vec![issued]),
        ("memory, issued token, no log", Some("memory:"), vec![issued, no_log]),
        ("memory, JWT", Some("memory:"), vec![issued, ("SCIM_BENCH_JWT", "1")]),
        ("SQLite, issued token", Some(sqlite.as_str()), vec![issued]),
        ("memory, issued token, pages", Some("memory:"), vec![issued, pages]),
        ("memory, issued token, page open", Some("memory:"), vec![issued, pages, PAGE_OPEN]),
        ("SQLite, issued token, pages", Some(sqlite.as_str()), vec![issued, pages]),
        ("SQLite, issued token, page open", Some(sqlite.as_str()), vec![issued, pages, PAGE_OPEN]),
        ("PostgreSQL, issued token", postgres.as_deref(), vec![issued]),
    ];
    for (name, database, variables) in hosts {
        if let Some(database) = database.filter(|_| name.contains(&part)) {
            variants.push(host(name, database, &variables).await?);
        }
    }
    for _ in 0..ROUNDS {
        for variant in &mut variants {
            let round = load(variant.address, &variant.request).await?;
            variant.rounds.push(round);
        }
    }
    let median = |rounds: &[(f64, Duration)]| {
        let mut sorted: Vec<_> = rounds.to_vec();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    };
    let alone = variants.first().map_or(1.0, |first| median(&first.rounds).0);
    println!("{:<32} {:>12} {:>8} {:>10}", "", "requests/s", "ratio", "p99");
    for variant in &variants {
        let (rate, p99) = median(&variant.rounds);
        println!("{:<32} {:>12.0} {:>8.2} {:>10.2?}", variant.name, rate, rate / alone, p99);
    }
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", file.display()));
    }
    Ok(())
}

/// The service without anything around it, as a process of its own: this program with the argument [`ALONE`].
async fn serve_alone() -> Result<(), AnyError> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}/scim/v2", listener.local_addr()?);
    let store = MemoryProvider::new();
    let service = ScimService::builder()
        .base_url("https://app.example.com/scim/v2")
        .users(store.clone())
        .groups(store)
        .build()?;
    let tokens = BearerTokens::new().token("fixed-token", Identity::new("client"));
    let app = Router::new().nest_service("/scim/v2", Mount::new(service, tokens));
    Ok(axum::serve(listener, app).await?)
}

/// The axum host as a process of its own.
async fn host(name: &str, database: &str, variables: &[(&str, &str)]) -> Result<Variant, AnyError> {
    let mut command = Command::new(std::env::current_exe()?.with_file_name("axum-host"));
    command.env("DATABASE_URL", database).env("SCIM_LISTEN", "127.0.0.1:0").env("SCIM_RATE", "1000000");
    command.envs(variables.iter().copied());
    let value =
        |wanted| variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned());
    if value("SCIM_BENCH_JWT").is_none() {
        return start(name, command, &[], value("SCIM_TOKEN")).await;
    }
    let issuer = Issuer::start().await?;
    let jwt = [
        ("SCIM_JWT_ISSUER", "https://login.example.com"),
        ("SCIM_JWT_AUDIENCE", "scim"),
        ("SCIM_JWT_JWKS", &issuer.url),
        ("SCIM_JWKS_HOSTS", "127.0.0.1"),
    ];
    start(name, command, &jwt, Some(issuer.token)).await
}

/// Starts a server, which prints its address. Without a token, it is asked for a development token.
async fn start(
    name: &str,
    mut command: Command,
    variables: &[(&str, &str)],
    token: Option<String>,
) -> Result<Variant, AnyError> {
    command.envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = Process(command.spawn()?);
    let out = process.0.stdout.take().ok_or("the output is piped")?;
    let mut lines = BufReader::new(out).lines();
    let first = lines.next().ok_or("the server has ended")??;
    if command.get_envs().any(|(name, _)| name == PAGE_OPEN.0) {
        let (mut pages, mut token) = (None, None);
        while token.is_none() {
            let line = lines.next().ok_or("the host has printed no token for its pages")??;
            pages =
                pages.or_else(|| line.strip_prefix("pages for administrators: http://").map(str::to_owned));
            token = line.starts_with("scimadmin_").then_some(line);
        }
        let pages = pages.unwrap_or_default().trim_end_matches('/').parse()?;
        open_page(pages, &token.unwrap_or_default()).await?;
    }
    let address =
        first.trim_start_matches("listening on http://").split('/').next().unwrap_or_default().parse()?;
    let token = match token {
        Some(token) => token,
        None => {
            let request = format!("GET /scim/token HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
            let answer = exchange(address, request.as_bytes()).await?;
            let (_, token) = answer.split_once("\"token\":\"").ok_or("there is no development token")?;
            token.split('"').next().unwrap_or_default().to_owned()
        }
    };
    variant(name.to_owned(), address, &token, process).await
}

async fn variant(
    name: String,
    address: SocketAddr,
    token: &str,
    process: Process,
) -> Result<Variant, AnyError> {
    let headers = format!("Host: {address}\r\nAuthorization: Bearer {token}\r\n");
    let user = USER.replace("bea@", &format!("{}@", scim_core::new_id()));
    let create = format!(
        "POST /scim/v2/Users HTTP/1.1\r\n{headers}Content-Type: application/scim+json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{user}",
        user.len()
    );
    let created = exchange(address, create.as_bytes()).await?;
    let (_, id) = created.split_once("\"id\":\"").ok_or_else(|| format!("{name}: {created}"))?;
    let id = id.split('"').next().unwrap_or_default();
    let request =
        format!("GET /scim/v2/Users/{id} HTTP/1.1\r\n{headers}Accept: application/scim+json\r\n\r\n");
    Ok(Variant { name, address, request: request.into_bytes(), rounds: Vec::new(), _process: process })
}

/// Signs in to the pages at this address, and reads the requests that appear on one, as a browser does, until the program ends.
async fn open_page(pages: SocketAddr, token: &str) -> Result<(), AnyError> {
    let form = format!("token={token}");
    let sign_in = format!(
        "POST /login HTTP/1.1\r\nHost: {pages}\r\nOrigin: http://{pages}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{form}",
        form.len()
    );
    let answer = exchange(pages, sign_in.as_bytes()).await?;
    let (_, cookie) = answer.split_once("set-cookie: ").ok_or("the token is good")?;
    let cookie = cookie.split(';').next().unwrap_or_default();
    let request = format!("GET /events?after=0 HTTP/1.1\r\nHost: {pages}\r\nCookie: {cookie}\r\n\r\n");
    let mut stream = TcpStream::connect(pages).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut buffer = vec![0; 64 * 1024];
    if stream.read(&mut buffer).await? == 0 || !buffer.starts_with(b"HTTP/1.1 200") {
        return Err("the page cannot be opened".into());
    }
    tokio::spawn(async move { while matches!(stream.read(&mut buffer).await, Ok(1..)) {} });
    Ok(())
}

/// Sends a request on a connection of its own, and returns the response.
async fn exchange(address: SocketAddr, request: &[u8]) -> Result<String, AnyError> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// Sends a request again and again on all connections. Returns the responses per second, and the 99th percentile of the times.
async fn load(address: SocketAddr, request: &[u8]) -> Result<(f64, Duration), AnyError> {
    let stop = Arc::new(AtomicBool::new(false));
    let begun = Instant::now();
    let clients: Vec<_> =
        (0..CLIENTS).map(|_| tokio::spawn(client(address, request.to_vec(), stop.clone()))).collect();
    tokio::time::sleep(ROUND).await;
    stop.store(true, Ordering::Relaxed);
    let mut times = Vec::new();
    for client in clients {
        times.extend(client.await??);
    }
    let rate = times.len() as f64 / begun.elapsed().as_secs_f64();
    times.sort_unstable();
    Ok((rate, times.get(times.len() * 99 / 100).copied().unwrap_or_default()))
}

async fn client(
    address: SocketAddr,
    request: Vec<u8>,
    stop: Arc<AtomicBool>,
) -> Result<Vec<Duration>, AnyError> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut times, mut buffer) = (Vec::new(), vec![0; 16 * 1024]);
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        stream.write_all(&request).await?;
        let mut length = 0;
        loop {
            let free = buffer.get_mut(length..).ok_or("the response is too long")?;
            let read = stream.read(free).await?;
            length += read;
            let answer = buffer.get(..length).unwrap_or_default();
            if read == 0 || !answer.starts_with(b"HTTP/1.1 200") {
                return Err(String::from_utf8_lossy(answer).into_owned().into());
            }
            if is_complete(answer) {
                break;
            }
        }
        times.push(begun.elapsed());
    }
    Ok(times)
}

/// Whether a response has its whole body.
fn is_complete(answer: &[u8]) -> bool {
    let Some(head) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return false };
    let text = std::str::from_utf8(answer.get(..head).unwrap_or_default()).unwrap_or_default();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    answer.len() >= head + 4 + length
}

/// An issuer of JWTs with its keys at a URL.
struct Issuer {
    url: String,
    token: String,
}

impl Issuer {
    async fn start() -> Result<Self, AnyError> {
        use aws_lc_rs::rand::SystemRandom;
        use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
        use base64::Engine;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let failed = |_| "the key cannot be used";
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let (x, y) = key.public_key().as_ref().split_at_checked(33).ok_or("a point has 65 bytes")?;
        let x = x.get(1..).unwrap_or_default();
        let jwks = format!(
            r#"{{"keys":[{{"kty":"EC","crv":"P-256","kid":"1","x":"{}","y":"{}"}}]}}"#,
            encode(x),
            encode(y)
        );
        let expires = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs() + 3600;
        let claims =
            format!(r#"{{"iss":"https://login.example.com","aud":"scim","sub":"idp","exp":{expires}}}"#);
        let signed = format!("{}.{}", encode(br#"{"alg":"ES256","kid":"1"}"#), encode(claims.as_bytes()));
        let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).map_err(failed)?;
        let token = format!("{signed}.{}", encode(signature.as_ref()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/keys", listener.local_addr()?);
        let app = Router::new().route("/keys", axum::routing::get(|| async move { jwks }));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { url, token })
    }
}
