//! What the fuzz targets share: services to send requests to, and what every answer must be.

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

pub const BASE: &str = "https://example.com/scim/v2";

/// A user with a value for most attributes.
pub const USER: &str = include_str!("../../testdata/bench/user.json");

/// After so many tenants a service begins anew, so that memory does not fill.
const TENANTS: usize = 2048;

thread_local! {
    static SERVICES: RefCell<Option<(usize, [ScimService; 2])>> = const { RefCell::new(None) };
}

/// A tenant of its own on a service.
pub struct TestTenant {
    service: ScimService,
    tolerance: Tolerance,
    identity: Identity,
    /// The first user that was created, who is the one that asks.
    me: RefCell<Option<CurrentUser>>,
}

#[derive(Clone)]
struct CurrentUser(String);

pub fn service(tolerance: Tolerance, store: impl Provider + Clone + 'static) -> ScimService {
    ScimService::builder()
        .base_url(BASE)
        .tolerance(tolerance)
        .multi_tenant()
        .cursor_key(b"a key that does not change")
        .max_payload(1 << 20)
        .me(Me::new(|_, extensions| Some(("User".to_owned(), extensions.get::<CurrentUser>()?.0.clone()))))
        .users(store.clone())
        .groups(store)
        .build()
        .expect("the configuration can be kept")
}

impl TestTenant {
    /// A tenant without resources, on a strict or a lenient service.
    pub fn new(strict: bool) -> Self {
        SERVICES.with_borrow_mut(|services| {
            if services.as_ref().is_none_or(|(tenants, _)| *tenants >= TENANTS) {
                let store = || MemoryProvider::new().hash_passwords(str::to_owned);
                *services = Some((
                    0,
                    [Tolerance::lenient(), Tolerance::strict()].map(|tolerance| service(tolerance, store())),
                ));
            }
            let (tenants, services) = services.as_mut().expect("they were just made");
            *tenants += 1;
            let tolerance = if strict { Tolerance::strict() } else { Tolerance::lenient() };
            Self::on_service(services[usize::from(strict)].clone(), tolerance, &tenants.to_string())
        })
    }

    pub fn on_service(service: ScimService, tolerance: Tolerance, tenant: &str) -> Self {
        Self {
            service,
            tolerance,
            identity: Identity::new("fuzzer").in_tenant(tenant),
            me: RefCell::default(),
        }
    }

    /// Sends a request and checks what every answer must be.
    pub fn send(&self, mut request: Request<Vec<u8>>) -> Response<Vec<u8>> {
        let line = format!("{} {}", request.method(), request.uri());
        let head = request.method() == Method::HEAD;
        request.extensions_mut().insert(self.identity.clone());
        if let Some(me) = &*self.me.borrow() {
            request.extensions_mut().insert(me.clone());
        }
        let response = pollster::block_on(self.service.handle(request));
        let status = response.status();
        let shown = || format!("{line}: {status} {}", String::from_utf8_lossy(response.body()));
        // 501 is an answer to what was asked; the others say that the service is broken.
        assert!(!status.is_server_error() || status == 501, "{}", shown());
        if head || response.body().is_empty() {
            assert!(head || !status.is_client_error(), "an error has a message: {}", shown());
            return response;
        }
        assert_eq!(response.headers()[CONTENT_TYPE], "application/scim+json", "{}", shown());
        let body: Value = serde_json::from_slice(response.body()).expect("a body is JSON");
        if status.is_client_error() || status.is_server_error() {
            assert_eq!(body["status"], status.as_str(), "{}", shown());
            assert_eq!(
                body["schemas"],
                json!(["urn:ietf:params:scim:api:messages:2.0:Error"]),
                "{}",
                shown()
            );
        }
        if status == 201 && body["meta"]["resourceType"] == "User" {
            let id = body["id"].as_str().expect("a resource has an id");
            self.me.borrow_mut().get_or_insert_with(|| CurrentUser(id.to_owned()));
        }
        response
    }

    /// Sends a request that is made of a method, a path below the base, and a body.
    pub fn call(&self, method: &str, path: &str, body: impl Into<Vec<u8>>) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(format!("{BASE}{path}"))
            .header(CONTENT_TYPE, "application/scim+json")
            .body(body.into())
            .expect("it is a request");
        let response = self.send(request);
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or_default())
    }

    /// Creates a resource, if the service takes it, and gives its id.
    pub fn create(&self, path: &str, resource: impl Into<Vec<u8>>) -> Option<String> {
        let (status, created) = self.call("POST", path, resource);
        (status == 201).then(|| created["id"].as_str().expect("a resource has an id").to_owned())
    }

    /// Creates a small user.
    pub fn user(&self, name: &str) -> String {
        let user = json!({ "schemas": [standard::USER], "userName": name });
        self.create("/Users", user.to_string()).expect("it is a good user")
    }

    /// Creates a group with these members.
    pub fn group(&self, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        let group = json!({ "schemas": [standard::GROUP], "displayName": name, "members": members });
        self.create("/Groups", group.to_string()).expect("it is a good group")
    }

    /// Checks every resource of the tenant; how many there are.
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

    /// Creates two users and a group of the first one: their ids.
    pub fn create_users_and_group(&self) -> Vec<String> {
        let [anna, bert] = ["anna", "bert"].map(|name| self.user(name));
        let group = self.group("others", &[&anna]);
        vec![anna, bert, group]
    }

    /// Checks that a stored resource is one that the service itself accepts, and that its members exist.
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
            assert!(found, "no such member: {resource}");
        }
    }
}

/// A resource in the form in which the library passes it to a provider, if it is valid.
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

/// Puts in the ids that an input cannot know: `$0` stands for the first, `$9` for the tenth.
pub fn replace_ids(text: &[u8], ids: &[String]) -> Vec<u8> {
    let mut filled = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        let digit = rest.as_slice().first().filter(|_| *byte == b'$').map(|digit| digit.wrapping_sub(b'0'));
        match digit.and_then(|digit| ids.get(usize::from(digit))) {
            Some(name) => {
                filled.extend_from_slice(name.as_bytes());
                rest.next();
            }
            None => filled.push(*byte),
        }
    }
    filled
}
