//! A PATCH whose paths and values are resolved: its steps, and the questions that a store or an audit log
//! asks.

use scim_schema::{AttributeRef, Mutability, ResourceType};
use serde_json::Value;

use crate::PatchLimits;
use crate::key::key_of;
use crate::step::{Action, ElementChange, KeyedChange, Step, value_for};

/// A PATCH request that is resolved against a resource type.
///
/// Created by [`PatchRequest::resolve`](crate::PatchRequest::resolve), which refuses everything that is
/// invalid for any resource of the type. Use [`apply`](Self::apply) to change a resource, or
/// [`split`](Self::split) to change rows of a list without loading it.
#[derive(Clone, Debug)]
#[must_use]
pub struct Patch {
    pub(crate) resource_type: ResourceType,
    /// The steps, grouped by attribute; within a group in the order of the operations.
    pub(crate) steps: Vec<Step>,
    pub(crate) read_attributes: Vec<AttributeRef>,
    pub(crate) limits: PatchLimits,
}

impl Patch {
    /// Builds a patch from steps in the order of the operations.
    ///
    /// The steps of different attributes do not depend on each other, so they are sorted by attribute. Then
    /// consecutive steps on the same keyed list are merged into one, which takes one pass over the list.
    pub(crate) fn new(
        resource_type: ResourceType,
        mut steps: Vec<Step>,
        read_attributes: Vec<AttributeRef>,
        limits: PatchLimits,
    ) -> Self {
        if steps.len() > 2 {
            let mut attributes: Vec<AttributeRef> = Vec::new();
            for step in &steps {
                if !attributes.contains(&step.target) {
                    attributes.push(step.target.clone());
                }
            }
            steps.sort_by_key(|step| attributes.iter().position(|attribute| *attribute == step.target));
        }
        steps.dedup_by(|step, last| last.merge_next(step));
        Self { resource_type, steps, read_attributes, limits }
    }

    /// The groups of steps that change the same attribute.
    pub(crate) fn steps_by_attribute(&self) -> impl Iterator<Item = &[Step]> {
        self.steps.chunk_by(|a, b| a.target == b.target)
    }

    /// The resource type that the request was resolved against.
    pub fn resource_type(&self) -> &ResourceType {
        &self.resource_type
    }

    /// The attributes that the patch may change, without duplicates, in the order in which the operations
    /// first name them.
    ///
    /// ```
    /// use scim_patch::{PatchLimits, PatchRequest};
    /// use scim_schema::{ReadContext, Tolerance, standard};
    ///
    /// let body = br#"{ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
    ///     { "op": "replace", "path": "name.givenName", "value": "Bea" },
    ///     { "op": "replace", "path": "active", "value": true },
    ///     { "op": "replace", "path": "active", "value": false },
    ///     { "op": "remove", "path": "name.middleName" }
    /// ]}"#;
    /// let (tolerance, limits) = (Tolerance::strict(), PatchLimits::default());
    /// let mut read_context = ReadContext::new(&tolerance);
    /// let patch = PatchRequest::parse(body, &limits, &mut read_context)?
    ///     .resolve(&standard::user_type(), &limits, &mut read_context)?;
    ///
    /// assert_eq!(patch.attributes().map(ToString::to_string).collect::<Vec<_>>(), ["name", "active"]);
    /// assert_eq!(patch.sets("active"), Some(&false.into()));
    /// assert_eq!(patch.sets("name"), None, "it depends on what the name was");
    /// # Ok::<(), scim_patch::PatchError>(())
    /// ```
    pub fn attributes(&self) -> impl Iterator<Item = &AttributeRef> {
        let writes =
            |steps: &&[Step]| steps.iter().any(|step| !matches!(step.action, Action::Confirm { .. }));
        self.steps_by_attribute().filter(writes).filter_map(<[Step]>::first).map(|step| &step.target)
    }

    /// The attributes and sub-attributes whose stored values decide what the patch does, without duplicates:
    /// those that value filters in paths compare, those of elements that a `remove` lists in its value, and
    /// `readOnly` ones that must have the value that the request contains.
    ///
    /// The response reveals something about these values, so the client must be allowed to read them (RFC
    /// 7644 section 7.5.2).
    ///
    /// ```
    /// use scim_patch::{PatchLimits, Op, Operation, PatchRequest};
    /// use scim_schema::{ReadContext, Tolerance, standard};
    ///
    /// let path = Some("emails[type eq \"work\"].value".to_owned());
    /// let operation = Operation { op: Op::Replace, path, value: Some("bea@example.com".into()) };
    /// let (tolerance, limits) = (Tolerance::strict(), PatchLimits::default());
    /// let patch = PatchRequest { operations: vec![operation] }
    ///     .resolve(&standard::user_type(), &limits, &mut ReadContext::new(&tolerance))?;
    /// let read_attributes: Vec<String> = patch.read_attributes().map(|target| target.to_string()).collect();
    /// assert_eq!(read_attributes, ["emails", "emails.type"]);
    /// # Ok::<(), scim_patch::PatchError>(())
    /// ```
    pub fn read_attributes(&self) -> impl Iterator<Item = &AttributeRef> {
        self.read_attributes.iter()
    }

