//! A SCIM service in the same process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{Method, Request, Response};
use scim_core::schema::{Attribute, ResourceType, Schema, standard};
use scim_core::{Identity, MemoryProvider, ScimService};
use scim_sync::{Endpoint, Unreachable, async_trait};
use serde_json::{Value, json};

/// What happens to a request instead of, or after, its being answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not handled, and answered with this status.
    Status(u16),
    /// It is handled, and the answer is lost.
    Lost,
    /// Nothing answers from here on.
    Down,
}

pub(crate) struct InProcess {
    service: ScimService,
    requests: AtomicUsize,
    writes: AtomicUsize,
    is_down: Mutex<bool>,
    /// By the number of the request.
    pub(crate) faults: Mutex<BTreeMap<usize, Fault>>,
}

impl Default for InProcess {
    fn default() -> Self {
        // The members of groups have an access level.
        let mut group = serde_json::to_value(standard::group()).unwrap();
        for attribute in
            group["attributes"].as_array_mut().unwrap().iter_mut().filter(|one| one["name"] == "members")
        {
            let access = serde_json::to_value(Attribute::string("access")).unwrap();
            attribute["subAttributes"].as_array_mut().unwrap().push(access);
        }
        let group =
            ResourceType::builder("Group", "/Groups", Schema::from_value(&group).unwrap()).build().unwrap();
        let store = MemoryProvider::new();
        let service = ScimService::builder()
            .base_url("https://app.example.com/scim/v2")
            .users(store.clone())
            .resource(group, store);
        Self {
            service: service.build().unwrap(),
            requests: AtomicUsize::new(0),
            writes: AtomicUsize::new(0),
            is_down: Mutex::new(false),
            faults: Mutex::new(BTreeMap::new()),
        }
    }
}

#[async_trait]
impl Endpoint for InProcess {
    async fn send(&self, mut request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Unreachable> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let fault = self.faults.lock().unwrap().get(&number).copied();
        if fault == Some(Fault::Down) {
            *self.is_down.lock().unwrap() = true;
        }
        if *self.is_down.lock().unwrap() {
            return Err(Unreachable::new("connection refused"));
        }
        if let Some(Fault::Status(status)) = fault {
            return Ok(Response::builder().status(status).body(Vec::new()).unwrap());
        }
        if request.method() != Method::GET {
            self.writes.fetch_add(1, Ordering::Relaxed);
        }
        request.extensions_mut().insert(Identity::new("sync"));
        let response = self.service.handle(request).await;
        if fault == Some(Fault::Lost) {
            Err(Unreachable::new("the connection was lost"))
        } else {
            Ok(response)
        }
    }
}

impl InProcess {
    /// How many requests were sent, and how many of them could write.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    pub(crate) fn writes(&self) -> usize {
        self.writes.load(Ordering::Relaxed)
    }

    /// Answers again, without faults.
    pub(crate) fn repair(&self) {
        self.faults.lock().unwrap().clear();
        *self.is_down.lock().unwrap() = false;
    }

    /// Sends a request as an administrator, who never fails.
    pub(crate) fn by_hand(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/scim+json")
            .body(body.map_or_else(Vec::new, |body| body.to_string().into_bytes()))
            .unwrap();
        request.extensions_mut().insert(Identity::new("admin"));
        let response = pollster::block_on(self.service.handle(request));
        let body = String::from_utf8_lossy(response.body()).into_owned();
        assert!(response.status().is_success(), "{path}: {body}");
        serde_json::from_str(&body).unwrap_or_default()
    }

    fn all(&self, endpoint: &str) -> Vec<Value> {
        let page = self.by_hand(Method::GET, &format!("{endpoint}?count=1000"), None);
        let mut all = page["Resources"].as_array().cloned().unwrap_or_default();
        // The rest, by name.
        while (all.len() as u64) < page["totalResults"].as_u64().unwrap_or_default() {
            let path = format!("{endpoint}?count=1000&startIndex={}", all.len() + 1);
            all.extend(self.by_hand(Method::GET, &path, None)["Resources"].as_array().unwrap().clone());
        }
        all
    }

    /// The users by `userName`.
    pub(crate) fn users(&self) -> BTreeMap<String, Value> {
        let name = |user: Value| (user["userName"].as_str().unwrap().to_owned(), user);
        self.all("/Users").into_iter().map(name).collect()
    }

    pub(crate) fn user_id(&self, user_name: &str) -> String {
        self.users().get(user_name).unwrap_or_else(|| panic!("no user {user_name}"))["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// The user names of the members of each group, by the names of the groups.
    pub(crate) fn members(&self) -> BTreeMap<String, BTreeSet<String>> {
        let names: BTreeMap<_, _> = self
            .users()
            .into_iter()
            .map(|(name, user)| (user["id"].as_str().unwrap().to_owned(), name))
            .collect();
        let members = |group: &Value| {
            let members = group["members"].as_array().cloned().unwrap_or_default();
            members.iter().map(|member| names[member["value"].as_str().unwrap()].clone()).collect()
        };
        let of = |group: Value| (group["displayName"].as_str().unwrap().to_owned(), members(&group));
        self.all("/Groups").into_iter().map(of).collect()
    }

    /// The access of the first member of a group.
    pub(crate) fn access(&self, group: &str) -> Value {
        self.by_hand(Method::GET, &format!("/Groups/{}", self.group_ids()[group]), None)["members"][0]["access"].clone()
    }

    pub(crate) fn create_user(&self, mut user: Value) -> String {
        user["schemas"] = json!(["urn:ietf:params:scim:schemas:core:2.0:User"]);
        self.by_hand(Method::POST, "/Users", Some(user))["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn create_group(&self, name: &str) -> String {
        let group =
            json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name });
        self.by_hand(Method::POST, "/Groups", Some(group))["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn patch(&self, path: &str, operations: Value) {
        let body =
            json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
        self.by_hand(Method::PATCH, path, Some(body));
    }

    /// The ids of the groups by their names.
    pub(crate) fn group_ids(&self) -> BTreeMap<String, String> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        self.all("/Groups").iter().map(|group| (text(&group["displayName"]), text(&group["id"]))).collect()
    }

    /// Adds or removes a member by hand.
    pub(crate) fn set_member(&self, group: &str, user: &str, is_member: bool) {
        let (path, user) = (format!("/Groups/{}", self.group_ids()[group]), self.user_id(user));
        let operation = match is_member {
            true => json!({ "op": "add", "path": "members", "value": [{ "value": user }] }),
            false => json!({ "op": "remove", "path": format!("members[value eq \"{user}\"]") }),
        };
        self.patch(&path, json!([operation]));
    }
}
