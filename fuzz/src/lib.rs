//! Shared by the fuzz targets: services that answer requests, and the checks of their responses.

use std::cell::RefCell;
use std::sync::LazyLock;

use http::header::CONTENT_TYPE;
use http::{Method, Request, Response};
use scim_core::schema::{ReadContext, ResourceType, Tolerance, standard};
use scim_core::{Identity, Me, MemoryProvider, Provider, ScimService};
use serde_json::{Map, Value, json};

/// The resource types of every service.
pub static TYPES: LazyLock<[ResourceType; 2]> =
    LazyLock::new(|| [standard::user_type(), standard::group_type()]);

/// The base URL of every service.
pub const BASE_URL: &str = "https://example.com/scim/v2";

/// A user with a value for most attributes.
pub const USER: &str = include_str!("../../testdata/bench/user.json");

/// After this number of tenants the services are replaced by new ones, so that they do not fill the memory.
const MAX_TENANTS: usize = 2048;

thread_local! {
    static SERVICES: RefCell<Option<(usize, [ScimService; 2])>> = const { RefCell::new(None) };
}

/// A tenant on a service.
pub struct TestTenant {
    service: ScimService,
    tolerance: Tolerance,
    identity: Identity,
    /// The first user that was created. `/Me` stands for this user.
    me: RefCell<Option<CurrentUser>>,
}

#[derive(Clone)]
struct CurrentUser(String);

/// Builds a service on a provider.
pub fn service(tolerance: Tolerance, store: impl Provider + Clone + 'static) -> ScimService {
    ScimService::builder()
        .base_url(BASE_URL)
        .tolerance(tolerance)
        .multi_tenant()
        .cursor_key(b"a key that does not change")
        .max_payload(1 << 20)
        .me(Me::new(|_, extensions| Some(("User".to_owned(), extensions.get::<CurrentUser>()?.0.clone()))))
        .users(store.clone())
        .groups(store)
        .build()
        .expect("the options are valid")
}

impl TestTenant {
    /// Creates a tenant without resources, on a strict or a lenient service.
    pub fn new(strict: bool) -> Self {
        SERVICES.with_borrow_mut(|services| {
            if services.as_ref().is_none_or(|(tenants, _)| *tenants >= MAX_TENANTS) {
                let store = || MemoryProvider::new().hash_passwords(str::to_owned);
                *services = Some((
                    0,
                    [Tolerance::lenient(), Tolerance::strict()].map(|tolerance| service(tolerance, store())),
                ));
            }
            let (tenants, services) = services.as_mut().expect("the services were just created");
            *tenants += 1;
            let tolerance = if strict { Tolerance::strict() } else { Tolerance::lenient() };
            Self::on_service(services[usize::from(strict)].clone(), tolerance, &tenants.to_string())
        })
    }

    /// Creates a client of a tenant on a given service.
    pub fn on_service(service: ScimService, tolerance: Tolerance, tenant: &str) -> Self {
        Self {
            service,
            tolerance,
            identity: Identity::new("fuzzer").in_tenant(tenant),
            me: RefCell::default(),
        }
    }

    /// Sends a request, and checks the rules that every response must follow.
    pub fn send(&self, mut request: Request<Vec<u8>>) -> Response<Vec<u8>> {
        let line = format!("{} {}", request.method(), request.uri());
        let is_head = request.method() == Method::HEAD;
        request.extensions_mut().insert(self.identity.clone());
        if let Some(me) = &*self.me.borrow() {
            request.extensions_mut().insert(me.clone());
        }
        let response = pollster::block_on(self.service.handle(request));
        let status = response.status();
        let exchange = || format!("{line}: {status} {}", String::from_utf8_lossy(response.body()));
        // 501 means that the service does not support the request. Other 5xx statuses mean that the service has a fault.
        assert!(!status.is_server_error() || status == 501, "{}", exchange());
        if is_head || response.body().is_empty() {
            assert!(is_head || !status.is_client_error(), "an error without a body: {}", exchange());
            return response;
        }
        assert_eq!(response.headers()[CONTENT_TYPE], "application/scim+json", "{}", exchange());
        let body: Value = serde_json::from_slice(response.body()).expect("a body is JSON");
        if status.is_client_error() || status.is_server_error() {
            assert_eq!(body["status"], status.as_str(), "{}", exchange());
            assert_eq!(
                body["schemas"],
                json!(["urn:ietf:params:scim:api:messages:2.0:Error"]),
                "{}",
                exchange()
            );
        }
        if status == 201 && body["meta"]["resourceType"] == "User" {
            let id = body["id"].as_str().expect("a resource has an id");
            self.me.borrow_mut().get_or_insert_with(|| CurrentUser(id.to_owned()));
        }
        response
    }

