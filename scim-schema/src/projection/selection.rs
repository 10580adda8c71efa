//! The members of one object that a projection shows.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::AttributeRef;
use crate::attribute_ref::{Lookup, NameIndex};

/// Up to this number of members, each is looked up in the object. From more on, one pass over the object is faster.
const MAX_SINGLE_LOOKUPS: usize = 2;

/// The members of an object that are shown, in schema order.
pub(crate) struct Selection {
    members: Box<[SelectedMember]>,
    names: NameIndex,
    /// Whether these are all members that the object can have in canonical form.
    all: bool,
    /// Whether one of the members is derived.
    derives: bool,
}

/// A member that is shown.
pub(crate) struct SelectedMember {
    pub(crate) target: AttributeRef,
    pub(crate) name: Arc<str>,
    pub(crate) is_derived: bool,
    /// The sub-attributes that are shown, if the values are complex.
    pub(crate) subs: Option<Arc<Selection>>,
}

impl SelectedMember {
    pub(crate) fn new(target: &AttributeRef, subs: Option<Arc<Selection>>) -> Self {
        let name = target.shared_name().clone();
        Self { target: target.clone(), name, is_derived: target.is_derived(), subs }
    }
}

impl Selection {
    pub(crate) fn new(members: Vec<SelectedMember>) -> Self {
        let names = NameIndex::new(members.iter().map(|member| member.name.clone()));
        let derives = members.iter().any(|member| member.is_derived);
        Self { names, members: members.into(), all: false, derives }
    }

    /// Selects all sub-attributes of an attribute.
    pub(crate) fn all(subs: &[AttributeRef]) -> Self {
        let members = subs.iter().map(|sub| SelectedMember::new(sub, None));
        Self { all: true, ..Self::new(members.collect()) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn get(&self, index: usize) -> Option<&SelectedMember> {
        self.members.get(index)
    }

    /// Whether one of the members is derived.
    pub(crate) fn derives(&self) -> bool {
        self.derives
    }

    /// Finds members by their names.
    pub(crate) fn lookup(&self) -> SelectionLookup<'_> {
        SelectionLookup { names: &self.names, lookup: self.names.lookup() }
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, SelectedMember> {
        self.members.iter()
    }

    /// Calls a function for each selected member, in schema order, with its value in the object.
    pub(crate) fn for_each_member<'a, E>(
        &'a self,
        object: &'a Map<String, Value>,
        mut member: impl FnMut(&'a SelectedMember, Option<&'a Value>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.are_few() {
            self.members.iter().try_for_each(|selected| member(selected, object.get(&*selected.name)))
        } else if self.members.len() <= 8 {
            self.for_each_in_chunks::<8, E>(object, member)
        } else {
            self.for_each_in_chunks::<32, E>(object, member)
        }
    }

    /// Does the same for up to `AT_ONCE` members at a time: one pass over the object collects their values in an array.
    /// With a search for each member instead, `schema/serialize` takes 23 % longer, and `service/patch-one` 4 %.
    fn for_each_in_chunks<'a, const AT_ONCE: usize, E>(
        &'a self,
        object: &'a Map<String, Value>,
        mut member: impl FnMut(&'a SelectedMember, Option<&'a Value>) -> Result<(), E>,
    ) -> Result<(), E> {
        for (chunk, members) in self.members.chunks(AT_ONCE).enumerate() {
            let mut values = [None; AT_ONCE];
            let mut lookup = self.lookup();
            for (name, value) in object {
                let position = lookup.index_of(name).and_then(|index| index.checked_sub(chunk * AT_ONCE));
                if let Some(found) = position.and_then(|position| values.get_mut(position)) {
                    *found = Some(value);
                }
            }
            for (selected, value) in members.iter().zip(values) {
                member(selected, value)?;
            }
        }
        Ok(())
    }

    /// Whether the object has a value for at least one selected member.
    pub(crate) fn has_any(&self, object: &Map<String, Value>) -> bool {
        if self.all {
            return !object.is_empty();
        }
        if self.are_few() {
            return self
                .members
                .iter()
                .any(|selected| object.get(&*selected.name).is_some_and(|v| !v.is_null()));
        }
        let mut lookup = self.lookup();
        object.iter().any(|(name, value)| !value.is_null() && lookup.index_of(name).is_some())
    }

    /// Whether it is faster to look up each member than to iterate over the object.
    fn are_few(&self) -> bool {
        self.members.len() <= MAX_SINGLE_LOOKUPS
    }
}

/// Finds the selected members of an object. Names in sorted order are found at once.
pub(crate) struct SelectionLookup<'a> {
    names: &'a NameIndex,
    lookup: Lookup<'a>,
}

impl SelectionLookup<'_> {
    /// The index of the selected member with this name.
    #[inline]
    pub(crate) fn index_of(&mut self, name: &str) -> Option<usize> {
        if self.names.may_contain(name) { self.lookup.index_of(name) } else { None }
    }
}
