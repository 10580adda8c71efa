//! Finds the rows of the table `member` that a change of a list of members inserts, replaces and deletes.
//!
//! 1. [`select_for_change`] builds the queries for the stored elements that the change may touch, and for the
//!    resources that it adds. The caller sends them together with its own queries.
//! 2. [`resolve_delta`] compares their rows with the delta.
//! 3. [`check_references`] refuses a change that adds an unknown resource or nests groups in a circle.
//! 4. [`write_statements`] builds the statements that write the result.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::Utc;
use scim_core::patch::{ListChanges, ListDelta, key_of};
use scim_core::schema::AttributeRef;
use scim_core::{ChangedMembers, Error};
use scim_sql::Dialect;
use serde_json::{Map, Value, json};

use super::nesting::check_nesting;
use crate::database::{Rows, params};
use crate::store::connection::{RowQuery, Statement, Transaction};
use crate::store::error::StoreError;
use crate::store::read::memberships::{display_name, equals_any, json_rows, stored_element};
use crate::store::tables::TypeLayout;

/// The elements that a change adds, replaces and removes, and the resources that they refer to.
#[derive(Default)]
pub(crate) struct MembersChange<'a> {
    changes: ListChanges<'a>,
    references: LockedReferences,
}

impl<'a> MembersChange<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The members that come and go.
    pub(super) fn delta(&self) -> ChangedMembers {
        ChangedMembers::from(&self.changes)
    }

    /// The elements that are added or replaced.
    fn written(&self) -> impl Iterator<Item = &'a Map<String, Value>> {
        self.changes.added.iter().chain(&self.changes.replaced).copied()
    }
}

/// How an element of a delta is compared with the stored element that has the same key.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Comparison {
    /// With the stored element as a response shows it. For deltas that a client sent: a client may repeat
    /// attributes that the service derives.
    AsReturned,
    /// With the stored element itself. For deltas that were computed from the stored elements.
    AsStored,
}

/// A resource that an element refers to. Its row is locked, so the resource exists until the transaction ends.
struct LockedReference {
    kind: String,
    display_name: Option<String>,
    /// Whether resources of its type have members.
    is_group: bool,
}

/// Locked resources by id.
type LockedReferences = HashMap<String, LockedReference>;

/// The statement that inserts and replaces members; `$key` are the columns of the primary key.
macro_rules! insert_members {
    ($key:literal) => {
        concat!(
            "INSERT INTO member (place, member, tenant, kind, nested, added, element) \
             SELECT CAST(?1 AS bigint), e.value->>0, ?2, e.value->>1, CAST(e.value->>2 AS text) = '1', \
             CAST(e.value->>3 AS bigint), e.value->>4 FROM json_each(?3) e WHERE TRUE ON CONFLICT ",
            $key,
            " DO UPDATE SET kind = excluded.kind, nested = excluded.nested, element = excluded.element"
        )
    };
}

/// The statement that inserts and replaces members, for SQLite and for PostgreSQL, whose primary keys differ. A replaced
/// element keeps the time at which it was added, and so its position.
const INSERT_MEMBERS: [&str; 2] =
    [insert_members!("(place, member)"), insert_members!("(tenant, place, member)")];

const SELECT_RESOURCES: &str = "SELECT r.id, r.kind, r.document FROM resource r WHERE";

