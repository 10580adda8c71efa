//! Random requests that fit a form of tables. `<u3>` stands for the id of the user in slot 3, `<g1>` for that of a group.

use http::Method;
use scim_core::schema::standard;
use serde_json::{Map, Value, json};

use crate::application::{BADGE, Form};
use crate::client::patch;
use crate::support::random::Random;

/// The numbers of slots for users and for groups.
pub(crate) const SLOTS: (usize, usize) = (10, 4);

/// ASCII only, since `lower()` of a database folds nothing else in the same way as SCIM.
const TEXTS: [&str; 14] = [
    "Anna",
    "ANNA b",
    "ann",
    "b",
    "x",
    "100%",
    "a_b",
    "axb",
    "back\\slash",
    "o'neil",
    "a  b",
    "{}",
    "?1 $1",
    "--",
];

/// User names, some of which differ only by case.
const NAMES: [&str; 24] = [
    "bea", "Bea", "BEA", "cy", "dan", "eve_x", "evexx", "o'hara", "z%", "z", "amy b", "Amy B", "fay", "gus",
    "hal", "ida", "jo", "kim", "lee", "mia", "ned", "ola", "pia", "ray",
];

/// Names that only a column with folded texts compares as SCIM does.
const FOLDED_NAMES: [&str; 8] = ["Émile", "émile", "STRASSE", "Straße", "Σίσυφος", "σίσυφοσ", "İ", "日本"];

/// An attribute that the tables hold.
#[derive(Clone, Copy)]
struct Attribute {
    /// The URI of its schema; empty for the core schema.
    schema: &'static str,
    path: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    UserName,
    GroupName,
    Text,
    Flag,
    /// A flag in a column that is never NULL. SCIM cannot remove it, as it can in memory, so it is never removed.
    FlagWithDefault,
    Integer,
    /// A list of which a column holds the element of type `work`. The case of the type is that of the declaration, so
    /// `Work` would become `work`, which it does not in memory.
    One,
    Many,
    Manager,
}

const fn core(path: &'static str, kind: Kind) -> Attribute {
    Attribute { schema: "", path, kind }
}

fn user_attributes(form: Form) -> &'static [Attribute] {
    use Kind::{Flag, FlagWithDefault, Integer, Manager, Many, One, Text, UserName};
    const ENTERPRISE: &str = standard::ENTERPRISE_USER;
    match form {
        Form::Users => {
            &const {
                [
                    core("userName", UserName),
                    core("name.givenName", Text),
                    core("name.familyName", Text),
                    core("title", Text),
                    core("active", FlagWithDefault),
                    core("emails", One),
                ]
            }
        }
        Form::Organization => {
            &const {
                [
                    core("userName", UserName),
                    core("externalId", Text),
                    core("name.givenName", Text),
                    core("name.familyName", Text),
                    core("displayName", Text),
                    core("active", FlagWithDefault),
                    core("emails", One),
                    core("phoneNumbers", One),
                    Attribute { schema: ENTERPRISE, path: "department", kind: Text },
                    Attribute { schema: ENTERPRISE, path: "manager", kind: Manager },
                ]
            }
        }
        Form::Soft => {
            &const {
                [
                    core("userName", UserName),
                    core("displayName", Text),
                    core("nickName", Text),
                    core("active", FlagWithDefault),
                    Attribute { schema: BADGE, path: "tag", kind: Text },
                    Attribute { schema: BADGE, path: "floor", kind: Integer },
                ]
            }
        }
        Form::Folded => {
            &const {
                [
                    core("userName", UserName),
                    core("active", Flag),
                    core("emails", Many),
                    core("phoneNumbers", Many),
                    core("externalId", Text),
                    core("title", Text),
                    // No `displayName`: in the JSON column it is not the name that members show, as it is in memory.
                    core("name.familyName", Text),
                    core("name.formatted", Text),
                    Attribute { schema: ENTERPRISE, path: "department", kind: Text },
                ]
            }
        }
        Form::CaseInsensitive => {
            &const { [core("userName", UserName), core("title", Text), core("preferredLanguage", Text)] }
        }
    }
}

