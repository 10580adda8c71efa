//! The net change of one keyed list, for stores that keep its elements as rows.

use std::collections::{HashMap, HashSet};

use scim_schema::AttributeRef;
use serde_json::{Map, Value};

use crate::element::matches_request;
use crate::key::key_of;

/// The net change of a list whose elements are identified by their `value`, which is their key.
///
/// The order of the elements has no meaning. A store loads the elements with the delta's
/// [`keys`](Self::keys), and [`changes`](Self::changes) returns the elements to insert, to update and to
/// delete.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use scim_patch::{ListDelta, PatchLimits, PatchRequest, key_of};
/// use scim_schema::{ReadContext, Tolerance, standard};
/// use serde_json::{Map, Value, json};
///
/// /// Changes the rows of a table of members. Returns whether it changed any.
/// fn change(rows: &mut BTreeMap<String, Map<String, Value>>, delta: &ListDelta<'_>) -> bool {
///     let group = standard::group_type();
///     let members = group.attribute("members").unwrap();
///     // SELECT .. WHERE member IN (keys), or SELECT all rows if there are no keys.
///     let stored: Vec<(String, Map<String, Value>)> = match delta.keys() {
///         Some(keys) => keys.filter_map(|key| Some((key.to_owned(), rows.get(key)?.clone()))).collect(),
///         None => rows.clone().into_iter().collect(),
///     };
///     let current = stored.iter().map(|(key, element)| (key.as_str(), element));
///     let changes = delta.changes(current, |stored, requested| ListDelta::is_same(members, stored, requested));
///
///     // INSERT, UPDATE and DELETE.
///     for element in changes.added.iter().chain(&changes.replaced) {
///         rows.insert(key_of(element).to_owned(), (*element).clone());
///     }
///     for key in &changes.removed {
///         rows.remove(*key);
///     }
///     !changes.is_empty()
/// }
///
/// let body = br#"{ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
///     { "op": "remove", "path": "members[value eq \"7\"]" },
///     { "op": "add", "path": "members", "value": [{ "value": "8" }, { "value": "9" }] }
/// ]}"#;
/// let (tolerance, limits) = (Tolerance::strict(), PatchLimits::default());
/// let mut read_context = ReadContext::new(&tolerance);
/// let patch = PatchRequest::parse(body, &limits, &mut read_context)?
///     .resolve(&standard::group_type(), &limits, &mut read_context)?;
/// let (delta, _) = patch.split("members").unwrap();
///
/// let member = |id: &str| (id.to_owned(), json!({ "value": id, "type": "User" }).as_object().unwrap().clone());
/// let mut rows = BTreeMap::from(["6", "7", "8"].map(member));
/// assert!(change(&mut rows, &delta));
/// assert_eq!(rows.keys().collect::<Vec<_>>(), ["6", "8", "9"]);
/// assert_eq!(rows["8"], member("8").1, "it was there already");
///
/// // Applying the same delta again changes nothing.
/// assert!(!change(&mut rows, &delta));
/// # Ok::<(), scim_patch::PatchError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub enum ListDelta<'a> {
    /// Removes some elements and adds others; all other elements stay as they are.
    ///
    /// If a key is in both, a stored element is removed and added again, which changes nothing if both [are
    /// the same](Self::is_same). The keys in `remove` need not exist. If the key of an element in `add`
    /// exists and is not in `remove`, the stored element stays as it is.
    AddRemove {
        /// The elements to add, unless their keys exist.
        add: Vec<&'a Map<String, Value>>,
        /// The keys of the elements to remove, before any is added.
        remove: Vec<&'a str>,
    },
    /// The list has exactly these elements afterwards. A stored element that [is the same](Self::is_same)
    /// stays as it is.
    Exactly(Vec<&'a Map<String, Value>>),
    /// The list has exactly the elements with these keys afterwards. A stored element with one of the keys
    /// stays as it is, since none of its sub-attributes may change. A PUT of members results in this.
    ExactKeys(Vec<&'a Map<String, Value>>),
}

/// The changes that a [`ListDelta`] makes to stored elements.
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
#[non_exhaustive]
pub struct ListChanges<'a> {
    /// The elements to insert.
    pub added: Vec<&'a Map<String, Value>>,
    /// The elements to store instead of those with the same keys.
    pub replaced: Vec<&'a Map<String, Value>>,
    /// The keys of the stored elements to delete.
    pub removed: Vec<&'a str>,
}

