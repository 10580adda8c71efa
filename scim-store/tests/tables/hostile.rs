//! Hostile values come back as they were sent, or are refused; they are never executed.
//!
//! There are 150 values for each form and database, and 10,000 with `SCIM_SOAK=1`.

use http::Method;
use serde_json::{Value, json};

use crate::application::{Application, Form};
use crate::client::{Client, group, id, patch, user};
use crate::support;
use crate::support::random::Random;

const FRAGMENTS: [&str; 40] = [
    "'",
    "\"",
    "`",
    ";",
    "--",
    "/*",
    "*/",
    "\0",
    "\\",
    "\\'",
    "%",
    "_",
    "{}",
    "{0}",
    "$1",
    "?1",
    ":a",
    "@a",
    "$$",
    "E'",
    "é",
    "İ",
    "ß",
    "日本",
    "\u{202e}",
    "\u{10ffff}",
    "\u{feff}",
    "e\u{301}",
    " ",
    "\n",
    "\t",
    "\r",
    "\u{1}",
    "NULL",
    "'; DROP TABLE people; --",
    "' OR '1'='1",
    "\"; DELETE FROM people; --",
    "1); DELETE FROM teams; --",
    "[\"a\"]",
    "{\"a\":1}",
];

fn value(random: &mut Random) -> String {
    let mut value: String = (0..random.below(5)).map(|_| random.pick(&FRAGMENTS)).collect();
    match random.below(40) {
        0 => value.push_str(&"x".repeat(random.below(100_000))),
        // Texts that a database cannot compress, so that they do not fit into an index.
        1 => value.extend(
            (0..random.below(20_000)).map(|_| random.pick(&['a', 'b', 'c', 'é', '%', '\'', '\\', '0'])),
        ),
        2 => value.insert_str(0, &" ".repeat(3)),
        _ => value.push_str(random.pick(&["", "a", "B", "7"])),
    }
    value
}

fn encoded(value: &str) -> String {
    value.bytes().take(2_000).map(|byte| format!("%{byte:02X}")).collect()
}

/// The text attributes of users in a form.
fn attributes(form: Form) -> &'static [&'static str] {
    match form {
        Form::Users => &["title"],
        Form::Organization => &["externalId", "displayName", "department"],
        Form::Soft => &["displayName", "nickName"],
        // Both are in the JSON column.
        Form::Folded => &["title", "externalId"],
        Form::CaseInsensitive => &["title", "preferredLanguage"],
        Form::Distributed => &["displayName", "externalId", "title"],
    }
}

/// Requests with one value after another.
struct Attack<'a> {
    client: Client<'a>,
    random: Random,
    form: Form,
    victim: String,
    team: String,
    users: usize,
    stored: usize,
    refused: usize,
}