fn group_attributes(form: Form) -> &'static [Attribute] {
    match form {
        Form::Organization => {
            &const { [core("displayName", Kind::GroupName), core("externalId", Kind::Text)] }
        }
        _ => &const { [core("displayName", Kind::GroupName)] },
    }
}

impl Attribute {
    /// The path in a filter or a PATCH.
    fn full_path(self) -> String {
        if self.schema.is_empty() { self.path.to_owned() } else { format!("{}:{}", self.schema, self.path) }
    }

    fn set(self, resource: &mut Value, value: Value) {
        let mut object = resource;
        if !self.schema.is_empty() {
            object = &mut object[self.schema];
        }
        for name in self.path.split('.') {
            object = &mut object[name];
        }
        *object = value;
    }
}

/// A request.
pub(crate) struct Generated {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
    /// The slot that the request creates, changes or deletes.
    pub(crate) slot: Option<String>,
}

/// Makes the requests for one form.
pub(crate) struct Generator {
    pub(crate) random: Random,
    form: Form,
    has_groups: bool,
}

impl Generator {
    pub(crate) fn new(seed: u64, form: Form) -> Self {
        Self { random: Random(seed), form, has_groups: form != Form::Users }
    }

    /// A request. `live` are the slots that have a resource.
    pub(crate) fn request(&mut self, live: &[String]) -> Generated {
        let is_group = self.has_groups && self.random.below(3) == 0;
        let (endpoint, letter) = if is_group { ("/Groups", 'g') } else { ("/Users", 'u') };
        let slots = if is_group { SLOTS.1 } else { SLOTS.0 };
        let slot = format!("<{letter}{}>", self.random.below(slots));
        let path = format!("{endpoint}/{slot}");
        if !live.contains(&slot) && self.random.below(10) > 0 {
            let body = Some(self.resource(is_group, live));
            return Generated { method: Method::POST, path: endpoint.to_owned(), body, slot: Some(slot) };
        }
        let (method, body) = match self.random.below(20) {
            0 => (Method::DELETE, None),
            1..=4 => (Method::PUT, Some(self.resource(is_group, live))),
            // The user name may be taken, which is refused. Groups would become more and more.
            5 if !is_group => {
                let body = Some(self.resource(is_group, live));
                return Generated { method: Method::POST, path: endpoint.to_owned(), body, slot: None };
            }
            6..=8 => {
                let path = format!("{endpoint}/.search");
                return Generated {
                    method: Method::POST,
                    path,
                    body: Some(self.search(is_group)),
                    slot: None,
                };
            }
            _ => {
                let operations: Vec<Value> =
                    (0..=self.random.below(3)).map(|_| self.operation(is_group, live)).collect();
                (Method::PATCH, Some(patch(operations)))
            }
        };
        Generated { method, path, body, slot: Some(slot) }
    }

