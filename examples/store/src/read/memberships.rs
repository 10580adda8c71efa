//! Reads the lists that the table `member` holds: the members of groups, and the groups of members.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use scim_core::schema::{AttributeRef, Projection};
use serde_json::{Map, Value};

use crate::database::{Row, Rows, Transaction, params};
use crate::error::Fault;
use crate::tables::{Stored, Tables};

/// The lists of some resources as they were read, in the order of these; nothing for a list that is
/// not shown.
#[derive(Default)]
pub(crate) struct Lists {
    members: Vec<Rows>,
    groups: Vec<Vec<Value>>,
}

impl Lists {
    /// Reads what is to be shown of the lists of these resources, places and ids.
    pub(crate) async fn read(
        tx: &mut Transaction,
        tables: &Tables,
        tenant: &str,
        projection: &Projection,
        resources: &[(i64, &str)],
    ) -> Result<Self, Fault> {
        let mut lists = Self::default();
        if let Some(target) = shown(&tables.members, projection) {
            let named = target.sub_attribute("display").is_some_and(|display| projection.shows(display));
            for (place, _) in resources {
                lists.members.push(match named {
                    true => named_members(tx, tenant, *place).await?,
                    false => member_rows(tx, *place).await?,
                });
            }
        }
        if shown(&tables.groups, projection).is_some() {
            lists.groups = groups(tx, tenant, resources).await?;
        }
        Ok(lists)
    }

    /// Puts the lists into their resources.
    pub(crate) fn put<'a>(
        self,
        tables: &Tables,
        resources: impl IntoIterator<Item = &'a mut Stored>,
    ) -> Result<(), Fault> {
        let Self { members, groups } = self;
        let (mut members, mut groups) = (members.into_iter(), groups.into_iter());
        for stored in resources {
            let members = members.next().map(|rows| rows.iter().map(element).collect()).transpose()?;
            put(stored, &tables.members, members);
            put(stored, &tables.groups, groups.next());
        }
        Ok(())
    }
}

/// The list, if the projection shows it.
pub(crate) fn shown<'a>(list: &'a Option<AttributeRef>, projection: &Projection) -> Option<&'a AttributeRef> {
    list.as_ref().filter(|target| projection.shows(target))
}

fn put(stored: &mut Stored, target: &Option<AttributeRef>, elements: Option<Vec<Value>>) {
    if let (Some(target), Some(elements)) = (target, elements.filter(|elements| !elements.is_empty())) {
        let object = stored.resource.as_map_mut();
        object.insert(target.attribute().name().to_owned(), Value::Array(elements));
    }
}

/// The members as elements, as they are stored: without names that follow the member's own.
pub(crate) async fn members(tx: &mut Transaction, place: i64) -> Result<Vec<Value>, Fault> {
    member_rows(tx, place).await?.iter().map(element).collect()
}

async fn member_rows(tx: &mut Transaction, place: i64) -> Result<Rows, Fault> {
    let sql = "SELECT m.member, m.element FROM member m WHERE m.place = ?1 ORDER BY m.added, m.member";
    Ok(tx.rows(sql, params![place]).await?)
}

/// The members with the names that they have now.
async fn named_members(tx: &mut Transaction, tenant: &str, place: i64) -> Result<Rows, Fault> {
    let sql = "SELECT m.member, m.element, coalesce(u.document->>'displayName', \
               u.document->>'userName') FROM member m \
               LEFT JOIN resource u ON u.tenant = ?2 AND u.id = m.member \
               WHERE m.place = ?1 ORDER BY m.added, m.member";
    // SQLite takes texts where PostgreSQL wants JSON.
    let sql = match tx.dialect() {
        scim_sql::Dialect::Sqlite => Cow::Borrowed(sql),
        _ => Cow::Owned(sql.replace("u.document->", "u.document::json->")),
    };
    Ok(tx.rows(sql, params![place, tenant]).await?)
}

/// A member, with the name that it has unless the client gave it another.
fn element(row: Row<'_>) -> Result<Value, Fault> {
    let mut element = kept(row.text(1))?;
    element.insert("value".to_owned(), Value::from(row.text(0)));
    if let Some(name) = row.text(2) {
        element.entry("display").or_insert_with(|| Value::from(name));
    }
    Ok(Value::Object(element))
}

