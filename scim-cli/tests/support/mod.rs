//! A service on a socket that a test can disturb, and the program that is sent to it.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use scim_core::tower::Mount;
use scim_core::{BearerTokens, Identity, MemoryProvider, Provider, ScimService};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

pub(crate) const TOKEN: &str = "import-token";

/// What a service does to a request before it answers it; the number counts the requests from 0. `None` answers it as usual.
type Disturb = dyn Fn(usize, &Seen) -> Option<Response> + Send + Sync;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    /// Below the base URL, with the query.
    pub(crate) path: String,
    pub(crate) body: Value,
}

/// A service that runs.
pub(crate) struct Service {
    pub(crate) url: String,
    service: ScimService,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// How a service is started.
pub(crate) struct Options {
    pub(crate) max_bulk_operations: usize,
    /// Members that replace those of the ServiceProviderConfig.
    pub(crate) config: Value,
    pub(crate) disturb: Box<Disturb>,
    /// How long each request waits that could change something.
    pub(crate) delay: Duration,
    /// Whether the answer to a request is lost, after the request has had its effect.
    pub(crate) lose: fn(usize, &Seen) -> bool,
    /// The status instead of an answer that is lost.
    pub(crate) lost_status: u16,
    /// Cuts a filter off, as a service does that evaluates only the beginning.
    pub(crate) cut_filter_at: Option<&'static str>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_bulk_operations: 1000,
            config: json!({}),
            disturb: Box::new(|_, _| None),
            delay: Duration::ZERO,
            lose: |_, _| false,
            lost_status: 502,
            cut_filter_at: None,
        }
    }
}

struct Shared {
    options: Options,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Service {
    /// Starts a service that keeps its data in memory.
    pub(crate) async fn start(options: Options) -> Self {
        Self::start_on(MemoryProvider::new(), options).await
    }

    /// Starts a service on a store.
    pub(crate) async fn start_on(store: impl Provider + Clone + 'static, options: Options) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/scim/v2", listener.local_addr().unwrap());
        let service = ScimService::builder()
            .base_url(&url)
            .max_bulk_operations(options.max_bulk_operations)
            .users(store.clone())
            .groups(store)
            .build()
            .unwrap();
        let tokens = BearerTokens::new().token(TOKEN, Identity::new("import"));
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let shared = Arc::new(Shared { options, seen: seen.clone() });
        let app = Router::new()
            .nest_service("/scim/v2", Mount::new(service.clone(), tokens))
            .layer(from_fn_with_state(shared, answer));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, service, seen }
    }

    /// The requests so far, without those of discovery.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        let is_discovery = |seen: &&Seen| {
            ["/ServiceProviderConfig", "/Schemas", "/ResourceTypes"].contains(&seen.path.as_str())
                || seen.path.ends_with("?count=1")
        };
        self.seen.lock().unwrap().iter().filter(|seen| !is_discovery(seen)).cloned().collect()
    }

    /// The requests so far that could change something.
    pub(crate) fn writes(&self) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.method != Method::GET).collect()
    }

    pub(crate) fn forget(&self) {
        self.seen.lock().unwrap().clear();
    }

    /// Sends a request without the socket.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Value) -> Value {
        let request = http::Request::builder().method(method).uri(path);
        let request = request.header("content-type", "application/scim+json");
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let mut request = request.body(body).unwrap();
        request.extensions_mut().insert(Identity::new("import"));
        let response = self.service.handle(request).await;
        serde_json::from_slice(response.body()).unwrap_or_default()
    }

    /// How many users there are.
    pub(crate) async fn count(&self) -> u64 {
        self.count_of("/Users").await
    }

    /// How many resources there are at an endpoint.
    pub(crate) async fn count_of(&self, endpoint: &str) -> u64 {
        let path = format!("{endpoint}?count=0");
        self.call(Method::GET, &path, Value::Null).await["totalResults"].as_u64().unwrap()
    }

    /// The user with this name.
    pub(crate) async fn user(&self, name: &str) -> Value {
        let path = format!("/Users?filter=userName%20eq%20%22{name}%22");
        let page = self.call(Method::GET, &path, Value::Null).await;
        assert_eq!(page["totalResults"], 1, "{name}");
        page["Resources"][0].clone()
    }

    /// Creates a user.
    pub(crate) async fn create(&self, user: Value) -> Value {
        let mut user = user;
        user["schemas"] = json!(["urn:ietf:params:scim:schemas:core:2.0:User"]);
        let created = self.call(Method::POST, "/Users", user).await;
        assert!(created["id"].is_string(), "{created}");
        created
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let path = parts.uri.to_string();
    let seen = Seen {
        method: parts.method.clone(),
        path: path.strip_prefix("/scim/v2").unwrap_or(&path).to_owned(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    };
    let is_config = seen.path == "/ServiceProviderConfig";
    let number = {
        let mut all = shared.seen.lock().unwrap();
        all.push(seen.clone());
        all.len() - 1
    };
    if let Some(response) = (shared.options.disturb)(number, &seen) {
        return response;
    }
    if seen.method != Method::GET && !shared.options.delay.is_zero() {
        tokio::time::sleep(shared.options.delay).await;
    }
    if let Some((kept, _)) = shared.options.cut_filter_at.and_then(|term| path.split_once(term)) {
        parts.uri = kept.parse().unwrap();
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    if (shared.options.lose)(number, &seen) {
        return error(shared.options.lost_status, "the answer is lost");
    }
    if !is_config {
        return response;
    }
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let mut config: Value = serde_json::from_slice(&body).unwrap();
    for (name, value) in shared.options.config.as_object().unwrap() {
        config[name] = value.clone();
    }
    config.to_string().into_response()
}

/// An error response (RFC 7644 section 3.12).
pub(crate) fn error(status: u16, detail: &str) -> Response {
    let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": status.to_string(), "detail": detail });
    (StatusCode::from_u16(status).unwrap(), body.to_string()).into_response()
}

/// A file with this many users.
pub(crate) fn users(count: u64) -> String {
    let mut text = "userName,name.givenName,emails[type eq \"work\"].value,active,department\n".to_owned();
    for number in 0..count {
        let active = number % 10 != 0;
        writeln!(
            text,
            "user{number}@example.com,\"Given, {number}\",u{number}@example.com,{active},Dept {}",
            number % 7
        )
        .unwrap();
    }
    text
}

/// A folder that is deleted in the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("scim-cli-{}", scim_core::new_id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file, and returns its path.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What the program has said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scim"));
    command.args(arguments).env("SCIM_TOKEN", TOKEN).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the program to its end.
pub(crate) async fn scim(arguments: &[&str]) -> Said {
    said(command(arguments).output().await.unwrap())
}

/// Starts the program.
pub(crate) fn start(arguments: &[&str]) -> Child {
    command(arguments).spawn().unwrap()
}

/// What a program says that was started.
pub(crate) async fn end(child: Child) -> Said {
    said(child.wait_with_output().await.unwrap())
}

fn said(output: Output) -> Said {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

/// Sends a program the signal of Ctrl-C.
pub(crate) async fn interrupt(child: &Child) {
    Command::new("kill").args(["-INT", &child.id().unwrap().to_string()]).status().await.unwrap();
}

/// Whether there is a file.
pub(crate) fn exists(path: &str) -> bool {
    Path::new(path).exists()
}
