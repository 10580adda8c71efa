//! A Microsoft Graph on this machine: users and groups with delta queries, photos, and faults.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Form, Json};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

pub(crate) const TENANT: &str = "0a1b2c3d-tenant";
pub(crate) const CLIENT: &str = "4e5f6a7b-client";
pub(crate) const SECRET: &str = "client-secret-9Q~x";

#[derive(Clone)]
pub(crate) struct FakeGraph {
    address: SocketAddr,
    state: Arc<Mutex<Directory>>,
}

#[derive(Default)]
pub(crate) struct Directory {
    people: BTreeMap<String, Value>,
    groups: BTreeMap<String, (String, BTreeSet<String>)>,
    person_log: Vec<String>,
    /// The changes of groups: their JSON in a delta query.
    group_log: Vec<Value>,
    /// The ETag, the type and the bytes.
    photos: BTreeMap<String, (String, String, Vec<u8>)>,
    /// Positions that are older have expired.
    oldest: (usize, usize),
    pub(crate) page_size: usize,
    /// In this many of 100 cases, a request is not answered as it should be.
    pub(crate) fault_percent: u64,
    random: u64,
    /// The paths of all requests, without the parameters.
    pub(crate) requests: Vec<String>,
    /// Waits that long before it answers.
    pub(crate) delay: std::time::Duration,
}

impl FakeGraph {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(Directory { page_size: 3, random: 7, ..Directory::default() }));
        let graph = Self { address, state };
        let api = Router::new()
            .route("/v1.0/users", get(users))
            .route("/v1.0/users/delta", get(users_delta))
            .route("/v1.0/groups", get(groups))
            .route("/v1.0/groups/delta", get(groups_delta))
            .route("/v1.0/groups/{id}", get(group))
            .route("/v1.0/users/{id}", get(user))
            .route("/v1.0/users/{id}/photo", get(photo))
            .route("/v1.0/users/{id}/photo/$value", get(photo_value))
            .layer(from_fn_with_state(graph.clone(), guard));
        let app = Router::new()
            .route("/{tenant}/oauth2/v2.0/token", post(token))
            .merge(api)
            .with_state(graph.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        graph
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Directory> {
        self.state.lock().unwrap()
    }

    /// The block `provider` of a configuration.
    pub(crate) fn provider(&self) -> Value {
        json!({
            "tenant_id": TENANT, "client_id": CLIENT, "client_secret": SECRET,
            "login_url": format!("http://{}", self.address),
            "graph_url": format!("http://{}/v1.0", self.address),
        })
    }

    /// Adds or changes a person; null removes one.
    pub(crate) fn set_person(&self, id: &str, fields: Value) {
        let mut directory = self.lock();
        match fields {
            Value::Null => directory.people.remove(id),
            fields => directory.people.insert(id.to_owned(), fields),
        };
        directory.person_log.push(id.to_owned());
    }

    /// Adds or changes a group.
    pub(crate) fn set_group(&self, id: &str, name: &str, members: &[&str]) {
        let mut directory = self.lock();
        let members: BTreeSet<String> = members.iter().map(|member| (*member).to_owned()).collect();
        let (_, old) =
            directory.groups.insert(id.to_owned(), (name.to_owned(), members.clone())).unwrap_or_default();
        let added = members.difference(&old).map(|id| member(id, false));
        let removed = old.difference(&members).map(|id| member(id, true));
        let delta: Vec<_> = added.chain(removed).collect();
        directory.group_log.push(json!({ "id": id, "displayName": name, "members@delta": delta }));
    }

    pub(crate) fn set_photo(&self, person: &str, photo: Option<(&str, &str, &[u8])>) {
        let mut directory = self.lock();
        match photo {
            Some((etag, media_type, bytes)) => {
                directory
                    .photos
                    .insert(person.to_owned(), (etag.to_owned(), media_type.to_owned(), bytes.to_vec()));
            }
            None => {
                directory.photos.remove(person);
            }
        }
    }

    /// Lets all positions so far expire.
    pub(crate) fn expire_positions(&self) {
        let mut directory = self.lock();
        directory.oldest = (directory.person_log.len() + 1, directory.group_log.len() + 1);
    }

    pub(crate) fn count(&self, path: &str) -> usize {
        self.lock().requests.iter().filter(|request| request.starts_with(path)).count()
    }

    fn link(&self, path: &str, parameter: &str) -> String {
        format!("http://{}/v1.0/{path}/delta?{parameter}", self.address)
    }
}