    fn attributes(&self, is_group: bool) -> &'static [Attribute] {
        if is_group { group_attributes(self.form) } else { user_attributes(self.form) }
    }

    fn resource(&mut self, is_group: bool, live: &[String]) -> Value {
        let mut schemas = vec![if is_group { standard::GROUP } else { standard::USER }];
        let mut resource = json!({});
        for attribute in self.attributes(is_group) {
            let is_always_set =
                matches!(attribute.kind, Kind::UserName | Kind::GroupName | Kind::FlagWithDefault);
            if is_always_set || self.random.below(3) > 0 {
                let Some(value) = self.value(attribute.kind, live) else { continue };
                attribute.set(&mut resource, value);
                if !attribute.schema.is_empty() && !schemas.contains(&attribute.schema) {
                    schemas.push(attribute.schema);
                }
            }
        }
        if is_group && self.random.below(3) > 0 {
            resource["members"] = self.members(live);
        }
        resource["schemas"] = json!(schemas);
        resource
    }

    /// A value; `None` if there is no user to refer to. A user that does not exist cannot be the manager, though it can in
    /// memory, so only users that exist are referred to.
    fn value(&mut self, kind: Kind, live: &[String]) -> Option<Value> {
        Some(match kind {
            Kind::UserName if self.form == Form::Folded && self.random.below(2) == 0 => {
                json!(self.random.pick(&FOLDED_NAMES))
            }
            Kind::UserName | Kind::GroupName => json!(self.random.pick(&NAMES)),
            Kind::Text => json!(self.random.pick(&TEXTS)),
            Kind::Flag | Kind::FlagWithDefault => json!(self.random.below(2) == 0),
            Kind::Integer => json!(self.random.below(5) as i64 - 2),
            Kind::One => {
                json!([{ "type": "work", "value": self.random.pick(&TEXTS) }])
            }
            Kind::Many => (0..self.random.below(4)).map(|index| self.element(index)).collect(),
            Kind::Manager => {
                let users: Vec<&String> = live.iter().filter(|slot| slot.starts_with("<u")).collect();
                let slot = if users.is_empty() { return None } else { users[self.random.below(users.len())] };
                json!({ "value": slot })
            }
        })
    }

    /// An element of a list. At most the first is primary.
    fn element(&mut self, index: usize) -> Value {
        let mut element = json!({ "value": self.random.pick(&TEXTS) });
        if self.random.below(4) > 0 {
            element["type"] = json!(self.random.pick(&["work", "home", "other"]));
        }
        if self.random.below(3) == 0 {
            element["primary"] = json!(index == 0);
        }
        if self.random.below(3) == 0 {
            element["display"] = json!(self.random.pick(&TEXTS));
        }
        element
    }

    /// Members, of which some may have been deleted.
    fn members(&mut self, live: &[String]) -> Value {
        let users: Vec<&String> = live.iter().filter(|slot| slot.starts_with("<u")).collect();
        let mut members = Vec::new();
        for _ in 0..self.random.below(4) {
            let slot = match users.is_empty() || self.random.below(30) == 0 {
                true => format!("<u{}>", self.random.below(SLOTS.0)),
                false => users[self.random.below(users.len())].clone(),
            };
            members.push(json!({ "value": slot }));
        }
        Value::Array(members)
    }

    /// An operation of a PATCH.
    fn operation(&mut self, is_group: bool, live: &[String]) -> Value {
        if is_group && self.random.below(3) > 0 {
            let selected = format!("members[value eq \"<u{}>\"]", self.random.below(SLOTS.0));
            return match self.random.below(8) {
                0 | 1 => json!({ "op": "remove", "path": selected }),
                2 => json!({ "op": "remove", "path": "members" }),
                3 => json!({ "op": "replace", "path": "members", "value": self.members(live) }),
                4 => json!({ "op": "add", "value": { "members": self.members(live) } }),
                _ => json!({ "op": "add", "path": "members", "value": self.members(live) }),
            };
        }
        let attributes = self.attributes(is_group);
        let attribute = attributes[self.random.below(attributes.len())];
        let path = attribute.full_path();
        let is_removable =
            !matches!(attribute.kind, Kind::UserName | Kind::GroupName | Kind::FlagWithDefault);
        if is_removable && self.random.below(5) == 0 {
            return json!({ "op": "remove", "path": path });
        }
        let op = self.random.pick(&["add", "replace"]);
        let text = self.random.pick(&TEXTS);
        let element_type = self.random.pick(&["work", "home", "other"]);
        let by_type = format!("{path}[type eq \"{element_type}\"]");
        // The tables do not keep the order of elements. It would decide which of two elements wins that become equal, so
        // no request makes two elements equal, or primary.
        let one_element = format!("{path}[type eq \"{element_type}\" and value eq {}]", json!(text));
        match (attribute.kind, self.random.below(8)) {
            (Kind::One, 0 | 1) => {
                json!({ "op": op, "path": format!("{path}[type eq \"work\"].value"), "value": text })
            }
            (Kind::One, 2) => json!({ "op": "remove", "path": format!("{path}[type eq \"work\"]") }),
            (Kind::Many, 0) => {
                let value = format!("new {}", self.random.below(1_000_000));
                json!({ "op": op, "path": format!("{one_element}.value"), "value": value })
            }
            (Kind::Many, 1) => json!({ "op": "remove", "path": by_type }),
            (Kind::Many, 2) => {
                json!({ "op": "replace", "path": format!("{by_type}.display"), "value": text })
            }
            (Kind::Many, 3) => {
                json!({ "op": "remove", "path": format!("{path}[value sw {} or primary eq true]", json!(text)) })
            }
            (Kind::Many, 4) => {
                json!({ "op": "replace", "path": format!("{one_element}.primary"), "value": true })
            }
            (Kind::Many, 5) => json!({ "op": "remove", "path": format!("{by_type}.display") }),
            (kind, 6 | 7) => match self.value(kind, live) {
                Some(value) => {
                    let mut object = json!({});
                    attribute.set(&mut object, value);
                    json!({ "op": op, "value": object })
                }
                None => json!({ "op": "remove", "path": path }),
            },
            (kind, _) => match self.value(kind, live) {
                Some(value) => json!({ "op": op, "path": path, "value": value }),
                None => json!({ "op": "remove", "path": path }),
            },
        }
    }

    /// A search with a filter, an order and a page.
    fn search(&mut self, is_group: bool) -> Value {
        let mut search = Map::new();
        search.insert("schemas".to_owned(), json!(["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]));
        if self.random.below(4) > 0 {
            let depth = self.random.below(3);
            search.insert("filter".to_owned(), json!(self.filter(is_group, depth)));
        }
        if self.random.below(2) == 0 {
            let sortable: Vec<&Attribute> =
                self.attributes(is_group).iter().filter(|a| a.kind != Kind::Manager).collect();
            let by = sortable[self.random.below(sortable.len())].full_path();
            search.insert("sortBy".to_owned(), json!(by));
            search.insert("sortOrder".to_owned(), json!(self.random.pick(&["ascending", "descending"])));
        }
        search.insert("count".to_owned(), json!(self.random.pick(&[1, 3, 100])));
        Value::Object(search)
    }

    fn filter(&mut self, is_group: bool, depth: usize) -> String {
        if depth > 0 {
            let mut inner = || self.filter(is_group, depth - 1);
            let (left, right) = (inner(), inner());
            return match self.random.below(3) {
                0 => format!("({left} and {right})"),
                1 => format!("({left} or {right})"),
                _ => format!("not ({left})"),
            };
        }
        if self.has_groups && self.random.below(4) == 0 {
            let op = self.random.pick(&["eq", "ne"]);
            return match is_group {
                true => format!("members.value {op} \"<u{}>\"", self.random.below(SLOTS.0)),
                false => format!("groups.value {op} \"<g{}>\"", self.random.below(SLOTS.1)),
            };
        }
        let attributes = self.attributes(is_group);
        let attribute = attributes[self.random.below(attributes.len())];
        let path = attribute.full_path();
        if self.random.below(6) == 0 {
            return format!("{path} pr");
        }
        let texts = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];
        let text = json!(match attribute.kind {
            Kind::UserName if self.form == Form::Folded && self.random.below(2) == 0 =>
                self.random.pick(&FOLDED_NAMES),
            Kind::UserName | Kind::GroupName => self.random.pick(&NAMES),
            _ => self.random.pick(&TEXTS),
        });
        match attribute.kind {
            Kind::Flag | Kind::FlagWithDefault => {
                format!("{path} {} {}", self.random.pick(&["eq", "ne"]), self.random.pick(&["true", "false"]))
            }
            Kind::Integer => {
                let op = self.random.pick(&["eq", "ne", "gt", "ge", "lt", "le"]);
                format!("{path} {op} {}", self.random.below(5) as i64 - 2)
            }
            Kind::Manager => {
                format!(
                    "{path}.value {} \"<u{}>\"",
                    self.random.pick(&["eq", "ne"]),
                    self.random.below(SLOTS.0)
                )
            }
            Kind::Many if self.random.below(2) == 0 => {
                let (op, is_primary) = (self.random.pick(&texts), self.random.pick(&["true", "false"]));
                match self.random.below(3) {
                    0 => format!("{path}[type eq \"work\" and value {op} {text}]"),
                    1 => format!("{path}[primary eq {is_primary}]"),
                    _ => format!("{path}.display {op} {text}"),
                }
            }
            Kind::One if self.random.below(2) == 0 => {
                format!("{path}[type eq \"work\" and value {} {text}]", self.random.pick(&texts))
            }
            _ => format!("{path} {} {text}", self.random.pick(&texts)),
        }
    }
}