    /// Sends a request with a method, a path relative to the base URL, and a body. Returns the status and the JSON.
    pub fn call(&self, method: &str, path: &str, body: impl Into<Vec<u8>>) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(format!("{BASE_URL}{path}"))
            .header(CONTENT_TYPE, "application/scim+json")
            .body(body.into())
            .expect("the request is valid");
        let response = self.send(request);
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or_default())
    }

    /// Creates a resource. Returns its id, or `None` if the service refuses it.
    pub fn create(&self, path: &str, resource: impl Into<Vec<u8>>) -> Option<String> {
        let (status, created) = self.call("POST", path, resource);
        (status == 201).then(|| created["id"].as_str().expect("a resource has an id").to_owned())
    }

    /// Creates a user with a name only. Returns its id.
    pub fn user(&self, name: &str) -> String {
        let user = json!({ "schemas": [standard::USER], "userName": name });
        self.create("/Users", user.to_string()).expect("the user is valid")
    }

    /// Creates a group with these members. Returns its id.
    pub fn group(&self, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        let group = json!({ "schemas": [standard::GROUP], "displayName": name, "members": members });
        self.create("/Groups", group.to_string()).expect("the group is valid")
    }

    /// Checks every resource of the tenant. Returns the number of resources.
    pub fn check_all(&self) -> usize {
        let mut total = 0;
        for resource_type in TYPES.iter() {
            let (status, list) = self.call("GET", resource_type.endpoint(), "");
            assert_eq!(status, 200);
            for resource in list["Resources"].as_array().into_iter().flatten() {
                total += 1;
                self.check(resource_type, resource);
            }
        }
        total
    }

    /// Creates two users, and a group with the first one as its member. Returns the three ids.
    pub fn create_users_and_group(&self) -> Vec<String> {
        let [anna, bert] = ["anna", "bert"].map(|name| self.user(name));
        let group = self.group("others", &[&anna]);
        vec![anna, bert, group]
    }

    /// Checks that a stored resource is valid and that its members exist.
    pub fn check(&self, resource_type: &ResourceType, resource: &Value) {
        let mut map = resource.as_object().expect("a resource is an object").clone();
        resource_type
            .normalize(&mut map, &mut ReadContext::new(&self.tolerance))
            .unwrap_or_else(|error| panic!("{error}: {resource}"));
        resource_type.validate(&map, None).unwrap_or_else(|error| panic!("{error}: {resource}"));
        for member in resource["members"].as_array().into_iter().flatten() {
            let id = member["value"].as_str().expect("a member has an id");
            let found = ["Users", "Groups"]
                .iter()
                .any(|path| self.call("GET", &format!("/{path}/{id}"), "").0 == 200);
            assert!(found, "the member `{id}` does not exist: {resource}");
        }
    }
}

/// Normalizes a resource as the library does before it calls a provider. Returns `None` if the resource is invalid.
pub fn normalized(
    resource_type: &ResourceType,
    resource: &[u8],
    tolerance: &Tolerance,
) -> Option<Map<String, Value>> {
    let mut map: Map<String, Value> = serde_json::from_slice(resource).ok()?;
    resource_type.normalize(&mut map, &mut ReadContext::new(tolerance)).ok()?;
    resource_type.validate(&map, None).ok()?;
    Some(map)
}

/// Replaces `$0` to `$9` in an input by ids, which an input cannot contain since the service makes them.
pub fn replace_ids(text: &[u8], ids: &[String]) -> Vec<u8> {
    let mut filled = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        let digit = rest.as_slice().first().filter(|_| *byte == b'$').map(|digit| digit.wrapping_sub(b'0'));
        match digit.and_then(|digit| ids.get(usize::from(digit))) {
            Some(id) => {
                filled.extend_from_slice(id.as_bytes());
                rest.next();
            }
            None => filled.push(*byte),
        }
    }
    filled
}