impl ListChanges<'_> {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.replaced.is_empty() && self.removed.is_empty()
    }
}

impl<'a> ListDelta<'a> {
    /// Creates the delta that changes nothing.
    pub fn none() -> Self {
        Self::AddRemove { add: Vec::new(), remove: Vec::new() }
    }

    /// Whether the delta changes no list. A delta that is not empty may still change nothing; see
    /// [`changes`](Self::changes).
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::AddRemove { add, remove } if add.is_empty() && remove.is_empty())
    }

    /// The elements that the delta adds unless they are stored.
    pub fn elements(&self) -> &[&'a Map<String, Value>] {
        match self {
            Self::AddRemove { add: elements, .. } | Self::Exactly(elements) | Self::ExactKeys(elements) => {
                elements
            }
        }
    }

    /// The keys of the stored elements that [`changes`](Self::changes) needs, or `None` if it needs all of
    /// the list.
    pub fn keys(&self) -> Option<impl Iterator<Item = &'a str>> {
        let Self::AddRemove { add, remove } = self else { return None };
        Some(add.iter().map(|element| key_of(element)).chain(remove.iter().copied()))
    }

    /// Returns the changes that the delta makes to stored elements.
    ///
    /// `current` yields the stored elements with their keys, in any form that the store likes: either all of
    /// the list or those with the delta's [`keys`](Self::keys). `is_same` compares a stored element with the
    /// requested one of the same key, and is only called where the result depends on it. For elements in the
    /// form in which the service returns them, pass [`is_same`](Self::is_same).
    pub fn changes<E>(
        &self,
        current: impl IntoIterator<Item = (&'a str, E)>,
        mut is_same: impl FnMut(E, &'a Map<String, Value>) -> bool,
    ) -> ListChanges<'a> {
        let mut removed_keys: Option<HashSet<&str>> = match self {
            Self::AddRemove { remove, .. } => Some(remove.iter().copied().collect()),
            Self::Exactly(_) | Self::ExactKeys(_) => None,
        };
        let mut stored: HashMap<&str, Option<E>> =
            self.elements().iter().map(|element| (key_of(element), None)).collect();
        let mut changes = ListChanges { added: Vec::new(), replaced: Vec::new(), removed: Vec::new() };
        for (key, element) in current {
            if let Some(stored) = stored.get_mut(key) {
                *stored = Some(element);
            } else if removed_keys.as_mut().is_none_or(|keys| keys.remove(key)) {
                changes.removed.push(key);
            }
        }
        for element in self.elements() {
            // If two elements have the same key, the first one counts.
            let Some(stored) = stored.remove(key_of(element)) else { continue };
            let may_differ = match self {
                Self::AddRemove { .. } => {
                    removed_keys.as_ref().is_some_and(|keys| keys.contains(key_of(element)))
                }
                Self::Exactly(_) => true,
                Self::ExactKeys(_) => false,
            };
            match stored {
                None => changes.added.push(element),
                Some(stored) if may_differ => {
                    if !is_same(stored, element) {
                        changes.replaced.push(element);
                    }
                }
                Some(_) => {}
            }
        }
        changes
    }

    /// Whether a stored element already is what a request wants for its key: it has all the requested
    /// sub-attributes, and any others that it has are immutable or `readOnly`, since the service may have
    /// added those. References that the service derives from the key are ignored.
    pub fn is_same(list: &AttributeRef, stored: &Map<String, Value>, requested: &Map<String, Value>) -> bool {
        matches_request(list, stored, requested)
    }
}
