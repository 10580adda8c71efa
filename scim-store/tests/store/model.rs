//! Checks that requests have the same results with the store as with the memory provider. The tests of scim-core compare
//! the memory provider in turn with a PATCH that is applied to the whole resource.

use std::collections::HashMap;

use crate::support;
use crate::support::random::Random;
use crate::support::service::{patch, user};
use http::{Method, Request};
use scim_core::patch::PATCH_OP;
use scim_core::schema::{Attribute, Mutability, ResourceType, Schema, Tolerance, standard};
use scim_core::{Identity, MemoryProvider, Provider, ScimService};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// A service on one provider. In its responses, ids are replaced by names that the test chooses, so that the responses
/// of two services can be compared.
struct TestService<'a> {
    runtime: &'a Runtime,
    service: ScimService,
    tenant: String,
    names: Vec<(String, String)>,
}

impl<'a> TestService<'a> {
    fn new(
        runtime: &'a Runtime,
        provider: impl Provider + Clone + 'static,
        resource_type: &ResourceType,
        tolerance: Tolerance,
    ) -> Self {
        let mut builder = ScimService::builder().base_url("https://scim.example.com").tolerance(tolerance);
        if resource_type.name() != "User" {
            builder = builder.users(provider.clone());
        }
        let service = builder.resource(resource_type.clone(), provider).build().unwrap();
        Self { runtime, service, tenant: support::tenant(), names: Vec::new() }
    }

    /// Sends a request. Replaces names by ids in the request, and ids by names in the body of the response.
    fn send(&self, method: &Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let with_ids = |text: &str| {
            self.names.iter().fold(text.to_owned(), |text, (name, id)| text.replace(name.as_str(), id))
        };
        let request = Request::builder()
            .method(method)
            .uri(with_ids(path))
            .header("content-type", "application/scim+json")
            .extension(Identity::new("tests").in_tenant(&self.tenant))
            .body(body.map(|body| with_ids(&body.to_string())).unwrap_or_default());
        let response = self.runtime.block_on(self.service.handle(request.unwrap()));
        let text = String::from_utf8(response.body().to_vec()).unwrap();
        let text = self.names.iter().fold(text, |text, (name, id)| text.replace(id.as_str(), name));
        (response.status().as_u16(), serde_json::from_str(&text).unwrap_or_default())
    }

    /// Creates a resource, and gives its id this name.
    fn create(&mut self, name: &str, path: &str, body: &Value) -> u16 {
        let (status, body) = self.send(&Method::POST, path, Some(body));
        if let Some(id) = body["id"].as_str() {
            self.names.push((name.to_owned(), id.to_owned()));
        }
        status
    }
}

/// Sends a request. Returns the response, the resource afterwards, and whether its version has changed.
fn outcome(
    service: &TestService<'_>,
    method: &Method,
    path: &str,
    body: &Value,
) -> (u16, Value, Value, bool) {
    let before = service.send(&Method::GET, path, None).1;
    let (status, mut answer) = service.send(method, path, Some(body));
    let mut after = service.send(&Method::GET, path, None).1;
    let has_changed = before["meta"]["version"] != after["meta"]["version"];
    for object in [&mut answer, &mut after] {
        object.as_object_mut().map(|object| object.remove("meta"));
    }
    (status, answer, after, has_changed)
}

/// A resource type with a list of users, whose elements have a sub-attribute that can change.
fn boats() -> ResourceType {
    let immutable = |name| Attribute::string(name).with_mutability(Mutability::Immutable);
    let crew = Attribute::complex(
        "crew",
        [
            immutable("value"),
            Attribute::reference("$ref", ["User"]),
            immutable("display"),
            Attribute::string("role"),
        ],
    );
    let uri = "urn:example:params:scim:schemas:core:2.0:Boat";
    let boat = Schema::new(uri, "Boat", [Attribute::string("displayName"), crew.multi_valued()]).unwrap();
    ResourceType::builder("Boat", "/Boats", boat).build().unwrap()
}

/// An element of the list. `names` are the values of `display` to choose from.
fn element(random: &mut Random, names: &[&str], has_role: bool) -> Value {
    let user = random.below(4);
    let mut element = json!({ "value": format!("<user{user}>") });
    match random.below(4) {
        0 => element["display"] = json!(format!("user{user}")),
        1 => element["display"] = json!(random.pick(names)),
        _ => {}
    }
    if has_role && random.below(2) == 0 {
        element["role"] = json!(random.pick(&["mate", "cook"]));
    } else if !has_role && random.below(6) == 0 {
        element["type"] = json!("User");
    }
    element
}

fn elements(random: &mut Random, has_role: bool) -> Value {
    (0..random.below(4)).map(|_| element(random, &["Bea", "Cy"], has_role)).collect()
}

/// A random request that changes the list.
fn request(random: &mut Random, (uri, list): (&str, &str), has_role: bool) -> (Method, Value) {
    let selected = format!("{list}[value eq \"<user{}>\"]", random.below(4));
    let mut operations = Vec::new();
    for _ in 0..=random.below(3) {
        operations.push(match random.below(9) {
            0 => json!({ "op": "remove", "path": selected }),
            1 => json!({ "op": "remove", "path": list }),
            2 => json!({ "op": "replace", "path": list, "value": elements(random, has_role) }),
            3 => json!({ "op": "replace", "path": "displayName", "value": random.pick(&["One", "Two"]) }),
            4 => json!({ "op": "replace", "path": format!("{selected}.display"), "value": "Bea" }),
            5 if has_role => json!({ "op": "replace", "path": format!("{selected}.role"), "value": "cook" }),
            _ => json!({ "op": "add", "path": list, "value": elements(random, has_role) }),
        });
    }
    if random.below(5) > 0 {
        return (Method::PATCH, json!({ "schemas": [PATCH_OP], "Operations": operations }));
    }
    let mut replacement = json!({ "schemas": [uri], "displayName": random.pick(&["One", "Two"]) });
    if random.below(4) > 0 {
        replacement[list] = elements(random, has_role);
    }
    (Method::PUT, replacement)
}

