//! Where the attributes of a resource type are in the tables: for filters by a mapping, and for
//! writing by the same rules.

use scim_core::schema::{Mutability, ResourceType, Target, Type, Uniqueness};
use scim_sql::{Column, Dialect, Elements, InvalidMapping, Mapping};

/// A resource type as the store sees it.
pub(crate) struct Tables {
    pub(crate) on: ResourceType,
    /// How the type's attributes are searched and sorted by.
    pub(crate) mapping: Mapping,
    /// The attribute whose values differ among the resources of the type, and have a column.
    pub(crate) unique: Option<Target>,
    /// The other ones whose values differ, which have rows.
    pub(crate) also_unique: Vec<Target>,
    /// The list whose elements are in the table `member`.
    pub(crate) members: Option<Target>,
    /// The list that says which groups a resource is in.
    pub(crate) groups: Option<Target>,
}

/// Where an attribute is, besides in the document.
pub(crate) enum Home {
    /// In a column of `resource`, or derived from the table `member`.
    Promoted,
    /// In `resource.keys`.
    Keys,
    /// In rows of `value`.
    Rows,
}

impl Tables {
    pub(crate) fn new(on: &ResourceType, unique: &[&str], dialect: Dialect) -> Result<Self, InvalidMapping> {
        let is_unique = |target: &&Target| {
            let path = target.path().as_str();
            let asked = unique.iter().any(|name| name.eq_ignore_ascii_case(path));
            path != "id" && (asked || target.definition().uniqueness() != Uniqueness::None)
        };
        let all = on.all_attributes().flat_map(|target| {
            let own = (!target.is_complex()).then_some(target);
            own.into_iter().chain(target.sub_attributes())
        });
        let mut also_unique: Vec<Target> = all.filter(is_unique).cloned().collect();
        // The one that every resource has, such as `userName`, comes before what only some have.
        let named = |target: &Target| on.attributes().any(|own| own == target && !is_list(own));
        let place = also_unique.iter().position(|target| named(target) && target.attribute().is_required());
        let place = place.or_else(|| also_unique.iter().position(named));
        let unique = place.map(|place| also_unique.remove(place));
        let members = on.attributes().find(|target| target.holds_members()).cloned();
        let groups = on.attributes().find(|target| is_groups(target)).cloned();
        let mapping = mapping(on, unique.as_ref(), dialect)?;
        Ok(Self { on: on.clone(), mapping, unique, also_unique, members, groups })
    }

    /// The column with the unique name, if the attribute is it.
    pub(crate) fn is_unique(&self, target: &Target) -> bool {
        self.unique.as_ref() == Some(target)
    }
}

fn is_list(target: &Target) -> bool {
    target.attribute().is_multi_valued()
}

fn is_groups(target: &Target) -> bool {
    target.attribute().is_multi_valued()
        && target.attribute().mutability() == Mutability::ReadOnly
        && target.sub_attributes().iter().any(|sub| sub.definition().is_resource_reference())
}

/// Whether it refers to resources, so that it is given up when they are: other than memberships.
pub(crate) fn refers(target: &Target) -> bool {
    target.sub_attributes().iter().any(|sub| sub.definition().is_resource_reference())
        && target.attribute().mutability() != Mutability::ReadOnly
        && !target.holds_members()
}

pub(crate) fn home(target: &Target) -> Home {
    let own = matches!(target.attribute().name(), "id" | "externalId" | "displayName" | "meta")
        || target.attribute().name() == "active" && target.attribute().data_type() == Type::Boolean;
    match target.extension() {
        Some(_) => Home::Rows,
        None if target.holds_members() || is_groups(target) => Home::Promoted,
        None if target.attribute().is_multi_valued() || refers(target) => Home::Rows,
        None if own && !target.is_complex() || target.attribute().name() == "meta" => Home::Promoted,
        None => Home::Keys,
    }
}

/// The column of `value` in which a sub-attribute, or an element without any, is compared. What may
/// be long is with the keys, where no index limits its length.
pub(crate) fn value_column(target: &Target) -> Option<&'static str> {
    let definition = target.definition();
    let long = matches!(definition.data_type(), Type::Binary | Type::Reference);
    let long = long && target.path().as_str() != "schemas";
    match (target.sub(), definition.name()) {
        _ if long => None,
        (None, _) | (Some(_), "value") => Some("value"),
        (Some(_), "type") => Some("type"),
        (Some(_), "primary") => Some("main"),
        _ => None,
    }
}

/// The name under which a value is in a column of keys.
pub(crate) fn key_name(target: &Target) -> &str {
    match (target.extension(), target.sub()) {
        (None, _) if !target.attribute().is_multi_valued() => target.path().as_str(),
        (_, Some(sub)) => sub.name(),
        (_, None) => "value",
    }
}

