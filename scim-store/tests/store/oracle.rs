//! Checks random filters on random resources: every database must find the same resources as the evaluator in memory.
//!
//! `SCIM_ORACLE_FILTERS` sets the number of filters; the default is 200. Each filter is compared for 200 resources.

use crate::support;
use crate::support::random::Random;
use crate::support::service::{Client, EXTENSION, ids, users};
use scim_core::filter::{Filter, FilterLimits};
use scim_core::schema::{ReadContext, Tolerance, standard};
use serde_json::{Map, Value, json};

const RESOURCES: usize = 200;

/// Texts that databases compare and fold in different ways.
const TEXTS: [&str; 24] = [
    "Anna",
    "ANNA b",
    "anna",
    "ann",
    "émile",
    "ÉMILE",
    "e\u{301}mile",
    "Straße",
    "STRASSE",
    "ΣΊΣΥΦΟΣ",
    "σίσυφος",
    "100%",
    "a_b",
    "axb",
    "back\\slash",
    "quo\"te",
    "o'neil",
    "日本",
    "日本語",
    "%_\\",
    "x",
    "\u{10ffff}z",
    "a  b",
    "İstanbul ﬁ K",
];

const TIMES: [&str; 5] = [
    "2020-01-01T00:00:00Z",
    "2020-01-01T01:00:00+01:00",
    "2020-01-01T00:00:00.0000001Z",
    "0001-01-01T00:00:00Z",
    "2024-02-29T23:59:59.123456789123Z",
];

impl Random {
    fn text(&mut self) -> String {
        let text = self.pick(&TEXTS);
        match self.below(4) {
            0 => format!("{text}{}", self.pick(&TEXTS)),
            _ => text.to_owned(),
        }
    }

    fn number(&mut self) -> Value {
        match self.below(6) {
            0 => json!(i64::MAX),
            1 => json!(9_007_199_254_740_993_u64),
            _ => json!(self.below(5) as i64 - 2),
        }
    }

    fn maybe(&mut self, object: &mut Map<String, Value>, name: &str, value: impl FnOnce(&mut Self) -> Value) {
        if self.below(3) > 0 {
            let value = value(self);
            object.insert(name.to_owned(), value);
        }
    }

    fn element(&mut self, names: &[&str]) -> Value {
        let mut element = Map::new();
        for name in names {
            self.maybe(&mut element, name, |random| match *name {
                "type" => json!(random.pick(&["work", "Work", "home", "Straße"])),
                "country" => json!(random.pick(&["DE", "FR", "jp"])),
                _ => json!(random.text()),
            });
        }
        if element.is_empty() {
            element.insert("type".to_owned(), json!("other"));
        }
        Value::Object(element)
    }

    fn texts(&mut self, names: &[&str]) -> Value {
        let mut object = Map::from_iter([(names[0].to_owned(), json!(self.text()))]);
        for name in &names[1..] {
            self.maybe(&mut object, name, |random| json!(random.text()));
        }
        Value::Object(object)
    }

    /// Up to three elements. At most one is primary; some of the others have `primary: false`.
    fn elements(&mut self, names: &[&str]) -> Value {
        let mut list: Vec<Value> = (0..self.below(4)).map(|_| self.element(names)).collect();
        let primary = self.below(6);
        for (index, element) in list.iter_mut().enumerate() {
            if index == primary || self.below(3) == 0 {
                element["primary"] = json!(index == primary);
            }
        }
        Value::Array(list)
    }