fn member(id: &str, is_removed: bool) -> Value {
    let mut member = json!({ "@odata.type": "#microsoft.graph.user", "id": id });
    if is_removed {
        member["@removed"] = json!({ "reason": "deleted" });
    }
    member
}

fn error(status: u16, code: &str, message: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (status, Json(json!({ "error": { "code": code, "message": message } }))).into_response()
}

async fn token(Path(tenant): Path<String>, Form(form): Form<HashMap<String, String>>) -> Response {
    let is = |name: &str, value: &str| form.get(name).is_some_and(|given| given == value);
    let is_right = tenant == TENANT
        && is("grant_type", "client_credentials")
        && is("client_id", CLIENT)
        && is("client_secret", SECRET)
        && form.get("scope").is_some_and(|scope| scope.ends_with("/.default"));
    if is_right {
        return Json(json!({ "token_type": "Bearer", "expires_in": 3599, "access_token": "graph-token" }))
            .into_response();
    }
    let description = "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 1";
    (StatusCode::UNAUTHORIZED, Json(json!({ "error": "invalid_client", "error_description": description })))
        .into_response()
}

/// Checks the token, and lets some requests fail.
async fn guard(State(graph): State<FakeGraph>, headers: HeaderMap, request: Request, next: Next) -> Response {
    let (fault, delay) = {
        let mut directory = graph.lock();
        directory.requests.push(request.uri().path().to_owned());
        let percent = directory.fault_percent;
        let random = directory.next_random();
        ((random % 100 < percent).then_some(random / 100 % 4), directory.delay)
    };
    tokio::time::sleep(delay).await;
    if headers.get("authorization").is_none_or(|value| value != "Bearer graph-token") {
        return error(401, "InvalidAuthenticationToken", "Access token is empty.");
    }
    match fault {
        None => next.run(request).await,
        Some(0) => {
            let mut response = error(429, "TooManyRequests", "Too many requests.");
            response.headers_mut().insert("retry-after", "0".parse().unwrap());
            response
        }
        Some(1) => error(503, "ServiceUnavailable", "Service unavailable."),
        Some(2) => error(500, "InternalServerError", "Internal server error."),
        // The answer breaks off.
        Some(_) => {
            let chunks = [Ok(b"{\"value\": [".to_vec()), Err(std::io::Error::other("broken"))];
            Body::from_stream(futures_util::stream::iter(chunks)).into_response()
        }
    }
}

impl Directory {
    /// xorshift.
    fn next_random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}

fn select(id: &str, fields: &Value, parameters: &HashMap<String, String>) -> Value {
    let selected: Vec<_> =
        parameters.get("$select").map(|list| list.split(',').collect()).unwrap_or_default();
    let fields = fields.as_object().unwrap().iter().filter(|(name, _)| selected.contains(&name.as_str()));
    let mut user: Map<String, Value> = fields.map(|(name, value)| (name.clone(), value.clone())).collect();
    user.insert("id".to_owned(), json!(id));
    Value::Object(user)
}

async fn users(
    State(graph): State<FakeGraph>,
    Query(parameters): Query<HashMap<String, String>>,
) -> Response {
    let directory = graph.lock();
    let users: Vec<_> =
        directory.people.iter().take(1).map(|(id, fields)| select(id, fields, &parameters)).collect();
    Json(json!({ "value": users })).into_response()
}

async fn groups(
    State(graph): State<FakeGraph>,
    Query(parameters): Query<HashMap<String, String>>,
) -> Response {
    let name = parameters
        .get("$filter")
        .and_then(|filter| filter.strip_prefix("displayName eq '")?.strip_suffix('\''));
    let name = name.map(|name| name.replace("''", "'"));
    let directory = graph.lock();
    let found =
        directory.groups.iter().filter(|(_, (other, _))| name.as_ref().is_none_or(|name| name == other));
    Json(json!({ "value": found.map(|(id, _)| json!({ "id": id })).collect::<Vec<_>>() })).into_response()
}

async fn group(State(graph): State<FakeGraph>, Path(id): Path<String>) -> Response {
    match graph.lock().groups.contains_key(&id) {
        true => Json(json!({ "id": id })).into_response(),
        false => error(400, "Request_BadRequest", "Invalid object identifier."),
    }
}

async fn user(
    State(graph): State<FakeGraph>,
    Path(id): Path<String>,
    Query(parameters): Query<HashMap<String, String>>,
) -> Response {
    match graph.lock().people.get(&id) {
        Some(fields) => Json(select(&id, fields, &parameters)).into_response(),
        None => error(404, "Request_ResourceNotFound", "Resource does not exist."),
    }
}

