//! The resource type that most checks use, and what the suite can do with its attributes.

use std::sync::atomic::AtomicUsize;

use scim_schema::{Attribute, AttributeRef, Mutability, ResourceType, Returned, Type, Uniqueness};
use serde_json::{Map, Value};

use super::findings::Findings;

/// The resource type that most checks use, with its attributes by what can be done with them.
pub(super) struct TestedType {
    pub(super) resource_type: ResourceType,
    /// The required string that names a resource.
    pub(super) name: AttributeRef,
    /// Attributes that hold text, or a truth value, or a complex value of such.
    pub(super) attributes: Vec<AttributeRef>,
    /// A `writeOnly` string.
    pub(super) secret: Option<AttributeRef>,
    /// The paths that the suite does without, since the provider does not keep them.
    pub(super) left_out: Vec<String>,
    /// What the provider does not keep, or refuses.
    unusable: Vec<AttributeRef>,
    /// What a resource must have besides its name.
    pub(super) required: Vec<AttributeRef>,
    /// Attributes whose value must be the id of a resource.
    references: Vec<AttributeRef>,
    /// Lists that hold at most one element although they are not declared so.
    single_element_lists: Vec<AttributeRef>,
    /// The paths whose values the provider keeps different beyond the schema.
    unique: Vec<String>,
    /// Counts the values that were made for attributes in which they must differ.
    pub(super) unique_counter: AtomicUsize,
}

impl TestedType {
    /// `None` if resources of the type have no name: no required string attribute.
    pub(super) fn new(resource_type: &ResourceType, unique: Vec<String>) -> Option<Self> {
        let required =
            |t: &&AttributeRef| t.attribute().is_required() && t.attribute().data_type() == Type::String;
        let name =
            resource_type.attributes().filter(required).find(|t| t.attribute().name() != "schemas")?.clone();
        let secret = |t: &&AttributeRef| t.attribute().mutability() == Mutability::WriteOnly;
        let mut tested = Self {
            resource_type: resource_type.clone(),
            attributes: Vec::new(),
            secret: resource_type.attributes().find(secret).cloned(),
            name,
            left_out: Vec::new(),
            unusable: Vec::new(),
            required: Vec::new(),
            references: Vec::new(),
            single_element_lists: Vec::new(),
            unique,
            unique_counter: AtomicUsize::new(1),
        };
        let others = || {
            resource_type.all_attributes().filter(|t| **t != tested.name && t.attribute().name() != "schemas")
        };
        let plain = |target: &&AttributeRef| {
            let attribute = target.attribute();
            attribute.mutability() == Mutability::ReadWrite
                && attribute.returned() == Returned::Default
                && !tested.is_unique(target)
                && !target.holds_members()
                && tested.can_have_value(target)
        };
        let needed = |target: &&AttributeRef| {
            let attribute = target.attribute();
            let sent = attribute.is_required() && attribute.mutability() != Mutability::ReadOnly;
            sent && tested.can_have_value(target)
        };
        let attributes = others().filter(plain).cloned().collect();
        tested.required = others().filter(needed).cloned().collect();
        tested.attributes = attributes;
        Some(tested)
    }

