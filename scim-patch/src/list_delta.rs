//! What happens to one list, and what that comes to for the elements that a store has.

use std::collections::{HashMap, HashSet};

use scim_schema::AttributeRef;
use serde_json::{Map, Value};

use crate::element::matches_request;
use crate::key::key_of;

/// What happens to a list whose elements are identified by their `value`, their key.
///
/// The order of the elements means nothing. [`changes`](Self::changes) says what it comes to for the elements
/// that a store has; only those with the [`keys`](Self::keys) that the delta names have to be loaded for that.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use scim_patch::{PatchLimits, ListDelta, PatchRequest, key_of};
/// use scim_schema::{ReadContext, Tolerance, standard};
/// use serde_json::{Map, Value, json};
///
/// /// Changes the rows of a table of members; whether it changed any.
/// fn change(rows: &mut BTreeMap<String, Map<String, Value>>, delta: &ListDelta<'_>) -> bool {
///     let group = standard::group_type();
///     let members = group.attribute("members").unwrap();
///     // SELECT .. WHERE member IN (keys), or without the condition if there are none.
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
/// // What is so already is no change.
/// assert!(!change(&mut rows, &delta));
/// # Ok::<(), scim_patch::PatchError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub enum ListDelta<'a> {
    /// These elements are there afterwards, those not; all others stay as they are.
    ///
    /// A key may be in both: then an element that was there is removed and added again, which changes
    /// nothing if it [is the same](Self::is_same). The keys in `remove` need not exist, and an element in `add`
    /// whose key exists, and is not in `remove`, stays as it was.
    Change {
        /// Elements to add unless their key is there.
        add: Vec<&'a Map<String, Value>>,
        /// Keys to remove first.
        remove: Vec<&'a str>,
    },
    /// Exactly these elements are there afterwards. One that was there stays as it was if it
    /// [is the same](Self::is_same).
    Exactly(Vec<&'a Map<String, Value>>),
    /// Exactly the elements with the keys of these are there afterwards. One whose key was there stays as it
    /// was, since nothing in it may change.
    ExactKeys(Vec<&'a Map<String, Value>>),
}

/// What a [`ListDelta`] comes to for the elements that there are.
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
#[non_exhaustive]
pub struct ListChanges<'a> {
    /// Elements whose keys are new.
    pub added: Vec<&'a Map<String, Value>>,
    /// Elements that take the place of the stored ones with the same keys.
    pub replaced: Vec<&'a Map<String, Value>>,
    /// The keys of stored elements that go.
    pub removed: Vec<&'a str>,
}

impl ListChanges<'_> {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.replaced.is_empty() && self.removed.is_empty()
    }
}

impl<'a> ListDelta<'a> {
    /// The delta that changes nothing.
    pub fn none() -> Self {
        Self::Change { add: Vec::new(), remove: Vec::new() }
    }

    /// Whether it changes nothing whatever the list is.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Change { add, remove } if add.is_empty() && remove.is_empty())
    }

    /// The elements that it adds unless they are there.
    pub fn elements(&self) -> &[&'a Map<String, Value>] {
        match self {
            Self::Change { add: elements, .. } | Self::Exactly(elements) | Self::ExactKeys(elements) => {
                elements
            }
        }
    }

    /// The keys of the stored elements that [`changes`](Self::changes) needs; `None` if it needs all.
    pub fn keys(&self) -> Option<impl Iterator<Item = &'a str>> {
        let Self::Change { add, remove } = self else { return None };
        Some(add.iter().map(|element| key_of(element)).chain(remove.iter().copied()))
    }

    /// What it comes to for the elements that there are.
    ///
    /// `current` are stored elements with their keys, in whatever form the store has them: all of the list, or
    /// just those with the [`keys`](Self::keys). `is_same` compares a stored element with the one of the request
    /// that is to be there under the same key; it is asked only where that decides.
    /// [`is_same`](Self::is_same) does that for elements as they are returned.
    pub fn changes<E>(
        &self,
        current: impl IntoIterator<Item = (&'a str, E)>,
        mut is_same: impl FnMut(E, &'a Map<String, Value>) -> bool,
    ) -> ListChanges<'a> {
        let mut removed_keys: Option<HashSet<&str>> = match self {
            Self::Change { remove, .. } => Some(remove.iter().copied().collect()),
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
            // Of two elements with one key the first counts.
            let Some(stored) = stored.remove(key_of(element)) else { continue };
            let may_differ = match self {
                Self::Change { .. } => {
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

    /// Whether a stored element is the same as one of a request with the same key: it has all that the request
    /// says, and nothing else but what is immutable or `readOnly`, which the service may have filled in.
    /// References that the service derives from the key do not count.
    pub fn is_same(list: &AttributeRef, stored: &Map<String, Value>, requested: &Map<String, Value>) -> bool {
        matches_request(list, stored, requested)
    }
}
