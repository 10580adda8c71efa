//! Reads the lists that come from the table `member`: the members of groups, and the groups of members.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use scim_core::schema::{AttributeRef, Projection};
use serde_json::{Map, Value};

use crate::database::{Row, Rows, params};
use crate::store::connection::{RowQuery, Transaction};
use crate::store::error::StoreError;
use crate::store::tables::TypeLayout;

/// The members and groups of some resources, in the order of the resources. A list that the projection does not
/// show is empty.
#[derive(Default)]
pub(crate) struct Lists {
    members: Vec<Rows>,
    groups: Vec<Vec<Value>>,
}

impl Lists {
    /// Reads the lists of these resources, each a pair of place and id, as far as the projection shows them.
    pub(crate) async fn read(
        tx: &mut Transaction,
        layout: &TypeLayout,
        tenant: &str,
        projection: &Projection,
        resources: &[(i64, &str)],
    ) -> Result<Self, StoreError> {
        let mut lists = Self::default();
        if let Some(list) = if_shown(&layout.members, projection) {
            let shows_names = list.sub_attribute("display").is_some_and(|display| projection.shows(display));
            for (place, _) in resources {
                lists.members.push(match shows_names {
                    true => member_rows_with_names(tx, tenant, *place).await?,
                    false => member_rows(tx, tenant, *place).await?,
                });
            }
        }
        if if_shown(&layout.groups, projection).is_some() {
            lists.groups = all_groups(tx, tenant, resources).await?;
        }
        Ok(lists)
    }

    /// Reads the lists of one resource like [`read`](Self::read), if the rows of [`groups_of`] for it are known.
    pub(crate) async fn read_with_groups(
        tx: &mut Transaction,
        layout: &TypeLayout,
        tenant: &str,
        projection: &Projection,
        resource: (i64, &str),
        groups: Option<Rows>,
    ) -> Result<Self, StoreError> {
        match groups {
            None => Self::read(tx, layout, tenant, projection, &[resource]).await,
            Some(rows) => {
                let groups = groups_from(tx, tenant, &[resource], rows).await?;
                Ok(Self { members: Vec::new(), groups })
            }
        }
    }

    /// Inserts the lists into the attributes of the resources, which must be in the same order as those that were read.
    pub(crate) fn insert_into<'a>(
        self,
        layout: &TypeLayout,
        resources: impl IntoIterator<Item = &'a mut Map<String, Value>>,
    ) -> Result<(), StoreError> {
        let Self { members, groups } = self;
        let (mut members, mut groups) = (members.into_iter(), groups.into_iter());
        for attributes in resources {
            let members = members.next().map(|rows| rows.iter().map(element).collect()).transpose()?;
            insert_list(attributes, &layout.members, members);
            insert_list(attributes, &layout.groups, groups.next());
        }
        Ok(())
    }
}

/// The list, if the type has it and the projection shows it.
pub(crate) fn if_shown<'a>(
    list: &'a Option<AttributeRef>,
    projection: &Projection,
) -> Option<&'a AttributeRef> {
    list.as_ref().filter(|list| projection.shows(list))
}

fn insert_list(
    attributes: &mut Map<String, Value>,
    list: &Option<AttributeRef>,
    elements: Option<Vec<Value>>,
) {
    if let (Some(list), Some(elements)) = (list, elements.filter(|elements| !elements.is_empty())) {
        attributes.insert(list.attribute().name().to_owned(), Value::Array(elements));
    }
}

/// The members of the group at `place` as they are stored: without a `display` that a response would take from
/// the member itself.
pub(crate) async fn members(
    tx: &mut Transaction,
    tenant: &str,
    place: i64,
) -> Result<Vec<Value>, StoreError> {
    member_rows(tx, tenant, place).await?.iter().map(element).collect()
}

async fn member_rows(tx: &mut Transaction, tenant: &str, place: i64) -> Result<Rows, StoreError> {
    let sql = "SELECT m.member, m.element FROM member m WHERE m.tenant = ?1 AND m.place = ?2 \
               ORDER BY m.added, m.member";
    Ok(tx.query(sql, params![tenant, place]).await?)
}

/// As [`member_rows`], with the current name of each member in a third column.
async fn member_rows_with_names(tx: &mut Transaction, tenant: &str, place: i64) -> Result<Rows, StoreError> {
    let sql = "SELECT m.member, m.element, coalesce(u.document->>'displayName', \
               u.document->>'userName') FROM member m \
               LEFT JOIN resource u ON u.tenant = m.tenant AND u.id = m.member \
               WHERE m.tenant = ?1 AND m.place = ?2 ORDER BY m.added, m.member";
    // `document` is a text column. In SQLite the operator accepts text; PostgreSQL needs a cast to JSON.
    let sql = match tx.dialect() {
        scim_sql::Dialect::Sqlite => Cow::Borrowed(sql),
        _ => Cow::Owned(sql.replace("u.document->", "u.document::json->")),
    };
    Ok(tx.query(sql, params![tenant, place]).await?)
}

/// The element in a row of members. If the stored element has no `display`, it gets the member's current name.
fn element(row: Row<'_>) -> Result<Value, StoreError> {
    let mut element = stored_element(row.text(1))?;
    element.insert("value".to_owned(), Value::from(row.text(0)));
    if let Some(name) = row.text(2) {
        element.entry("display").or_insert_with(|| Value::from(name));
    }
    Ok(Value::Object(element))
}

/// Parses the column `element`, which holds an element without its key.
pub(crate) fn stored_element(json: Option<&str>) -> Result<Map<String, Value>, StoreError> {
    Ok(serde_json::from_str(json.unwrap_or("{}"))?)
}