/// The queries whose rows [`resolve_delta`] needs: the stored elements that the delta names, or all of them if
/// the delta replaces the list, and the resources that the delta adds. The group with this id may be new.
pub(crate) fn select_for_change(
    tx: &Transaction,
    tenant: &str,
    id: &str,
    delta: &ListDelta<'_>,
) -> Result<Vec<RowQuery>, StoreError> {
    if delta.is_empty() {
        return Ok(Vec::new());
    }
    let added_ids = delta.elements().iter().map(|element| key_of(element));
    let sql = "SELECT m.member, m.element FROM member m \
               WHERE m.tenant = ?1 AND m.place = (SELECT g.place FROM resource g WHERE g.tenant = ?1 AND g.id = ";
    let elements: RowQuery = match delta.keys() {
        Some(keys) => {
            let (comparison, ids) = equals_any(keys)?;
            (format!("{sql}?3) AND m.member {comparison}").into(), params![tenant, ids, id])
        }
        None => (format!("{sql}?2)").into(), params![tenant, id]),
    };
    if added_ids.len() == 0 {
        return Ok(vec![elements]);
    }
    let (comparison, ids) = equals_any(added_ids)?;
    let lock = tx.lock("FOR KEY SHARE OF r");
    let sql = format!(
        "{SELECT_RESOURCES} r.tenant = ?1 AND r.id {comparison} AND NOT EXISTS \
         (SELECT 1 FROM member m WHERE m.tenant = ?1 AND m.place = \
         (SELECT g.place FROM resource g WHERE g.tenant = ?1 AND g.id = ?3) AND m.member = r.id) {lock}"
    );
    Ok(vec![elements, (sql.into(), params![tenant, ids, id])])
}

/// The resources in the rows of a query that began with [`SELECT_RESOURCES`] and locked its rows.
fn locked_references(rows: &Rows, layouts: &[Arc<TypeLayout>]) -> LockedReferences {
    let references = rows.iter().filter_map(|row| {
        let kind = row.text(1)?.to_owned();
        let is_group =
            layouts.iter().any(|layout| layout.resource_type.name() == kind && layout.members.is_some());
        let display_name = row.text(2).and_then(display_name);
        Some((row.text(0)?.to_owned(), LockedReference { kind, display_name, is_group }))
    });
    references.collect()
}

/// Finds what a delta changes; `rows` are those of the queries of [`select_for_change`].
pub(crate) async fn resolve_delta<'a>(
    tx: &mut Transaction,
    (layout, layouts): (&TypeLayout, &[Arc<TypeLayout>]),
    tenant: &str,
    delta: &ListDelta<'a>,
    comparison: Comparison,
    rows: &'a [Rows],
) -> Result<MembersChange<'a>, StoreError> {
    let (Some(list), [elements, resources @ ..]) = (&layout.members, rows) else {
        return Ok(MembersChange::default());
    };
    let mut references: LockedReferences =
        resources.iter().flat_map(|rows| locked_references(rows, layouts)).collect();
    let current = || elements.iter().filter_map(|row| Some((row.text(0)?, row.text(1))));
    // A group may have very many members. So the JSON of a stored element is parsed only if the delta replaces
    // the element.
    let mut to_compare = Vec::new();
    let mut changes = delta.changes(current(), |element, requested| {
        to_compare.push((key_of(requested), stored_element(element)));
        false
    });
    let stored = to_compare.into_iter().map(|(key, element)| Ok((key, element?)));
    let stored: HashMap<&str, Map<String, Value>> = stored.collect::<Result<_, StoreError>>()?;
    // The first pass keeps the elements that differ as far as the elements alone tell. Only if some are left, the
    // resources that they refer to are read, and the second pass compares again with their types and names.
    for has_read_references in [false, true] {
        changes.replaced.retain(|element| {
            let key = key_of(element);
            stored
                .get(key)
                .is_none_or(|stored| !is_same(list, stored, element, comparison, references.get(key)))
        });
        if has_read_references || changes.replaced.is_empty() {
            break;
        }
        let (any, ids) = equals_any(changes.replaced.iter().map(|element| key_of(element)))?;
        let lock = tx.lock("FOR KEY SHARE OF r");
        let sql = format!("{SELECT_RESOURCES} r.tenant = ?1 AND r.id {any} {lock}");
        references.extend(locked_references(&tx.query(sql, params![tenant, ids]).await?, layouts));
    }
    Ok(MembersChange { changes, references })
}

