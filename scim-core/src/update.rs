//! Updates: PUT and PATCH reach a provider in the same form.

use scim_patch::{ListDelta, Patch};
use scim_schema::AttributeRef;
use serde_json::{Map, Value};

use crate::replace::replace;
use crate::{Context, Error, Resource, Result, unique_types};

/// The change of a resource that a client requests.
#[derive(Clone, Debug)]
pub enum Update {
    /// PUT: the resource gets these values (RFC 7644 section 3.5.1).
    ///
    /// An attribute with JSON null is unassigned, even if its value would be kept if it were omitted.
    Replace(Resource),
    /// PATCH: operations that are applied in order (RFC 7644 section 3.5.2).
    Patch(Patch),
}

/// The result of applying an update to a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct AppliedUpdate {
    /// The resource after the update. [`Resource::stamp_changed`] completes it.
    pub resource: Resource,
    /// Whether the resource changed, or the request has a secret to store. If not, the store writes nothing.
    pub changed: bool,
}

impl Update {
    /// Applies the change to a stored resource.
    ///
    /// If that [changed](AppliedUpdate::changed) something, the provider completes the result with
    /// [`Resource::stamp_changed`] and stores it.
    ///
    /// # Errors
    ///
    /// `mutability`, `invalidValue` or `noTarget` (RFC 7644 sections 3.5.1 and 3.5.2); 403 if a PUT changes an
    /// attribute that the caller may not write; 413 if the [budget](Context::budget) is used up.
    pub fn apply(&self, cx: &Context<'_>, stored: Resource) -> Result<AppliedUpdate> {
        match self {
            Self::Patch(patch) => {
                let applied = patch.apply_within(stored.into_map(), cx.budget())?;
                patched(cx, patch, applied)
            }
            Self::Replace(replacement) => replaced(cx, replacement, stored),
        }
    }

    /// Applies the change like [`apply`](Self::apply), but yields to other tasks several times in a millisecond, with
    /// any runtime. For stores that hold no lock meanwhile.
    ///
    /// # Errors
    ///
    /// As [`apply`](Self::apply).
    pub async fn apply_yielding(&self, cx: &Context<'_>, stored: Resource) -> Result<AppliedUpdate> {
        match self {
            Self::Patch(patch) => {
                let applied = patch.apply_yielding(stored.into_map(), cx.budget()).await?;
                patched(cx, patch, applied)
            }
            Self::Replace(replacement) => replaced(cx, replacement, stored),
        }
    }

    /// The value that the update gives to a boolean attribute of the core schema.
    pub(crate) fn sets(&self, attribute: &str) -> Option<bool> {
        let value = match self {
            Self::Replace(resource) => resource.get(attribute),
            Self::Patch(patch) => patch.sets(attribute),
        };
        value.and_then(Value::as_bool)
    }

    /// Whether the update reads an attribute to decide what to change.
    pub(crate) fn reads(&self, attribute: &AttributeRef) -> bool {
        match self {
            Self::Patch(patch) => patch
                .read_attributes()
                .any(|target| target.attribute().name() == attribute.attribute().name()),
            Self::Replace(_) => false,
        }
    }

    /// Splits the update into the changes of one list, whose elements are identified by their `value`, and an update
    /// of everything else, which is applied to the resource without the list.
    ///
    /// With it, a database adds a member to a group by inserting one row, whatever the size of the group:
    /// [`ListDelta::changes`] says which rows change.
    ///
    /// `None` if the list must be loaded and all of the update applied to it: if a PATCH looks into the elements,
    /// if the list is required, or if a PUT meets elements that may change. Also if a PUT leaves the list out,
    /// because whether that clears it depends on the caller and the attribute.
    pub fn split(&self, cx: &Context<'_>, attribute: &str) -> Option<(ListDelta<'_>, Update)> {
        match self {
            Self::Patch(patch) => {
                let (delta, rest) = patch.split(attribute)?;
                Some((delta, Self::Patch(rest)))
            }
            Self::Replace(resource) => {
                let list = cx.resource_type().attribute(attribute)?;
                if list.definition().is_required()
                    || !list.sub_attributes().iter().all(AttributeRef::is_fixed)
                {
                    return None;
                }
                let elements = match list.get(resource.as_map())? {
                    Value::Array(elements) => elements.iter().map(keyed_element).collect::<Option<_>>()?,
                    Value::Null => Vec::new(),
                    _ => return None,
                };
                let rest = resource.as_map().iter().filter(|(name, _)| *name != list.attribute().name());
                let rest = rest.map(|(name, value)| (name.clone(), value.clone())).collect();
                Some((ListDelta::ExactKeys(elements), Self::Replace(Resource::new(rest))))
            }
        }
    }
}

fn patched(cx: &Context<'_>, patch: &Patch, applied: scim_patch::AppliedPatch) -> Result<AppliedUpdate> {
    if cx.unique_types {
        unique_types::check(patch.attributes(), &applied.resource)?;
    }
    cx.noted.add(applied.tolerated);
    let changed = applied.changed || !cx.secrets().is_empty();
    Ok(AppliedUpdate { resource: Resource::new(applied.resource), changed })
}

fn replaced(cx: &Context<'_>, replacement: &Resource, stored: Resource) -> Result<AppliedUpdate> {
    let elements: usize = [replacement, &stored].into_iter().map(elements_of).sum();
    cx.budget().take(elements).map_err(|_| Error::too_much_work())?;
    let next = replace(cx, replacement.as_map(), stored.as_map())?;
    cx.resource_type().validate(&next, Some(stored.as_map()))?;
    if cx.unique_types {
        unique_types::check(cx.resource_type().all_attributes(), &next)?;
    }
    let changed = next != *stored.as_map();
    let resource = if changed { Resource::new(next) } else { stored };
    Ok(AppliedUpdate { resource, changed: changed || !cx.secrets().is_empty() })
}

/// The number of elements in all lists of a resource.
fn elements_of(resource: &Resource) -> usize {
    resource.as_map().values().filter_map(Value::as_array).map(Vec::len).sum()
}

fn keyed_element(element: &Value) -> Option<&Map<String, Value>> {
    element.as_object().filter(|element| element.get("value").is_some_and(Value::is_string))
}
