//! From the fields of a person to the attributes of a user.

mod source;
mod target;
mod transform;

pub use source::Source;
pub use transform::{Lookup, Transform};

pub(crate) use target::Target;
pub(crate) use transform::{cut_after, cut_before};

use scim_core::patch::{Op, Operation, PatchError, PatchLimits, PatchRequest};
use scim_core::schema::{ReadContext, ResourceType, Tolerance};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::Person;

/// A rule that fills one attribute.
///
/// ```
/// use scim_sync::FieldRule;
///
/// let rules: Vec<FieldRule> = serde_json::from_str(r#"[
///     { "target": "userName", "source": "userPrincipalName", "transform": ["lower"], "required": true },
///     { "target": "emails[type eq \"work\"].value", "source": ["mail", "userPrincipalName"] },
///     { "target": "displayName", "source": "{givenName} {surname}" },
///     { "target": "preferredLanguage", "value": "sv-SE", "only_at_creation": true }
/// ]"#)?;
/// assert_eq!(rules.len(), 4);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldRule {
    /// The attribute, as the path of a PATCH operation names it (RFC 7644 section 3.5.2): `userName`, `name.givenName`,
    /// `emails[type eq "work"].value`, or with the URI of an extension. An attribute with several values needs the brackets.
    pub target: String,
    /// The fields. A rule has either this or a `value`.
    #[serde(default)]
    pub source: Source,
    /// The value that all users have.
    #[serde(default)]
    pub value: Option<Value>,
    /// What is done to the text of the field, in order.
    #[serde(default)]
    pub transform: Vec<Transform>,
    /// Whether a person without a value is skipped. Without this, the attribute is removed from the user.
    #[serde(default)]
    pub required: bool,
    /// Whether the attribute is set when the user is created, and left alone later.
    #[serde(default)]
    pub only_at_creation: bool,
}

/// The rules, checked against the resource type.
#[derive(Debug)]
pub(crate) struct Mapping {
    rules: Vec<Rule>,
    user_type: ResourceType,
    tolerance: Tolerance,
    /// Whether a rule decides about `active`. If none does, a user is active as long as the person is there.
    maps_active: bool,
}

#[derive(Debug)]
struct Rule {
    target: Target,
    source: Source,
    value: Option<Value>,
    transform: Vec<Transform>,
    required: bool,
    only_at_creation: bool,
}

/// What a user must have, according to the fields of a person.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mapped {
    pub(crate) operations: Vec<Operation>,
    /// For new users only.
    pub(crate) at_creation: Vec<Operation>,
}

