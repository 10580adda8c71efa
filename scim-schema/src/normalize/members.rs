//! Normalizes the members of an object: of an extension, or of a complex value.

use std::fmt::Display;

use serde_json::{Map, Value};

use crate::attribute_ref::AttributeRefs;
use crate::{AttributeRef, Quirk, ReadContext, ScimType, Violation, is_unassigned};

/// How a member of an object is handled.
pub(super) enum MemberKind<'a> {
    Keep,
    /// It has no value, or a client cannot write it. The canonical name.
    Drop(&'a str),
    /// Its name is not canonical.
    Unknown,
}

/// The members that [`split_members`] took out of an object.
pub(super) struct Split<'a> {
    pub(super) unknown_members: Vec<(String, Value)>,
    /// The canonical names of the dropped members, to detect duplicates of them.
    pub(super) dropped: Vec<&'a str>,
}

/// Takes the members out of an object that `kind_of` drops, or does not know because their names are not
/// canonical.
pub(super) fn split_members<'a>(
    object: &mut Map<String, Value>,
    mut kind_of: impl FnMut(&str, &mut Value) -> Result<MemberKind<'a>, Violation>,
) -> Result<Split<'a>, Violation> {
    let mut split = Split { unknown_members: Vec::new(), dropped: Vec::new() };
    for (key, value) in object.iter_mut() {
        match kind_of(key, value)? {
            MemberKind::Keep => {}
            MemberKind::Drop(name) => split.dropped.push(name),
            MemberKind::Unknown => split.unknown_members.push((key.clone(), value.take())),
        }
    }
    for name in split.unknown_members.iter().map(|(key, _)| key.as_str()).chain(split.dropped.iter().copied())
    {
        object.remove(name);
    }
    Ok(split)
}

/// Normalizes the members of an extension object or of a complex value.
///
/// The first pass handles the canonical names, which are nearly all. If others remain, they are inserted under
/// their canonical names, and a second pass normalizes their values. `path_prefix` is the part of their paths
/// before the name, for error messages.
pub(super) fn normalize_members(
    targets: &AttributeRefs,
    object: &mut Map<String, Value>,
    path_prefix: &dyn Display,
    read_context: &mut ReadContext<'_>,
) -> Result<(), Violation> {
    let pass = |object: &mut Map<String, Value>, read_context: &mut ReadContext<'_>| {
        let mut lookup = targets.lookup();
        split_members(object, |key, value| match lookup(key) {
            Some(target) => normalize_writable(target, value, read_context),
            None => Ok(MemberKind::Unknown),
        })
    };
    let Split { unknown_members, dropped } = pass(object, read_context)?;
    if unknown_members.is_empty() {
        return Ok(());
    }
    for (key, value) in unknown_members {
        match targets.find_tolerated(&key, read_context) {
            Some(target) => insert_once(object, target.name(), value, &dropped, path_prefix)?,
            None if is_unassigned(&value) => {}
            None => check_unknown(format_args!("{path_prefix}{key}"), read_context)?,
        }
    }
    pass(object, read_context).map(|_| ())
}

impl AttributeRef {
    /// Normalizes the members of a complex value.
    pub(crate) fn normalize_members(
        &self,
        object: &mut Map<String, Value>,
        read_context: &mut ReadContext<'_>,
    ) -> Result<(), Violation> {
        normalize_members(self.sub_attribute_refs(), object, &format_args!("{self}."), read_context)
    }
}

/// Normalizes the value of an attribute. A `readOnly` attribute is dropped, whatever its value is.
pub(super) fn normalize_writable<'a>(
    target: &'a AttributeRef,
    value: &mut Value,
    read_context: &mut ReadContext<'_>,
) -> Result<MemberKind<'a>, Violation> {
    let writable = !target.is_read_only();
    let keep = writable && (target.is_ordinary_value(value) || target.normalize(value, read_context)?);
    if keep && let Value::Array(list) = value {
        target.merge_repeated(list);
    }
    Ok(if keep { MemberKind::Keep } else { MemberKind::Drop(target.name()) })
}

/// Adds a member to an object. It is an error if the object has it already, or if it was dropped before.
pub(super) fn insert_once(
    object: &mut Map<String, Value>,
    name: &str,
    value: Value,
    dropped: &[&str],
    path_prefix: &dyn Display,
) -> Result<(), Violation> {
    if dropped.contains(&name) || object.insert(name.to_owned(), value).is_some() {
        let path = format!("{path_prefix}{name}");
        return Err(Violation::new(ScimType::InvalidSyntax, path, "duplicate attribute"));
    }
    Ok(())
}

/// Refuses a member with an unknown name, unless [`Quirk::UnknownAttribute`] is tolerated.
pub(super) fn check_unknown(path: impl Display, read_context: &mut ReadContext<'_>) -> Result<(), Violation> {
    if read_context.allow_quirk(Quirk::UnknownAttribute, &path) {
        return Ok(());
    }
    Err(Violation::new(ScimType::InvalidSyntax, path, "the resource type has no such attribute"))
}
