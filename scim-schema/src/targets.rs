//! The members of one object, found by name.

use crate::Mutability;
use crate::target::Target;

/// The attributes of a schema, or the sub-attributes of an attribute, in schema order.
pub(crate) struct Targets {
    list: Box<[Target]>,
    /// Sorted by name, as the members of most objects are.
    names: Box<[Name]>,
    required: Box<[Target]>,
}

struct Name {
    text: Box<str>,
    tag: u32,
    /// The index in schema order.
    place: usize,
}

impl Targets {
    pub(crate) fn new(list: Vec<Target>) -> Self {
        let name = |(place, target): (usize, &Target)| {
            let text: Box<str> = target.name().into();
            Name { tag: tag(&text), text, place }
        };
        let mut names: Vec<Name> = list.iter().enumerate().map(name).collect();
        names.sort_by(|a, b| a.text.cmp(&b.text));
        let writable = |target: &&Target| target.definition().mutability() != Mutability::ReadOnly;
        let required = list.iter().filter(|target| target.definition().is_required()).filter(writable);
        Self { names: names.into(), required: required.cloned().collect(), list: list.into() }
    }

    pub(crate) fn as_slice(&self) -> &[Target] {
        &self.list
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Target> {
        self.list.iter()
    }

    /// Those that a client must give a value.
    pub(crate) fn required(&self) -> &[Target] {
        &self.required
    }

    /// Begins to look up the names of an object one after the other.
    pub(crate) fn lookup(&self) -> Lookup<'_> {
        Lookup { targets: self, next: 0 }
    }

    /// The one with exactly that name.
    pub(crate) fn exact(&self, name: &str) -> Option<&Target> {
        self.lookup().target(name)
    }

    /// The one with that name in any case.
    pub(crate) fn find(&self, name: &str) -> Option<&Target> {
        // Stored data and most requests use the canonical case.
        let any_case = || self.list.iter().find(|target| target.name().eq_ignore_ascii_case(name));
        self.exact(name).or_else(any_case)
    }
}

/// Looks up names that probably come in sorted order: each search begins where the last one ended.
///
/// Every member of every resource passes through here, so names are told apart by a few of their
/// bytes before they are compared.
pub(crate) struct Lookup<'a> {
    targets: &'a Targets,
    next: usize,
}

impl<'a> Lookup<'a> {
    /// The place, in schema order, of the one with exactly that name.
    pub(crate) fn place(&mut self, name: &str) -> Option<usize> {
        let tag = tag(name);
        let (before, after) = self.targets.names.split_at_checked(self.next)?;
        let is_it = |candidate: &Name| candidate.tag == tag && *candidate.text == *name;
        let at = match after.iter().position(is_it) {
            Some(at) => before.len() + at,
            None => before.iter().position(is_it)?,
        };
        self.next = at + 1;
        self.targets.names.get(at).map(|name| name.place)
    }

    /// The one with exactly that name.
    pub(crate) fn target(&mut self, name: &str) -> Option<&'a Target> {
        self.targets.list.get(self.place(name)?)
    }
}

/// The length of a name and three of its bytes.
fn tag(name: &str) -> u32 {
    let bytes = name.as_bytes();
    let (Some(first), Some(middle), Some(last)) = (bytes.first(), bytes.get(bytes.len() / 2), bytes.last()) else {
        return 0;
    };
    let [length, ..] = bytes.len().to_le_bytes();
    u32::from_le_bytes([*first, *middle, *last, length])
}
