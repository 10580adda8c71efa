//! The bodies of POST, PUT and PATCH (RFC 7644 sections 3.3 and 3.5).

use http::StatusCode;
use scim_schema::{Mutability, Named, Projection, Reading, ResourceType, ScimType, Target, is_unassigned};
use serde_json::{Map, Value};

use crate::context::Secrets;
use crate::operation::{Change, Kind, Request};
use crate::{Action, Error, Precondition, Resource, Result, Update, UpdateOptions, unique_types};

impl Request<'_, '_> {
    pub(crate) fn create(&mut self, on: usize) -> Result<Kind> {
        let resource_type = self.registration(on)?.resource_type.clone();
        let (mut projection, _) = self.resource_projection(&resource_type)?;
        let mut object = self.body_object()?;
        self.check_type(&resource_type, &object)?;
        let cleared = cleared(&resource_type, &object, self.reading);
        resource_type.normalize(&mut object, self.reading)?;
        let writes = written(&resource_type, &object);
        fill_defaults(&resource_type, &mut object, &cleared);
        resource_type.validate(&object, None)?;
        if self.config.unique_types {
            unique_types::check(resource_type.all_attributes(), &object)?;
        }
        self.check_own(&writes, &object)?;
        show_supplied(&mut projection, &writes);
        let secrets = take_secrets(&resource_type, &mut object);
        Ok(Kind::Create { on, resource: Resource::new(object), secrets, projection, writes })
    }

    /// Refuses a resource that says to be one of another type (RFC 7644 section 3.3.1). URIs that no type
    /// has are a matter of tolerance.
    fn check_type(&self, own: &ResourceType, object: &Map<String, Value>) -> Result<()> {
        let schemas = object.iter().find(|(name, _)| name.eq_ignore_ascii_case("schemas"));
        let Some(uris) = schemas.and_then(|(_, uris)| uris.as_array()) else { return Ok(()) };
        let lists =
            |uri: &str| uris.iter().filter_map(Value::as_str).any(|one| one.eq_ignore_ascii_case(uri));
        if lists(own.schema().id()) {
            return Ok(());
        }
        let mut others = self.service.registrations().iter().map(|other| &other.resource_type);
        match others.find(|other| lists(other.schema().id())) {
            Some(other) => {
                let reason =
                    format!("`schemas`: they are those of a {}, not of a {}", other.name(), own.name());
                Err(Error::of(ScimType::InvalidSyntax, reason))
            }
            None => Ok(()),
        }
    }

    pub(crate) fn replace(&mut self, on: usize, id: String) -> Result<Kind> {
        let resource_type = self.registration(on)?.resource_type.clone();
        let (mut projection, _) = self.resource_projection(&resource_type)?;
        let precondition = self.required_precondition()?;
        let mut object = self.body_object()?;
        self.check_type(&resource_type, &object)?;
        let cleared = cleared(&resource_type, &object, self.reading);
        resource_type.normalize(&mut object, self.reading)?;
        for target in resource_type.all_attributes() {
            if let Some(value) = target.get(&object) {
                target.validate(value)?;
            }
        }
        // What is set to null is unassigned even where leaving it out would keep it.
        for target in &cleared {
            insert_missing(&mut object, target, Value::Null);
        }
        let writes = written(&resource_type, &object);
        show_supplied(&mut projection, &writes);
        let secrets = take_secrets(&resource_type, &mut object);
        check_required(&writes, &secrets, ScimType::InvalidValue)?;
        let options = UpdateOptions { precondition, returning: Some(projection) };
        let update = Update::Replace(Resource::new(object));
        let protected = self.protected();
        let (action, selects) = (Action::Replace, Vec::new());
        Ok(Change { on, id, action, update, secrets, options, writes, selects, protected }.into())
    }

    pub(crate) fn patch(&mut self, on: usize, id: String) -> Result<Kind> {
        let registration = self.service.registration(on)?;
        let (resource_type, silent) = (registration.resource_type.clone(), registration.silent_patch);
        let (mut projection, parameters) = self.resource_projection(&resource_type)?;
        let precondition = self.required_precondition()?;
        let limits = &self.config.patch_limits;
        let request = self.patch_request()?;
        let mut patch = request.resolve(&resource_type, limits, self.reading)?;
        let selects = patch.looked_at().cloned().collect();
        let writes: Vec<Target> = patch.attributes().cloned().collect();
        show_supplied(&mut projection, &writes);
        let mut secrets = Secrets::default();
        for (path, value) in patch.take_write_only() {
            secrets.push(path, value);
        }
        check_required(&writes, &secrets, ScimType::Mutability)?;
        let returning = (!silent || parameters.has_projection()).then_some(projection);
        let options = UpdateOptions { precondition, returning };
        let update = Update::Patch(patch);
        let protected = self.protected();
        let action = Action::Patch;
        Ok(Change { on, id, action, update, secrets, options, writes, selects, protected }.into())
    }