#[test]
fn random_changes_of_members_have_the_same_result_as_in_memory() {
    let runtime = support::runtime();
    for database in support::databases() {
        for (resource_type, path, list, has_role) in
            [(standard::group_type(), "/Groups", "members", false), (boats(), "/Boats", "crew", true)]
        {
            let store = support::open(&runtime, &database);
            let mut memory =
                TestService::new(&runtime, MemoryProvider::new(), &resource_type, Tolerance::interop());
            let mut stored = TestService::new(&runtime, store, &resource_type, Tolerance::interop());
            let uri = resource_type.schema().id();
            for service in [&mut memory, &mut stored] {
                for n in 0..4 {
                    service.create(&format!("<user{n}>"), "/Users", &user(&format!("user{n}")));
                }
                let elements = json!([{ "value": "<user0>" }, { "value": "<user1>", "display": "Bea" }]);
                let group = json!({ "schemas": [uri], "displayName": "One", list: elements });
                assert_eq!(service.create("<group>", path, &group), 201);
            }
            let path = format!("{path}/<group>");
            let mut random = Random(0x5eed_cafe);
            let mut changes = 0;
            for _ in 0..400 {
                let (method, body) = request(&mut random, (uri, list), has_role);
                let [expected, found] =
                    [&memory, &stored].map(|service| outcome(service, &method, &path, &body));
                assert_eq!(found, expected, "{}: {method} {body}", database.url);
                changes += usize::from(found.3);
            }
            assert!((100..390).contains(&changes), "{changes} of 400 requests change something");
        }
    }
}

fn resource_type(file: &Value, case: &Value) -> ResourceType {
    let name = case["type"].as_str().unwrap_or("User");
    let definition =
        file["types"].as_array().into_iter().flatten().find(|definition| definition["name"] == name);
    let Some(definition) = definition else {
        return if name == "Group" { standard::group_type() } else { standard::user_type() };
    };
    let schema = |json: &Value| Schema::from_value(json).unwrap();
    let mut builder = ResourceType::builder(name, format!("/{name}s"), schema(&definition["schema"]));
    for extension in definition["extensions"].as_array().into_iter().flatten() {
        builder = builder.extension(schema(extension));
    }
    for extension in definition["required_extensions"].as_array().into_iter().flatten() {
        builder = builder.required_extension(schema(extension));
    }
    builder.build().unwrap()
}

#[test]
fn the_cases_of_testdata_have_the_same_result_as_in_memory() {
    let runtime = support::runtime();
    for database in support::databases() {
        let (mut changed, mut failures) = (0, Vec::new());
        // A store for each type, since types of several files have the same name and schema.
        let mut stores = HashMap::new();
        for file in testdata::files("patch").into_iter().map(|path| testdata::load::<Value>(&path)) {
            for case in file["cases"].as_array().unwrap() {
                let resource_type = resource_type(&file, case);
                let mut seed = case["resource"].as_object().cloned().unwrap_or_default();
                resource_type.update_schemas(&mut seed);
                if seed.get("userName").is_none() && resource_type.name() == "User" {
                    seed.insert("userName".to_owned(), json!("somebody"));
                }
                let key = (resource_type.name().to_owned(), file["types"].to_string());
                let open = || support::open(&runtime, &database).keep_unknown_members();
                let store = stores.entry(key).or_insert_with(open).clone();
                let memory = MemoryProvider::new().keep_unknown_members().hash_passwords(|_| String::new());
                let mut memory = TestService::new(&runtime, memory, &resource_type, Tolerance::lenient());
                let mut stored = TestService::new(&runtime, store, &resource_type, Tolerance::lenient());
                let seed = Value::Object(seed);
                let statuses = [&mut memory, &mut stored]
                    .map(|service| service.create("<it>", resource_type.endpoint(), &seed));
                assert_eq!(statuses[0], statuses[1], "{}: {seed}", database.url);
                let body = match &case["operations"] {
                    Value::Null => case["message"].clone(),
                    Value::Array(operations) => {
                        json!({ "schemas": [PATCH_OP], "Operations": operations })
                    }
                    operation => patch(operation.clone()).unwrap(),
                };
                if statuses[0] != 201 || body.is_null() {
                    continue;
                }
                let path = format!("{}/<it>", resource_type.endpoint());
                let [expected, found] =
                    [&memory, &stored].map(|service| outcome(service, &Method::PATCH, &path, &body));
                changed += usize::from(found.3);
                if found != expected {
                    failures.push(format!("{}\n  found    {found:?}\n  expected {expected:?}", case["name"]));
                }
            }
        }
        let (failed, url) = (failures.len(), &database.url);
        assert!(failures.is_empty(), "{failed} cases fail on {url}:\n{}", failures.join("\n"));
        assert!(changed > 200, "{changed} cases change something");
    }
}