impl Mapping {
    /// Checks all rules, and returns what is wrong with each.
    pub(crate) fn new(rules: &[FieldRule], user_type: &ResourceType) -> Result<Self, Vec<String>> {
        let mut mapping = Self {
            rules: Vec::new(),
            user_type: user_type.clone(),
            tolerance: Tolerance::lenient(),
            maps_active: false,
        };
        let mut errors = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            match mapping.rule(rule) {
                Ok(rule) => {
                    if mapping.rules.iter().any(|other| other.target == rule.target) {
                        errors.push(format!(
                            "mapping[{index}]: `{}` already has a rule; delete one",
                            rule.target
                        ));
                    }
                    mapping.rules.push(rule);
                }
                Err(error) => errors.push(format!("mapping[{index}] (`{}`): {error}", rule.target)),
            }
        }
        for target in mapping.user_type.attributes().filter(|target| target.definition().is_required()) {
            let is_filled =
                |rule: &Rule| rule.target.is_attribute(target) && (rule.required || rule.value.is_some());
            if target.path().as_str() != "schemas"
                && !target.is_fixed()
                && !mapping.rules.iter().any(is_filled)
            {
                errors.push(format!(
                    "mapping: every user needs `{target}`; add {{\"target\": \"{target}\", \"source\": \"..\", \"required\": true}}"
                ));
            }
        }
        mapping.maps_active =
            mapping.rules.iter().any(|rule| rule.target.as_str() == "active" && !rule.only_at_creation);
        if errors.is_empty() { Ok(mapping) } else { Err(errors) }
    }

    fn rule(&self, rule: &FieldRule) -> Result<Rule, String> {
        let target = Target::new(&rule.target, &self.user_type)?;
        rule.transform.iter().try_for_each(Transform::check)?;
        match (&rule.value, rule.source.is_empty()) {
            (None, true) => return Err("name a `source` or a `value`".to_owned()),
            (Some(_), false) => return Err("a rule has a `source` or a `value`, not both".to_owned()),
            (Some(_), true) if !rule.transform.is_empty() => {
                return Err("a `value` has no `transform`; write the result".to_owned());
            }
            _ => {}
        }
        // A person's text can be anything, so a sample shows only whether the path can be set.
        let sample = rule.value.clone().unwrap_or_else(|| target.sample());
        self.apply(&[operation(Op::Add, target.as_str(), Some(sample))], Map::new())
            .map_err(|error| error.to_string())?;
        Ok(Rule {
            target,
            source: rule.source.clone(),
            value: rule.value.clone(),
            transform: rule.transform.clone(),
            required: rule.required,
            only_at_creation: rule.only_at_creation,
        })
    }

    /// The names of all fields that the rules read.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().flat_map(|rule| rule.source.names())
    }

    /// What the user of a person must have. `Err` contains why the person is skipped: the required attributes that have no
    /// value, and those whose value has the wrong type.
    pub(crate) fn map(&self, person: &Person) -> Result<Mapped, Vec<String>> {
        let mut reasons = Vec::new();
        let mut values = Vec::with_capacity(self.rules.len());
        for rule in &self.rules {
            let value = match &rule.value {
                Some(value) => Some(value.clone()),
                None => match rule.source.text(person, &rule.transform).map(|text| rule.target.value(text)) {
                    Some(Err(reason)) => {
                        reasons.push(format!("the value for `{}` {reason}", rule.target));
                        None
                    }
                    Some(Ok(value)) => Some(value),
                    None if rule.required => {
                        let names: Vec<_> = rule.source.names().collect();
                        reasons.push(format!(
                            "`{}` has no value; it comes from {}",
                            rule.target,
                            names.join(", ")
                        ));
                        None
                    }
                    // A person is active unless the directory says something else.
                    None if rule.target.as_str() == "active" => Some(Value::Bool(true)),
                    None => None,
                },
            };
            values.push((rule, value));
        }
        if !reasons.is_empty() {
            return Err(reasons);
        }
        let id = operation(Op::Add, "externalId", Some(Value::from(person.id.as_str())));
        let mut mapped = Mapped { operations: vec![id], at_creation: Vec::new() };
        for (rule, value) in &values {
            let operation = match value {
                Some(value) => operation(Op::Add, rule.target.as_str(), Some(value.clone())),
                None if rule.only_at_creation => continue,
                None => {
                    // An element of a list goes when none of its values is left.
                    let element = rule.target.element().filter(|element| {
                        !values
                            .iter()
                            .any(|(other, value)| other.target.element() == Some(*element) && value.is_some())
                    });
                    operation(Op::Remove, element.unwrap_or(rule.target.as_str()), None)
                }
            };
            let list = if rule.only_at_creation { &mut mapped.at_creation } else { &mut mapped.operations };
            list.push(operation);
        }
        Ok(mapped)
    }

    /// The user that a person becomes.
    pub(crate) fn create(&self, mapped: &Mapped) -> Result<Map<String, Value>, PatchError> {
        let is_value = |operation: &&Operation| operation.op != Op::Remove;
        let mut operations: Vec<_> =
            mapped.operations.iter().chain(&mapped.at_creation).filter(is_value).cloned().collect();
        if !operations.iter().any(|operation| operation.path.as_deref() == Some("active")) {
            operations.push(operation(Op::Add, "active", Some(Value::Bool(true))));
        }
        let mut user = self.apply(&operations, Map::new())?;
        self.user_type.update_schemas(&mut user);
        Ok(user)
    }

    /// The user after a change: everything else stays.
    pub(crate) fn update(
        &self,
        mapped: &Mapped,
        user: &Map<String, Value>,
        is_restored: bool,
    ) -> Result<Map<String, Value>, PatchError> {
        let mut operations = mapped.operations.clone();
        if is_restored && !self.maps_active {
            operations.push(operation(Op::Add, "active", Some(Value::Bool(true))));
        }
        self.apply(&operations, user.clone())
    }

    /// Applies PATCH operations, with the tolerance that creates the elements of lists that they select.
    pub(crate) fn apply(
        &self,
        operations: &[Operation],
        user: Map<String, Value>,
    ) -> Result<Map<String, Value>, PatchError> {
        let request = PatchRequest { operations: operations.to_vec() };
        let mut read_context = ReadContext::new(&self.tolerance);
        let patch = request.resolve(&self.user_type, &PatchLimits::default(), &mut read_context)?;
        Ok(patch.apply(user)?.resource)
    }

    /// The smallest PATCH from one state of a user to another; `None` if they are equal.
    pub(crate) fn diff(&self, from: &Map<String, Value>, to: &Map<String, Value>) -> Option<PatchRequest> {
        Some(PatchRequest::diff(&self.user_type, from, to)).filter(|request| !request.operations.is_empty())
    }
}

fn operation(op: Op, path: &str, value: Option<Value>) -> Operation {
    Operation { op, path: Some(path.to_owned()), value }
}