/// What is kept of a member beside its key.
pub(crate) fn kept(element: Option<&str>) -> Result<Map<String, Value>, Fault> {
    Ok(serde_json::from_str(element.unwrap_or("{}"))?)
}

/// The name in a document, by which a member is shown.
pub(crate) fn name_in(document: &str) -> Option<String> {
    let document: Map<String, Value> = serde_json::from_str(document).ok()?;
    let name = document.get("displayName").or_else(|| document.get("userName"))?;
    name.as_str().map(str::to_owned)
}

/// Texts as the JSON array that statements take a row from for each.
pub(crate) fn json_rows<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<String, Fault> {
    let rows: Vec<[&str; 1]> = texts.into_iter().map(|text| [text]).collect();
    Ok(serde_json::to_string(&rows)?)
}

/// A comparison with any of these texts, which are the second parameter.
pub(crate) fn any_of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<(&'static str, String), Fault> {
    let mut texts = texts.into_iter();
    match (texts.next(), texts.next()) {
        // Mostly there is one, and a list of one costs as much as what is looked for.
        (Some(only), None) => Ok(("= ?2", only.to_owned())),
        (first, second) => {
            let all = json_rows(first.into_iter().chain(second).chain(texts))?;
            Ok(("IN (SELECT e.value->>0 FROM json_each(?2) e)", all))
        }
    }
}

/// A member, the id of a group that it is in, and the document of that: for all groups that any of
/// these is in, in the order of their creation.
pub(crate) async fn parents<'a>(
    tx: &mut Transaction,
    tenant: &str,
    members: impl IntoIterator<Item = &'a str>,
) -> Result<Rows, Fault> {
    let (any, members) = any_of(members)?;
    let sql = format!(
        "SELECT m.member, g.id, g.document FROM member m JOIN resource g ON g.place = m.place \
         WHERE m.tenant = ?1 AND m.member {any} ORDER BY g.place"
    );
    Ok(tx.rows(sql, params![tenant, members]).await?)
}

/// The groups that each of these is in, directly and through other groups.
pub(crate) async fn groups(
    tx: &mut Transaction,
    tenant: &str,
    resources: &[(i64, &str)],
) -> Result<Vec<Vec<Value>>, Fault> {
    let mut rows = parents(tx, tenant, resources.iter().map(|(_, id)| *id)).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = vec![Vec::new(); resources.len()];
    let mut seen: HashSet<(usize, String)> = HashSet::new();
    // For each resource or group of the level, the numbers of those of `resources` that are in it.
    let mut level: HashMap<String, Vec<usize>> = HashMap::new();
    for (number, (_, id)) in resources.iter().enumerate() {
        level.entry((*id).to_owned()).or_default().push(number);
    }
    let mut kind = "direct";
    while !rows.is_empty() {
        let mut above: HashMap<String, Vec<usize>> = HashMap::new();
        // The rows of one group follow each other, so that its name is looked for once.
        let mut last: Option<(&str, Option<Arc<str>>)> = None;
        for row in rows.iter() {
            let (Some(member), Some(id)) = (row.text(0), row.text(1)) else { continue };
            let name = match last {
                Some((of, name)) if of == id => name,
                _ => row.text(2).and_then(name_in).map(Arc::from),
            };
            for number in level.get(member).into_iter().flatten() {
                if !seen.insert((*number, id.to_owned())) {
                    continue;
                }
                let mut group = Map::new();
                group.insert("value".to_owned(), Value::from(id));
                group.insert("type".to_owned(), Value::from(kind));
                if let Some(name) = &name {
                    group.insert("display".to_owned(), Value::from(&**name));
                }
                if let Some(found) = found.get_mut(*number) {
                    found.push(Value::Object(group));
                }
                above.entry(id.to_owned()).or_default().push(*number);
            }
            last = Some((id, name));
        }
        if above.is_empty() {
            break;
        }
        kind = "indirect";
        rows = parents(tx, tenant, above.keys().map(String::as_str)).await?;
        level = above;
    }
    Ok(found)
}
