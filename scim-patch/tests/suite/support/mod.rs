//! The format of the cases in `testdata/patch/`, and how to run them.

pub(crate) mod random;

use std::fmt::Write as _;

use scim_patch::{AppliedPatch, Budget, PATCH_OP, PatchError, PatchLimits, PatchRequest};
use scim_schema::{Quirk, ReadContext, ResourceType, Schema, Tolerance, ToleratedQuirk, standard};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};
use testdata::message::source_name_in;

pub(crate) type Object = Map<String, Value>;

/// A file of cases.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// What the cases have in common, with the RFC section.
    pub(crate) about: String,
    /// Resource types that the cases use by name, besides `User` and `Group`.
    #[serde(default)]
    types: Vec<Custom>,
    pub(crate) cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Custom {
    name: String,
    schema: Value,
    #[serde(default)]
    extensions: Vec<Value>,
    #[serde(default)]
    required_extensions: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Case {
    pub(crate) name: String,
    #[serde(rename = "type", default = "user")]
    type_name: String,
    /// `lenient`, `strict`, `interop`, or one of them followed by `+quirk` or `-quirk`. All three if the list
    /// is empty.
    #[serde(default)]
    pub(crate) profiles: Vec<String>,
    /// The resource before; `schemas` is filled in.
    #[serde(default)]
    resource: Object,
    /// The operations of a well-formed message. Each case has one of `operations`, `message` and `text`.
    #[serde(default)]
    operations: Option<Value>,
    /// A complete message.
    #[serde(default)]
    message: Option<Value>,
    /// The text of a message.
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    limits: Option<Object>,
    expect: Expect,
    /// The tolerated quirks, in order: the name of the quirk, or the full text of its report.
    #[serde(default)]
    tolerated: Vec<String>,
    #[serde(default)]
    again: Again,
    /// The statements in `testdata/conformance` that the case proves, which `.ci/conformance_page.py` reads.
    #[serde(default, rename = "proves")]
    _proves: IgnoredAny,
}

fn user() -> String {
    "User".to_owned()
}

/// The result of applying the patch to its own result.
#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Again {
    #[default]
    Unchanged,
    Changed,
    Refused,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Expect {
    /// The resource afterwards, which must differ from the one before.
    Resource(Object),
    Unchanged,
    Error(ExpectedError),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ExpectedError {
    /// The SCIM error type, or `None` if the request is too large.
    scim_type: Option<String>,
    operation: Option<usize>,
    path: String,
    /// A part of the error message.
    #[serde(default)]
    says: String,
}

impl File {
    pub(crate) fn resource_type(&self, case: &Case) -> ResourceType {
        match case.type_name.as_str() {
            "User" => standard::user_type(),
            "Group" => standard::group_type(),
            name => {
                self.types.iter().find(|t| t.name == name).unwrap_or_else(|| panic!("type {name}")).build()
            }
        }
    }
}

impl Custom {
    fn build(&self) -> ResourceType {
        let schema = |json: &Value| Schema::from_value(json).unwrap();
        let mut builder = ResourceType::builder(&self.name, &self.name, schema(&self.schema));
        for extension in &self.extensions {
            builder = builder.extension(schema(extension));
        }
        for extension in &self.required_extensions {
            builder = builder.required_extension(schema(extension));
        }
        builder.build().unwrap()
    }
}

/// Parses a profile with a quirk switched on or off, such as `strict+operation-case`.
pub(crate) fn tolerance(profile: &str) -> Tolerance {
    let end = profile.find(['+']).or(profile.find("-")).unwrap_or(profile.len());
    let mut tolerance = match &profile[..end] {
        "lenient" => Tolerance::lenient(),
        "strict" => Tolerance::strict(),
        "interop" => Tolerance::interop(),
        other => panic!("{other} is not a profile"),
    };
    if end < profile.len() {
        let quirk = Quirk::ALL.iter().find(|quirk| quirk.name() == &profile[end + 1..]);
        let quirk = *quirk.unwrap_or_else(|| panic!("{profile}: no such quirk"));
        tolerance =
            if profile[end..].starts_with('+') { tolerance.with(quirk) } else { tolerance.without(quirk) };
    }
    tolerance
}

pub(crate) struct Outcome {
    pub(crate) result: Result<AppliedPatch, PatchError>,
    pub(crate) tolerated: Vec<ToleratedQuirk>,
}

impl Case {
    pub(crate) fn profiles(&self) -> Vec<&str> {
        match self.profiles.as_slice() {
            [] => vec!["lenient", "strict", "interop"],
            some => some.iter().map(String::as_str).collect(),
        }
    }

    fn limits(&self) -> PatchLimits {
        let mut limits = PatchLimits::default();
        for (name, value) in self.limits.iter().flatten() {
            let value = usize::try_from(value.as_u64().unwrap()).unwrap();
            match name.as_str() {
                "operations" => limits = limits.with_operations(value),
                "values" => limits = limits.with_values(value),
                "listLength" => limits = limits.with_list_length(value),
                "visits" => {}
                other => panic!("{other} is not a limit"),
            }
        }
        limits
    }

    fn budget(&self) -> Budget {
        let visits = self.limits.iter().flatten().find(|(name, _)| *name == "visits");
        visits.map_or_else(Budget::default, |(_, visits)| Budget::new(visits.as_u64().unwrap()))
    }

    fn text(&self) -> String {
        match (&self.operations, &self.message, &self.text) {
            (Some(operations), None, None) => {
                json!({ "schemas": [PATCH_OP], "Operations": operations }).to_string()
            }
            (None, Some(message), None) => message.to_string(),
            (None, None, Some(text)) => text.clone(),
            _ => panic!("{}: needs exactly one of operations, message and text", self.name),
        }
    }

    pub(crate) fn resource(&self, resource_type: &ResourceType) -> Object {
        canonical(resource_type, self.resource.clone())
    }

    /// Applies the patch to a resource.
    pub(crate) fn run(&self, resource_type: &ResourceType, profile: &str, resource: Object) -> Outcome {
        let (tolerance, limits) = (tolerance(profile), self.limits());
        let mut read_context = ReadContext::new(&tolerance);
        let mut result = PatchRequest::parse(self.text().as_bytes(), &limits, &mut read_context)
            .and_then(|request| request.resolve(resource_type, &limits, &mut read_context))
            .and_then(|patch| patch.apply_within(resource, &self.budget()));
        let mut tolerated = read_context.into_tolerated();
        if let Ok(applied) = &mut result {
            tolerated.append(&mut applied.tolerated);
        }
        Outcome { result, tolerated }
    }

    /// Returns a value of the resource or of the request that the reason of an error contains.
    fn leaked(&self, error: &PatchError) -> Option<String> {
        fn texts<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
            match value {
                Value::String(text) => found.push(text),
                Value::Array(list) => list.iter().for_each(|value| texts(value, found)),
                Value::Object(object) => object.values().for_each(|value| texts(value, found)),
                _ => {}
            }
        }
        let mut found = Vec::new();
        self.resource.values().for_each(|value| texts(value, &mut found));
        for operation in self.operations.iter().filter_map(Value::as_array).flatten() {
            texts(&operation["value"], &mut found);
        }
        // Ignore the path, which the client has sent, and short values, which occur in any sentence.
        let message = error.to_string();
        let reason = message.split("`: ").last().unwrap_or_default();
        found.into_iter().find(|text| text.len() > 5 && reason.contains(*text)).map(str::to_owned)
    }

    /// Runs the case under a profile. The error lists the differences from the expected result.
    pub(crate) fn check(&self, resource_type: &ResourceType, profile: &str) -> Result<(), String> {
        let before = self.resource(resource_type);
        let copy = before.clone();
        let outcome = self.run(resource_type, profile, before.clone());
        if before != copy {
            return Err("applying the patch changed a copy of the resource".to_owned());
        }
        let mut differences = String::new();
        match (&self.expect, &outcome.result) {
            (Expect::Error(expected), Err(error)) => {
                let same = error.scim_type().map(|t| t.as_str()) == expected.scim_type.as_deref()
                    && error.operation() == expected.operation
                    && error.path() == expected.path
                    && error.is_too_large() == expected.scim_type.is_none()
                    && error.to_string().contains(&expected.says);
                if !same {
                    return Err(format!("another error was expected: {:?} {error}", error.scim_type()));
                }
                if let Some(name) = source_name_in(&error.to_string()) {
                    return Err(format!(
                        "the error message contains `{name}`, a name of the source code: {error}"
                    ));
                }
                return match self.leaked(error) {
                    Some(value) => Err(format!("the error message contains the value {value}: {error}")),
                    None => Ok(()),
                };
            }
            (Expect::Error(_), Ok(applied)) => {
                return Err(format!("expected an error, got {:#}", json!(applied.resource)));
            }
            (_, Err(error)) => return Err(format!("{:?} {error}", error.scim_type())),
            (expect, Ok(applied)) => {
                let expected = match expect {
                    Expect::Resource(resource) => canonical(resource_type, resource.clone()),
                    _ => before.clone(),
                };
                if applied.resource != expected {
                    let _ = writeln!(differences, "the resource is {:#}", json!(applied.resource));
                }
                if applied.changed != (applied.resource != before) {
                    let _ = writeln!(differences, "`changed` is {}", applied.changed);
                }
                if matches!(expect, Expect::Resource(_)) && !applied.changed {
                    let _ = writeln!(differences, "the patch changed nothing");
                }
                if resource_type.validate(&before, None).is_ok()
                    && let Err(violation) = resource_type.validate(&applied.resource, Some(&before))
                {
                    let _ = writeln!(differences, "the resource became invalid: {violation}");
                }
                let again = match self.run(resource_type, profile, applied.resource.clone()).result {
                    Err(_) => Again::Refused,
                    Ok(again) if again.changed => Again::Changed,
                    Ok(_) => Again::Unchanged,
                };
                if again != self.again {
                    differences.push_str("applying the patch again has an unexpected result\n");
                }
            }
        }
        let matches_report = |(tolerated, expected): (&ToleratedQuirk, &String)| {
            *expected == tolerated.quirk.name() || *expected == tolerated.to_string()
        };
        if outcome.tolerated.len() != self.tolerated.len()
            || !outcome.tolerated.iter().zip(&self.tolerated).all(matches_report)
        {
            let _ = writeln!(differences, "the tolerated quirks are {:?}", outcome.tolerated);
        }
        if differences.is_empty() { Ok(()) } else { Err(differences) }
    }
}

/// Adds `schemas` if it is missing.
fn canonical(resource_type: &ResourceType, mut resource: Object) -> Object {
    if !resource.contains_key("schemas") {
        resource_type.update_schemas(&mut resource);
    }
    resource
}
