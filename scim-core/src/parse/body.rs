//! The bodies of POST, PUT and PATCH (RFC 7644 sections 3.3 and 3.5).

use scim_schema::{
    AttributeRef, Mutability, Projection, ReadContext, ResolvedName, ResourceType, ScimType, is_unassigned,
};
use serde_json::{Map, Value};

use super::request::Request;
use crate::operation::{CreateOperation, OperationKind, UpdateOperation};
use crate::secrets::Secrets;
use crate::type_index::TypeIndex;
use crate::{Action, Error, Resource, Result, Update, UpdateOptions, unique_types};

impl Request<'_> {
    /// Parses a POST of a resource.
    pub(super) fn create(&mut self, type_index: TypeIndex) -> Result<OperationKind> {
        let resource_type = self.resource_type(type_index)?;
        let (mut projection, _) = self.resource_projection(&resource_type)?;
        let mut object = self.body_object()?;
        self.check_type(&resource_type, &object)?;
        let omitted = unassigned_attributes(&resource_type, &object, &self.read_context);
        resource_type.normalize(&mut object, &mut self.read_context)?;
        let writes = written_attributes(&resource_type, &object);
        let defaults = fill_defaults(&resource_type, &mut object, &omitted);
        resource_type.validate(&object, None)?;
        if self.config().unique_types {
            unique_types::check(resource_type.all_attributes(), &object)?;
        }
        self.check_self_registration(&writes, &object)?;
        return_written(&mut projection, &writes);
        let secrets = take_secrets(&resource_type, &mut object);
        let resource = Resource::new(object);
        let through_me = self.through_me;
        Ok(CreateOperation { type_index, resource, secrets, projection, writes, defaults, through_me }.into())
    }

    /// Refuses a resource whose `schemas` name another resource type of the service (RFC 7644 section 3.3.1).
    /// URIs that no type has are a matter of tolerance.
    fn check_type(&self, resource_type: &ResourceType, object: &Map<String, Value>) -> Result<()> {
        let schemas = object.iter().find(|(name, _)| name.eq_ignore_ascii_case("schemas"));
        let Some(uris) = schemas.and_then(|(_, uris)| uris.as_array()) else { return Ok(()) };
        let lists = |resource_type: &ResourceType| {
            let core = resource_type.schema().id();
            uris.iter().filter_map(Value::as_str).any(|uri| uri.eq_ignore_ascii_case(core))
        };
        if lists(resource_type) {
            return Ok(());
        }
        let mut types = self.setup.registrations().map(|(_, registration)| &registration.resource_type);
        match types.find(|other| lists(other)) {
            Some(other) => {
                let (expected, found) = (resource_type.name(), other.name());
                let reason =
                    format!("`schemas` says that this is a {found}; the endpoint takes a {expected}");
                Err(Error::from_scim_type(ScimType::InvalidSyntax, reason))
            }
            None => Ok(()),
        }
    }

    /// Parses a PUT.
    pub(super) fn replace(&mut self, type_index: TypeIndex, id: String) -> Result<OperationKind> {
        let resource_type = self.resource_type(type_index)?;
        let (mut projection, _) = self.resource_projection(&resource_type)?;
        let precondition = self.write_precondition()?;
        let mut object = self.body_object()?;
        self.check_type(&resource_type, &object)?;
        let unassigned = unassigned_attributes(&resource_type, &object, &self.read_context);
        resource_type.normalize(&mut object, &mut self.read_context)?;
        for target in resource_type.all_attributes() {
            if let Some(value) = target.get(&object) {
                target.validate(value)?;
            }
        }
        // Null unassigns an attribute even where leaving it out would keep its value.
        for target in &unassigned {
            if target.get(&object).is_none() {
                target.set(&mut object, Value::Null);
            }
        }
        let writes = written_attributes(&resource_type, &object);
        return_written(&mut projection, &writes);
        let secrets = take_secrets(&resource_type, &mut object);
        check_required_secrets(&writes, &secrets, ScimType::InvalidValue)?;
        let update = UpdateOperation {
            type_index,
            id,
            action: Action::Replace,
            update: Update::Replace(Resource::new(object)),
            secrets,
            options: UpdateOptions::new().precondition(precondition).returning(projection),
            writes,
            reads: Vec::new(),
            protected: self.protected(),
        };
        Ok(update.into())
    }

    /// Parses a PATCH.
    pub(super) fn patch(&mut self, type_index: TypeIndex, id: String) -> Result<OperationKind> {
        let registration = self.setup.registration(type_index)?;
        let resource_type = &registration.resource_type;
        let (mut projection, parameters) = self.resource_projection(resource_type)?;
        let precondition = self.write_precondition()?;
        let limits = &self.config().patch_limits;
        let request = self.patch_request()?;
        let mut patch = request.resolve(resource_type, limits, &mut self.read_context)?;
        let reads = patch.read_attributes().cloned().collect();
        let writes: Vec<AttributeRef> = patch.attributes().cloned().collect();
        return_written(&mut projection, &writes);
        let mut secrets = Secrets::default();
        for (path, value) in patch.take_write_only() {
            secrets.push(path, value);
        }
        check_required_secrets(&writes, &secrets, ScimType::Mutability)?;
        let returns_resource = !registration.patch_returns_no_content || parameters.has_projection();
        let update = UpdateOperation {
            type_index,
            id,
            action: Action::Patch,
            update: Update::Patch(patch),
            secrets,
            options: UpdateOptions {
                precondition,
                returning: returns_resource.then_some(projection),
                ..UpdateOptions::new()
            },
            writes,
            reads,
            protected: self.protected(),
        };
        Ok(update.into())
    }

    /// The attributes that cannot be written because the URL is `/Me`.
    fn protected(&self) -> Vec<String> {
        let me = self.config().me.as_ref().filter(|_| self.through_me);
        me.map_or(Vec::new(), |me| me.protected().to_vec())
    }

    /// Refuses a POST to `/Me` that gives the new resource protected attributes. Two are harmless: a required
    /// one, such as the name, and one with the value that the server would have chosen anyway.
    fn check_self_registration(&self, writes: &[AttributeRef], object: &Map<String, Value>) -> Result<()> {
        let protected = self.protected();
        let is_harmless = |target: &AttributeRef| {
            let attribute = target.attribute();
            attribute.is_required() || target.get(object) == attribute.default_value()
        };
        let is_protected = |target: &AttributeRef| {
            protected.iter().any(|path| path.eq_ignore_ascii_case(target.path().as_str()))
        };
        match writes.iter().find(|target| is_protected(target) && !is_harmless(target)) {
            Some(target) => Err(Error::not_writable(target)),
            None => Ok(()),
        }
    }
}

