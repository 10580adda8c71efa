//! Writing the members of a group as rows, from the delta of a PATCH or PUT.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::Utc;
use scim_core::Error;
use scim_core::patch::{ListChanges, ListDelta, key_of};
use scim_core::schema::AttributeRef;
use serde_json::{Map, Value, json};

use crate::database::{Asked, Rows, Statement, Transaction, params};
use crate::error::Fault;
use crate::read::memberships::{any_of, json_rows, kept, name_in, parents};
use crate::tables::Tables;

/// The changes of the rows of a list, and the resources that its new elements refer to.
#[derive(Default)]
pub(crate) struct Change<'a> {
    changes: ListChanges<'a>,
    known: Known,
}

impl<'a> Change<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The elements to insert or update.
    fn written(&self) -> impl Iterator<Item = &'a Map<String, Value>> {
        self.changes.added.iter().chain(&self.changes.replaced).copied()
    }
}

/// The form of a stored element with which an element of a delta is compared.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Compared {
    /// As the service returns it, because the delta has what a client sent.
    AsReturned,
    /// As it is stored, because the delta has exactly what each element is to be.
    AsStored,
}

/// The properties of the resource that an element refers to.
struct Referred {
    kind: String,
    name: Option<String>,
    /// Whether the resource has members itself.
    is_group: bool,
}

/// The resources that are members, by their ids.
type Known = HashMap<String, Referred>;

/// Returns the queries for what [`change`] needs to know about the group with this id, which may be new: the
/// stored elements with the keys of the delta, or all of them, and the resources that the delta adds.
pub(crate) fn ask(
    tx: &Transaction,
    tenant: &str,
    id: &str,
    delta: &ListDelta<'_>,
) -> Result<Vec<Asked>, Fault> {
    if delta.is_empty() {
        return Ok(Vec::new());
    }
    let added = delta.elements().iter().map(|element| key_of(element));
    let sql = "SELECT m.member, m.element FROM member m \
               WHERE m.place = (SELECT g.place FROM resource g WHERE g.tenant = ?1 AND g.id = ";
    let elements: Asked = match delta.keys() {
        Some(keys) => {
            let (any, named) = any_of(keys)?;
            (format!("{sql}?3) AND m.member {any}").into(), params![tenant, named, id])
        }
        None => (format!("{sql}?2)").into(), params![tenant, id]),
    };
    if added.len() == 0 {
        return Ok(vec![elements]);
    }
    let (any, added) = any_of(added)?;
    let lock = tx.lock("FOR KEY SHARE OF r");
    let sql = format!(
        "{RESOURCES} r.tenant = ?1 AND r.id {any} AND NOT EXISTS (SELECT 1 FROM member m WHERE m.place = \
         (SELECT g.place FROM resource g WHERE g.tenant = ?1 AND g.id = ?3) AND m.member = r.id) {lock}"
    );
    Ok(vec![elements, (sql.into(), params![tenant, added, id])])
}

const RESOURCES: &str = "SELECT r.id, r.kind, r.document FROM resource r WHERE";

/// Reads the resources in these rows, which are locked until the transaction ends.
fn known(rows: &Rows, types: &[Arc<Tables>]) -> Known {
    let found = rows.iter().filter_map(|row| {
        let kind = row.text(1)?.to_owned();
        let is_group = types.iter().any(|tables| tables.on.name() == kind && tables.members.is_some());
        Some((row.text(0)?.to_owned(), Referred { name: row.text(2).and_then(name_in), kind, is_group }))
    });
    found.collect()
}

