//! The resource types and profiles that the case files name.

use std::collections::BTreeMap;

use scim_schema::{Quirk, ResourceType, Schema, Tolerance, standard};
use serde::Deserialize;
use serde_json::{Map, Value};

pub(crate) type Object = Map<String, Value>;

/// A resource type as `schema/types.json` describes it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TypeFile {
    name: String,
    endpoint: String,
    schema: Schema,
    #[serde(default)]
    extensions: Vec<ExtensionFile>,
    /// The attributes to restrict to their canonical values; JSON schemas have no keyword for it.
    #[serde(default)]
    only_canonical: Vec<String>,
    #[serde(default)]
    max_length: BTreeMap<String, usize>,
    /// The lists that keep a single element, with the type of that element.
    #[serde(default)]
    single: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExtensionFile {
    schema: Schema,
    #[serde(default)]
    required: bool,
}

/// The resource types of the case files, and the standard ones.
pub(crate) struct Types(BTreeMap<String, ResourceType>);

impl Types {
    pub(crate) fn load() -> Self {
        let files: Vec<TypeFile> = testdata::load("schema/types.json");
        let mut types: BTreeMap<_, _> =
            files.into_iter().map(|file| (file.name.clone(), build(file))).collect();
        types.insert("User".to_owned(), standard::user_type());
        types.insert("Group".to_owned(), standard::group_type());
        Self(types)
    }

    pub(crate) fn get(&self, name: &str) -> &ResourceType {
        self.0.get(name).unwrap_or_else(|| panic!("no resource type {name}"))
    }
}

fn build(file: TypeFile) -> ResourceType {
    let mut schema = file.schema;
    for name in &file.only_canonical {
        schema = schema.adjust(name, |a| a.only_canonical_values()).unwrap();
    }
    for (name, length) in &file.max_length {
        schema = schema.adjust(name, |a| a.with_max_length(*length)).unwrap();
    }
    for (name, kind) in &file.single {
        schema = schema.adjust(name, |a| a.keep_only_type(kind)).unwrap();
    }
    let mut builder = ResourceType::builder(file.name, file.endpoint, schema);
    for extension in file.extensions {
        builder = match extension.required {
            true => builder.required_extension(extension.schema),
            false => builder.extension(extension.schema),
        };
    }
    builder.build().unwrap()
}

/// The three profiles by name.
pub(crate) fn profiles() -> [(&'static str, Tolerance); 3] {
    [("lenient", Tolerance::lenient()), ("strict", Tolerance::strict()), ("interop", Tolerance::interop())]
}

pub(crate) fn quirk(name: &str) -> Quirk {
    let found = Quirk::ALL.iter().find(|quirk| quirk.name() == name);
    *found.unwrap_or_else(|| panic!("no quirk {name}"))
}

/// An expectation for each profile: `all`, or `lenient`, `strict` and `interop`. Without `interop`, `strict` holds for it
/// too.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ByProfile<T> {
    all: Option<T>,
    lenient: Option<T>,
    strict: Option<T>,
    interop: Option<T>,
}

impl<T> ByProfile<T> {
    pub(crate) fn get(&self, profile: &str) -> &T {
        let for_profile = match profile {
            "lenient" => self.lenient.as_ref(),
            "interop" => self.interop.as_ref().or(self.strict.as_ref()),
            _ => self.strict.as_ref(),
        };
        for_profile.or(self.all.as_ref()).unwrap_or_else(|| panic!("nothing is expected for {profile}"))
    }
}
