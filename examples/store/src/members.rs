//! Memberships: the members of groups, and the groups of members.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::Utc;
use scim_core::patch::ListDelta;
use scim_core::schema::{Mutability, Projection, Target};
use scim_core::{Context, Error, Resource};
use serde_json::{Map, Value, json};

use crate::database::{Statement, Transaction};
use crate::fault::Fault;
use crate::param::params;
use crate::record::{Stored, shown};
use crate::tables::Tables;

/// What a change of a list comes to for the elements that there are.
#[derive(Default)]
pub(crate) struct Change<'a> {
    /// Elements that come, and those that take the place of one with the same key.
    pub(crate) add: Vec<&'a Map<String, Value>>,
    pub(crate) remove: Vec<String>,
    known: Known,
}

impl Change<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty()
    }
}

/// When an element that is there, and is given again, stays as it is.
#[derive(Clone, Copy)]
pub(crate) enum Stays {
    /// Whatever is given with its key.
    Always,
    /// If it says what is given, and nothing else but what is filled in.
    AsSaid,
    /// If it is what is given.
    AsIs,
}

/// The kinds and the names of resources by their ids.
type Known = HashMap<String, (String, Option<String>)>;

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

/// What of a delta changes anything for the resource at a place, or for one that is new. Only the
/// elements that the delta names are read, unless it names them all, and only of those that are given
/// again what they say.
pub(crate) async fn change<'a>(
    tx: &mut Transaction,
    tables: &Tables,
    (tenant, place): (&str, Option<i64>),
    delta: &ListDelta<'a>,
    stays: Stays,
) -> Result<Change<'a>, Fault> {
    let (given, gone): (&[&'a Map<String, Value>], Option<HashSet<&str>>) = match delta {
        ListDelta::Change { add, remove } => (add, Some(remove.iter().copied().collect())),
        ListDelta::Exactly(elements) => (elements, None),
    };
    let Some(target) = tables.members.as_ref().filter(|_| !delta.is_empty()) else {
        return Ok(Change::default());
    };
    let rows = match (place, &gone) {
        (None, _) => Vec::new(),
        (Some(place), Some(gone)) => {
            let named = list(given.iter().map(|element| key(element)).chain(gone.iter().copied()));
            let sql = "SELECT m.member, m.element FROM member m \
                       WHERE m.place = ?1 AND m.member IN (SELECT e.value->>0 FROM each(?2) e)";
            tx.rows(sql, params![place, named]).await?
        }
        (Some(place), None) => {
            tx.rows("SELECT m.member, m.element FROM member m WHERE m.place = ?1", params![place]).await?
        }
    };
    let present: HashMap<&str, Option<&str>> =
        rows.iter().filter_map(|row| Some((row.text(0)?, row.text(1)))).collect();
    let mut wanted = HashSet::with_capacity(given.len());
    let (mut add, mut unsure) = (Vec::new(), Vec::new());
    for element in given.iter().copied().filter(|element| wanted.insert(key(element))) {
        let Some(stored) = present.get(key(element)) else {
            add.push(element);
            continue;
        };
        // What does not go stays, whatever comes with its key.
        let comes_back = gone.as_ref().is_none_or(|gone| gone.contains(key(element)));
        if comes_back && !matches!(stays, Stays::Always) {
            let stored = parsed(*stored)?;
            if !is_given(target, &stored, element, stays, None) {
                unsure.push((stored, element));
            }
        }
    }
    let asked = add.iter().chain(unsure.iter().map(|(_, element)| element)).map(|element| key(element));
    let known = known(tx, tenant, asked).await?;
    for (stored, element) in unsure {
        if !is_given(target, &stored, element, stays, known.get(key(element))) {
            add.push(element);
        }
    }
    let leaves = |key: &&str| !wanted.contains(key);
    let remove = match &gone {
        Some(gone) => gone
            .iter()
            .filter(|key| present.contains_key(*key))
            .copied()
            .filter(leaves)
            .map(str::to_owned)
            .collect(),
        None => present.keys().copied().filter(leaves).map(str::to_owned).collect(),
    };
    Ok(Change { add, remove, known })
}

/// Whether what is stored of an element is what is given, as far as that is known without the resource
/// that the element refers to, or with its kind and name.
fn is_given(
    target: &Target,
    stored: &Map<String, Value>,
    given: &Map<String, Value>,
    stays: Stays,
    known: Option<&(String, Option<String>)>,
) -> bool {
    if matches!(stays, Stays::AsIs) {
        return *stored == kept(target, given, known);
    }
    let said = |name: &str, value: &Value| match name {
        "value" | "$ref" => true,
        "type" if known.is_some() => true,
        "display" if !stored.contains_key(name) => {
            known.is_some_and(|(_, name)| name.is_some() && value.as_str() == name.as_deref())
        }
        _ => stored.get(name) == Some(value),
    };
    let filled = |name: &str| target.sub_attribute(name).is_some_and(is_fixed);
    given.iter().all(|(name, value)| said(name, value))
        && stored.keys().all(|name| given.contains_key(name) || filled(name))
}