/// Whether a requested element would leave the stored element as it is. Without `reference`, the resource that
/// the elements refer to, elements that differ only in derived attributes may count as different.
fn is_same(
    list: &AttributeRef,
    stored: &Map<String, Value>,
    requested: &Map<String, Value>,
    comparison: Comparison,
    reference: Option<&LockedReference>,
) -> bool {
    if comparison == Comparison::AsStored {
        return *stored == stored_form(list, requested, reference);
    }
    let Some(reference) = reference else { return ListDelta::is_same(list, stored, requested) };
    let mut returned = stored.clone();
    if let Some(kind) = requested.get("type") {
        returned.insert("type".to_owned(), kind.clone());
    }
    if let Some(name) = reference.display_name.as_deref().filter(|_| requested.contains_key("display")) {
        returned.entry("display").or_insert_with(|| Value::from(name));
    }
    ListDelta::is_same(list, &returned, requested)
}

/// An element as the column `element` stores it: without its key, which has a column, with the type of the
/// resource, and without a `display` that equals the resource's name, so that responses always show the current
/// name.
fn stored_form(
    list: &AttributeRef,
    element: &Map<String, Value>,
    reference: Option<&LockedReference>,
) -> Map<String, Value> {
    let mut stored = element.clone();
    stored.remove("value");
    stored.remove("$ref");
    let Some(LockedReference { kind, display_name, .. }) = reference else { return stored };
    if stored.get("display").and_then(Value::as_str) == display_name.as_deref() {
        stored.remove("display");
    }
    if list.sub_attribute("type").is_some() {
        stored.insert("type".to_owned(), Value::from(kind.as_str()));
    }
    stored
}

/// Refuses elements that refer to no resource, unless `keep_unknown`, and groups that would contain themselves
/// or be nested too deeply. `id` is the group that changes.
pub(crate) async fn check_references(
    tx: &mut Transaction,
    layout: &TypeLayout,
    tenant: &str,
    id: &str,
    change: &MembersChange<'_>,
    keep_unknown: bool,
) -> Result<(), StoreError> {
    let references = &change.references;
    let list = layout.members.as_ref().map_or("", |target| target.attribute().name());
    let mut keys = change.written().map(key_of);
    if let Some(unknown) = keys.find(|key| !keep_unknown && !references.contains_key(*key)) {
        return Err(Error::unknown_member(list, unknown).into());
    }
    let is_group = |id: &str| references.get(id).is_some_and(|reference| reference.is_group);
    let groups: Vec<&str> = change.written().map(key_of).filter(|key| *key == id || is_group(key)).collect();
    if groups.is_empty() {
        return Ok(());
    }
    check_nesting(tx, list, tenant, id, &groups).await
}

/// The statements that write a change of the members of the group at `place`.
pub(crate) fn write_statements(
    dialect: Dialect,
    layout: &TypeLayout,
    tenant: &str,
    place: i64,
    change: &MembersChange<'_>,
) -> Result<Vec<Statement>, StoreError> {
    let mut statements = Vec::new();
    if !change.changes.removed.is_empty() {
        let removed = json_rows(change.changes.removed.iter().copied())?;
        statements.push((
            "DELETE FROM member WHERE tenant = ?1 AND place = ?3 \
             AND member IN (SELECT e.value->>0 FROM json_each(?2) e)",
            params![tenant, removed, place],
        ));
    }
    if let Some(list) = layout.members.as_ref().filter(|_| change.written().next().is_some()) {
        let type_comparison = list.sub_attribute("type").map(AttributeRef::comparison);
        // New members come after the stored ones, in the order of the request. A clock that is wrong only makes
        // the order of members different, and their order has no meaning (RFC 7643 section 2.4).
        let now = Utc::now().timestamp_micros();
        let rows = change.written().zip(now..).map(|(element, added)| {
            let reference = change.references.get(key_of(element));
            let stored = stored_form(list, element, reference);
            let folded_type = type_comparison
                .zip(stored.get("type"))
                .and_then(|(comparison, value)| scim_sql::sortable_key(comparison, value));
            let nested = reference.is_some_and(|reference| reference.is_group);
            json!([key_of(element), folded_type, u8::from(nested), added, Value::Object(stored).to_string()])
        });
        let insert = if dialect == Dialect::Sqlite { INSERT_MEMBERS[0] } else { INSERT_MEMBERS[1] };
        statements.push((insert, params![place, tenant, Value::from_iter(rows).to_string()]));
    }
    Ok(statements)
}
