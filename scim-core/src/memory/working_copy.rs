//! A copy of those attributes of a resource that an update reads or writes.
//!
//! The update is applied to the copy while other requests use the store. The other attributes need not be copied, since
//! the update cannot change them.

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

/// How many list elements are copied or dropped between two yields.
const CHUNK: usize = 1024;

/// The part of a resource that an update is applied to. Long lists are empty at first and are copied in chunks.
pub(super) struct WorkingCopy {
    pub(super) resource: Resource,
    /// The names of the lists that have not been copied completely.
    incomplete: Vec<String>,
}

impl WorkingCopy {
    fn new(names: impl Iterator<Item = String>, object: &Map<String, Value>) -> Self {
        let mut copy = Self { resource: Resource::default(), incomplete: Vec::new() };
        for name in names {
            match object.get(&name) {
                Some(Value::Array(list)) if list.len() > CHUNK => {
                    let empty = Value::Array(Vec::with_capacity(list.len()));
                    copy.resource.as_map_mut().insert(name.clone(), empty);
                    copy.incomplete.push(name);
                }
                Some(value) => drop(copy.resource.as_map_mut().insert(name, value.clone())),
                None => {}
            }
        }
        copy
    }

    pub(super) fn is_complete(&self) -> bool {
        self.incomplete.is_empty()
    }

    /// Copies one more chunk of elements from the resource. Returns how many elements were copied.
    pub(super) fn copy_more(&mut self, source: &Resource) -> usize {
        let Some(name) = self.incomplete.pop() else { return 0 };
        let all = source.get(&name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let list = self.resource.as_map_mut().get_mut(&name).and_then(Value::as_array_mut);
        let Some(list) = list else { return 0 };
        let start = list.len();
        list.extend(all.iter().skip(start).take(CHUNK).cloned());
        let copied = list.len() - start;
        if list.len() < all.len() {
            self.incomplete.push(name);
        }
        copied
    }
}

/// Drops a resource. Long lists are dropped in chunks, with yields in between.
pub(super) async fn drop_yielding(resource: Resource, budget: &Budget) {
    for value in resource.into_map().values_mut() {
        let Value::Array(list) = value else { continue };
        while list.len() > CHUNK {
            list.truncate(list.len() - CHUNK);
            budget.count_toward_yield(CHUNK);
            budget.yield_if_due().await;
        }
    }
}

impl WrittenAttributes {
    /// Determines which attributes an update may write, and copies these and those that it only reads.
    pub(super) fn with_copy(
        resource_type: &ResourceType,
        update: &Update,
        resource: &Resource,
    ) -> (Self, WorkingCopy) {
        let object = resource.as_map();
        let Update::Patch(patch) = update else {
            return (Self { names: None }, WorkingCopy::new(object.keys().cloned(), object));
        };
        let member_name = |attribute: &AttributeRef| {
            attribute.extension().unwrap_or(attribute.attribute().name()).to_owned()
        };
        let written: BTreeSet<String> =
            patch.attributes().map(member_name).chain(["schemas".to_owned()]).collect();
        let read: BTreeSet<String> = patch.read_attributes().map(member_name).collect();
        let mut copy = WorkingCopy::new(written.union(&read).cloned(), object);
        // An update recomputes `schemas` from the extensions that it finds, so the copy must have all of them, if
        // only as empty objects.
        let extensions = resource_type.extensions().map(|extension| extension.schema().id());
        for uri in extensions.filter(|uri| object.contains_key(*uri)) {
            let copied = copy.resource.as_map_mut();
            copied.entry(uri).or_insert_with(|| Value::Object(Map::new()));
        }
        (Self { names: Some(written) }, copy)
    }

    /// Whether any of these attributes differs between the copy and the resource.
    pub(super) fn differ(&self, copy: &Resource, resource: &Resource) -> bool {
        let (copy, resource) = (copy.as_map(), resource.as_map());
        match &self.names {
            None => copy != resource,
            Some(names) => names.iter().any(|name| copy.get(name) != resource.get(name)),
        }
    }

    /// Swaps the values of these attributes between the copy and the resource.
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
