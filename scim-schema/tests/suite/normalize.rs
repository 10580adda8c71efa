//! `schema/normalize.json`: resources as clients send them, and their canonical form in each profile.
//!
//! A case has a resource type, the input, and the expectation: the output, or the error and the attribute that it
//! names. Unless a case is `raw`, the test fills in the correct `schemas`. The normalized resource is then validated,
//! because normalization leaves it to validation to refuse some deviations.

use std::collections::BTreeSet;

use scim_schema::{Quirk, ReadContext, ResourceType, Tolerance, ToleratedQuirk, Violation};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::support::{ByProfile, Object, Types, profiles, quirk};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    name: String,
    resource_type: String,
    #[serde(default)]
    raw: bool,
    input: Object,
    expect: ByProfile<Expected>,
    /// The statements in `testdata/conformance` that the case proves, which `.ci/conformance_page.py` reads.
    #[serde(default, rename = "proves")]
    _proves: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Expected {
    Output {
        output: Object,
        /// The tolerated quirks, as `quirk-name at path`.
        #[serde(default)]
        tolerated: Vec<String>,
    },
    Error {
        error: String,
        path: String,
    },
}

/// Adds the `schemas` that a resource should have.
fn with_schemas(resource_type: &ResourceType, object: &Object) -> Object {
    let mut object = object.clone();
    let extensions = resource_type.extensions().map(|extension| extension.schema().id());
    let present = extensions.filter(|uri| object.keys().any(|key| key.eq_ignore_ascii_case(uri)));
    let uris: Vec<&str> = std::iter::once(resource_type.schema().id()).chain(present).collect();
    object.insert("schemas".to_owned(), json!(uris));
    object
}

fn read(
    resource_type: &ResourceType,
    input: &Object,
    tolerance: &Tolerance,
) -> Result<(Object, Vec<ToleratedQuirk>), Violation> {
    let mut read_context = ReadContext::new(tolerance);
    let mut object = input.clone();
    // Sorted, so that the first violation does not depend on the order of the map.
    object.sort_keys();
    object.values_mut().for_each(Value::sort_all_objects);
    resource_type.normalize(&mut object, &mut read_context)?;
    resource_type.validate(&object, None)?;
    Ok((object, read_context.into_tolerated()))
}

/// Sorts the quirks: their order depends on that of the map, which a feature of `serde_json` changes.
fn sorted(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut texts: Vec<String> = texts.collect();
    texts.sort();
    texts
}

fn cases() -> Vec<Case> {
    testdata::load("schema/normalize.json")
}

#[test]
fn cases_normalize_as_expected() {
    let types = Types::load();
    for case in cases() {
        let resource_type = types.get(&case.resource_type);
        let fill =
            |object: &Object| if case.raw { object.clone() } else { with_schemas(resource_type, object) };
        let input = fill(&case.input);
        for (profile, tolerance) in profiles() {
            let at = format!("{} ({profile})", case.name);
            match (case.expect.get(profile), read(resource_type, &input, &tolerance)) {
                (Expected::Output { output, tolerated }, Ok((object, met))) => {
                    assert_eq!(Value::Object(object), Value::Object(fill(output)), "{at}");
                    let met = met
                        .iter()
                        .map(|tolerated| format!("{} at {}", tolerated.quirk.name(), tolerated.path));
                    assert_eq!(sorted(met), sorted(tolerated.iter().cloned()), "{at}");
                }
                (Expected::Error { error, path }, Err(violation)) => {
                    assert_eq!(
                        (violation.scim_type().as_str(), violation.path()),
                        (&**error, &**path),
                        "{at}: {violation}"
                    );
                }
                (Expected::Output { .. }, Err(violation)) => panic!("{at}: {violation}"),
                (Expected::Error { .. }, Ok((object, _))) => panic!("{at}: {}", Value::Object(object)),
            }
        }
    }
}

/// For each case, tolerating only its quirks gives the same result as the lenient profile, and without any one of them
/// the result is another.
#[test]
fn each_quirk_is_tolerated_alone_and_refused_alone() {
    let types = Types::load();
    let mut met = BTreeSet::new();
    for case in cases() {
        let resource_type = types.get(&case.resource_type);
        let input = if case.raw { case.input.clone() } else { with_schemas(resource_type, &case.input) };
        let Expected::Output { tolerated, .. } = case.expect.get("lenient") else { continue };
        let quirks: BTreeSet<Quirk> =
            tolerated.iter().map(|tolerated| quirk(tolerated.split(' ').next().unwrap())).collect();
        let lenient = read(resource_type, &input, &Tolerance::lenient()).unwrap();
        let only = quirks.iter().fold(Tolerance::strict(), |tolerance, quirk| tolerance.with(*quirk));
        assert_eq!(
            read(resource_type, &input, &only).unwrap_or_else(|e| panic!("{}: {e}", case.name)),
            lenient,
            "{}",
            case.name
        );
        for quirk in &quirks {
            // Without the quirk the input is refused or gives another result. Unknown attributes are refused too,
            // because without some quirks a name is unknown and would be ignored.
            let without = Tolerance::lenient().without(*quirk).without(Quirk::UnknownAttribute);
            let same = read(resource_type, &input, &without).is_ok_and(|(object, _)| object == lenient.0);
            assert!(!same, "{}: without {}", case.name, quirk.name());
        }
        met.extend(quirks);
    }
    // These quirks concern messages, filters, paths and PATCH.
    let others = [
        Quirk::OperationCase,
        Quirk::MemberCase,
        Quirk::MessageSchemas,
        Quirk::ForeignMember,
        Quirk::PathlessOperation,
        Quirk::WholeElement,
        Quirk::SeveralSelected,
        Quirk::RemoveWithValue,
        Quirk::ReplaceCreates,
        Quirk::ReplaceMerges,
        Quirk::AddNothing,
        Quirk::WrappedValue,
        Quirk::JsonText,
        Quirk::ReadOnlyIgnored,
        Quirk::UnqualifiedExtension,
        Quirk::UnquotedLiteral,
        Quirk::LiteralCase,
        Quirk::MissingBlank,
        Quirk::ExtraBlanks,
        Quirk::ComparedValuePath,
        Quirk::FilteredSingular,
        Quirk::BareExtensionPath,
        Quirk::ParameterForm,
        Quirk::CoreSchemaPath,
        Quirk::BareOperations,
        Quirk::BareNot,
        Quirk::EmptyFilter,
        Quirk::RawPlus,
        Quirk::BothProjections,
        Quirk::NoErrorLimit,
        Quirk::AbsentCollection,
    ];
    let missing = Quirk::ALL.iter().filter(|quirk| !met.contains(*quirk) && !others.contains(quirk));
    assert_eq!(missing.map(|quirk| quirk.name()).collect::<Vec<_>>(), [""; 0]);
}