fn mapping(on: &ResourceType, unique: Option<&Target>, dialect: Dialect) -> Result<Mapping, InvalidMapping> {
    let trigrams = |column: Column, of: &str, rowid: &str| match dialect {
        Dialect::Sqlite => column.fts5("search", of, rowid),
        _ => column.trigrams(),
    };
    let mut mapping = Mapping::builder(on, "resource r", "r.place").within("r.tenant", 1).within("r.kind", 2);
    for target in on.all_attributes() {
        let path = target.path().as_str();
        // What has a column of its own was there before it had to be unique.
        if unique == Some(target) && !matches!(home(target), Home::Promoted) {
            let column = trigrams(Column::key("r.unique_name").indexed(), "unique_name", "r.place");
            let required = target.attribute().is_required();
            mapping = mapping.column(path, if required { column.not_null() } else { column });
            continue;
        }
        match home(target) {
            Home::Promoted if target.holds_members() => {
                mapping = mapping.elements(path, members(target));
            }
            Home::Promoted if is_groups(target) => {
                let [direct, indirect] = groups(target, dialect);
                mapping = mapping.elements(path, direct).elements(path, indirect);
            }
            Home::Promoted => {
                mapping = match path {
                    "id" => mapping.column("id", Column::text("r.id").not_null().indexed()),
                    "externalId" => mapping.column(path, Column::key("r.external_id").indexed()),
                    "displayName" => mapping
                        .column(path, trigrams(Column::key("r.display").indexed(), "display", "r.place")),
                    "active" => mapping.column(path, Column::boolean("r.active")),
                    _ => mapping
                        .column("meta.created", Column::unix_time("r.created", 1000).not_null())
                        .column(
                            "meta.lastModified",
                            Column::unix_time("r.modified", 1000).not_null().indexed(),
                        )
                        .column("meta.version", Column::text("r.version").not_null()),
                };
            }
            Home::Keys => {
                for leaf in leaves(target) {
                    let column = Column::key(json("r.keys", key_name(leaf), dialect));
                    mapping = mapping.column(leaf.path().as_str(), column);
                }
            }
            Home::Rows => {
                let mut elements = Elements::table("value v", "v.place")
                    .within("v.tenant", 1)
                    .when(format!("v.attribute = '{}'", path.replace('\'', "''")))
                    .order("CASE WHEN v.main = 'true' THEN 0 ELSE 1 END, v.element");
                for leaf in leaves(target) {
                    let column = match value_column(leaf) {
                        Some("value") => trigrams(Column::key("v.value").indexed(), "value", "v.place"),
                        Some(column) => Column::key(format!("v.{column}")),
                        None => Column::key(json("v.keys", key_name(leaf), dialect)),
                    };
                    elements = match leaf.sub() {
                        Some(sub) => elements.column(sub.name(), column),
                        None => elements.value(column),
                    };
                }
                mapping = mapping.elements(path, elements);
            }
        }
    }
    mapping.build()
}

/// The attribute itself, or its sub-attributes; without what the service derives.
pub(crate) fn leaves(target: &Target) -> impl Iterator<Item = &Target> {
    let own = (!target.is_complex()).then_some(target);
    own.into_iter().chain(target.sub_attributes()).filter(|leaf| !leaf.is_derived() && !leaf.is_complex())
}

fn json(column: &str, name: &str, dialect: Dialect) -> String {
    let name = name.replace('\'', "''");
    match dialect {
        Dialect::Sqlite => format!("({column}->>'$.\"{name}\"')"),
        _ => format!("({column}->>'{name}')"),
    }
}

fn members(target: &Target) -> Elements {
    let elements = Elements::table("member m", "m.place")
        .within("m.tenant", 1)
        .order("m.added, m.member")
        // The ids of resources are UUIDs in lower case, so folded already.
        .column("value", Column::key("m.member").not_null().indexed());
    match target.sub_attribute("type") {
        Some(_) => elements.column("type", Column::key("m.kind")),
        None => elements,
    }
}

/// The groups that hold a resource itself, and those that hold it through other groups. How groups are
/// nested is found out in the tenant alone, whatever others have. Only the first count for sorting: what is
/// in a group through another is in that one itself, and that one is before the group.
fn groups(target: &Target, dialect: Dialect) -> [Elements; 2] {
    let tenant = dialect.parameter(1);
    let holds = "JOIN resource u ON u.tenant = g.tenant AND u.id = m.member";
    let direct = format!("member m JOIN resource g ON g.place = m.place {holds}");
    // What is above a row is looked up row by row: of so small a part no planner should read a table.
    let id = "(SELECT a.id FROM resource a WHERE a.place = m.place)";
    let place = format!("(SELECT a.place FROM resource a WHERE a.tenant = {tenant} AND a.id = m.member)");
    let is_in = format!("m.tenant = {tenant} AND m.member = up.id");
    let above = match dialect {
        Dialect::Sqlite => format!("JOIN member m ON {is_in}"),
        _ => format!("CROSS JOIN LATERAL (SELECT m.place FROM member m WHERE {is_in} OFFSET 0) m"),
    };
    let indirect = format!(
        "(WITH RECURSIVE up (place, ancestor, id) AS (SELECT {place}, m.place, {id} FROM member m \
         WHERE m.tenant = {tenant} AND m.nested = TRUE \
         UNION SELECT up.place, m.place, {id} FROM up {above}) SELECT place, ancestor FROM up) n \
         JOIN resource g ON g.place = n.ancestor JOIN member m ON m.place = n.place {holds}"
    );
    [(direct, "direct"), (indirect, "indirect")].map(|(table, kind)| {
        let elements = Elements::table(table, "u.place").within("g.tenant", 1).within("m.tenant", 1);
        let mut elements = match kind {
            "direct" => elements.order("g.place"),
            // Who is in a group both ways is in it directly.
            _ => elements.when(
                "NOT EXISTS (SELECT 1 FROM member d WHERE d.place = n.ancestor AND d.member = m.member)",
            ),
        };
        for sub in target.sub_attributes().iter().filter(|sub| !sub.is_derived()) {
            elements = match sub.definition().name() {
                "value" => elements.column("value", Column::key("g.id").not_null().indexed()),
                "display" => elements.column("display", Column::key("g.display")),
                "type" => elements.column("type", Column::constant(kind)),
                _ => elements,
            };
        }
        elements
    })
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