impl Attack<'_> {
    /// Checks a write of an attribute: it comes back as it was sent, or was refused.
    fn check_write(&mut self, path: Option<&str>, status: u16, attribute: &str, value: &str) {
        if status == 400 {
            self.refused += 1;
            return;
        }
        assert!(matches!(status, 200 | 201 | 204), "{status} for {attribute} {value:?}");
        self.stored += 1;
        let read = self.client.get(path.unwrap()).body;
        let found = match attribute {
            "department" => &read["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"][attribute],
            _ => &read[attribute],
        };
        assert_eq!(found, value, "{attribute}");
        // Other than ASCII, only columns with folded texts are compared as SCIM compares.
        if (value.is_ascii() || attribute == "userName" && self.form == Form::Folded) && value.len() < 5_000 {
            let filter = format!("{attribute} eq {}", json!(value));
            let page = self.client.search("/Users", json!({ "filter": filter }));
            assert_eq!(page.status, 200, "{filter:?}: {}", page.body);
            let total = page.body["totalResults"].as_u64().unwrap();
            assert!(total >= 1 && (attribute != "userName" || total == 1), "{filter:?} finds {total}");
        }
    }

    fn create(&mut self, value: &str, number: usize) {
        let name = format!("{value}{number}");
        let response = self.client.send(Method::POST, "/Users", Some(user(&name)));
        let path = response.body["id"].as_str().map(|id| format!("/Users/{id}"));
        self.users += usize::from(response.status == 201);
        self.check_write(path.as_deref(), response.status, "userName", &name);
    }

    fn change(&mut self, value: &str) {
        let attribute = self.random.pick(attributes(self.form));
        let response =
            self.client.patch(&self.victim, json!({ "op": "replace", "path": attribute, "value": value }));
        self.check_write(Some(&self.victim.clone()), response.status, attribute, value);
    }

    /// Sends the value as a filter's operand, an id, a path, a name and a cursor. Returns the statuses.
    fn read(&mut self, value: &str) -> Vec<(&'static str, u16)> {
        let attribute = self.random.pick(attributes(self.form));
        let op = self.random.pick(&["eq", "ne", "co", "sw", "ew", "gt", "le"]);
        let client = &self.client;
        let search = |search: Value| client.search("/Users", search).status;
        vec![
            ("filter", search(json!({ "filter": format!("{attribute} {op} {}", json!(value)) }))),
            ("id filter", search(json!({ "filter": format!("id {op} {}", json!(value)) }))),
            ("created", search(json!({ "filter": format!("meta.created gt {}", json!(value)) }))),
            ("whole filter", search(json!({ "filter": value }))),
            ("sortBy", search(json!({ "sortBy": value }))),
            ("attributes", search(json!({ "attributes": [value] }))),
            ("cursor", search(json!({ "cursor": value }))),
            ("query", client.get(&format!("/Users?filter={}", encoded(value))).status),
        ]
    }

    /// Sends the value as the id of a resource.
    fn refer(&mut self, value: &str) {
        let (client, path) = (&self.client, format!("/Users/{}x", encoded(value)));
        for method in [Method::GET, Method::DELETE] {
            let status = client.send(method.clone(), &path, None).status;
            assert!(matches!(status, 400 | 404), "{method} {value:?}: {status}");
        }
        let path = self.random.pick(&["displayName", "members", "members.display"]);
        let operation = json!({ "op": "remove", "path": format!("{path}[value eq {}]", json!(value)) });
        assert!(client.patch(&self.team, operation).status < 500, "{value:?}");
        let reference = json!([{ "value": format!("{value}x") }]);
        let add = client.patch(&self.team, json!({ "op": "add", "path": "members", "value": reference }));
        assert_eq!(add.status, 400, "{value:?}: {}", add.body);
        if self.form == Form::Organization {
            let manager =
                json!({ "op": "add", "path": "manager", "value": { "value": format!("{value}x") } });
            assert_eq!(client.patch(&self.victim, manager).status, 400, "{value:?}");
        }
        let path = client.patch(&self.victim, json!({ "op": "remove", "path": value }));
        assert!(path.status < 500, "{value:?}: {}", path.body);
    }
}

fn run(form: Form) {
    let is_soak = std::env::var("SCIM_SOAK").is_ok_and(|value| value == "1");
    let values = if is_soak { 10_000 } else { 150 };
    let runtime = support::runtime();
    for application in Application::all(&runtime, form) {
        let client = Client::new(&runtime, &application, &application.store(&runtime));
        let (victim, _) = client.create("/Users", user("victim"));
        let (witness, created) = client.create("/Users", user("witness"));
        let team = match application.has_groups() {
            true => client.create("/Groups", group("All", &[&witness])).0,
            false => "/Users/none".to_owned(),
        };
        let random = Random(0x5eed_cafe);
        let mut attack = Attack { client, random, form, victim, team, users: 2, stored: 0, refused: 0 };
        for number in 0..values {
            let value = value(&mut attack.random);
            match number % 4 {
                0 => attack.create(&value, number),
                1 => attack.change(&value),
                2 => {
                    for (place, status) in attack.read(&value) {
                        assert!(matches!(status, 200 | 400), "{place}: {status} for {value:?}");
                    }
                }
                _ if application.has_groups() => attack.refer(&value),
                _ => {}
            }
        }
        let Attack { client, users, stored, refused, team, .. } = attack;
        println!("{form:?} {}: {stored} stored, {refused} refused", application.database.url);
        assert!(stored > values / 4 && refused > 0, "{stored} stored, {refused} refused");
        assert_eq!(client.get(&witness).body["meta"], created.body["meta"]);
        assert_eq!(client.search("/Users", json!({ "count": 0 })).body["totalResults"], users);
        if application.has_groups() {
            assert_eq!(client.get(&team).body["members"][0]["value"], id(&witness));
        }
        let rename = patch([json!({ "op": "replace", "path": "userName", "value": "witness2" })]);
        for version in ["*\"", "W/\"'; DROP TABLE people; --\"", "\"{}\"", "W/\"$1\", \"?1\""] {
            let response =
                runtime.block_on(client.call(&Method::PATCH, &witness, Some(&rename), Some(version)));
            assert!(matches!(response.status, 400 | 412), "{version}: {}", response.status);
        }
    }
}

#[test]
fn users_without_tenants() {
    run(Form::Users);
}

#[test]
fn users_and_groups_in_tenants() {
    run(Form::Organization);
}

#[test]
fn uuids_and_rows_that_are_marked_as_deleted() {
    run(Form::Soft);
}

#[test]
fn child_tables_and_folded_columns() {
    run(Form::Folded);
}

#[test]
fn columns_that_ignore_case() {
    run(Form::CaseInsensitive);
}

#[test]
fn the_tenant_first_in_every_key() {
    run(Form::Distributed);
}
