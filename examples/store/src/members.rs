//! Memberships: the members of groups, and the groups of members.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::Utc;
use scim_core::patch::ListDelta;
use scim_core::schema::{Projection, Target};
use scim_core::{Context, Error, Resource};
use serde_json::{Map, Value, json};

use crate::database::{Statement, Transaction};
use crate::fault::Fault;
use crate::param::params;
use crate::record::{Stored, shown};
use crate::tables::Tables;

/// What a change of a list comes to for the elements that there are.
pub(crate) struct Change<'a> {
    pub(crate) add: Vec<&'a Map<String, Value>>,
    pub(crate) remove: Vec<String>,
}

impl Change<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty()
    }
}

fn key(element: &Map<String, Value>) -> &str {
    element.get("value").and_then(Value::as_str).unwrap_or_default()
}

/// Ids as the JSON array that statements take a row from for each.
fn list<'a>(ids: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::from("[");
    for id in ids {
        text.push_str(if text.len() > 1 { ",[" } else { "[" });
        text.push_str(&Value::from(id).to_string());
        text.push(']');
    }
    text.push(']');
    text
}

/// What of a delta changes anything. Only the keys are read, and only those that the delta names
/// unless it names them all.
pub(crate) async fn change<'a>(
    tx: &mut Transaction,
    place: i64,
    delta: &ListDelta<'a>,
) -> Result<Change<'a>, Fault> {
    let (add, gone): (&[&Map<String, Value>], Option<&[&str]>) = match delta {
        ListDelta::Change { add, remove } => (add, Some(remove)),
        ListDelta::Exactly(elements) => (elements, None),
    };
    if delta.is_empty() {
        return Ok(Change { add: Vec::new(), remove: Vec::new() });
    }
    let rows = match gone {
        Some(gone) => {
            let named = list(add.iter().map(|element| key(element)).chain(gone.iter().copied()));
            let sql = "SELECT m.member FROM member m \
                       WHERE m.place = ?1 AND m.member IN (SELECT e.value->>0 FROM each(?2) e)";
            tx.rows(sql, params![place, named]).await?
        }
        None => tx.rows("SELECT m.member FROM member m WHERE m.place = ?1", params![place]).await?,
    };
    let present: HashSet<&str> = rows.iter().filter_map(|row| row.text(0)).collect();
    let wanted: HashSet<&str> = add.iter().map(|element| key(element)).collect();
    let mut seen = HashSet::new();
    let add = add.iter().filter(|element| !present.contains(key(element)) && seen.insert(key(element)));
    // What goes and comes back stays: all that an element says follows from its key.
    let remove = match gone {
        Some(gone) => gone.iter().filter(|key| present.contains(*key)).copied().collect::<HashSet<_>>(),
        None => present.clone(),
    };
    let remove = remove.into_iter().filter(|key| !wanted.contains(key)).map(str::to_owned).collect();
    Ok(Change { add: add.copied().collect(), remove })
}

/// The resources that are about to become members: their kinds and names. They stay until the
/// transaction is over.
pub(crate) async fn check(
    tx: &mut Transaction,
    cx: &Context<'_>,
    tenant: &str,
    (id, list_name): (&str, &str),
    add: &[&Map<String, Value>],
    keep_unknown: bool,
) -> Result<HashMap<String, (String, Option<String>)>, Fault> {
    if add.is_empty() {
        return Ok(HashMap::new());
    }
    let invalid = |reason: &str| Fault::Refused(Error::invalid_value(list_name, reason));
    if add.iter().any(|element| key(element).is_empty()) {
        return Err(invalid("each element must have a `value`, a string"));
    }
    let ids = list(add.iter().map(|element| key(element)));
    if ids.contains("\\u0000") {
        return Err(invalid("the character U+0000 cannot be stored"));
    }
    let sql = "SELECT id, kind, document FROM resource \
               WHERE tenant = ?1 AND id IN (SELECT e.value->>0 FROM each(?2) e) FOR KEY SHARE";
    let rows = tx.rows(sql, params![tenant, ids]).await?;
    let mut known = HashMap::new();
    for row in &rows {
        let (Some(id), Some(kind)) = (row.text(0), row.text(1)) else { continue };
        known.insert(id.to_owned(), (kind.to_owned(), row.text(2).and_then(name_in)));
    }
    if let Some(element) = add.iter().find(|element| !keep_unknown && !known.contains_key(key(element))) {
        return Err(invalid(&format!("there is no resource `{}`", key(element).escape_debug())));
    }
    let nested = add.iter().any(|element| {
        key(element) == id
            || known.get(key(element)).is_some_and(|(kind, _)| kind == cx.resource_type().name())
    });
    if nested {
        // Two groups that become members of each other at the same time would not see it.
        tx.rows("SELECT value FROM meta WHERE name = 'nesting' FOR UPDATE", params![]).await?;
        let above = ancestors(tx, tenant, id).await?;
        if add.iter().any(|element| key(element) == id || above.contains(key(element))) {
            return Err(invalid("a group cannot be a member of itself"));
        }
    }
    Ok(known)
}

