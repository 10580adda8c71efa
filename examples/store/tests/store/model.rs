//! What the store makes of a request is what the provider in memory makes of it, which in turn is
//! tested against PATCH on the whole resource.

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

/// A service on one provider, whose ids are shown as the names that the test gives them.
struct PageSide<'a> {
    runtime: &'a Runtime,
    service: ScimService,
    tenant: String,
    names: Vec<(String, String)>,
}

impl<'a> PageSide<'a> {
    fn new(
        runtime: &'a Runtime,
        provider: impl Provider + Clone + 'static,
        on: &ResourceType,
        tolerance: Tolerance,
    ) -> Self {
        let mut builder = ScimService::builder().base_url("https://scim.example.com").tolerance(tolerance);
        if on.name() != "User" {
            builder = builder.users(provider.clone());
        }
        let service = builder.resource(on.clone(), provider).build().unwrap();
        Self { runtime, service, tenant: support::tenant(), names: Vec::new() }
    }

    /// The status and the body, in which ids have their names and times are left out.
    fn send(&self, method: &Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let real = |text: &str| {
            self.names.iter().fold(text.to_owned(), |text, (name, id)| text.replace(name.as_str(), id))
        };
        let request = Request::builder()
            .method(method)
            .uri(real(path))
            .header("content-type", "application/scim+json")
            .extension(Identity::new("tests").in_tenant(&self.tenant))
            .body(body.map(|body| real(&body.to_string())).unwrap_or_default());
        let response = self.runtime.block_on(self.service.handle(request.unwrap()));
        let text = String::from_utf8(response.body().to_vec()).unwrap();
        let text = self.names.iter().fold(text, |text, (name, id)| text.replace(id.as_str(), name));
        (response.status().as_u16(), serde_json::from_str(&text).unwrap_or_default())
    }

    /// Creates a resource that has this name from now on.
    fn create(&mut self, name: &str, path: &str, body: &Value) -> u16 {
        let (status, body) = self.send(&Method::POST, path, Some(body));
        if let Some(id) = body["id"].as_str() {
            self.names.push((name.to_owned(), id.to_owned()));
        }
        status
    }
}

/// What a request came to: the answer, the resource afterwards, and whether its version has moved.
fn outcome(side: &PageSide<'_>, method: &Method, path: &str, body: &Value) -> (u16, Value, Value, bool) {
    let before = side.send(&Method::GET, path, None).1;
    let (status, mut answer) = side.send(method, path, Some(body));
    let mut after = side.send(&Method::GET, path, None).1;
    let moved = before["meta"]["version"] != after["meta"]["version"];
    for shown in [&mut answer, &mut after] {
        shown.as_object_mut().map(|object| object.remove("meta"));
    }
    (status, answer, after, moved)
}

/// Users, and a list of them whose elements have a sub-attribute that may change.
fn boats() -> ResourceType {
    let fixed = |name| Attribute::string(name).with_mutability(Mutability::Immutable);
    let crew = Attribute::complex(
        "crew",
        [fixed("value"), Attribute::reference("$ref", ["User"]), fixed("display"), Attribute::string("role")],
    );
    let uri = "urn:example:params:scim:schemas:core:2.0:Boat";
    let boat = Schema::new(uri, "Boat", [Attribute::string("displayName"), crew.multi_valued()]).unwrap();
    ResourceType::builder("Boat", "/Boats", boat).build().unwrap()
}

/// An element of the list; `names` are those that a client may give it.
fn element(random: &mut Random, names: &[&str], role: bool) -> Value {
    let who = random.below(4);
    let mut element = json!({ "value": format!("<user{who}>") });
    match random.below(4) {
        0 => element["display"] = json!(format!("user{who}")),
        1 => element["display"] = json!(random.pick(names)),
        _ => {}
    }
    if role && random.below(2) == 0 {
        element["role"] = json!(random.pick(&["mate", "cook"]));
    } else if !role && random.below(6) == 0 {
        element["type"] = json!("User");
    }
    element
}

fn elements(random: &mut Random, role: bool) -> Value {
    (0..random.below(4)).map(|_| element(random, &["Bea", "Cy"], role)).collect()
}

/// A request about the list.
fn request(random: &mut Random, (uri, list): (&str, &str), role: bool) -> (Method, Value) {
    let who = format!("{list}[value eq \"<user{}>\"]", random.below(4));
    let mut operations = Vec::new();
    for _ in 0..=random.below(3) {
        operations.push(match random.below(9) {
            0 => json!({ "op": "remove", "path": who }),
            1 => json!({ "op": "remove", "path": list }),
            2 => json!({ "op": "replace", "path": list, "value": elements(random, role) }),
            3 => json!({ "op": "replace", "path": "displayName", "value": random.pick(&["One", "Two"]) }),
            4 => json!({ "op": "replace", "path": format!("{who}.display"), "value": "Bea" }),
            5 if role => json!({ "op": "replace", "path": format!("{who}.role"), "value": "cook" }),
            _ => json!({ "op": "add", "path": list, "value": elements(random, role) }),
        });
    }
    if random.below(5) > 0 {
        return (Method::PATCH, json!({ "schemas": [PATCH_OP], "Operations": operations }));
    }
    let mut replacement = json!({ "schemas": [uri], "displayName": random.pick(&["One", "Two"]) });
    if random.below(4) > 0 {
        replacement[list] = elements(random, role);
    }
    (Method::PUT, replacement)
}

