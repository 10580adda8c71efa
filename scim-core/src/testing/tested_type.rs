//! The resource type that most checks use, and how they can use its attributes.

use std::sync::atomic::AtomicUsize;

use super::findings::Findings;
use scim_schema::{Attribute, AttributeRef, Mutability, ResourceType, Returned, Type, Uniqueness};

/// The resource type that most checks use, with its attributes grouped by how the checks can use them.
pub(super) struct TestedType {
    pub(super) resource_type: ResourceType,
    /// The required string attribute that names a resource, such as `userName`.
    pub(super) name: AttributeRef,
    /// Writable attributes with a string or Boolean value, or a complex value of these.
    pub(super) attributes: Vec<AttributeRef>,
    /// A `writeOnly` attribute, such as `password`.
    pub(super) secret: Option<AttributeRef>,
    /// The paths of the attributes that the provider does not keep, so that the checks do not use them.
    pub(super) not_kept: Vec<String>,
    /// The attributes that the provider does not keep, or refuses.
    unusable: Vec<AttributeRef>,
    /// The required attributes besides the name.
    pub(super) required: Vec<AttributeRef>,
    /// The attributes whose value must be the id of a resource.
    references: Vec<AttributeRef>,
    /// The lists that store only one element although the type does not declare them so.
    single_element_lists: Vec<AttributeRef>,
    /// The paths of attributes that the provider keeps unique in addition to those that the schema declares.
    unique: Vec<String>,
    /// Whether the texts of stored values and filters are ASCII only.
    pub(super) ascii_texts: bool,
    /// Counts the values that were made for unique attributes.
    pub(super) unique_counter: AtomicUsize,
}

impl TestedType {
    /// Returns `None` if the type has no required string attribute that can be the name.
    pub(super) fn new(resource_type: &ResourceType, unique: Vec<String>) -> Option<Self> {
        let can_be_name = |target: &&AttributeRef| {
            let attribute = target.attribute();
            attribute.is_required() && attribute.data_type() == Type::String && attribute.name() != "schemas"
        };
        let name = resource_type.attributes().find(can_be_name)?.clone();
        let is_secret = |target: &&AttributeRef| target.attribute().mutability() == Mutability::WriteOnly;
        let mut tested = Self {
            resource_type: resource_type.clone(),
            attributes: Vec::new(),
            secret: resource_type.attributes().find(is_secret).cloned(),
            name,
            not_kept: Vec::new(),
            unusable: Vec::new(),
            required: Vec::new(),
            references: Vec::new(),
            single_element_lists: Vec::new(),
            unique,
            ascii_texts: false,
            unique_counter: AtomicUsize::new(1),
        };
        let others = || {
            resource_type.all_attributes().filter(|t| **t != tested.name && t.attribute().name() != "schemas")
        };
        let is_plain = |target: &&AttributeRef| {
            let attribute = target.attribute();
            attribute.mutability() == Mutability::ReadWrite
                && attribute.returned() == Returned::Default
                && !tested.is_unique(target)
                && !target.holds_members()
                && tested.can_have_value(target)
        };
        let is_needed = |target: &&AttributeRef| {
            let attribute = target.attribute();
            let is_sent = attribute.is_required() && attribute.mutability() != Mutability::ReadOnly;
            is_sent && tested.can_have_value(target)
        };
        let attributes = others().filter(is_plain).cloned().collect();
        tested.required = others().filter(is_needed).cloned().collect();
        tested.attributes = attributes;
        Some(tested)
    }

    /// Whether the checks of filters and of uniqueness may send a text.
    pub(super) fn is_sent(&self, text: &str) -> bool {
        !self.ascii_texts || text.is_ascii()
    }

    /// Records that the value of an attribute must be the id of a resource.
    ///
    /// # Errors
    ///
    /// If the path names no attribute or several, or if the attribute is required.
    pub(super) fn add_reference(&mut self, path: &str) -> Result<AttributeRef, String> {
        let is_named = |target: &&AttributeRef| {
            let with_urn = format!("{}:{}", target.schema().id(), target.attribute().name());
            let path = path.strip_suffix(".value").unwrap_or(path);
            [target.attribute().name(), target.path().as_str(), &with_urn]
                .iter()
                .any(|name| name.eq_ignore_ascii_case(path))
        };
        let mut found = self.resource_type.all_attributes().filter(is_named);
        match (found.next(), found.next()) {
            // The first resource could not be created: it would need another one to refer to.
            (Some(target), None) if target.attribute().is_required() => Err(format!(
                "`{target}` is required, so the suite cannot create a first resource; it must be optional"
            )),
            (Some(target), None) => {
                let target = target.clone();
                self.references.push(target.clone());
                Ok(target)
            }
            (None, _) => Err(format!("there is no attribute `{path}` in the first resource type")),
            _ => {
                Err(format!("there are several attributes `{path}`; use the path with the URI of the schema"))
            }
        }
    }