/// The name in a document, by which a member is shown.
fn name_in(document: &str) -> Option<String> {
    let document: Map<String, Value> = serde_json::from_str(document).ok()?;
    let name = document.get("displayName").or_else(|| document.get("userName"))?;
    name.as_str().map(str::to_owned)
}

/// The ids of all groups that a resource is in.
async fn ancestors(tx: &mut Transaction, tenant: &str, id: &str) -> Result<HashSet<String>, Fault> {
    let mut found = HashSet::new();
    let mut level = vec![id.to_owned()];
    while !level.is_empty() {
        let parents = parents(tx, tenant, level.iter().map(String::as_str)).await?;
        level = parents.into_iter().map(|parent| parent.id).filter(|id| found.insert(id.clone())).collect();
    }
    Ok(found)
}

/// A group, and a member that it has.
struct Parent {
    member: String,
    id: String,
    name: Option<Arc<str>>,
}

/// The groups that these are members of, in the order of their creation.
async fn parents<'a>(
    tx: &mut Transaction,
    tenant: &str,
    members: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<Parent>, Fault> {
    let sql = "SELECT m.member, g.id, g.document FROM member m JOIN resource g ON g.place = m.place \
               WHERE m.tenant = ?1 AND m.member IN (SELECT e.value->>0 FROM each(?2) e) ORDER BY g.place";
    let rows = tx.rows(sql, params![tenant, list(members)]).await?;
    let mut parents: Vec<Parent> = Vec::with_capacity(rows.len());
    for row in &rows {
        let (Some(member), Some(id)) = (row.text(0), row.text(1)) else { continue };
        // Those of one group follow each other, so that its name is looked for once.
        let name = match parents.last() {
            Some(last) if last.id == id => last.name.clone(),
            _ => row.text(2).and_then(name_in).map(Arc::from),
        };
        parents.push(Parent { member: member.to_owned(), id: id.to_owned(), name });
    }
    Ok(parents)
}

/// Makes the rows of a change. `known` is what [`check`] returned.
pub(crate) fn write(
    cx: &Context<'_>,
    tables: &Tables,
    tenant: &str,
    place: i64,
    change: &Change<'_>,
    known: &HashMap<String, (String, Option<String>)>,
) -> Vec<Statement> {
    let mut statements = Vec::new();
    if !change.remove.is_empty() {
        let removed = list(change.remove.iter().map(String::as_str));
        statements.push((
            "DELETE FROM member WHERE place = ?1 AND member IN (SELECT e.value->>0 FROM each(?2) e)",
            params![place, removed],
        ));
    }
    if !change.add.is_empty() {
        let kind = tables.members.as_ref().and_then(|list| list.sub_attribute("type"));
        // Later than any that is there, and in the order in which they were sent.
        let now = Utc::now().timestamp_micros();
        let rows = change.add.iter().zip(now..).map(|(element, added)| {
            let mut stored = (*element).clone();
            let of = known.get(key(element));
            stored.remove("value");
            stored.remove("$ref");
            // A name that is the member's own follows when that changes.
            if of.is_some_and(|(_, name)| stored.get("display").and_then(Value::as_str) == name.as_deref()) {
                stored.remove("display");
            }
            if let Some((name, _)) = of.filter(|_| kind.is_some()) {
                stored.insert("type".to_owned(), Value::from(name.as_str()));
            }
            let rule = kind.map(Target::comparison);
            let folded = rule.zip(stored.get("type")).and_then(|(rule, value)| scim_sql::key(rule, value));
            let nested = of.is_some_and(|(name, _)| name == cx.resource_type().name());
            json!([key(element), folded, u8::from(nested), added, Value::Object(stored).to_string()])
        });
        statements.push((
            "INSERT INTO member (place, member, tenant, kind, nested, added, element) \
             SELECT CAST(?1 AS bigint), e.value->>0, ?2, e.value->>1, CAST(e.value->>2 AS text) = '1', \
             CAST(e.value->>3 AS bigint), e.value->>4 FROM each(?3) e WHERE TRUE ON CONFLICT DO NOTHING",
            params![place, tenant, Value::from_iter(rows).to_string()],
        ));
    }
    statements
}

