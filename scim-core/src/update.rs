//! Changes as a provider gets them: PUT and PATCH reach the store the same way.

use scim_patch::{ListDelta, Patch};
use scim_schema::Target;
use serde_json::{Map, Value};

use crate::replace::replace;
use crate::{Context, Error, Resource, Result, unique_types};

/// The change that a PUT or a PATCH asks for.
#[derive(Clone, Debug)]
pub enum Update {
    /// PUT: the resource is to have these values (RFC 7644 section 3.5.1).
    ///
    /// An attribute with JSON null is to be unassigned although it would be kept when omitted.
    Replace(Resource),
    /// PATCH: operations to be applied in order (RFC 7644 section 3.5.2).
    Patch(Patch),
}

/// What an update made of a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// The resource afterwards, not yet stamped.
    pub resource: Resource,
    /// Whether it differs from before, or the request has a secret to store. If not, nothing is to
    /// be written.
    pub changed: bool,
}

impl Update {
    /// Applies the change to a resource as the store has it.
    ///
    /// If that [changed](Applied::changed) something, the provider stamps the result with
    /// [`Resource::stamp_changed`] and stores it.
    ///
    /// # Errors
    ///
    /// `mutability`, `invalidValue` or `noTarget`, as RFC 7644 sections 3.5.1 and 3.5.2 say; 403 if a
    /// PUT changes what the caller may not write; 413 if the [budget](Context::budget) is used up.
    pub fn apply(&self, cx: &Context<'_>, stored: Resource) -> Result<Applied> {
        match self {
            Self::Patch(patch) => {
                let applied = patch.apply_within(stored.into_map(), cx.budget())?;
                patched(cx, patch, applied)
            }
            Self::Replace(replacement) => replaced(cx, replacement, stored),
        }
    }

    /// Applies the change as [`apply`](Self::apply) does, but lets other requests have their turn several
    /// times in a millisecond, whatever the runtime is. A store that does not block others meanwhile prefers this.
    ///
    /// # Errors
    ///
    /// As [`apply`](Self::apply).
    pub async fn apply_in_turns(&self, cx: &Context<'_>, stored: Resource) -> Result<Applied> {
        match self {
            Self::Patch(patch) => {
                let applied = patch.apply_in_turns(stored.into_map(), cx.budget()).await?;
                patched(cx, patch, applied)
            }
            Self::Replace(replacement) => replaced(cx, replacement, stored),
        }
    }

    /// Whether a PATCH decides by what an attribute, or a part of it, is.
    pub(crate) fn looks_at(&self, attribute: &Target) -> bool {
        match self {
            Self::Patch(patch) => {
                patch.looked_at().any(|target| target.attribute().name() == attribute.attribute().name())
            }
            Self::Replace(_) => false,
        }
    }

    /// Splits off what the update does to one list, whose elements are identified by their `value`,
    /// and an update of everything else, to be applied to a resource that lacks the list.
    ///
    /// With that, adding a member to a group is one row in a database, whatever the group's size:
    /// [`ListDelta::changes`] says which rows change.
    ///
    /// `None` if the list must be loaded and all of the update applied to it: if a PATCH looks into the elements,
    /// if the list must not be empty, or if a PUT comes upon elements that may change. So also if a PUT leaves the
    /// list out, because it depends on the caller and the attribute whether that clears it.
    pub fn split(&self, cx: &Context<'_>, attribute: &str) -> Option<(ListDelta<'_>, Update)> {
        match self {
            Self::Patch(patch) => {
                let (delta, rest) = patch.split(attribute)?;
                Some((delta, Self::Patch(rest)))
            }
            Self::Replace(resource) => {
                let list = cx.resource_type().attribute(attribute)?;
                if list.definition().is_required() || !list.sub_attributes().iter().all(Target::is_fixed) {
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

fn patched(cx: &Context<'_>, patch: &Patch, applied: scim_patch::Applied) -> Result<Applied> {
    if cx.unique_types {
        unique_types::check(patch.attributes(), &applied.resource)?;
    }
    let changed = applied.changed || !cx.secrets().is_empty();
    Ok(Applied { resource: Resource::new(applied.resource), changed })
}

fn replaced(cx: &Context<'_>, replacement: &Resource, stored: Resource) -> Result<Applied> {
    let elements: usize = [replacement, &stored].into_iter().map(elements_of).sum();
    cx.budget().take(elements).map_err(|_| Error::too_much_work())?;
    let next = replace(cx, replacement.as_map(), stored.as_map())?;
    cx.resource_type().validate(&next, Some(stored.as_map()))?;
    if cx.unique_types {
        unique_types::check(cx.resource_type().all_attributes(), &next)?;
    }
    let changed = next != *stored.as_map();
    let resource = if changed { Resource::new(next) } else { stored };
    Ok(Applied { resource, changed: changed || !cx.secrets().is_empty() })
}

/// How many elements the lists of a resource have.
fn elements_of(resource: &Resource) -> usize {
    resource.as_map().values().filter_map(Value::as_array).map(Vec::len).sum()
}

fn keyed_element(element: &Value) -> Option<&Map<String, Value>> {
    element.as_object().filter(|element| element.get("value").is_some_and(Value::is_string))
}
