//! The data types of a resolved patch. `resolve` turns each operation into steps, of which each changes one
//! top-level attribute, and `apply` carries them out.

use scim_filter::Predicate;
use scim_schema::AttributeRef;
use serde_json::{Map, Value};

use crate::element::is_primary;
use crate::key::key_of;

/// One change to one attribute.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// The index of the operation that the step is part of.
    pub(crate) operation: usize,
    /// The top-level attribute that the step changes.
    pub(crate) target: AttributeRef,
    pub(crate) action: Action,
    /// Whether the step is part of the removal of a whole extension.
    pub(crate) removes_extension: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// Checks that a `readOnly` attribute, or a sub-attribute of it, already has this value.
    Confirm { requested_target: AttributeRef, value: Value },
    /// Sets the value of a simple attribute, or all elements of a list.
    Set(Value),
    /// Removes the value of a simple attribute, or all elements of a list.
    Unassign,
    /// Adds elements to a list, and merges those that are in it already.
    Append(Vec<Value>),
    /// Removes the elements of a list that are the same as these.
    RemoveListed(Vec<Value>),
    /// Adds and removes elements of a keyed list.
    Keyed(KeyedChanges),
    /// Changes the elements of a list that a filter selects, or the value of a singular complex attribute.
    Select(Box<Select>),
}

/// Changes of a keyed list, such as the members of a group.
#[derive(Clone, Debug)]
pub(crate) struct KeyedChanges {
    /// Whether the list has only the elements that the changes add afterwards.
    pub(crate) exactly: bool,
    pub(crate) changes: Vec<KeyedChange>,
}

#[derive(Clone, Debug)]
pub(crate) enum KeyedChange {
    /// Adds an element unless its key is in the list. The number is the index of the operation.
    Add(usize, Map<String, Value>),
    /// Removes the element with this key.
    Remove(Box<str>),
}

/// A change of the elements that a filter selects.
#[derive(Clone, Debug)]
pub(crate) struct Select {
    pub(crate) filter: Predicate,
    /// Whether the filter may select several elements.
    pub(crate) may_select_several: bool,
    pub(crate) change: ElementChange,
    pub(crate) if_none: IfNoneSelected,
}

/// What to do if the filter selects no element.
#[derive(Clone, Debug)]
pub(crate) enum IfNoneSelected {
    Nothing,
    /// Fail with `noTarget` (RFC 7644 section 3.5.2.3).
    Refuse,
    /// Add this element with the change applied to it.
    Create {
        element: Map<String, Value>,
        /// Whether this is a tolerated quirk rather than what the RFC says.
        tolerated: bool,
    },
}

/// A change of one element of a list, or of the value of a singular complex attribute.
#[derive(Clone, Debug)]
pub(crate) enum ElementChange {
    Remove,
    /// Removes values from a multi-valued sub-attribute.
    RemoveEqual(SubValue),
    /// Sets sub-attributes, removes those whose value is null, and keeps the others. With `append_lists`,
    /// values of a multi-valued sub-attribute are added to the existing ones rather than replacing them.
    Merge {
        values: Vec<SubValue>,
        append_lists: bool,
    },
    Replace(Value),
}

/// A sub-attribute and a value for it.
#[derive(Clone, Debug)]
pub(crate) struct SubValue {
    pub(crate) sub: AttributeRef,
    pub(crate) value: Value,
}

impl Step {
    /// Appends the changes of the next step if both change the same keyed list. Returns whether they do.
    pub(crate) fn merge_next(&mut self, next: &mut Self) -> bool {
        match (&mut self.action, &mut next.action) {
            (Action::Keyed(keyed), Action::Keyed(next_keyed)) if self.target == next.target => {
                keyed.append(next_keyed);
                true
            }
            _ => false,
        }
    }