    /// What cannot be changed because the resource was named as `/Me`.
    fn protected(&self) -> Vec<String> {
        let me = self.config.me.as_ref().filter(|_| self.through_me);
        me.map_or(Vec::new(), |me| me.protected().to_vec())
    }

    /// What nobody may give to themselves. A name that a new resource needs, and what the server would
    /// have chosen anyway, are no escalation.
    fn check_own(&self, writes: &[Target], object: &Map<String, Value>) -> Result<()> {
        let protected = self.protected();
        let harmless = |target: &&Target| {
            let attribute = target.attribute();
            attribute.is_required() || target.get(object) == attribute.default_value()
        };
        let covered =
            |target: &&Target| protected.iter().any(|p| p.eq_ignore_ascii_case(target.path().as_str()));
        match writes.iter().filter(|target| !harmless(target)).find(covered) {
            Some(target) => Err(Error::not_writable(target)),
            None => Ok(()),
        }
    }

    /// The precondition of a change.
    pub(crate) fn required_precondition(&self) -> Result<Precondition> {
        if self.config.require_if_match && !self.precondition.has_if_match() {
            return Err(Error::new(
                StatusCode::PRECONDITION_REQUIRED,
                "the request needs an If-Match header",
            ));
        }
        Ok(self.precondition.clone())
    }
}

/// The attributes that a body sets to null or to nothing (RFC 7643 section 2.5).
fn cleared(on: &ResourceType, object: &Map<String, Value>, reading: &Reading<'_>) -> Vec<Target> {
    // What is tolerated here is reported when the body is normalised.
    let mut aside = Reading::new(reading.tolerance());
    let mut cleared = Vec::new();
    for (key, value) in object {
        match (on.extension(key), value) {
            (Some(extension), Value::Object(members)) => {
                let names = members.iter().filter(|(_, value)| is_unassigned(value)).map(|(name, _)| name);
                cleared.extend(names.filter_map(|name| extension.attribute(name)).cloned());
            }
            (None, value) if is_unassigned(value) => {
                if let Some(Named::Attribute(target)) = on.named(key, &mut aside)
                    && target.sub().is_none()
                {
                    cleared.push(target);
                }
            }
            _ => {}
        }
    }
    cleared.retain(|target| target.attribute().mutability() != Mutability::ReadOnly);
    cleared
}

/// Gives a new resource the default values of what the client left out; what it set to null stays
/// unassigned (RFC 7644 section 3.3).
fn fill_defaults(on: &ResourceType, object: &mut Map<String, Value>, cleared: &[Target]) {
    let mut filled = false;
    for target in on.all_attributes() {
        if let Some(value) = target.attribute().default_value()
            && !cleared.contains(target)
        {
            filled |= insert_missing(object, target, value.clone());
        }
    }
    if filled {
        on.update_schemas(object);
    }
}

/// Puts a value where an attribute lives, unless it has one; whether it did.
fn insert_missing(object: &mut Map<String, Value>, target: &Target, value: Value) -> bool {
    if target.get(object).is_some() {
        return false;
    }
    let holder = match target.extension() {
        None => Some(object),
        Some(uri) => object.entry(uri).or_insert_with(|| Value::Object(Map::new())).as_object_mut(),
    };
    holder.is_some_and(|holder| holder.insert(target.attribute().name().to_owned(), value).is_none())
}

/// The attributes that a resource gives values to.
fn written(on: &ResourceType, object: &Map<String, Value>) -> Vec<Target> {
    on.all_attributes().filter(|target| target.get(object).is_some()).cloned().collect()
}

/// What is returned on request is returned to who has just written it (RFC 7643 section 7).
fn show_supplied(projection: &mut Projection, writes: &[Target]) {
    for target in writes {
        projection.supplied(target);
    }
}

/// Moves `writeOnly` values out of the document, so that no store keeps them by accident.
fn take_secrets(on: &ResourceType, object: &mut Map<String, Value>) -> Secrets {
    let mut secrets = Secrets::default();
    for target in on.all_attributes() {
        if target.attribute().mutability() != Mutability::WriteOnly {
            continue;
        }
        let holder = match target.extension() {
            None => Some(&mut *object),
            Some(uri) => object.get_mut(uri).and_then(Value::as_object_mut),
        };
        if let Some(value) = holder.and_then(|holder| holder.remove(target.attribute().name())) {
            secrets.push(target.path().as_str(), (!value.is_null()).then_some(value));
        }
    }
    secrets
}

/// A required secret can be changed, but not taken away; the stored document does not show whether
/// it is there.
fn check_required(writes: &[Target], secrets: &Secrets, wrong: ScimType) -> Result<()> {
    let gone =
        |target: &&Target| target.attribute().is_required() && secrets.is_cleared(target.path().as_str());
    match writes.iter().find(gone) {
        Some(target) => Err(Error::of(wrong, format!("`{target}`: is required"))),
        None => Ok(()),
    }
}