/// The name that references to a resource show: its `displayName`, or else its `userName`.
pub(crate) fn display_name(document: &str) -> Option<String> {
    let document: Map<String, Value> = serde_json::from_str(document).ok()?;
    let name = document.get("displayName").or_else(|| document.get("userName"))?;
    name.as_str().map(str::to_owned)
}

/// Texts as the JSON array of one-element arrays that `json_each` turns into rows.
pub(crate) fn json_rows<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<String, StoreError> {
    let rows: Vec<[&str; 1]> = texts.into_iter().map(|text| [text]).collect();
    Ok(serde_json::to_string(&rows)?)
}

/// The right side of a condition that a column equals one of these texts, and the value of `?2`, its parameter.
pub(crate) fn equals_any<'a>(
    texts: impl IntoIterator<Item = &'a str>,
) -> Result<(&'static str, String), StoreError> {
    let mut texts = texts.into_iter();
    match (texts.next(), texts.next()) {
        // Most calls have one text, and unpacking a list of one would cost as much as the query itself.
        (Some(only), None) => Ok(("= ?2", only.to_owned())),
        (first, second) => {
            let all = json_rows(first.into_iter().chain(second).chain(texts))?;
            Ok(("IN (SELECT e.value->>0 FROM json_each(?2) e)", all))
        }
    }
}

/// The groups that have one of these ids as a direct member, in the order of their creation. The columns are the
/// member's id, the group's id and the group's document.
pub(crate) async fn groups_of<'a>(
    tx: &mut Transaction,
    tenant: &str,
    members: impl IntoIterator<Item = &'a str>,
) -> Result<Rows, StoreError> {
    let (sql, params) = select_groups_of(tenant, members)?;
    Ok(tx.query(sql, params).await?)
}

/// The query of [`groups_of`], to send it together with others.
pub(crate) fn select_groups_of<'a>(
    tenant: &str,
    members: impl IntoIterator<Item = &'a str>,
) -> Result<RowQuery, StoreError> {
    let (comparison, members) = equals_any(members)?;
    let sql = format!(
        "SELECT m.member, g.id, g.document FROM member m JOIN resource g ON g.tenant = m.tenant AND g.place = m.place \
         WHERE m.tenant = ?1 AND m.member {comparison} ORDER BY g.place"
    );
    Ok((sql.into(), params![tenant, members]))
}

/// For each resource, the groups that contain it directly, and then those that contain it through other groups.
///
/// The groups of all resources are read together, one query for each level of nesting: the groups of the
/// resources, then the groups of these groups, and so on.
pub(crate) async fn all_groups(
    tx: &mut Transaction,
    tenant: &str,
    resources: &[(i64, &str)],
) -> Result<Vec<Vec<Value>>, StoreError> {
    let rows = groups_of(tx, tenant, resources.iter().map(|(_, id)| *id)).await?;
    groups_from(tx, tenant, resources, rows).await
}

/// As [`all_groups`], after the first query.
async fn groups_from(
    tx: &mut Transaction,
    tenant: &str,
    resources: &[(i64, &str)],
    mut rows: Rows,
) -> Result<Vec<Vec<Value>>, StoreError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = Groups { by_resource: vec![Vec::new(); resources.len()], seen: HashSet::new() };
    // For each id on the current level, the indexes of the resources that it contains or that it is.
    let mut level: HashMap<String, Vec<usize>> = HashMap::new();
    for (index, (_, id)) in resources.iter().enumerate() {
        level.entry((*id).to_owned()).or_default().push(index);
    }
    let mut membership = "direct";
    loop {
        level = found.add_level(&rows, &level, membership);
        if level.is_empty() {
            return Ok(found.by_resource);
        }
        membership = "indirect";
        rows = groups_of(tx, tenant, level.keys().map(String::as_str)).await?;
    }
}

/// The groups of some resources, as far as they are known.
struct Groups {
    by_resource: Vec<Vec<Value>>,
    /// Which groups each resource already has, by the resource's index and the group's id.
    seen: HashSet<(usize, String)>,
}

impl Groups {
    /// Adds the groups in these rows to the resources that they contain, and returns the groups that were new
    /// for a resource, with the indexes of these resources: the next level.
    fn add_level(
        &mut self,
        rows: &Rows,
        level: &HashMap<String, Vec<usize>>,
        membership: &str,
    ) -> HashMap<String, Vec<usize>> {
        let mut next_level: HashMap<String, Vec<usize>> = HashMap::new();
        // The rows of one group are adjacent, so its document is parsed once.
        let mut previous: Option<(&str, Option<Arc<str>>)> = None;
        for row in rows.iter() {
            let (Some(member), Some(group_id)) = (row.text(0), row.text(1)) else { continue };
            let name = match previous {
                Some((previous_id, name)) if previous_id == group_id => name,
                _ => row.text(2).and_then(display_name).map(Arc::from),
            };
            for &index in level.get(member).into_iter().flatten() {
                if !self.seen.insert((index, group_id.to_owned())) {
                    continue;
                }
                let mut group = Map::new();
                group.insert("value".to_owned(), Value::from(group_id));
                group.insert("type".to_owned(), Value::from(membership));
                if let Some(name) = &name {
                    group.insert("display".to_owned(), Value::from(&**name));
                }
                if let Some(groups) = self.by_resource.get_mut(index) {
                    groups.push(Value::Object(group));
                }
                next_level.entry(group_id.to_owned()).or_default().push(index);
            }
            previous = Some((group_id, name));
        }
        next_level
    }
}
