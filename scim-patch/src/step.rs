//! The steps of a resolved patch: what is done to each attribute. They are made by `resolve` and carried out by
//! `apply`; here is only what they say.

use scim_filter::Predicate;
use scim_schema::AttributeRef;
use serde_json::{Map, Value};

use crate::element::is_primary;
use crate::key::key_of;

/// One change to one attribute.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// The index of the operation it comes from.
    pub(crate) operation: usize,
    /// The top-level attribute.
    pub(crate) target: AttributeRef,
    pub(crate) action: Action,
    /// Whether all attributes of the extension are removed together.
    pub(crate) removes_extension: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// Makes sure that a `readOnly` attribute, or a sub-attribute of it, has this value.
    Confirm { requested_target: AttributeRef, value: Value },
    /// Gives a simple attribute, or all of a list, this value.
    Set(Value),
    /// Leaves a simple attribute, or a list, without a value.
    Unassign,
    /// Adds elements to a list that are not in it yet.
    Append(Vec<Value>),
    /// Removes the elements of a list that are listed.
    RemoveListed(Vec<Value>),
    /// Changes which elements there are in a list whose elements are identified by `value`.
    Keyed(KeyedChanges),
    /// Changes the elements of a list, or the value of a singular complex attribute, that a filter
    /// selects.
    Select(Box<Select>),
}

/// Changes to a list whose elements are identified by their `value`, such as the members of a group.
#[derive(Clone, Debug)]
pub(crate) struct KeyedChanges {
    /// Whether the list has nothing afterwards but what the changes add.
    pub(crate) exactly: bool,
    pub(crate) changes: Vec<KeyedChange>,
}

#[derive(Clone, Debug)]
pub(crate) enum KeyedChange {
    /// Adds an element unless its key is there, for the operation with this index.
    Add(usize, Map<String, Value>),
    /// Removes the element with this key.
    Remove(Box<str>),
}

/// Which elements to change, how, and what to do if there are none.
#[derive(Clone, Debug)]
pub(crate) struct Select {
    pub(crate) filter: Predicate,
    /// Whether the filter may select several elements.
    pub(crate) may_select_several: bool,
    pub(crate) change: ElementChange,
    pub(crate) if_none: IfNoneSelected,
}

/// What happens if no element is selected.
#[derive(Clone, Debug)]
pub(crate) enum IfNoneSelected {
    Nothing,
    /// It is an error (RFC 7644 section 3.5.2.3).
    Refuse,
    /// Makes this element and changes it.
    Create {
        element: Map<String, Value>,
        /// Whether that is tolerated rather than asked for.
        tolerated: bool,
    },
}

/// What happens to one element of a list, or to the value of a singular complex attribute.
#[derive(Clone, Debug)]
pub(crate) enum ElementChange {
    Remove,
    /// Removes the values that are listed from a sub-attribute that is a list.
    RemoveEqual(SubValue),
    /// Sets sub-attributes, or unassigns those that are null, and keeps the others. What is added to
    /// a sub-attribute that is a list itself is appended to it.
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
    /// Takes over what the next step on the same attribute does, if both can be done in one pass.
    pub(crate) fn merge_next(&mut self, next: &mut Self) -> bool {
        match (&mut self.action, &mut next.action) {
            (Action::Keyed(keyed), Action::Keyed(next_keyed)) if self.target == next.target => {
                keyed.append(next_keyed);
                true
            }
            _ => false,
        }
    }

    /// Whether it may have removed the attribute's value, or that of the sub-attribute.
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

    /// Whether it can tell by itself if it changed anything. Several elements that are added may turn out to be
    /// the same element, so that the second undoes what the first did.
    pub(crate) fn reports_change_exactly(&self) -> bool {
        !matches!(&self.action, Action::Append(elements) if elements.len() > 1)
    }
}

impl KeyedChanges {
    /// Appends the changes that follow; `next` is left empty.
    fn append(&mut self, next: &mut Self) {
        if next.exactly {
            self.exactly = true;
            self.changes.clear();
        }
        self.changes.append(&mut next.changes);
    }
}

impl KeyedChange {
    /// The key, and the element if one is added.
    pub(crate) fn key_and_element(&self) -> (&str, Option<&Map<String, Value>>) {
        match self {
            Self::Add(_, element) => (key_of(element), Some(element)),
            Self::Remove(key) => (key, None),
        }
    }
}

impl Select {
    /// All elements of a list, or the value of a singular complex attribute.
    pub(crate) fn all(change: ElementChange, if_none: IfNoneSelected) -> Self {
        Self { filter: Predicate::Const(true), may_select_several: true, change, if_none }
    }
}

impl ElementChange {
    /// Whether an element has a `value` afterwards in any case.
    pub(crate) fn sets_key(&self) -> bool {
        match self {
            Self::Merge { values, .. } => {
                value_for(values, "value").and_then(Value::as_str).is_some_and(|key| !key.is_empty())
            }
            Self::Replace(Value::Object(element)) => !key_of(element).is_empty(),
            _ => false,
        }
    }

    /// Whether it sets nothing, so that no element can be made from it.
    pub(crate) fn only_unassigns(&self) -> bool {
        match self {
            Self::Merge { values, .. } => values.iter().all(|sub| sub.value.is_null()),
            Self::Replace(_) => false,
            Self::Remove | Self::RemoveEqual(_) => true,
        }
    }

    /// Whether it may make an element the same as another.
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
    /// The members of an object that are sub-attributes.
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

/// The value for the sub-attribute of that name.
pub(crate) fn value_for<'a>(values: &'a [SubValue], name: &str) -> Option<&'a Value> {
    values.iter().find(|sub| sub.name() == name).map(|sub| &sub.value)
}