/// The attributes that a body sets to null or to an empty list (RFC 7643 section 2.5).
fn unassigned_attributes(
    resource_type: &ResourceType,
    object: &Map<String, Value>,
    read_context: &ReadContext<'_>,
) -> Vec<AttributeRef> {
    // Deviations in names are reported when the body is normalized, and not twice.
    let mut unreported = ReadContext::new(read_context.tolerance());
    let mut unassigned = Vec::new();
    for (key, value) in object {
        match (resource_type.extension(key), value) {
            (Some(extension), Value::Object(members)) => {
                let names = members.iter().filter(|(_, value)| is_unassigned(value)).map(|(name, _)| name);
                unassigned.extend(names.filter_map(|name| extension.attribute(name)).cloned());
            }
            (None, value) if is_unassigned(value) => {
                if let Some(ResolvedName::Attribute(target)) =
                    resource_type.resolve_name(key, &mut unreported)
                    && target.sub_attribute_definition().is_none()
                {
                    unassigned.push(target);
                }
            }
            _ => {}
        }
    }
    unassigned.retain(|target| target.attribute().mutability() != Mutability::ReadOnly);
    unassigned
}

/// Gives a new resource the default values of the attributes that the client left out, and returns these attributes. One
/// that it set to null stays unassigned (RFC 7644 section 3.3).
fn fill_defaults(
    resource_type: &ResourceType,
    object: &mut Map<String, Value>,
    unassigned: &[AttributeRef],
) -> Vec<AttributeRef> {
    let mut filled = Vec::new();
    for target in resource_type.all_attributes() {
        if let Some(value) = target.attribute().default_value()
            && target.get(object).is_none()
            && !unassigned.contains(target)
        {
            target.set(object, value.clone());
            filled.push(target.clone());
        }
    }
    if !filled.is_empty() {
        resource_type.update_schemas(object);
    }
    filled
}

/// The attributes that a resource has values for.
fn written_attributes(resource_type: &ResourceType, object: &Map<String, Value>) -> Vec<AttributeRef> {
    resource_type.all_attributes().filter(|target| target.get(object).is_some()).cloned().collect()
}

/// Returns attributes of `returned: request` to the client that has just written them (RFC 7643 section 7).
fn return_written(projection: &mut Projection, writes: &[AttributeRef]) {
    for target in writes {
        projection.show_supplied(target);
    }
}

/// Moves `writeOnly` values out of the resource, so that no store keeps them by accident.
fn take_secrets(resource_type: &ResourceType, object: &mut Map<String, Value>) -> Secrets {
    let mut secrets = Secrets::default();
    let is_secret = |target: &&AttributeRef| target.attribute().mutability() == Mutability::WriteOnly;
    for target in resource_type.all_attributes().filter(is_secret) {
        if let Some(value) = target.remove(object) {
            secrets.push(target.path().as_str(), (!value.is_null()).then_some(value));
        }
    }
    secrets
}

/// Refuses to unassign a required secret. The stored resource does not show whether it has one, so this is
/// decided here.
fn check_required_secrets(writes: &[AttributeRef], secrets: &Secrets, scim_type: ScimType) -> Result<()> {
    let is_cleared = |target: &&AttributeRef| {
        target.attribute().is_required() && secrets.is_cleared(target.path().as_str())
    };
    match writes.iter().find(is_cleared) {
        Some(target) => Err(Error::from_scim_type(scim_type, format!("`{target}`: is required"))),
        None => Ok(()),
    }
}
