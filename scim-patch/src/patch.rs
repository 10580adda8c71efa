//! A PATCH whose paths and values are resolved: steps that are ready to be applied.

use scim_schema::{Mutability, ResourceType, Target};
use serde_json::{Map, Value};

use crate::Limits;
use crate::change::{Change, given};
use crate::keyed::{Keyed, KeyedChange};
use crate::select::Select;

/// A PATCH that is resolved against a resource type.
///
/// Whatever can be refused without knowing the resource has been refused. Made by
/// [`PatchRequest::resolve`](crate::PatchRequest::resolve), used by [`apply`](Self::apply) and
/// [`split`](Self::split).
#[derive(Clone, Debug)]
pub struct Patch {
    pub(crate) on: ResourceType,
    /// In groups: those that work on the same attribute stand together, in the order of the
    /// operations.
    pub(crate) steps: Vec<Step>,
    pub(crate) looked_at: Vec<Target>,
    pub(crate) limits: Limits,
}

/// One change to one attribute.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// The index of the operation it comes from.
    pub(crate) operation: usize,
    /// The top-level attribute.
    pub(crate) target: Target,
    pub(crate) action: Action,
    /// Whether the attribute goes with all others of its extension.
    pub(crate) whole_extension: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// Makes sure that a `readOnly` attribute, or a sub-attribute of it, has this value.
    Confirm { named: Target, value: Value },
    /// Gives a simple attribute, or a list as a whole, this value.
    Set(Value),
    /// Leaves a simple attribute, or a list, without a value.
    Unassign,
    /// Adds elements to a list that are not in it yet.
    Append(Vec<Value>),
    /// Removes the elements of a list that are listed.
    RemoveListed(Vec<Value>),
    /// Changes which elements there are in a list whose elements are identified by `value`.
    Keyed(Keyed),
    /// Changes the elements of a list, or the value of a singular complex attribute, that a filter
    /// selects.
    Select(Box<Select>),
}

impl Patch {
    /// Builds a patch from steps in the order of the operations.
    ///
    /// Attributes do not depend on each other, so all that is to be done with one is done at once,
    /// and what consecutive steps do to a keyed list takes one pass over it.
    pub(crate) fn new(
        on: ResourceType,
        mut steps: Vec<Step>,
        looked_at: Vec<Target>,
        limits: Limits,
    ) -> Self {
        if steps.len() > 2 {
            let mut attributes: Vec<Target> = Vec::new();
            for step in &steps {
                if !attributes.contains(&step.target) {
                    attributes.push(step.target.clone());
                }
            }
            steps.sort_by_key(|step| attributes.iter().position(|attribute| *attribute == step.target));
        }
        steps.dedup_by(|step, last| last.absorb(step));
        Self { on, steps, looked_at, limits }
    }

