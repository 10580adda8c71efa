//! The part of a resource that an update is about, copied so that others can use the store while the update is
//! applied to it. The rest need not be copied, and stays as it is whatever becomes of the update.

use std::collections::BTreeSet;

use scim_filter::Budget;
use scim_schema::{AttributeRef, ResourceType};
use serde_json::{Map, Value};

use crate::{Resource, Update};

/// The attributes that an update may write.
pub(super) struct WrittenAttributes {
    /// The names of the JSON members that hold them; `None` if it may write all.
    names: Option<BTreeSet<String>>,
}

/// Copying a list of more elements takes so long that others get a turn in between.
const LONG: usize = 1024;

/// What an update is to be applied to: a part of a resource, copied without its long lists at first.
pub(super) struct WorkingCopy {
    pub(super) resource: Resource,
    /// The names of the lists of which elements are missing.
    missing: Vec<String>,
}

impl WorkingCopy {
    fn new(names: impl Iterator<Item = String>, object: &Map<String, Value>) -> Self {
        let mut copy = Self { resource: Resource::default(), missing: Vec::new() };
        for name in names {
            match object.get(&name) {
                Some(Value::Array(list)) if list.len() > LONG => {
                    let empty = Value::Array(Vec::with_capacity(list.len()));
                    copy.resource.as_map_mut().insert(name.clone(), empty);
                    copy.missing.push(name);
                }
                Some(value) => drop(copy.resource.as_map_mut().insert(name, value.clone())),
                None => {}
            }
        }
        copy
    }

    pub(super) fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// Copies more elements from the resource that this is a part of; how many.
    pub(super) fn copy_more(&mut self, from: &Resource) -> usize {
        let Some(name) = self.missing.pop() else { return 0 };
        let all = from.get(&name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let list = self.resource.as_map_mut().get_mut(&name).and_then(Value::as_array_mut);
        let Some(list) = list else { return 0 };
        let begin = list.len();
        list.extend(all.iter().skip(begin).take(LONG).cloned());
        let copied = list.len() - begin;
        if list.len() < all.len() {
            self.missing.push(name);
        }
        copied
    }
}

/// Frees what a resource holds, in turns as long lists are copied.
pub(super) async fn drop_in_turns(resource: Resource, budget: &Budget) {
    for value in resource.into_map().values_mut() {
        let Value::Array(list) = value else { continue };
        while list.len() > LONG {
            list.truncate(list.len() - LONG);
            budget.count_toward_yield(LONG);
            budget.yield_if_due().await;
        }
    }
}

impl WrittenAttributes {
    /// The attributes that an update may write, and a copy of these and of those that it only looks at.
    pub(super) fn new(
        resource_type: &ResourceType,
        update: &Update,
        resource: &Resource,
    ) -> (Self, WorkingCopy) {
        let object = resource.as_map();
        let Update::Patch(patch) = update else {
            return (Self { names: None }, WorkingCopy::new(object.keys().cloned(), object));
        };
        let name = |target: &AttributeRef| target.extension().unwrap_or(target.attribute().name()).to_owned();
        let names: BTreeSet<String> = patch.attributes().map(name).chain(["schemas".to_owned()]).collect();
        let read_attributes: BTreeSet<String> = patch.read_attributes().map(name).collect();
        // `schemas` lists the extensions that the resource has, so an update must see which these are.
        let extensions = resource_type.extensions().map(|extension| extension.schema().id());
        let there = extensions.filter(|uri| object.contains_key(*uri));
        let mut copy = WorkingCopy::new(names.union(&read_attributes).cloned(), object);
        for uri in there {
            let part = copy.resource.as_map_mut();
            part.entry(uri).or_insert_with(|| Value::Object(Map::new()));
        }
        (Self { names: Some(names) }, copy)
    }

    /// Whether one of them has another value in the copy than in the resource.
    pub(super) fn differ(&self, copy: &Resource, resource: &Resource) -> bool {
        let (copy, resource) = (copy.as_map(), resource.as_map());
        match &self.names {
            None => copy != resource,
            Some(names) => names.iter().any(|name| copy.get(name) != resource.get(name)),
        }
    }

    /// Swaps their values between the copy and the resource.
    pub(super) fn swap(&self, copy: &mut Resource, resource: &mut Resource) {
        let Some(names) = &self.names else {
            std::mem::swap(copy, resource);
            return;
        };
        let (copy, object) = (copy.as_map_mut(), resource.as_map_mut());
        for name in names {
            let before = match copy.remove(name) {
                Some(value) => object.insert(name.clone(), value),
                None => object.remove(name),
            };
            if let Some(before) = before {
                copy.insert(name.clone(), before);
            }
        }
    }
}