    /// Records which attributes the provider does not keep, and which lists store only one element.
    pub(super) fn learn(&mut self, findings: &Findings) {
        self.attributes.retain(|target| !findings.unusable.contains(target));
        self.unusable.clone_from(&findings.unusable);
        self.not_kept = findings.not_kept.iter().map(|target| target.path().to_string()).collect();
        self.single_element_lists.clone_from(&findings.single_element_lists);
    }

    /// Optional strings that can have any text: attributes first, then sub-attributes.
    pub(super) fn free_texts(&self) -> Vec<&AttributeRef> {
        let is_free_text = |definition: &Attribute| {
            definition.data_type() == Type::String
                && !definition.is_multi_valued()
                && !definition.is_required()
                && !definition.is_only_canonical()
                && definition.mutability() == Mutability::ReadWrite
                && definition.max_length().is_none_or(|length| length >= FREE_TEXT_LENGTH)
        };
        let without_references = self.attributes.iter().filter(|target| !self.is_reference(target));
        let (complex, simple): (Vec<&AttributeRef>, Vec<&AttributeRef>) =
            without_references.partition(|target| target.is_complex());
        let is_optional_single = |target: &&AttributeRef| {
            !target.attribute().is_multi_valued() && !target.attribute().is_required()
        };
        let subs = complex.into_iter().filter(is_optional_single).flat_map(AttributeRef::sub_attributes);
        let all = simple.into_iter().chain(subs);
        all.filter(|target| is_free_text(target.definition()) && !self.is_unique(target)).collect()
    }

    /// Lists whose elements have a `value` that can be any text.
    pub(super) fn free_lists(&self) -> impl Iterator<Item = &AttributeRef> {
        let has_free_value = |target: &&AttributeRef| {
            let sub = target.sub_attribute("value").map(AttributeRef::definition);
            let others = target.sub_attributes().iter().map(AttributeRef::definition);
            sub.is_some_and(|value| {
                value.data_type() == Type::String
                    && value.mutability() == Mutability::ReadWrite
                    && !value.is_only_canonical()
                    && value.max_length().is_none_or(|length| length >= 2 * FREE_TEXT_LENGTH)
            }) && !others.into_iter().any(|sub| sub.is_required() && sub.name() != "value")
        };
        let holds_several = |target: &&AttributeRef| {
            target.attribute().is_multi_valued()
                && !self.holds_one_element(target)
                && !self.is_reference(target)
        };
        self.attributes.iter().filter(holds_several).filter(has_free_value)
    }

    /// Whether the suite can make a value for an attribute.
    pub(super) fn can_have_value(&self, target: &AttributeRef) -> bool {
        if !target.is_complex() {
            return is_simple(target);
        }
        let subs = target.sub_attributes();
        subs.iter().all(|sub| !sub.definition().is_required() || is_simple(sub))
            && self.usable_subs(target).next().is_some()
    }

    /// The sub-attributes that the suite can make values for. Of a reference these are only `value` and the required ones.
    pub(super) fn usable_subs<'t>(
        &self,
        target: &'t AttributeRef,
    ) -> impl Iterator<Item = &'t AttributeRef> + use<'t> {
        let is_reference = self.is_reference(target);
        target.sub_attributes().iter().filter(move |sub| {
            let definition = sub.definition();
            let is_needed = definition.is_required() || definition.name() == "value";
            is_simple(sub) && definition.mutability() == Mutability::ReadWrite && (is_needed || !is_reference)
        })
    }

    /// Whether a list stores at most one element.
    pub(super) fn holds_one_element(&self, target: &AttributeRef) -> bool {
        !target.attribute().kept_types().is_empty() || self.single_element_lists.contains(target)
    }

    /// Whether the checks can use an attribute: the provider is not known to drop or to refuse it.
    pub(super) fn is_usable(&self, target: &AttributeRef) -> bool {
        !self.unusable.contains(target)
    }

    pub(super) fn is_reference(&self, target: &AttributeRef) -> bool {
        self.references.contains(target)
    }

    /// Whether the values of an attribute must be unique among resources.
    pub(super) fn is_unique(&self, target: &AttributeRef) -> bool {
        target.definition().uniqueness() != Uniqueness::None
            || self.unique.iter().any(|path| path.eq_ignore_ascii_case(target.path().as_str()))
    }
}

/// The failure of a check that needs an attribute of [`TestedType::free_texts`].
pub(super) const NO_FREE_TEXT: &str = "the check needs an optional string attribute that the provider keeps, \
     and the first resource type has none";

/// Free texts must allow at least this many characters; the checks write shorter ones.
const FREE_TEXT_LENGTH: usize = 16;

/// Whether the values of an attribute are strings or Booleans.
pub(super) fn is_simple(target: &AttributeRef) -> bool {
    matches!(target.definition().data_type(), Type::String | Type::Boolean)
}