/// The members as elements, as they are stored: without names that follow the member's own.
pub(crate) async fn load(tx: &mut Transaction, place: i64) -> Result<Vec<Value>, Fault> {
    let sql = "SELECT m.member, m.element FROM member m WHERE m.place = ?1 ORDER BY m.added, m.member";
    let rows = tx.rows(sql, params![place]).await?;
    rows.iter().map(|row| element(row.text(0), row.text(1))).collect()
}

fn element(member: Option<&str>, rest: Option<&str>) -> Result<Value, Fault> {
    let mut element: Map<String, Value> = serde_json::from_str(rest.unwrap_or("{}"))?;
    element.insert("value".to_owned(), Value::from(member));
    Ok(Value::Object(element))
}

/// Puts the lists that are kept apart into resources, as far as they are to be shown.
pub(crate) async fn assemble(
    tx: &mut Transaction,
    tables: &Tables,
    tenant: &str,
    projection: &Projection,
    resources: &mut [Stored],
) -> Result<(), Fault> {
    if let Some(target) = shown(&tables.members, projection) {
        let unnamed = target.sub_attribute("display").is_some_and(|display| projection.shows(display));
        for stored in &mut *resources {
            let elements = named(tx, tenant, stored.place, unnamed).await?;
            put(&mut stored.resource, target, elements);
        }
    }
    if let Some(target) = shown(&tables.groups, projection) {
        let ids: Vec<String> = resources.iter().map(|stored| stored.resource.id().to_owned()).collect();
        let groups = groups(tx, tenant, &ids).await?;
        for (stored, elements) in resources.iter_mut().zip(groups) {
            put(&mut stored.resource, target, elements);
        }
    }
    Ok(())
}

fn put(resource: &mut Resource, target: &Target, elements: Vec<Value>) {
    if !elements.is_empty() {
        resource.as_map_mut().insert(target.attribute().name().to_owned(), Value::Array(elements));
    }
}

/// The members of a group with the names that they have now, unless the client gave them others.
async fn named(tx: &mut Transaction, tenant: &str, place: i64, unnamed: bool) -> Result<Vec<Value>, Fault> {
    if !unnamed {
        return load(tx, place).await;
    }
    let sql = "SELECT m.member, m.element, coalesce(json(u.document)->>'displayName', \
               json(u.document)->>'userName') FROM member m \
               LEFT JOIN resource u ON u.tenant = ?2 AND u.id = m.member \
               WHERE m.place = ?1 ORDER BY m.added, m.member";
    // The function that SQLite has and the cast that PostgreSQL has are written differently.
    let sql = match tx.dialect() {
        scim_sql::Dialect::Sqlite => sql.replace("json(u.document)", "u.document"),
        _ => sql.replace("json(u.document)", "u.document::json"),
    };
    let rows = tx.rows(&sql, params![place, tenant]).await?;
    let named = |row: &crate::param::Row| {
        let mut element = element(row.text(0), row.text(1))?;
        if let (Some(object), Some(name)) = (element.as_object_mut(), row.text(2)) {
            object.entry("display").or_insert_with(|| Value::from(name));
        }
        Ok(element)
    };
    rows.iter().map(named).collect()
}

/// The groups that each of these is in, directly and through other groups.
async fn groups(tx: &mut Transaction, tenant: &str, ids: &[String]) -> Result<Vec<Vec<Value>>, Fault> {
    let mut found = vec![Vec::new(); ids.len()];
    let mut seen: HashSet<(usize, String)> = HashSet::new();
    // For each group of the level, the places of those of `ids` that are in it.
    let mut level: HashMap<String, Vec<usize>> =
        ids.iter().enumerate().map(|(place, id)| (id.clone(), vec![place])).collect();
    let mut kind = "direct";
    while !level.is_empty() {
        let parents = parents(tx, tenant, level.keys().map(String::as_str)).await?;
        let mut above: HashMap<String, Vec<usize>> = HashMap::new();
        for parent in parents {
            for place in level.get(&parent.member).into_iter().flatten() {
                if !seen.insert((*place, parent.id.clone())) {
                    continue;
                }
                let mut group = Map::new();
                group.insert("value".to_owned(), Value::from(parent.id.as_str()));
                group.insert("type".to_owned(), Value::from(kind));
                if let Some(name) = &parent.name {
                    group.insert("display".to_owned(), Value::from(&**name));
                }
                if let Some(found) = found.get_mut(*place) {
                    found.push(Value::Object(group));
                }
                above.entry(parent.id.clone()).or_default().push(*place);
            }
        }
        level = above;
        kind = "indirect";
    }
    Ok(found)
}