/// Computes the changes that a delta makes, from the rows of the [queries](ask).
pub(crate) async fn change<'a>(
    tx: &mut Transaction,
    (tables, types): (&Tables, &[Arc<Tables>]),
    tenant: &str,
    delta: &ListDelta<'a>,
    compared: Compared,
    rows: &'a [Rows],
) -> Result<Change<'a>, Fault> {
    let (Some(list), [elements, resources @ ..]) = (&tables.members, rows) else {
        return Ok(Change::default());
    };
    let mut known: Known = resources.iter().flat_map(|rows| known(rows, types)).collect();
    let current = || elements.iter().filter_map(|row| Some((row.text(0)?, row.text(1))));
    // Collect the elements that have to be compared, so that only these are parsed.
    let mut stored = Vec::new();
    let mut changes = delta.changes(current(), |element, requested| {
        stored.push((key_of(requested), kept(element)));
        false
    });
    let stored = stored.into_iter().map(|(key, element)| Ok((key, element?)));
    let stored: HashMap<&str, Map<String, Value>> = stored.collect::<Result<_, Fault>>()?;
    for resource_names in [false, true] {
        let differs = |element: &&Map<String, Value>| {
            let key = key_of(element);
            stored.get(key).is_none_or(|stored| !is_same(list, stored, element, compared, known.get(key)))
        };
        changes.replaced.retain(differs);
        if resource_names || changes.replaced.is_empty() {
            break;
        }
        // The others can only be compared with the kind and name of the resources that they refer to.
        let (any, ids) = any_of(changes.replaced.iter().map(|element| key_of(element)))?;
        let lock = tx.lock("FOR KEY SHARE OF r");
        let sql = format!("{RESOURCES} r.tenant = ?1 AND r.id {any} {lock}");
        known.extend(self::known(&tx.rows(sql, params![tenant, ids]).await?, types));
    }
    Ok(Change { changes, known })
}

/// Whether a stored element is the same as the requested one. Without the resource that the element refers
/// to, the answer may be false for equal elements.
fn is_same(
    list: &AttributeRef,
    stored: &Map<String, Value>,
    requested: &Map<String, Value>,
    compared: Compared,
    known: Option<&Referred>,
) -> bool {
    if compared == Compared::AsStored {
        return *stored == stored_form(list, requested, known);
    }
    let Some(resource) = known else { return ListDelta::is_same(list, stored, requested) };
    let mut returned = stored.clone();
    if let Some(kind) = requested.get("type") {
        returned.insert("type".to_owned(), kind.clone());
    }
    if let Some(name) = resource.name.as_deref().filter(|_| requested.contains_key("display")) {
        returned.entry("display").or_insert_with(|| Value::from(name));
    }
    ListDelta::is_same(list, &returned, requested)
}

/// Converts an element to the form in which it is stored next to its key: with the kind of its resource, and
/// without the values that are derived from the resource, so that they are correct after the resource
/// changes.
fn stored_form(
    target: &AttributeRef,
    element: &Map<String, Value>,
    known: Option<&Referred>,
) -> Map<String, Value> {
    let mut kept = element.clone();
    kept.remove("value");
    kept.remove("$ref");
    let Some(Referred { kind, name, .. }) = known else { return kept };
    if kept.get("display").and_then(Value::as_str) == name.as_deref() {
        kept.remove("display");
    }
    if target.sub_attribute("type").is_some() {
        kept.insert("type".to_owned(), Value::from(kind.as_str()));
    }
    kept
}

/// How deep groups may be nested. Who is in a group through how many others is found out level by level.
const MAX_NESTING: usize = 100;

/// All groups that a resource is in, and how many levels of them there are by the longest way; too many
/// are not counted to the end.
async fn above(tx: &mut Transaction, tenant: &str, id: &str) -> Result<(HashSet<String>, usize), Fault> {
    let (mut found, mut levels) = (HashSet::new(), 0);
    let mut level = HashSet::from([id.to_owned()]);
    while levels <= MAX_NESTING {
        let rows = parents(tx, tenant, level.iter().map(String::as_str)).await?;
        level = rows.iter().filter_map(|row| row.text(1)).map(str::to_owned).collect();
        if level.is_empty() {
            break;
        }
        // A group may be in several, by ways of different lengths, so that it is in several levels.
        found.extend(level.iter().cloned());
        levels += 1;
    }
    Ok((found, levels))
}