    /// Whether the step may remove the value of the attribute, or of this sub-attribute.
    pub(crate) fn removes(&self, sub: Option<&str>) -> bool {
        let attribute = sub.is_none();
        match &self.action {
            Action::Set(_) | Action::Append(_) | Action::Confirm { .. } => false,
            Action::Unassign | Action::RemoveListed(_) | Action::Keyed(_) => attribute,
            Action::Select(select) => match (&select.change, sub) {
                (ElementChange::Remove, _) => attribute,
                (ElementChange::RemoveEqual(listed), Some(sub)) => listed.name() == sub,
                (ElementChange::RemoveEqual(_), None) => true,
                (ElementChange::Merge { values, .. }, Some(sub)) => {
                    value_for(values, sub).is_some_and(Value::is_null)
                }
                (ElementChange::Merge { values, .. }, None) => values.iter().any(|sub| sub.value.is_null()),
                (ElementChange::Replace(_), _) => false,
            },
        }
    }

    /// Whether the step reports precisely if it changed the attribute. Adding several elements does not: they
    /// may be the same element, so that the second one undoes the change of the first.
    pub(crate) fn reports_change_exactly(&self) -> bool {
        !matches!(&self.action, Action::Append(elements) if elements.len() > 1)
    }
}

impl KeyedChanges {
    /// Appends the changes of `next`, which is left empty.
    fn append(&mut self, next: &mut Self) {
        if next.exactly {
            self.exactly = true;
            self.changes.clear();
        }
        self.changes.append(&mut next.changes);
    }
}

impl KeyedChange {
    /// The key, and the element if the change adds one.
    pub(crate) fn key_and_element(&self) -> (&str, Option<&Map<String, Value>>) {
        match self {
            Self::Add(_, element) => (key_of(element), Some(element)),
            Self::Remove(key) => (key, None),
        }
    }
}

impl Select {
    /// Selects all elements of a list, or the value of a singular complex attribute.
    pub(crate) fn all(change: ElementChange, if_none: IfNoneSelected) -> Self {
        Self { filter: Predicate::Const(true), may_select_several: true, change, if_none }
    }
}

impl ElementChange {
    /// Whether every changed element has a `value` afterwards.
    pub(crate) fn sets_key(&self) -> bool {
        match self {
            Self::Merge { values, .. } => {
                value_for(values, "value").and_then(Value::as_str).is_some_and(|key| !key.is_empty())
            }
            Self::Replace(Value::Object(element)) => !key_of(element).is_empty(),
            _ => false,
        }
    }

    /// Whether the change sets no sub-attribute, so that no new element can be created with it.
    pub(crate) fn only_unassigns(&self) -> bool {
        match self {
            Self::Merge { values, .. } => values.iter().all(|sub| sub.value.is_null()),
            Self::Replace(_) => false,
            Self::Remove | Self::RemoveEqual(_) => true,
        }
    }

    /// Whether the change may make an element the same as another one.
    pub(crate) fn may_change_identity(&self) -> bool {
        match self {
            Self::Merge { values, .. } => {
                ["value", "type"].iter().any(|name| value_for(values, name).is_some())
            }
            Self::Replace(_) => true,
            Self::Remove | Self::RemoveEqual(_) => false,
        }
    }

    pub(crate) fn sets_primary(&self) -> bool {
        match self {
            Self::Merge { values, .. } => value_for(values, "primary") == Some(&Value::Bool(true)),
            Self::Replace(value) => is_primary(value),
            Self::Remove | Self::RemoveEqual(_) => false,
        }
    }
}

impl SubValue {
    /// Converts the members of an object that are sub-attributes.
    pub(crate) fn from_object(target: &AttributeRef, object: Map<String, Value>) -> Vec<Self> {
        let sub_value = |(name, value): (String, Value)| {
            target.sub_attribute(&name).map(|sub| Self { sub: sub.clone(), value })
        };
        object.into_iter().filter_map(sub_value).collect()
    }

    pub(crate) fn name(&self) -> &str {
        self.sub.definition().name()
    }
}

/// Returns the value for the sub-attribute with this name.
pub(crate) fn value_for<'a>(values: &'a [SubValue], name: &str) -> Option<&'a Value> {
    values.iter().find(|sub| sub.name() == name).map(|sub| &sub.value)
}
