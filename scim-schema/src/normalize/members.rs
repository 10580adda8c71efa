//! Bringing the members of an object into canonical form: an extension's, or those of a complex value.

use std::fmt::Display;

use serde_json::{Map, Value};

use crate::attribute_ref::AttributeRefs;
use crate::{AttributeRef, Quirk, ReadContext, ScimType, Violation, is_unassigned};

/// What becomes of a member.
pub(super) enum MemberKind<'a> {
    Keep,
    /// It has no value or is not the client's to write; this is its canonical name.
    Drop(&'a str),
    /// Its name is not canonical.
    Unknown,
}

/// What a pass over an object took out of it.
pub(super) struct Split<'a> {
    pub(super) unknown_members: Vec<(String, Value)>,
    /// The canonical names of what was dropped. They count when a name must not occur twice.
    pub(super) dropped: Vec<&'a str>,
}

/// Takes the members that are dropped, or whose names are not canonical, out of an object.
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

/// The members of an extension object or of a complex value; `around` is the beginning of their paths.
pub(super) fn normalize_members(
    targets: &AttributeRefs,
    object: &mut Map<String, Value>,
    around: &dyn Display,
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
            Some(target) => insert_once(object, target.name(), value, &dropped, around)?,
            None if is_unassigned(&value) => {}
            None => unknown(format_args!("{around}{key}"), read_context)?,
        }
    }
    pass(object, read_context).map(|_| ())
}

impl AttributeRef {
    /// The members of a complex value.
    pub(crate) fn normalize_members(
        &self,
        object: &mut Map<String, Value>,
        read_context: &mut ReadContext<'_>,
    ) -> Result<(), Violation> {
        normalize_members(self.subs(), object, &format_args!("{self}."), read_context)
    }
}

/// What only the server writes is dropped; what it is, does not matter.
pub(super) fn normalize_writable<'a>(
    target: &'a AttributeRef,
    value: &mut Value,
    read_context: &mut ReadContext<'_>,
) -> Result<MemberKind<'a>, Violation> {
    let writable = !target.is_read_only();
    let keep = writable && (target.is_plain(value) || target.normalize(value, read_context)?);
    if keep && let Value::Array(list) = value {
        target.merge_repeated(list);
    }
    Ok(if keep { MemberKind::Keep } else { MemberKind::Drop(target.name()) })
}

/// Gives an object a member that it must not have yet.
pub(super) fn insert_once(
    object: &mut Map<String, Value>,
    name: &str,
    value: Value,
    dropped: &[&str],
    around: &dyn Display,
) -> Result<(), Violation> {
    if dropped.contains(&name) || object.insert(name.to_owned(), value).is_some() {
        let path = format!("{around}{name}");
        return Err(Violation::new(ScimType::InvalidSyntax, path, "duplicate attribute"));
    }
    Ok(())
}

/// Leaves a member with an unknown name out, if that is tolerated.
pub(super) fn unknown(path: impl Display, read_context: &mut ReadContext<'_>) -> Result<(), Violation> {
    if read_context.allow_quirk(Quirk::UnknownAttribute, &path) {
        return Ok(());
    }
    Err(Violation::new(ScimType::InvalidSyntax, path, "the resource type has no such attribute"))
}
