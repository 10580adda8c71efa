//! The columns of an exported CSV file.

use std::collections::BTreeMap;

use scim_core::schema::{AttributeRef, Mutability, ResourceType};
use serde_json::{Map, Value};

use crate::column::Column;

/// The columns with these paths; by default, those of the schema. If only some attributes are asked for, the others have no
/// columns: an import would take their empty cells for a wish to remove the values.
///
/// # Errors
///
/// What is wrong with each path.
pub(super) fn choose(
    paths: &[String],
    attributes: Option<&str>,
    resource_type: &ResourceType,
) -> Result<Vec<Column>, String> {
    let mut derived = derive(resource_type);
    derived.retain(|path| is_asked_for(path, attributes));
    let paths = if paths.is_empty() { &derived } else { paths };
    let mut columns = Vec::new();
    let mut problems = Vec::new();
    for path in paths {
        match Column::parse(path, resource_type) {
            Ok(column) if columns.iter().any(|other: &Column| other.overlaps(&column)) => {
                problems.push(format!("{path}: another column has the same attribute; remove one"));
            }
            // An import would take its empty cells for a wish to remove the values.
            Ok(column) if !is_asked_for(&column.path(), attributes) => {
                problems.push(format!(
                    "{path}: it is not among --attributes; add it there, or remove the column"
                ));
            }
            Ok(column) => columns.push(column),
            Err(problem) => problems.push(format!("{path}: {problem}")),
        }
    }
    if problems.is_empty() { Ok(columns) } else { Err(format!("--columns:\n  {}", problems.join("\n  "))) }
}

/// The paths of the columns for a resource type: `id`, and what a client can write and read, in the order of the schemas.
///
/// A singular attribute has a column, or one for each sub-attribute. A list whose elements have suggested types has columns for
/// the first element of each type. Another list is one column, in JSON.
fn derive(resource_type: &ResourceType) -> Vec<String> {
    let mut paths = vec!["id".to_owned()];
    for target in resource_type.all_attributes().filter(|target| is_written_and_read(target)) {
        let path = target.path();
        let subs =
            || target.sub_attributes().iter().filter(|sub| is_written_and_read(sub) && !sub.is_derived());
        let types =
            target.sub_attribute("type").map(|sub| sub.definition().canonical_values()).unwrap_or_default();
        if matches!(path.as_str(), "schemas" | "id" | "meta") {
        } else if !target.is_complex()
            || target.definition().is_multi_valued() && (types.is_empty() || target.holds_members())
        {
            paths.push(path.to_string());
        } else if !target.definition().is_multi_valued() {
            paths.extend(subs().map(|sub| sub.path().to_string()));
        } else {
            for element_type in types {
                let element_type = Value::from(element_type.as_str());
                for sub in subs()
                    .map(|sub| sub.definition().name())
                    .filter(|name| !matches!(*name, "type" | "display"))
                {
                    paths.push(format!("{path}[type eq {element_type}].{sub}"));
                }
            }
        }
    }
    paths
}

/// Whether the endpoint is asked for a column; it is asked for everything if no attributes are named.
fn is_asked_for(path: &str, attributes: Option<&str>) -> bool {
    let is_named = |attributes: &str| attributes.split(',').any(|name| belongs_to(path, name.trim()));
    path == "id" || attributes.is_none_or(is_named)
}

/// Whether the path of a column is that of an attribute, or of a part of it.
fn belongs_to(path: &str, attribute: &str) -> bool {
    let has_name = |path: &str| {
        let (start, rest) = path.split_at_checked(attribute.len()).unwrap_or_default();
        start.eq_ignore_ascii_case(attribute) && (rest.is_empty() || rest.starts_with(['.', '[', ':']))
    };
    // The URI of an extension can be left out.
    let short = path.rfind(':').and_then(|end| path.get(end + 1..)).filter(|_| !path.contains('['));
    !attribute.is_empty() && (has_name(path) || short.is_some_and(has_name))
}

fn is_written_and_read(target: &AttributeRef) -> bool {
    !target.is_secret()
        && !matches!(target.definition().mutability(), Mutability::ReadOnly | Mutability::WriteOnly)
}

/// Counts the elements of lists that no column shows.
#[derive(Debug, Default)]
pub(super) struct Unshown(BTreeMap<String, u64>);

impl Unshown {
    /// Counts those of a resource in canonical form.
    pub(super) fn count(
        &mut self,
        resource: &Map<String, Value>,
        columns: &[Column],
        resource_type: &ResourceType,
    ) {
        for target in resource_type.all_attributes().filter(|target| is_written_and_read(target)) {
            let Some(Value::Array(list)) = target.get(resource) else { continue };
            if target.path().as_str() == "schemas" {
                continue;
            }
            let is_shown = |index| columns.iter().any(|column| column.shows(target, index, resource));
            let unshown = (0..list.len()).filter(|index| !is_shown(*index)).count();
            if unshown > 0 {
                *self.0.entry(target.path().to_string()).or_default() += unshown as u64;
            }
        }
    }

    /// What a person should know.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(path, count)| {
            let (elements, have) = if *count == 1 { ("element", "has") } else { ("elements", "have") };
            format!("{count} {elements} of {path} {have} no column, because the type has none or is there twice; --format jsonl has all")
        })
    }
}

#[cfg(test)]
mod tests {
    use scim_core::schema::standard;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_columns_are_those_of_the_schema() {
        let columns = choose(&[], None, &standard::user_type()).unwrap();
        let paths: Vec<String> = columns.iter().map(Column::path).collect();
        assert_eq!(paths[..5], ["id", "externalId", "userName", "name.formatted", "name.familyName"]);
        for path in [
            "active",
            "emails[type eq \"work\"].value",
            "emails[type eq \"home\"].primary",
            "roles",
            "x509Certificates",
        ] {
            assert!(paths.iter().any(|found| found == path), "{path}");
        }
        assert!(paths.contains(&format!("{}:manager.value", standard::ENTERPRISE_USER)));
        for left_out in ["password", "groups", "meta", "display"] {
            assert!(!paths.iter().any(|path| path.contains(left_out) && path != "displayName"), "{left_out}");
        }
        let columns = choose(&[], None, &standard::group_type()).unwrap();
        assert_eq!(
            columns.iter().map(Column::path).collect::<Vec<_>>(),
            ["id", "externalId", "displayName", "members"]
        );
    }

    #[test]
    fn attributes_that_are_not_asked_for_have_no_columns() {
        let attributes = Some("username, Name.givenName,department,photos");
        let columns = choose(&[], attributes, &standard::user_type()).unwrap();
        let paths: Vec<String> = columns.iter().map(Column::path).collect();
        let department = format!("{}:department", standard::ENTERPRISE_USER);
        let expected = [
            "id",
            "userName",
            "name.givenName",
            "photos[type eq \"photo\"].value",
            "photos[type eq \"photo\"].primary",
            "photos[type eq \"thumbnail\"].value",
            "photos[type eq \"thumbnail\"].primary",
            &department,
        ];
        assert_eq!(paths, expected);
    }

    #[test]
    fn what_no_column_shows_is_counted() {
        let users = standard::user_type();
        let columns = choose(&[], None, &users).unwrap();
        let user = json!({
            "userName": "bea",
            "emails": [{ "value": "a", "type": "work" }, { "value": "b", "type": "work" }, { "value": "c" }],
            "roles": [{ "value": "admin" }],
        });
        let mut unshown = Unshown::default();
        unshown.count(user.as_object().unwrap(), &columns, &users);
        assert_eq!(unshown.0.into_iter().collect::<Vec<_>>(), [("emails".to_owned(), 2)]);
    }
}
