//! The store's own tables: what they are, and where in them the attributes of a resource type are.

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
use placement::is_groups;
pub(crate) use placement::is_reference;
pub(crate) use resource_rows::{ResourceRows, ValueRow};
pub(crate) use stored::{COLUMNS, Stored, resource, times, version};
pub(crate) use tenant::{tenant_key, tenant_of};

/// Where the attributes of a resource type are.
pub(crate) struct Tables {
    pub(crate) on: ResourceType,
    /// How the type's attributes are searched and sorted by.
    pub(crate) mapping: Mapping,
    /// The attribute whose values differ among the resources of the type, and have a column.
    pub(crate) unique: Option<AttributeRef>,
    /// The other ones whose values differ, which have rows.
    pub(crate) also_unique: Vec<AttributeRef>,
    /// The list whose elements are in the table `member`.
    pub(crate) members: Option<AttributeRef>,
    /// The list that says which groups a resource is in.
    pub(crate) groups: Option<AttributeRef>,
}

impl Tables {
    pub(crate) fn new(on: &ResourceType, unique: &[&str], dialect: Dialect) -> Result<Self, InvalidMapping> {
        let is_unique = |target: &&AttributeRef| {
            let path = target.path().as_str();
            let by_rule = unique.iter().any(|name| name.eq_ignore_ascii_case(path));
            path != "id" && (by_rule || target.definition().uniqueness() != Uniqueness::None)
        };
        let all = on.all_attributes().flat_map(|target| {
            let own = (!target.is_complex()).then_some(target);
            own.into_iter().chain(target.sub_attributes())
        });
        let mut also_unique: Vec<AttributeRef> = all.filter(is_unique).cloned().collect();
        // An attribute that every resource has, such as `userName`, is preferred.
        let is_own = |target: &AttributeRef| on.attributes().any(|own| own == target && !is_list(own));
        let index = also_unique.iter().position(|target| is_own(target) && target.attribute().is_required());
        let index = index.or_else(|| also_unique.iter().position(is_own));
        let unique = index.map(|index| also_unique.remove(index));
        let members = on.attributes().find(|target| target.holds_members()).cloned();
        let groups = on.attributes().find(|target| is_groups(target)).cloned();
        let mapping = mapping::mapping(on, unique.as_ref(), dialect)?;
        Ok(Self { on: on.clone(), mapping, unique, also_unique, members, groups })
    }

    /// The column with the unique name, if the attribute is it.
    pub(crate) fn is_unique(&self, target: &AttributeRef) -> bool {
        self.unique.as_ref() == Some(target)
    }
}

fn is_list(target: &AttributeRef) -> bool {
    target.attribute().is_multi_valued()
}

#[cfg(test)]
mod tests {
    use scim_core::schema::standard;

    use super::*;

    #[test]
    fn the_name_that_all_have_is_the_one_with_a_column() {
        let unique = |on, names: &[&str]| {
            let tables = Tables::new(on, names, Dialect::Sqlite).unwrap();
            let also = tables.also_unique.iter().map(|target| target.to_string()).collect::<Vec<_>>();
            (tables.unique.map(|target| target.to_string()).unwrap_or_default(), also.join(" "))
        };
        let (user, group) = (standard::user_type(), standard::group_type());
        let pair = |one: &str, others: &str| (one.to_owned(), others.to_owned());
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
    fn every_standard_attribute_that_can_be_searched_is_mapped() {
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            for on in [standard::user_type(), standard::group_type()] {
                for unique in [[].as_slice(), &["displayName", "externalId"]] {
                    Tables::new(&on, unique, dialect).map_err(|error| error.to_string()).unwrap();
                }
            }
        }
    }
}
