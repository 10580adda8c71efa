//! Which attributes of a resource type the suite can use, and random resources made of them.

use scim_schema::{Mutability, ResourceType, Returned, Target, Type, Uniqueness};
use serde_json::{Map, Value, json};

use super::client::Client;
use super::random::Random;

/// The attributes of a resource type, by what can be done with them.
pub(super) struct Shape {
    pub(super) on: ResourceType,
    /// The required string that names a resource.
    pub(super) name: Target,
    /// Attributes that hold text, or a truth value, or a complex value of such.
    pub(super) attributes: Vec<Target>,
    /// A `writeOnly` string.
    pub(super) secret: Option<Target>,
    pub(super) left_out: Vec<String>,
}

/// Text that filters are tried with: cases, wildcards of other languages, quotes, several scripts.
const WORDS: [&str; 14] = [
    "anna",
    "Anna",
    "ANNA b",
    "100%",
    "a_b",
    "back\\slash",
    "quo\"te",
    "it's",
    "émile",
    "ÉMILE",
    "Юрий",
    "юрий x",
    "日本",
    "a",
];

impl Shape {
    pub(super) fn of(on: &ResourceType) -> Option<Self> {
        let required = |t: &&Target| t.attribute().is_required() && t.attribute().data_type() == Type::String;
        let name = on.attributes().filter(required).find(|t| t.attribute().name() != "schemas")?.clone();
        let usable = |target: &&Target| {
            let attribute = target.attribute();
            let plain = attribute.mutability() == Mutability::ReadWrite
                && attribute.returned() == Returned::Default
                && attribute.uniqueness() == Uniqueness::None
                && !target.holds_members()
                && !attribute.is_only_canonical();
            plain && **target != name && attribute.name() != "schemas" && sample(target).is_some()
        };
        let secret = |t: &&Target| t.attribute().mutability() == Mutability::WriteOnly;
        Some(Self {
            on: on.clone(),
            attributes: on.all_attributes().filter(usable).cloned().collect(),
            secret: on.attributes().find(secret).cloned(),
            name,
            left_out: Vec::new(),
        })
    }

    /// The attributes that the provider does not give back as it got them.
    pub(super) async fn not_kept(&self, client: &Client<'_>) -> Result<Vec<Target>, String> {
        let mut body = self.named("kept");
        for target in &self.attributes {
            if let Some(value) = sample(target) {
                put(&mut body, target, value);
            }
        }
        let body = Value::Object(body);
        let reply = client.create(&self.on, &body).await?;
        let stored =
            client.get(&format!("{}/{}", self.on.endpoint(), reply.id())).await.expect(200, "reading it")?;
        let (sent, stored) = (body.as_object(), stored.body.as_object());
        let same = |target: &&Target| {
            let values = sent.and_then(|o| target.get(o)).zip(stored.and_then(|o| target.get(o)));
            values.is_some_and(|(sent, stored)| target.same_value(sent, stored))
        };
        Ok(self.attributes.iter().filter(|target| !same(target)).cloned().collect())
    }

    pub(super) fn leave_out(&mut self, targets: Vec<Target>) {
        self.attributes.retain(|target| !targets.contains(target));
        self.left_out = targets.iter().map(|target| target.path().to_string()).collect();
    }

    /// The least that a resource needs, with this name.
    pub(super) fn named(&self, name: &str) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("schemas".to_owned(), json!([self.on.schema().id()]));
        put(&mut body, &self.name, Value::from(name));
        body
    }

    /// A text attribute that is neither required nor unique.
    pub(super) fn text(&self) -> Option<&Target> {
        self.attributes.iter().find(|t| !t.is_complex() && t.attribute().data_type() == Type::String)
    }

    /// A resource with random values in some attributes.
    pub(super) fn random(&self, random: &mut Random, number: usize) -> Map<String, Value> {
        let word = random.pick(&WORDS).copied().unwrap_or_default();
        let mut body = self.named(&format!("{word} {number}"));
        for target in &self.attributes {
            if random.one_in(2) {
                put(&mut body, target, value(target, random));
            }
        }
        body
    }
}

/// A word that random resources may have.
pub(super) fn word(random: &mut Random) -> &'static str {
    random.pick(&WORDS).copied().unwrap_or_default()
}

/// A value that shows whether an attribute is kept.
fn sample(target: &Target) -> Option<Value> {
    let usable = |t: Type| matches!(t, Type::String | Type::Boolean);
    match target.attribute().data_type() {
        Type::Complex => {
            let subs = target.sub_attributes().iter().filter(|sub| {
                let definition = sub.definition();
                usable(definition.data_type()) && definition.mutability() == Mutability::ReadWrite
            });
            let members: Map<String, Value> = subs
                .map(|sub| (sub.definition().name().to_owned(), value(sub, &mut Random::new(7))))
                .collect();
            (!members.is_empty()).then(|| listed(target, Value::Object(members)))
        }
        data_type if usable(data_type) => Some(value(target, &mut Random::new(7))),
        _ => None,
    }
}

fn listed(target: &Target, value: Value) -> Value {
    if target.attribute().is_multi_valued() { Value::Array(vec![value]) } else { value }
}

/// A random value of an attribute or sub-attribute.
fn value(target: &Target, random: &mut Random) -> Value {
    let one = |random: &mut Random| match target.definition().data_type() {
        Type::Boolean => Value::Bool(random.one_in(2)),
        Type::Complex => {
            let mut members = Map::new();
            for sub in target.sub_attributes() {
                let definition = sub.definition();
                let usable = matches!(definition.data_type(), Type::String | Type::Boolean);
                if usable && definition.mutability() == Mutability::ReadWrite && random.one_in(2) {
                    members.insert(definition.name().to_owned(), value(sub, random));
                }
            }
            // An element without values is none, and of two that are primary one is too many.
            members.remove("primary");
            let first =
                target.sub_attributes().iter().find(|sub| sub.definition().data_type() == Type::String);
            if let (true, Some(sub)) = (members.is_empty(), first) {
                members.insert(sub.definition().name().to_owned(), Value::from(word(random)));
            }
            Value::Object(members)
        }
        _ => match random.pick(target.definition().canonical_values()) {
            Some(canonical) if random.one_in(2) => Value::from(canonical.as_str()),
            _ => Value::from(word(random)),
        },
    };
    if !target.definition().is_multi_valued() {
        return one(random);
    }
    let mut list: Vec<Value> = Vec::new();
    for _ in 0..=random.below(3) {
        let element = one(random);
        if !list.contains(&element) {
            list.push(element);
        }
    }
    // Of some lists one element is the primary one, and some of the others say that they are not.
    let flag = target.sub_attribute("primary").filter(|sub| sub.definition().data_type() == Type::Boolean);
    if flag.is_some_and(|sub| sub.definition().mutability() == Mutability::ReadWrite) {
        let primary = random.below(2 * list.len());
        for (place, element) in list.iter_mut().enumerate() {
            let says = place == primary || random.one_in(3);
            if let Some(members) = element.as_object_mut().filter(|_| says) {
                members.insert("primary".to_owned(), Value::Bool(place == primary));
            }
        }
    }
    Value::Array(list)
}

/// Puts a value where an attribute lives.
pub(super) fn put(body: &mut Map<String, Value>, target: &Target, value: Value) {
    let name = target.attribute().name().to_owned();
    match target.extension() {
        None => {
            body.insert(name, value);
        }
        Some(uri) => {
            if let Some(members) = body.entry(uri).or_insert_with(|| json!({})).as_object_mut() {
                members.insert(name, value);
            }
        }
    }
}
