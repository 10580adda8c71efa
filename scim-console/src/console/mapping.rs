//! The mapping of attributes that fits the schema of the service.

use scim_core::schema::{AttrPath, Mutability, ReadContext, ResourceType, Tolerance};
use serde::Deserialize;

use super::options::ConsoleOptions;

/// Where the provider takes the value of an attribute from.
#[derive(Debug, Deserialize)]
pub(super) struct Source {
    pub(super) attribute: String,
    pub(super) source: String,
    #[serde(default)]
    pub(super) matching: bool,
}

/// An attribute of the service, and where the provider takes its value from.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MappingRow {
    pub(super) attribute: String,
    pub(super) source: String,
    /// Whether the provider matches its people or groups with those of the service by it.
    pub(super) matching: bool,
}

/// The rows for the attributes that a resource type has, and for those of its extensions that the provider knows no source
/// of.
pub(super) fn mapping(options: &ConsoleOptions, type_name: &str, sources: &[Source]) -> Vec<MappingRow> {
    let Some(resource_type) = options.resource_types.iter().find(|found| found.name() == type_name) else {
        return Vec::new();
    };
    let known = sources.iter().filter(|source| has_attribute(resource_type, &source.attribute));
    let known = known.map(|source| MappingRow {
        attribute: source.attribute.clone(),
        source: source.source.clone(),
        matching: source.matching,
    });
    let mut rows: Vec<MappingRow> = known.collect();
    let own = resource_type.all_attributes().filter(|attribute| {
        attribute.extension().is_some() && attribute.definition().mutability() != Mutability::ReadOnly
    });
    for path in own.map(|attribute| attribute.path().to_string()) {
        let is_mapped = rows.iter().any(|row| row.attribute.starts_with(&path));
        let is_standard = path.starts_with("urn:ietf:params:scim:schemas:extension:enterprise:");
        if !is_mapped && !is_standard {
            let source = "choose the attribute of your directory".to_owned();
            rows.push(MappingRow { attribute: path, source, matching: false });
        }
    }
    rows
}

/// Whether a resource type has the attribute of a path such as `emails[type eq "work"].value`.
fn has_attribute(resource_type: &ResourceType, path: &str) -> bool {
    let plain = match (path.split_once('['), path.split_once(']')) {
        (Some((before, _)), Some((_, after))) => format!("{before}{after}"),
        _ => path.to_owned(),
    };
    let tolerance = Tolerance::strict();
    let mut read = ReadContext::new(&tolerance);
    plain.parse::<AttrPath>().is_ok_and(|path| resource_type.find_path(&path, &mut read).is_some())
}

#[cfg(test)]
mod tests {
    use scim_core::schema::{Attribute, Schema, standard};

    use super::*;

    #[test]
    fn the_mapping_has_the_attributes_of_the_service() {
        let badge =
            Schema::new("urn:example:badge:2.0:User", "Badge", [Attribute::string("number")]).unwrap();
        let user =
            ResourceType::builder("User", "/Users", standard::user()).extension(badge).build().unwrap();
        let options = ConsoleOptions::new("", "").resource_types([&user]);
        let source = |attribute: &str| Source {
            attribute: attribute.to_owned(),
            source: "x".to_owned(),
            matching: attribute == "userName",
        };
        let sources = [
            "userName",
            "emails[type eq \"work\"].value",
            "emails[type eq \"work\"].colour",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
        ];
        let rows = mapping(&options, "User", &sources.map(source));
        let attributes: Vec<&str> = rows.iter().map(|row| row.attribute.as_str()).collect();
        let expected = ["userName", "emails[type eq \"work\"].value", "urn:example:badge:2.0:User:number"];
        assert_eq!(attributes, expected);
        assert!(rows.iter().all(|row| row.matching == (row.attribute == "userName")));
        assert_eq!(mapping(&options, "Group", &[]), []);
    }
}