#[test]
fn lists_of_members_become_what_they_become_in_memory() {
    let runtime = support::runtime();
    for database in support::databases() {
        for (on, path, list, role) in
            [(standard::group_type(), "/Groups", "members", false), (boats(), "/Boats", "crew", true)]
        {
            let store = support::open(&runtime, &database);
            let mut memory = PageSide::new(&runtime, MemoryProvider::new(), &on, Tolerance::interop());
            let mut stored = PageSide::new(&runtime, store, &on, Tolerance::interop());
            let uri = on.schema().id();
            for side in [&mut memory, &mut stored] {
                for n in 0..4 {
                    side.create(&format!("<user{n}>"), "/Users", &user(&format!("user{n}")));
                }
                let list_of = json!([{ "value": "<user0>" }, { "value": "<user1>", "display": "Bea" }]);
                let group = json!({ "schemas": [uri], "displayName": "One", list: list_of });
                assert_eq!(side.create("<group>", path, &group), 201);
            }
            let path = format!("{path}/<group>");
            let mut random = Random(0x5eed_cafe);
            let mut moves = 0;
            for _ in 0..400 {
                let (method, body) = request(&mut random, (uri, list), role);
                let [expected, found] = [&memory, &stored].map(|side| outcome(side, &method, &path, &body));
                assert_eq!(found, expected, "{}: {method} {body}", database.url);
                moves += usize::from(found.3);
            }
            assert!((100..390).contains(&moves), "{moves} of 400 change something");
        }
    }
}

fn resource_type(file: &Value, case: &Value) -> ResourceType {
    let name = case["type"].as_str().unwrap_or("User");
    let of_file = file["types"].as_array().into_iter().flatten().find(|one| one["name"] == name);
    let Some(one) = of_file else {
        return if name == "Group" { standard::group_type() } else { standard::user_type() };
    };
    let schema = |json: &Value| Schema::from_value(json).unwrap();
    let mut builder = ResourceType::builder(name, format!("/{name}s"), schema(&one["schema"]));
    for extension in one["extensions"].as_array().into_iter().flatten() {
        builder = builder.extension(schema(extension));
    }
    for extension in one["required_extensions"].as_array().into_iter().flatten() {
        builder = builder.required_extension(schema(extension));
    }
    builder.build().unwrap()
}

#[test]
fn patches_come_to_what_they_come_to_in_memory() {
    let runtime = support::runtime();
    for database in support::databases() {
        let (mut changed, mut failures) = (0, Vec::new());
        // One for each type, since several in one file have the same name and schema.
        let mut stores = HashMap::new();
        for file in testdata::files("patch").into_iter().map(|path| testdata::load::<Value>(&path)) {
            for case in file["cases"].as_array().unwrap() {
                let on = resource_type(&file, case);
                let mut seed = case["resource"].as_object().cloned().unwrap_or_default();
                on.update_schemas(&mut seed);
                if seed.get("userName").is_none() && on.name() == "User" {
                    seed.insert("userName".to_owned(), json!("somebody"));
                }
                let own = (on.name().to_owned(), file["types"].to_string());
                let open = || support::open(&runtime, &database).keep_unknown_members();
                let store = stores.entry(own).or_insert_with(open).clone();
                let memory = MemoryProvider::new().keep_unknown_members().hash_passwords(|_| String::new());
                let mut memory = PageSide::new(&runtime, memory, &on, Tolerance::lenient());
                let mut stored = PageSide::new(&runtime, store, &on, Tolerance::lenient());
                let seed = Value::Object(seed);
                let made = [&mut memory, &mut stored].map(|side| side.create("<it>", on.endpoint(), &seed));
                assert_eq!(made[0], made[1], "{}: {seed}", database.url);
                let body = match &case["operations"] {
                    Value::Null => case["message"].clone(),
                    Value::Array(all) => {
                        json!({ "schemas": [PATCH_OP], "Operations": all })
                    }
                    one => patch(one.clone()).unwrap(),
                };
                if made[0] != 201 || body.is_null() {
                    continue;
                }
                let path = format!("{}/<it>", on.endpoint());
                let [expected, found] =
                    [&memory, &stored].map(|side| outcome(side, &Method::PATCH, &path, &body));
                changed += usize::from(found.3);
                if found != expected {
                    failures.push(format!("{}\n  is {found:?}\n  not {expected:?}", case["name"]));
                }
            }
        }
        let (failed, url) = (failures.len(), &database.url);
        assert!(failures.is_empty(), "{failed} fail on {url}:\n{}", failures.join("\n"));
        assert!(changed > 200, "{changed} cases change something");
    }
}