    /// The steps of each attribute.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &[Step]> {
        self.steps.chunk_by(|a, b| a.target == b.target)
    }

    /// The resource type that it was resolved against.
    pub fn resource_type(&self) -> &ResourceType {
        &self.on
    }

    /// The attributes that it may change, each once, in the order in which operations name them first.
    ///
    /// ```
    /// use scim_patch::{Limits, PatchRequest};
    /// use scim_schema::{Reading, Tolerance, standard};
    ///
    /// let body = br#"{ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
    ///     { "op": "replace", "path": "name.givenName", "value": "Bea" },
    ///     { "op": "replace", "path": "active", "value": true },
    ///     { "op": "replace", "path": "active", "value": false },
    ///     { "op": "remove", "path": "name.middleName" }
    /// ]}"#;
    /// let (tolerance, limits) = (Tolerance::strict(), Limits::default());
    /// let mut reading = Reading::new(&tolerance);
    /// let patch = PatchRequest::parse(body, &limits, &mut reading)?
    ///     .resolve(&standard::user_type(), &limits, &mut reading)?;
    ///
    /// assert_eq!(patch.attributes().map(ToString::to_string).collect::<Vec<_>>(), ["name", "active"]);
    /// assert_eq!(patch.sets("active"), Some(&false.into()));
    /// assert_eq!(patch.sets("name"), None, "it depends on what the name was");
    /// # Ok::<(), scim_patch::PatchError>(())
    /// ```
    pub fn attributes(&self) -> impl Iterator<Item = &Target> {
        let writes =
            |steps: &&[Step]| steps.iter().any(|step| !matches!(step.action, Action::Confirm { .. }));
        self.groups().filter(writes).filter_map(<[Step]>::first).map(|step| &step.target)
    }

    /// The attributes and sub-attributes whose stored values decide what it does, each once: those that the
    /// value filters in its paths look at, those by which a `remove` lists what goes, and `readOnly` ones
    /// that must be as they are. What they are shows in the answer, so a caller must be allowed to read
    /// them (RFC 7644 section 7.5.2).
    ///
    /// ```
    /// use scim_patch::{Limits, Op, Operation, PatchRequest};
    /// use scim_schema::{Reading, Tolerance, standard};
    ///
    /// let path = Some("emails[type eq \"work\"].value".to_owned());
    /// let operation = Operation { op: Op::Replace, path, value: Some("bea@example.com".into()) };
    /// let (tolerance, limits) = (Tolerance::strict(), Limits::default());
    /// let patch = PatchRequest { operations: vec![operation] }
    ///     .resolve(&standard::user_type(), &limits, &mut Reading::new(&tolerance))?;
    /// let looked_at: Vec<String> = patch.looked_at().map(|target| target.to_string()).collect();
    /// assert_eq!(looked_at, ["emails", "emails.type"]);
    /// # Ok::<(), scim_patch::PatchError>(())
    /// ```
    pub fn looked_at(&self) -> impl Iterator<Item = &Target> {
        self.looked_at.iter()
    }

    /// The index of the operation that adds an element with this `value` to a core attribute, for the error
    /// of a store that does not know it.
    pub fn operation_adding(&self, attribute: &str, value: &str) -> Option<usize> {
        let target = self.on.attribute(attribute)?;
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
                Change::Merge { members, .. }
                    if given(members, "value").and_then(Value::as_str) == Some(value) =>
                {
                    Some(step.operation)
                }
                Change::Replace(element) if is_it(element) => Some(step.operation),
                _ => None,
            },
            _ => None,
        })
    }

    /// The value that a core attribute has afterwards, if the patch sets it whatever it was before; see
    /// [`attributes`](Self::attributes) for an example.
    pub fn sets(&self, attribute: &str) -> Option<&Value> {
        let target = self.on.attribute(attribute)?;
        match &self.steps.iter().rev().find(|step| step.target == *target)?.action {
            Action::Set(value) => Some(value),
            _ => None,
        }
    }

    /// Takes the values of `writeOnly` attributes (RFC 7643 section 7) out of the patch, by canonical
    /// path; `None` for one that the patch removes. Of several for one path the last counts. So no store
    /// keeps a password by accident.
    ///
    /// ```
    /// use scim_patch::{Limits, PatchRequest};
    /// use scim_schema::{Reading, Tolerance, standard};
    ///
    /// let body = br#"{ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
    ///     { "op": "replace", "path": "password", "value": "correct horse" },
    ///     { "op": "replace", "path": "active", "value": true },
    ///     { "op": "remove", "path": "password" }
    /// ]}"#;
    /// let (tolerance, limits) = (Tolerance::strict(), Limits::default());
    /// let mut reading = Reading::new(&tolerance);
    /// let mut patch = PatchRequest::parse(body, &limits, &mut reading)?
    ///     .resolve(&standard::user_type(), &limits, &mut reading)?;
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
                    Change::Merge { members, .. } if !step.target.definition().is_multi_valued() => {
                        let value = |value: Value| Some(value).filter(|value| !value.is_null());
                        taken.extend(
                            members.into_iter().map(|member| (member.sub.to_string(), value(member.value))),
                        );
                    }
                    Change::Replace(value) => taken.push((path.to_string(), Some(value))),
                    _ => taken.push((path.to_string(), None)),
                },
                _ => taken.push((path.to_string(), None)),
            }
        }
        taken
    }

    /// Whether it changes nothing whatever the resource is: nothing in it was known, or said anything.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

impl Step {
    /// Takes over what the next step on the same attribute does, if both can be done at once.
    fn absorb(&mut self, next: &mut Self) -> bool {
        match (&mut self.action, &mut next.action) {
            (Action::Keyed(keyed), Action::Keyed(next_keyed)) if self.target == next.target => {
                keyed.then(next_keyed);
                true
            }
            _ => false,
        }
    }

    /// Whether it may have taken the attribute's value away, or that of the sub-attribute.
    pub(crate) fn removes(&self, sub: Option<&str>) -> bool {
        let whole = sub.is_none();
        match &self.action {
            Action::Set(_) | Action::Append(_) | Action::Confirm { .. } => false,
            Action::Unassign | Action::RemoveListed(_) | Action::Keyed(_) => whole,
            Action::Select(select) => match (&select.change, sub) {
                (Change::Remove, _) => whole,
                (Change::RemoveEqual(listed), Some(sub)) => listed.name() == sub,
                (Change::RemoveEqual(_), None) => true,
                (Change::Merge { members, .. }, Some(sub)) => given(members, sub).is_some_and(Value::is_null),
                (Change::Merge { members, .. }, None) => members.iter().any(|member| member.value.is_null()),
                (Change::Replace(_), _) => false,
            },
        }
    }

    /// Whether what it reports of change is the whole truth. Several elements that are added may be
    /// one and the same in the end, so that the second undoes what the first did.
    pub(crate) fn reports_exactly(&self) -> bool {
        !matches!(&self.action, Action::Append(elements) if elements.len() > 1)
    }
}

/// The `value` of an element that is identified by it; empty if it has none.
pub(crate) fn key_of(element: &Map<String, Value>) -> &str {
    element.get("value").and_then(Value::as_str).unwrap_or_default()
}