    /// Returns the index of the operation that adds an element with this `value` to a core attribute. A store
    /// uses it to report a member that does not exist.
    pub fn operation_adding(&self, attribute: &str, value: &str) -> Option<usize> {
        let target = self.resource_type.attribute(attribute)?;
        let is_it = |element: &Value| element.get("value").and_then(Value::as_str) == Some(value);
        self.steps.iter().filter(|step| step.target == *target).find_map(|step| match &step.action {
            Action::Keyed(keyed) => keyed.changes.iter().find_map(|change| match change {
                KeyedChange::Add(operation, element) => (key_of(element) == value).then_some(*operation),
                KeyedChange::Remove(_) => None,
            }),
            Action::Set(Value::Array(list)) | Action::Append(list) if list.iter().any(is_it) => {
                Some(step.operation)
            }
            Action::Select(select) => match &select.change {
                ElementChange::Merge { values, .. }
                    if value_for(values, "value").and_then(Value::as_str) == Some(value) =>
                {
                    Some(step.operation)
                }
                ElementChange::Replace(element) if is_it(element) => Some(step.operation),
                _ => None,
            },
            _ => None,
        })
    }

    /// Returns the value that a core attribute has afterwards, or `None` if the patch does not set it or the
    /// result depends on the value before. [`attributes`](Self::attributes) has an example.
    pub fn sets(&self, attribute: &str) -> Option<&Value> {
        let target = self.resource_type.attribute(attribute)?;
        match &self.steps.iter().rev().find(|step| step.target == *target)?.action {
            Action::Set(value) => Some(value),
            _ => None,
        }
    }

    /// Removes the `writeOnly` attributes (RFC 7643 section 7) from the patch and returns their canonical
    /// paths and values, so that no store keeps a password by accident. The value is `None` if the patch
    /// removes the attribute. If a path occurs several times, the last value counts.
    ///
    /// ```
    /// use scim_patch::{PatchLimits, PatchRequest};
    /// use scim_schema::{ReadContext, Tolerance, standard};
    ///
    /// let body = br#"{ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
    ///     { "op": "replace", "path": "password", "value": "correct horse" },
    ///     { "op": "replace", "path": "active", "value": true },
    ///     { "op": "remove", "path": "password" }
    /// ]}"#;
    /// let (tolerance, limits) = (Tolerance::strict(), PatchLimits::default());
    /// let mut read_context = ReadContext::new(&tolerance);
    /// let mut patch = PatchRequest::parse(body, &limits, &mut read_context)?
    ///     .resolve(&standard::user_type(), &limits, &mut read_context)?;
    ///
    /// let secrets = patch.take_write_only();
    /// assert_eq!(secrets, [
    ///     ("password".to_owned(), Some("correct horse".into())),
    ///     ("password".to_owned(), None),
    /// ]);
    /// assert_eq!(patch.attributes().map(ToString::to_string).collect::<Vec<_>>(), ["active"]);
    /// # Ok::<(), scim_patch::PatchError>(())
    /// ```
    pub fn take_write_only(&mut self) -> Vec<(String, Option<Value>)> {
        let mut taken = Vec::new();
        for step in
            self.steps.extract_if(.., |step| step.target.definition().mutability() == Mutability::WriteOnly)
        {
            let path = step.target.path();
            match step.action {
                Action::Set(value) => taken.push((path.to_string(), Some(value))),
                Action::Append(elements) => taken.push((path.to_string(), Some(Value::Array(elements)))),
                Action::Select(select) => match select.change {
                    ElementChange::Merge { values, .. } if !step.target.definition().is_multi_valued() => {
                        let value = |value: Value| Some(value).filter(|value| !value.is_null());
                        taken.extend(values.into_iter().map(|sub| (sub.sub.to_string(), value(sub.value))));
                    }
                    ElementChange::Replace(value) => taken.push((path.to_string(), Some(value))),
                    _ => taken.push((path.to_string(), None)),
                },
                _ => taken.push((path.to_string(), None)),
            }
        }
        taken
    }

    /// Whether the patch has no effect on any resource, for example because all its attributes were unknown
    /// and ignored.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}