/// Where a page of a delta query begins.
struct Position {
    /// The change from which on it reads; `None` for everything.
    begin: Option<usize>,
    /// The change up to which it reads.
    end: usize,
    /// How many entries were sent.
    sent: usize,
}

impl Position {
    fn new(parameters: &HashMap<String, String>, log: usize) -> Self {
        if let Some(token) = parameters.get("$deltatoken") {
            return Self { begin: Some(token.parse().unwrap()), end: log, sent: 0 };
        }
        let Some(token) = parameters.get("$skiptoken") else {
            return Self { begin: None, end: log, sent: 0 };
        };
        let parts: Vec<_> = token.split('.').collect();
        Self { begin: parts[0].parse().ok(), end: parts[1].parse().unwrap(), sent: parts[2].parse().unwrap() }
    }
}

/// A page, and the link to what follows.
fn page(
    graph: &FakeGraph,
    path: &str,
    all: Vec<Value>,
    position: &Position,
    size: usize,
    select: &str,
) -> Response {
    let Position { begin, end, sent } = position;
    let is_last = all.len() <= sent + size;
    let value: Vec<_> = all.into_iter().skip(*sent).take(size).collect();
    let (name, token) = match is_last {
        true => ("@odata.deltaLink", format!("$deltatoken={end}")),
        false => {
            let begin = begin.map_or_else(|| "all".to_owned(), |begin| begin.to_string());
            ("@odata.nextLink", format!("$skiptoken={begin}.{end}.{}", sent + size))
        }
    };
    Json(json!({ "value": value, name: graph.link(path, &format!("$select={select}&{token}")) }))
        .into_response()
}

async fn users_delta(
    State(graph): State<FakeGraph>,
    Query(parameters): Query<HashMap<String, String>>,
) -> Response {
    let directory = graph.lock();
    let position = Position::new(&parameters, directory.person_log.len());
    if position.begin.is_some_and(|begin| begin < directory.oldest.0) {
        return error(410, "syncStateNotFound", "The sync state is not found.");
    }
    let entry = |id: &String| match directory.people.get(id) {
        Some(fields) => select(id, fields, &parameters),
        None => json!({ "id": id, "@removed": { "reason": "changed" } }),
    };
    let all = match position.begin {
        None => directory.people.keys().map(entry).collect(),
        Some(begin) => directory.person_log[begin..position.end].iter().map(entry).collect(),
    };
    let select = parameters.get("$select").map_or("", String::as_str);
    page(&graph, "users", all, &position, directory.page_size, select)
}

async fn groups_delta(
    State(graph): State<FakeGraph>,
    Query(parameters): Query<HashMap<String, String>>,
) -> Response {
    let directory = graph.lock();
    let position = Position::new(&parameters, directory.group_log.len());
    if position.begin.is_some_and(|begin| begin < directory.oldest.1) {
        return error(410, "syncStateNotFound", "The sync state is not found.");
    }
    let all: Vec<Value> = match position.begin {
        // A group with many members comes in parts.
        None => directory
            .groups
            .iter()
            .flat_map(|(id, (name, members))| {
                let members: Vec<_> = members.iter().map(|id| member(id, false)).collect();
                let mut chunks: Vec<_> = members.chunks(1_000).map(<[Value]>::to_vec).collect();
                if chunks.is_empty() {
                    chunks.push(Vec::new());
                }
                chunks
                    .into_iter()
                    .map(move |chunk| json!({ "id": id, "displayName": name, "members@delta": chunk }))
            })
            .collect(),
        Some(begin) => directory.group_log[begin..position.end].to_vec(),
    };
    page(&graph, "groups", all, &position, directory.page_size, "displayName,members")
}

async fn photo(State(graph): State<FakeGraph>, Path(id): Path<String>) -> Response {
    match graph.lock().photos.get(&id) {
        Some((etag, media_type, _)) => {
            Json(json!({ "id": "240X240", "@odata.mediaEtag": etag, "@odata.mediaContentType": media_type }))
                .into_response()
        }
        None => error(404, "ImageNotFound", "The photo wasn't found."),
    }
}

async fn photo_value(State(graph): State<FakeGraph>, Path(id): Path<String>) -> Response {
    match graph.lock().photos.get(&id) {
        Some((_, media_type, bytes)) => {
            ([("content-type", media_type.clone())], bytes.clone()).into_response()
        }
        None => error(404, "ImageNotFound", "The photo wasn't found."),
    }
}