    fn user(&mut self, number: usize) -> Value {
        let mut user = Map::new();
        user.insert("userName".to_owned(), json!(format!("{}{number}", self.text())));
        for name in ["externalId", "nickName", "title", "displayName", "userType"] {
            self.maybe(&mut user, name, |random| json!(random.text()));
        }
        self.maybe(&mut user, "active", |random| json!(random.below(2) == 0));
        self.maybe(&mut user, "name", |random| random.texts(&["familyName", "givenName", "formatted"]));
        self.maybe(&mut user, "emails", |random| random.elements(&["value", "type", "display"]));
        self.maybe(&mut user, "roles", |random| random.elements(&["value", "type"]));
        self.maybe(&mut user, "addresses", |random| {
            let mut list = random.elements(&["locality", "country", "type"]);
            for address in list.as_array_mut().unwrap() {
                address.as_object_mut().unwrap().remove("primary");
            }
            list
        });
        self.maybe(&mut user, standard::ENTERPRISE_USER, |random| {
            let mut object = random.texts(&["department", "employeeNumber"]);
            random.maybe(
                object.as_object_mut().unwrap(),
                "manager",
                |random| json!({ "value": random.text() }),
            );
            object
        });
        self.maybe(&mut user, EXTENSION, |random| {
            let mut object = Map::from_iter([("code".to_owned(), json!(random.text()))]);
            random.maybe(&mut object, "level", Self::number);
            random.maybe(&mut object, "score", |random| json!(random.pick(&[0.5, -1.5, 2.0, 1e300])));
            random.maybe(&mut object, "hired", |random| json!(random.pick(&TIMES)));
            random.maybe(&mut object, "remote", |random| json!(random.below(2) == 0));
            random.maybe(&mut object, "badge", |random| json!(random.pick(&["QUJD", "YWJj"])));
            random.maybe(&mut object, "tags", |random| {
                (0..random.below(4)).map(|_| json!(random.text())).collect()
            });
            random.maybe(&mut object, "desks", |random| {
                (0..random.below(3))
                    .map(|_| json!({ "value": random.text(), "floor": random.number() }))
                    .collect()
            });
            Value::Object(object)
        });
        Value::Object(user)
    }

    fn comparison(&mut self, path: &str, data_type: &str) -> String {
        if self.below(6) == 0 {
            return format!("{path} pr");
        }
        let (ops, literal): (&[&str], Value) = match data_type {
            "boolean" => (&["eq", "ne"], json!(self.below(2) == 0)),
            "number" => (
                &["eq", "ne", "gt", "ge", "lt", "le"],
                match self.below(3) {
                    0 => json!(self.pick(&[0.5, -1.5, 1e300, 9.3e18])),
                    _ => self.number(),
                },
            ),
            "time" => (&["eq", "ne", "gt", "ge", "lt", "le"], json!(self.pick(&TIMES))),
            "binary" => (&["eq", "ne"], json!(self.pick(&["QUJD", "YWJj", "eHl6"]))),
            _ => {
                let mut text = self.text();
                if self.below(2) == 0 {
                    let chars: Vec<char> = text.chars().collect();
                    let (from, length) = (self.below(chars.len()), 1 + self.below(5));
                    text = chars.into_iter().skip(from).take(length).collect();
                }
                if self.below(20) == 0 {
                    text = self.pick(&["", "a\0b"]).to_owned();
                }
                (&["eq", "ne", "co", "co", "sw", "ew", "gt", "ge", "lt", "le"], json!(text))
            }
        };
        if self.below(12) == 0 {
            return format!("{path} {} null", self.pick(&["eq", "ne"]));
        }
        format!("{path} {} {literal}", self.pick(ops))
    }

    fn any_comparison(&mut self) -> String {
        const PATHS: [(&str, &str); 22] = [
            ("userName", ""),
            ("externalId", ""),
            ("nickName", ""),
            ("title", ""),
            ("displayName", ""),
            ("active", "boolean"),
            ("name.familyName", ""),
            ("name.givenName", ""),
            ("emails", ""),
            ("emails.value", ""),
            ("emails.type", ""),
            ("emails.primary", "boolean"),
            ("emails.display", ""),
            ("roles.value", ""),
            ("roles.primary", "boolean"),
            ("addresses.locality", ""),
            ("addresses.country", ""),
            ("department", ""),
            ("manager.value", ""),
            ("meta.lastModified", "time"),
            ("id", ""),
            ("schemas", ""),
        ];
        const EXTENDED: [(&str, &str); 9] = [
            ("level", "number"),
            ("score", "number"),
            ("hired", "time"),
            ("remote", "boolean"),
            ("badge", "binary"),
            ("tags", ""),
            ("code", ""),
            ("desks.value", ""),
            ("desks.floor", "number"),
        ];
        match self.below(3) {
            0 => {
                let (path, data_type) = self.pick(&EXTENDED);
                self.comparison(&format!("{EXTENSION}:{path}"), data_type)
            }
            _ => {
                let (path, data_type) = self.pick(&PATHS);
                self.comparison(path, data_type)
            }
        }
    }