/// How many levels of groups there are below these, which are the first.
async fn below(tx: &mut Transaction, tenant: &str, mut level: Vec<String>) -> Result<usize, Fault> {
    let mut levels = 0;
    while !level.is_empty() && levels <= MAX_NESTING {
        levels += 1;
        let (any, ids) = any_of(level.iter().map(String::as_str))?;
        let sql = format!(
            "SELECT DISTINCT m.member FROM member m JOIN resource g ON g.place = m.place \
             WHERE g.tenant = ?1 AND g.id {any} AND m.nested = TRUE"
        );
        let rows = tx.rows(sql, params![tenant, ids]).await?;
        level = rows.iter().filter_map(|row| row.text(0)).map(str::to_owned).collect();
    }
    Ok(levels)
}

/// Refuses members that are no resources, and a group that would be a member of itself.
pub(crate) async fn check(
    tx: &mut Transaction,
    tables: &Tables,
    tenant: &str,
    id: &str,
    change: &Change<'_>,
    keep_unknown: bool,
) -> Result<(), Fault> {
    let known = &change.known;
    let list = tables.members.as_ref().map_or("", |target| target.attribute().name());
    let invalid = |id: &str, reason: &str| Fault::Refused(Error::invalid_member(list, id, reason));
    if let Some(element) =
        change.written().find(|element| !keep_unknown && !known.contains_key(key_of(element)))
    {
        return Err(Fault::Refused(Error::unknown_member(list, key_of(element))));
    }
    let is_group = |id: &str| known.get(id).is_some_and(|member| member.is_group);
    let groups: Vec<&str> = change.written().map(key_of).filter(|key| *key == id || is_group(key)).collect();
    if !groups.is_empty() {
        // Two groups that become members of each other at the same time would not see it.
        let lock = tx.lock("FOR UPDATE");
        tx.rows(format!("SELECT value FROM meta WHERE name = 'nesting' {lock}"), params![]).await?;
        let (above, levels) = above(tx, tenant, id).await?;
        if let Some(group) = groups.iter().find(|group| **group == id || above.contains(**group)) {
            return Err(invalid(group, "a group cannot be a member of itself"));
        }
        let below = below(tx, tenant, groups.into_iter().map(str::to_owned).collect()).await?;
        if levels + below > MAX_NESTING {
            return Err(invalid(id, &format!("groups cannot be nested deeper than {MAX_NESTING} levels")));
        }
    }
    Ok(())
}

/// Makes the rows of a change.
pub(crate) fn write(
    tables: &Tables,
    tenant: &str,
    place: i64,
    change: &Change<'_>,
) -> Result<Vec<Statement>, Fault> {
    let mut statements = Vec::new();
    if !change.changes.removed.is_empty() {
        let removed = json_rows(change.changes.removed.iter().copied())?;
        statements.push((
            "DELETE FROM member WHERE place = ?1 AND member IN (SELECT e.value->>0 FROM json_each(?2) e)",
            params![place, removed],
        ));
    }
    if let Some(target) = tables.members.as_ref().filter(|_| change.written().next().is_some()) {
        let kind = target.sub_attribute("type").map(AttributeRef::comparison);
        // Later than those that are there, and in the order in which they were sent; but order means
        // little, so that clocks may be wrong (RFC 7643 section 2.4).
        let now = Utc::now().timestamp_micros();
        let rows = change.written().zip(now..).map(|(element, added)| {
            let of = change.known.get(key_of(element));
            let kept = stored_form(target, element, of);
            let folded =
                kind.zip(kept.get("type")).and_then(|(rule, value)| scim_sql::sortable_key(rule, value));
            let nested = of.is_some_and(|member| member.is_group);
            json!([key_of(element), folded, u8::from(nested), added, Value::Object(kept).to_string()])
        });
        // What takes the place of another stays where that was.
        statements.push((
            "INSERT INTO member (place, member, tenant, kind, nested, added, element) \
             SELECT CAST(?1 AS bigint), e.value->>0, ?2, e.value->>1, CAST(e.value->>2 AS text) = '1', \
             CAST(e.value->>3 AS bigint), e.value->>4 FROM json_each(?3) e WHERE TRUE \
             ON CONFLICT (place, member) DO UPDATE \
             SET kind = excluded.kind, nested = excluded.nested, element = excluded.element",
            params![place, tenant, Value::from_iter(rows).to_string()],
        ));
    }
    Ok(statements)
}
