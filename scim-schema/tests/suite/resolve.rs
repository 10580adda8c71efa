//! `schema/resolve.json`: the canonical paths of the attributes that paths name in the type `Vehicle`, null if there is
//! no such attribute, or `invalid` if the text is not a path.

use scim_schema::{AttrPath, ReadContext, ResolvedName, Tolerance, standard};
use serde::Deserialize;
use serde_json::Value;

use crate::support::{Types, profiles};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    path: String,
    /// The quirk that is tolerated if the path is found.
    tolerated: Option<String>,
    #[serde(default, deserialize_with = "some")]
    all: Option<Value>,
    #[serde(default, deserialize_with = "some")]
    lenient: Option<Value>,
    #[serde(default, deserialize_with = "some")]
    strict: Option<Value>,
}

/// Distinguishes null from a missing member.
fn some<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

#[test]
fn paths_resolve_as_expected() {
    let types = Types::load();
    let resource_type = types.get("Vehicle");
    let cases: Vec<Case> = testdata::load("schema/resolve.json");
    for case in &cases {
        for (profile, tolerance) in profiles() {
            let at = format!("{} ({profile})", case.path);
            let for_profile = if profile == "lenient" { &case.lenient } else { &case.strict };
            let expected = for_profile.as_ref().or(case.all.as_ref()).unwrap();
            let mut read_context = ReadContext::new(&tolerance);
            let Ok(path) = case.path.parse::<AttrPath>() else {
                assert_eq!(*expected, "invalid", "{at}");
                continue;
            };
            let found = resource_type.resolve(&path, &mut read_context);
            assert_eq!(found.as_ref().ok().map(|target| target.path().as_str()), expected.as_str(), "{at}");
            let tolerated: Vec<_> =
                read_context.tolerated().iter().map(|tolerated| tolerated.quirk.name()).collect();
            match found {
                Ok(target) => {
                    assert_eq!(tolerated, case.tolerated.as_deref().into_iter().collect::<Vec<_>>(), "{at}");
                    // The canonical path resolves to the same attribute without a quirk.
                    let tolerance = Tolerance::strict();
                    let mut read_context = ReadContext::new(&tolerance);
                    assert_eq!(
                        resource_type.resolve(target.path(), &mut read_context).unwrap(),
                        target,
                        "{at}"
                    );
                    assert!(read_context.tolerated().is_empty(), "{at}");
                }
                Err(error) => assert_eq!(error.name(), case.path, "{at}"),
            }
        }
    }
}

#[test]
fn without_the_quirk_an_extension_must_be_named() {
    let types = Types::load();
    let tolerance = Tolerance::lenient().without(scim_schema::Quirk::UnqualifiedExtension);
    let error = types.get("Vehicle").resolve(&"slot".parse().unwrap(), &mut ReadContext::new(&tolerance));
    assert_eq!(error.unwrap_err().to_string(), "`slot` is not an attribute of Vehicle");
}

#[test]
fn every_attribute_is_found_by_its_canonical_path() {
    let types = Types::load();
    for name in ["User", "Group", "Vehicle", "Ferry", "Record"] {
        let resource_type = types.get(name);
        for target in resource_type.all_attribute_refs() {
            let tolerance = Tolerance::strict();
            let mut read_context = ReadContext::new(&tolerance);
            let parsed: AttrPath = target.path().as_str().parse().unwrap();
            assert_eq!(resource_type.resolve(&parsed, &mut read_context).as_ref(), Ok(target));
            assert!(read_context.tolerated().is_empty(), "{target}");
            assert_eq!(
                resource_type.parent_attribute(target).map(|target| target.attribute()),
                Some(target.attribute())
            );
        }
    }
}

#[test]
fn member_names_are_attributes_or_extensions() {
    let resource_type = standard::user_type();
    let tolerance = Tolerance::strict();
    let named = |key: &str| match resource_type.resolve_name(key, &mut ReadContext::new(&tolerance)) {
        Some(ResolvedName::Attribute(target)) => target.to_string(),
        Some(ResolvedName::Extension(extension)) => format!("all of {}", extension.schema().name()),
        None => "nothing".to_owned(),
    };
    assert_eq!(named("USERNAME"), "userName");
    assert_eq!(named(&standard::ENTERPRISE_USER.to_uppercase()), "all of EnterpriseUser");
    assert_eq!(named("name.givenName"), "nothing");
    assert_eq!(named("department"), "nothing");
    assert_eq!(named(standard::USER), "nothing");
}
