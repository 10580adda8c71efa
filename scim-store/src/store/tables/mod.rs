//! The store's own tables, and where in them the attributes of a resource type are.
//!
//! `migrations` creates the tables. `placement` decides where each attribute is stored; `resource_rows` uses it to
//! write, and `mapping` to search. `stored` reads a resource back from its row.

mod mapping;
mod migrations;
mod placement;
mod resource_rows;
mod stored;
mod tenant;
#[cfg(test)]
mod upgrade_tests;

use scim_core::schema::{AttributeRef, ResourceType, Uniqueness};
use scim_sql::{Dialect, InvalidMapping, Mapping};

pub(crate) use migrations::MIGRATIONS;
use placement::is_group_list;
pub(crate) use placement::is_reference;
pub(crate) use resource_rows::{ResourceRows, ValueRow};
pub(crate) use stored::{
    COLUMNS, StoredResource, document, id_and_meta, parse_row, stored_times, stored_version,
};
pub(crate) use tenant::{tenant_key, tenant_name, tenant_of};

/// Where the attributes of one resource type are stored.
pub(crate) struct TypeLayout {
    pub(crate) resource_type: ResourceType,
    /// The SQL by which the attributes are searched and sorted.
    pub(crate) mapping: Mapping,
    /// The unique attribute that is stored in the column `unique_name`.
    pub(crate) unique: Option<AttributeRef>,
    /// The other unique attributes, which are stored in the table `unique_value`.
    pub(crate) also_unique: Vec<AttributeRef>,
    /// The list of members, which is stored in the table `member`.
    pub(crate) members: Option<AttributeRef>,
    /// The list of the groups that contain a resource, which is derived from the table `member`.
    pub(crate) groups: Option<AttributeRef>,
}

impl TypeLayout {
    /// The layout of a resource type. `unique` are paths of attributes that are unique in addition to those that the
    /// schema declares unique.
    pub(crate) fn new(
        resource_type: &ResourceType,
        unique: &[&str],
        dialect: Dialect,
    ) -> Result<Self, InvalidMapping> {
        let is_unique = |target: &&AttributeRef| {
            let path = target.path().as_str();
            let by_rule = unique.iter().any(|name| name.eq_ignore_ascii_case(path));
            path != "id" && (by_rule || target.definition().uniqueness() != Uniqueness::None)
        };
        let all = resource_type.all_attributes().flat_map(|target| {
            let simple = (!target.is_complex()).then_some(target);
            simple.into_iter().chain(target.sub_attributes())
        });
        let mut also_unique: Vec<AttributeRef> = all.filter(is_unique).cloned().collect();
        // The column is for a top-level attribute with a single value; best for one that every resource has, such
        // as `userName`.
        let fits_column = |target: &AttributeRef| {
            resource_type
                .attributes()
                .any(|attribute| attribute == target && !attribute.attribute().is_multi_valued())
        };
        let index =
            also_unique.iter().position(|target| fits_column(target) && target.attribute().is_required());
        let index = index.or_else(|| also_unique.iter().position(fits_column));
        let unique = index.map(|index| also_unique.remove(index));
        let members = resource_type.attributes().find(|target| target.holds_members()).cloned();
        let groups = resource_type.attributes().find(|target| is_group_list(target)).cloned();
        let mapping = mapping::mapping(resource_type, unique.as_ref(), dialect)?;
        Ok(Self { resource_type: resource_type.clone(), mapping, unique, also_unique, members, groups })
    }

    /// Whether the attribute is stored in the column `unique_name`.
    pub(crate) fn is_unique_name(&self, target: &AttributeRef) -> bool {
        self.unique.as_ref() == Some(target)
    }
}

#[cfg(test)]
mod tests {
    use scim_core::schema::standard;

    use super::*;

    #[test]
    fn a_required_unique_attribute_is_stored_in_the_column() {
        let unique = |resource_type, paths: &[&str]| {
            let layout = TypeLayout::new(resource_type, paths, Dialect::Sqlite).unwrap();
            let also = layout.also_unique.iter().map(|target| target.to_string()).collect::<Vec<_>>();
            (layout.unique.map(|target| target.to_string()).unwrap_or_default(), also.join(" "))
        };
        let (user, group) = (standard::user_type(), standard::group_type());
        let pair = |column: &str, rows: &str| (column.to_owned(), rows.to_owned());
        assert_eq!(unique(&user, &[]), pair("userName", ""));
        assert_eq!(
            unique(&user, &["externalId", "emails.value"]),
            pair("userName", "externalId emails.value")
        );
        assert_eq!(unique(&group, &[]), pair("", ""));
        assert_eq!(unique(&group, &["externalId", "displayname"]), pair("displayName", "externalId"));
        assert_eq!(unique(&group, &["externalId"]), pair("externalId", ""));
    }

    #[test]
    fn the_mappings_of_the_standard_types_are_valid() {
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            for resource_type in [standard::user_type(), standard::group_type()] {
                for unique in [[].as_slice(), &["displayName", "externalId"]] {
                    TypeLayout::new(&resource_type, unique, dialect)
                        .map_err(|error| error.to_string())
                        .unwrap();
                }
            }
        }
    }
}
