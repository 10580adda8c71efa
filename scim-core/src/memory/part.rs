//! The part of a resource that a PATCH is about. The rest need not be copied for it, and stays as it
//! is whatever becomes of the PATCH.

use std::collections::BTreeSet;

use scim_schema::ResourceType;
use serde_json::{Map, Value};

use crate::{Resource, Update};

/// The attributes that an update looks at, taken out of a resource.
pub(super) struct Part {
    /// The names of the members; `None` if the update is about all of them.
    names: Option<BTreeSet<String>>,
}

impl Part {
    /// The part that an update is about, and a resource that has only that.
    pub(super) fn of(on: &ResourceType, update: &Update, resource: &Resource) -> (Self, Resource) {
        let Update::Patch(patch) = update else { return (Self { names: None }, resource.clone()) };
        let object = resource.as_map();
        let touched =
            patch.attributes().map(|target| target.extension().unwrap_or(target.attribute().name()));
        let names: BTreeSet<String> = touched.chain(["schemas"]).map(str::to_owned).collect();
        // `schemas` follows the extensions that there are, whatever is in them.
        let extensions = on.extensions().map(|extension| extension.schema().id());
        let there = extensions.filter(|uri| object.contains_key(*uri));
        let mut part: Map<String, Value> =
            there.map(|uri| (uri.to_owned(), Value::Object(Map::new()))).collect();
        for name in &names {
            if let Some(value) = object.get(name) {
                part.insert(name.clone(), value.clone());
            }
        }
        (Self { names: Some(names) }, Resource::new(part))
    }

    /// Gives a resource what became of the part.
    pub(super) fn put(self, part: Resource, resource: &mut Resource) {
        let Some(names) = self.names else {
            *resource = part;
            return;
        };
        let mut part = part.into_map();
        let object = resource.as_map_mut();
        for name in names {
            match part.remove(&name) {
                Some(value) => object.insert(name, value),
                None => object.remove(&name),
            };
        }
    }
}