    fn value_filter(&mut self, subs: &[(&str, &str)], depth: usize) -> String {
        if depth == 0 || self.below(3) == 0 {
            let (sub, data_type) = self.pick(subs);
            return self.comparison(sub, data_type);
        }
        let (left, right) = (self.value_filter(subs, depth - 1), self.value_filter(subs, depth - 1));
        match self.below(3) {
            0 => format!("({left} and {right})"),
            1 => format!("({left} or {right})"),
            _ => format!("not ({left})"),
        }
    }

    fn filter(&mut self, depth: usize) -> String {
        const ATTRIBUTES: [(&str, &[(&str, &str)]); 6] = [
            ("emails", &[("value", ""), ("type", ""), ("primary", "boolean"), ("display", "")]),
            ("roles", &[("value", ""), ("type", ""), ("primary", "boolean")]),
            ("addresses", &[("locality", ""), ("country", ""), ("type", "")]),
            ("name", &[("familyName", ""), ("givenName", ""), ("formatted", "")]),
            (
                "urn:example:params:scim:schemas:extension:more:2.0:User:desks",
                &[("value", ""), ("floor", "number")],
            ),
            ("urn:example:params:scim:schemas:extension:more:2.0:User:tags", &[("value", "")]),
        ];
        if depth == 0 {
            return self.any_comparison();
        }
        match self.below(6) {
            0 | 1 => format!("({} and {})", self.filter(depth - 1), self.filter(depth - 1)),
            2 | 3 => format!("({} or {})", self.filter(depth - 1), self.filter(depth - 1)),
            4 => format!("not ({})", self.filter(depth - 1)),
            _ => {
                let (attribute, subs) = self.pick(&ATTRIBUTES);
                format!("{attribute}[{}]", self.value_filter(subs, 2))
            }
        }
    }
}

#[test]
fn databases_agree_with_the_evaluator_in_memory() {
    let filters = std::env::var("SCIM_ORACLE_FILTERS").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    let runtime = support::runtime();
    for database in support::databases() {
        let store = support::open(&runtime, &database);
        let client = Client::new(&runtime, &store);
        let mut random = Random(0x5eed_1234_5678_9abc);
        for number in 0..RESOURCES {
            client.create("/Users", random.user(number));
        }
        let (_, all) = client.search("/Users", json!({ "count": 1000 }));
        let all: Vec<Value> = all["Resources"].as_array().unwrap().clone();
        assert_eq!(all.len(), RESOURCES);

        let (resource_type, tolerance, limits) = (users(), Tolerance::lenient(), FilterLimits::default());
        let (mut pairs, mut selective) = (0, 0);
        for _ in 0..filters {
            let depth = random.below(4);
            let text = random.filter(depth);
            let mut read_context = ReadContext::new(&tolerance);
            let predicate = Filter::parse(&text, &limits, &mut read_context).unwrap();
            let predicate = predicate.resolve(&resource_type, &mut read_context).unwrap();
            let expected: Vec<&str> = all
                .iter()
                .filter(|resource| predicate.is_match(resource.as_object().unwrap()))
                .map(|resource| resource["id"].as_str().unwrap())
                .collect();
            let (status, page) =
                client.search("/Users", json!({ "filter": text, "count": 1000, "attributes": ["id"] }));
            assert_eq!(status, 200, "{}: {text}: {page}", database.url);
            let found = ids(&page);
            let different = all.iter().find(|resource| {
                let id = resource["id"].as_str().unwrap();
                expected.contains(&id) != found.contains(&id)
            });
            assert_eq!(found, expected, "{}: {text}\ndifferent for {different:?}", database.url);
            assert_eq!(page["totalResults"], expected.len(), "{}: {text}", database.url);
            pairs += all.len();
            selective += usize::from(!expected.is_empty() && expected.len() < all.len());
        }
        assert!(
            selective * 2 > filters,
            "only {selective} of {filters} filters find some but not all resources"
        );
        println!("{}: {pairs} pairs agree", database.url);
    }
}
