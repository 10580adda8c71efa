//! Which attributes of a resource type the suite can use.

use std::sync::atomic::AtomicUsize;

use scim_schema::{Attribute, Mutability, ResourceType, Returned, Target, Type, Uniqueness};
use serde_json::{Map, Value, json};

use super::setup::Found;
use super::values::Ids;

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
    /// What the provider does not keep, or refuses.
    unusable: Vec<Target>,
    /// What else a resource must have.
    required: Vec<Target>,
    /// Whose value must be the id of a resource.
    references: Vec<Target>,
    /// Lists that hold at most one element although they are not declared so.
    short: Vec<Target>,
    /// The paths whose values the provider keeps different beyond the schema.
    unique: Vec<String>,
    /// Makes different values where they must be.
    pub(super) count: AtomicUsize,
}

impl Shape {
    pub(super) fn of(on: &ResourceType, unique: Vec<String>) -> Option<Self> {
        let required = |t: &&Target| t.attribute().is_required() && t.attribute().data_type() == Type::String;
        let name = on.attributes().filter(required).find(|t| t.attribute().name() != "schemas")?.clone();
        let secret = |t: &&Target| t.attribute().mutability() == Mutability::WriteOnly;
        let mut shape = Self {
            on: on.clone(),
            attributes: Vec::new(),
            secret: on.attributes().find(secret).cloned(),
            name,
            left_out: Vec::new(),
            unusable: Vec::new(),
            required: Vec::new(),
            references: Vec::new(),
            short: Vec::new(),
            unique,
            count: AtomicUsize::new(1),
        };
        let others =
            || on.all_attributes().filter(|t| **t != shape.name && t.attribute().name() != "schemas");
        let plain = |target: &&Target| {
            let attribute = target.attribute();
            attribute.mutability() == Mutability::ReadWrite
                && attribute.returned() == Returned::Default
                && !shape.is_unique(target)
                && !target.holds_members()
                && shape.can_be_given(target)
        };
        let needed = |target: &&Target| {
            let attribute = target.attribute();
            let given = attribute.is_required() && attribute.mutability() != Mutability::ReadOnly;
            given && shape.can_be_given(target)
        };
        let attributes = others().filter(plain).cloned().collect();
        shape.required = others().filter(needed).cloned().collect();
        shape.attributes = attributes;
        Some(shape)
    }

    /// Notes that an attribute must be the id of a resource.
    pub(super) fn refer(&mut self, path: &str) -> Result<Target, String> {
        let is = |text: &str, target: &Target| {
            let core = format!("{}:{}", target.schema().id(), target.attribute().name());
            let path = text.strip_suffix(".value").unwrap_or(text);
            [target.attribute().name(), target.path().as_str(), &core]
                .iter()
                .any(|name| name.eq_ignore_ascii_case(path))
        };
        let mut found = self.on.all_attributes().filter(|target| is(path, target));
        match (found.next(), found.next()) {
            // Without it no resource could be created, and with it none before another.
            (Some(target), None) if target.attribute().is_required() => {
                Err(format!("`{target}` is required, so the suite cannot create a first resource"))
            }
            (Some(target), None) => {
                let target = target.clone();
                self.references.push(target.clone());
                Ok(target)
            }
            (None, _) => Err(format!("there is no attribute `{path}` that could refer to anything")),
            _ => Err(format!("there are several attributes `{path}`; name one by its path")),
        }
    }

    /// Goes without what the provider does not keep, and with one element where it takes no second.
    pub(super) fn learn(&mut self, found: &Found) {
        self.attributes.retain(|target| !found.unusable.contains(target));
        self.unusable.clone_from(&found.unusable);
        self.left_out = found.not_kept.iter().map(|target| target.path().to_string()).collect();
        self.short.clone_from(&found.short);
    }

    /// The least that a resource needs, with this name.
    pub(super) fn named(&self, name: &str) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("schemas".to_owned(), json!([self.on.schema().id()]));
        for target in &self.required {
            if let Some(value) = self.sample(target, &Ids::default(), 7) {
                put(&mut body, target, value);
            }
        }
        put(&mut body, &self.name, Value::from(name));
        body
    }

    /// Texts that can be changed and taken away at will: attributes, and then sub-attributes.
    pub(super) fn texts(&self) -> Vec<&Target> {
        let free = |definition: &Attribute| {
            definition.data_type() == Type::String
                && !definition.is_multi_valued()
                && !definition.is_required()
                && !definition.is_only_canonical()
                && definition.mutability() == Mutability::ReadWrite
                && definition.max_length().is_none_or(|length| length >= LONG)
        };
        let own = self.attributes.iter().filter(|target| !self.is_reference(target));
        let (complex, plain): (Vec<&Target>, Vec<&Target>) = own.partition(|target| target.is_complex());
        let singular =
            |target: &&Target| !target.attribute().is_multi_valued() && !target.attribute().is_required();
        let subs = complex.into_iter().filter(singular).flat_map(Target::sub_attributes);
        plain.into_iter().chain(subs).filter(|t| free(t.definition()) && !self.is_unique(t)).collect()
    }

    /// Lists of elements with a `value` that can be any text.
    pub(super) fn lists(&self) -> impl Iterator<Item = &Target> {
        let free = |target: &&Target| {
            let sub = target.sub_attribute("value").map(Target::definition);
            let others = target.sub_attributes().iter().map(Target::definition);
            sub.is_some_and(|value| {
                value.data_type() == Type::String
                    && value.mutability() == Mutability::ReadWrite
                    && !value.is_only_canonical()
                    && value.max_length().is_none_or(|length| length >= 2 * LONG)
            }) && !others.into_iter().any(|sub| sub.is_required() && sub.name() != "value")
        };
        let listed = |target: &&Target| {
            target.attribute().is_multi_valued() && !self.holds_one(target) && !self.is_reference(target)
        };
        self.attributes.iter().filter(listed).filter(free)
    }

    /// Whether a list holds at most one element.
    pub(super) fn holds_one(&self, target: &Target) -> bool {
        target.attribute().single_type().is_some() || self.short.contains(target)
    }

    /// Whether the provider keeps an attribute, as far as is known.
    pub(super) fn is_usable(&self, target: &Target) -> bool {
        !self.unusable.contains(target)
    }

    pub(super) fn is_reference(&self, target: &Target) -> bool {
        self.references.contains(target)
    }

    /// Whether no two resources may have the same value.
    pub(super) fn is_unique(&self, target: &Target) -> bool {
        target.definition().uniqueness() != Uniqueness::None
            || self.unique.iter().any(|path| path.eq_ignore_ascii_case(target.path().as_str()))
    }
}

/// The longest text that checks write is shorter than this.
const LONG: usize = 16;

/// The least that a resource of some type needs, with this name where it can have one.
pub(super) fn least(on: &ResourceType, name: &str) -> Map<String, Value> {
    if let Some(shape) = Shape::of(on, Vec::new()) {
        return shape.named(name);
    }
    let mut body = Map::new();
    body.insert("schemas".to_owned(), json!([on.schema().id()]));
    if let Some(target) = on.attribute("displayName") {
        put(&mut body, target, Value::from(name));
    }
    body
}

/// Puts a value where an attribute lives.
pub(super) fn put(body: &mut Map<String, Value>, target: &Target, value: Value) {
    target.set(body, value);
}