    /// Notes that an attribute must be the id of a resource.
    pub(super) fn add_reference(&mut self, path: &str) -> Result<AttributeRef, String> {
        let is = |text: &str, target: &AttributeRef| {
            let core = format!("{}:{}", target.schema().id(), target.attribute().name());
            let path = text.strip_suffix(".value").unwrap_or(text);
            [target.attribute().name(), target.path().as_str(), &core]
                .iter()
                .any(|name| name.eq_ignore_ascii_case(path))
        };
        let mut found = self.resource_type.all_attributes().filter(|target| is(path, target));
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
    pub(super) fn learn(&mut self, findings: &Findings) {
        self.attributes.retain(|target| !findings.unusable.contains(target));
        self.unusable.clone_from(&findings.unusable);
        self.left_out = findings.not_kept.iter().map(|target| target.path().to_string()).collect();
        self.single_element_lists.clone_from(&findings.single_element_lists);
    }

    /// Texts that can be changed and taken away at will: attributes, and then sub-attributes.
    pub(super) fn free_texts(&self) -> Vec<&AttributeRef> {
        let free = |definition: &Attribute| {
            definition.data_type() == Type::String
                && !definition.is_multi_valued()
                && !definition.is_required()
                && !definition.is_only_canonical()
                && definition.mutability() == Mutability::ReadWrite
                && definition.max_length().is_none_or(|length| length >= LONG)
        };
        let own = self.attributes.iter().filter(|target| !self.is_reference(target));
        let (complex, plain): (Vec<&AttributeRef>, Vec<&AttributeRef>) =
            own.partition(|target| target.is_complex());
        let singular = |target: &&AttributeRef| {
            !target.attribute().is_multi_valued() && !target.attribute().is_required()
        };
        let subs = complex.into_iter().filter(singular).flat_map(AttributeRef::sub_attributes);
        plain.into_iter().chain(subs).filter(|t| free(t.definition()) && !self.is_unique(t)).collect()
    }

    /// Lists of elements with a `value` that can be any text.
    pub(super) fn free_lists(&self) -> impl Iterator<Item = &AttributeRef> {
        let free = |target: &&AttributeRef| {
            let sub = target.sub_attribute("value").map(AttributeRef::definition);
            let others = target.sub_attributes().iter().map(AttributeRef::definition);
            sub.is_some_and(|value| {
                value.data_type() == Type::String
                    && value.mutability() == Mutability::ReadWrite
                    && !value.is_only_canonical()
                    && value.max_length().is_none_or(|length| length >= 2 * LONG)
            }) && !others.into_iter().any(|sub| sub.is_required() && sub.name() != "value")
        };
        let listed = |target: &&AttributeRef| {
            target.attribute().is_multi_valued()
                && !self.holds_one_element(target)
                && !self.is_reference(target)
        };
        self.attributes.iter().filter(listed).filter(free)
    }

    /// Whether the suite can make values for an attribute.
    pub(super) fn can_have_value(&self, target: &AttributeRef) -> bool {
        if !target.is_complex() {
            return is_simple(target);
        }
        let subs = target.sub_attributes();
        subs.iter().all(|sub| !sub.definition().is_required() || is_simple(sub))
            && self.usable_subs(target).next().is_some()
    }

    /// The sub-attributes that the suite has values for; of a reference only the id and what is required.
    pub(super) fn usable_subs<'t>(
        &self,
        target: &'t AttributeRef,
    ) -> impl Iterator<Item = &'t AttributeRef> + use<'t> {
        let reference = self.is_reference(target);
        target.sub_attributes().iter().filter(move |sub| {
            let definition = sub.definition();
            let needed = definition.is_required() || definition.name() == "value";
            is_simple(sub) && definition.mutability() == Mutability::ReadWrite && (needed || !reference)
        })
    }

    /// Whether a list holds at most one element.
    pub(super) fn holds_one_element(&self, target: &AttributeRef) -> bool {
        target.attribute().only_kept_type().is_some() || self.single_element_lists.contains(target)
    }

    /// Whether the provider keeps an attribute, as far as is known.
    pub(super) fn is_usable(&self, target: &AttributeRef) -> bool {
        !self.unusable.contains(target)
    }

    pub(super) fn is_reference(&self, target: &AttributeRef) -> bool {
        self.references.contains(target)
    }

    /// Whether no two resources may have the same value.
    pub(super) fn is_unique(&self, target: &AttributeRef) -> bool {
        target.definition().uniqueness() != Uniqueness::None
            || self.unique.iter().any(|path| path.eq_ignore_ascii_case(target.path().as_str()))
    }
}

/// The longest text that checks write is shorter than this.
const LONG: usize = 16;

/// Whether values are text or truth values.
pub(super) fn is_simple(target: &AttributeRef) -> bool {
    matches!(target.definition().data_type(), Type::String | Type::Boolean)
}

/// Puts a value where an attribute lives.
pub(super) fn put(body: &mut Map<String, Value>, target: &AttributeRef, value: Value) {
    target.set(body, value);
}