/// Whether a sub-attribute of an element stays as it was made.
pub(crate) fn is_fixed(sub: &Target) -> bool {
    matches!(sub.definition().mutability(), Mutability::Immutable | Mutability::ReadOnly)
}

/// What is kept of an element beside its key: with the kind of the resource that it is, and without
/// what is derived from that, so that it follows when the resource changes.
fn kept(
    target: &Target,
    element: &Map<String, Value>,
    known: Option<&(String, Option<String>)>,
) -> Map<String, Value> {
    let mut kept = element.clone();
    kept.remove("value");
    kept.remove("$ref");
    let Some((kind, name)) = known else { return kept };
    if kept.get("display").and_then(Value::as_str) == name.as_deref() {
        kept.remove("display");
    }
    if target.sub_attribute("type").is_some() {
        kept.insert("type".to_owned(), Value::from(kind.as_str()));
    }
    kept
}

/// The resources with these ids. They stay until the transaction is over.
async fn known<'a>(
    tx: &mut Transaction,
    tenant: &str,
    ids: impl Iterator<Item = &'a str>,
) -> Result<Known, Fault> {
    let ids = list(ids);
    if ids == "[]" {
        return Ok(Known::new());
    }
    if ids.contains("\\u0000") {
        return Err(Fault::Value);
    }
    let sql = "SELECT id, kind, document FROM resource \
               WHERE tenant = ?1 AND id IN (SELECT e.value->>0 FROM each(?2) e) FOR KEY SHARE";
    let rows = tx.rows(sql, params![tenant, ids]).await?;
    let found = rows.iter().filter_map(|row| {
        Some((row.text(0)?.to_owned(), (row.text(1)?.to_owned(), row.text(2).and_then(name_in))))
    });
    Ok(found.collect())
}

/// Refuses members that are no resources, and a group that would be a member of itself.
pub(crate) async fn check(
    tx: &mut Transaction,
    cx: &Context<'_>,
    tables: &Tables,
    tenant: &str,
    id: &str,
    Change { add, known, .. }: &Change<'_>,
    keep_unknown: bool,
) -> Result<(), Fault> {
    let list = tables.members.as_ref().map_or("", |target| target.attribute().name());
    let invalid = |reason: &str| Fault::Refused(Error::invalid_value(list, reason));
    if add.iter().any(|element| key(element).is_empty()) {
        return Err(invalid("each element must have a `value`, a string"));
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
    Ok(())
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

/// Makes the rows of a change.
pub(crate) fn write(
    cx: &Context<'_>,
    tables: &Tables,
    tenant: &str,
    place: i64,
    change: &Change<'_>,
) -> Vec<Statement> {
    let mut statements = Vec::new();
    if !change.remove.is_empty() {
        let removed = list(change.remove.iter().map(String::as_str));
        statements.push((
            "DELETE FROM member WHERE place = ?1 AND member IN (SELECT e.value->>0 FROM each(?2) e)",
            params![place, removed],
        ));
    }
    if let Some(target) = tables.members.as_ref().filter(|_| !change.add.is_empty()) {
        let kind = target.sub_attribute("type").map(Target::comparison);
        // Later than any that is there, and in the order in which they were sent.
        let now = Utc::now().timestamp_micros();
        let rows = change.add.iter().zip(now..).map(|(element, added)| {
            let of = change.known.get(key(element));
            let kept = kept(target, element, of);
            let folded = kind.zip(kept.get("type")).and_then(|(rule, value)| scim_sql::key(rule, value));
            let nested = of.is_some_and(|(name, _)| name == cx.resource_type().name());
            json!([key(element), folded, u8::from(nested), added, Value::Object(kept).to_string()])
        });
        // What takes the place of another stays where that was.
        statements.push((
            "INSERT INTO member (place, member, tenant, kind, nested, added, element) \
             SELECT CAST(?1 AS bigint), e.value->>0, ?2, e.value->>1, CAST(e.value->>2 AS text) = '1', \
             CAST(e.value->>3 AS bigint), e.value->>4 FROM each(?3) e WHERE TRUE \
             ON CONFLICT (place, member) DO UPDATE \
             SET kind = excluded.kind, nested = excluded.nested, element = excluded.element",
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

/// What is kept of an element beside its key.
fn parsed(element: Option<&str>) -> Result<Map<String, Value>, Fault> {
    Ok(serde_json::from_str(element.unwrap_or("{}"))?)
}

fn element(member: Option<&str>, rest: Option<&str>) -> Result<Value, Fault> {
    let mut element = parsed(rest)?;
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
