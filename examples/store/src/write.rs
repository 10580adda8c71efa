//! Creating and changing resources.

use std::time::Duration;

use scim_core::patch::ListDelta;
use scim_core::schema::{Projection, Target};
use scim_core::{Applied, Context, ETag, Error, Resource, Update, UpdateOptions, Updated, new_id};
use serde_json::{Map, Value};

use crate::database::{Asked, Mode, Statement, Transaction};
use crate::fault::Fault;
use crate::lists::{self, Lists};
use crate::members::{self, Compared};
use crate::param::params;
use crate::password;
use crate::record::{COLUMNS, Record, Stored, resource, times, version};
use crate::rows::Rows;
use crate::store::{Store, tenant_of};
use crate::tables::Tables;
use crate::values::{claim, values};

pub(crate) async fn create(
    store: &Store,
    cx: &Context<'_>,
    tables: &Tables,
    resource: Resource,
    password: &password::Change,
) -> Result<Resource, Fault> {
    let on = cx.resource_type();
    let tenant = tenant_of(cx)?;
    let mut resource = resource.stamp_new(cx, &new_id());
    let list = tables.members.as_ref().map(|target| target.attribute().name());
    let members = list.and_then(|list| resource.as_map_mut().remove(list));
    let members: Vec<&Map<String, Value>> =
        members.iter().filter_map(Value::as_array).flatten().filter_map(Value::as_object).collect();
    let record = Record::new(tables, &resource)?;
    let id = resource.id().to_owned();

    let mut tx = store.database.begin(Mode::Write).await?;
    let delta = ListDelta::ExactKeys(members);
    let found = match &tables.members {
        Some(_) => tx.rows_of(members::ask(&tx, &tenant, &id, &delta)?).await?,
        None => Vec::new(),
    };
    let change =
        members::change(&mut tx, (tables, &store.types()), &tenant, &delta, Compared::AsReturned, &found)
            .await?;
    members::check(&mut tx, tables, &tenant, &id, &change, store.rules.unknown_members).await?;
    let place = insert(&mut tx, cx, &tenant, &resource, &record, password).await?;
    claim(&mut tx, tables, &tenant, place, None, &record).await?;
    let mut statements = values(tx.dialect(), &tenant, place, None, &record);
    statements.extend(members::write(tables, &tenant, place, &change)?);
    let mut stored = Stored { place, resource };
    if list.is_some() {
        tx.execute(std::mem::take(&mut statements)).await?;
        let projection = Projection::new(on);
        let lists = Lists::read(&mut tx, tables, &tenant, &projection, &[(place, &id)]).await?;
        lists.put(tables, [&mut stored])?;
    }
    let resource = stored.resource;
    commit(store, tx, statements, &tenant, &id, Trace::Created).await?;
    Ok(resource)
}

async fn insert(
    tx: &mut Transaction,
    cx: &Context<'_>,
    tenant: &str,
    resource: &Resource,
    record: &Record,
    password: &password::Change,
) -> Result<i64, Fault> {
    let [created, modified] = times(resource)?;
    let password = match password {
        password::Change::Set(hash) => Some(hash.clone()),
        _ => None,
    };
    let sql = "INSERT INTO resource (tenant, kind, id, version, created, modified, unique_name, external_id, \
               display, active, keys, document, password) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, json(?11), ?12, ?13) RETURNING place";
    let params = params![
        tenant,
        cx.resource_type().name(),
        resource.id(),
        version(resource)?,
        created,
        modified,
        record.unique_name.clone(),
        record.external_id.clone(),
        record.display.clone(),
        record.active,
        record.keys.clone(),
        record.document.clone(),
        password,
    ];
    let rows = tx.rows(sql, params).await?;
    rows.first().and_then(|row| row.int(0)).ok_or_else(|| Fault::broken("an insertion returned nothing"))
}

/// Asks for the resource of the context's type with this id, which is to be kept from being changed by
/// others.
pub(crate) fn ask(tx: &Transaction, cx: &Context<'_>, tenant: &str, id: &str, lock: &'static str) -> Asked {
    let lock = tx.lock(lock);
    let sql =
        format!("SELECT {COLUMNS} FROM resource r WHERE r.tenant = ?1 AND r.id = ?2 AND r.kind = ?3 {lock}");
    (sql.into(), params![tenant, id, cx.resource_type().name()])
}

/// The resource that was [asked for](ask).
pub(crate) fn found(rows: Option<Rows>, id: &str) -> Result<Stored, Fault> {
    let row = rows.as_ref().and_then(Rows::first);
    resource(row.ok_or_else(|| Fault::Refused(Error::not_found(id)))?)
}

pub(crate) async fn update(
    store: &Store,
    cx: &Context<'_>,
    tables: &Tables,
    id: &str,
    update: &Update,
    options: &UpdateOptions,
    password: &password::Change,
) -> Result<Updated, Fault> {
    let tenant = tenant_of(cx)?;
    let list = tables.members.as_ref().map(|target| target.attribute().name());
    let split = list.and_then(|list| update.split(cx, list));
    let mut tx = store.database.begin(Mode::Write).await?;
    let mut asked = vec![ask(&tx, cx, &tenant, id, "FOR NO KEY UPDATE OF r")];
    if let Some((delta, _)) = &split {
        asked.extend(members::ask(&tx, &tenant, id, delta)?);
    }
    let mut rows = tx.rows_of(asked).await?.into_iter();
    let stored = found(rows.next(), id)?;
    let before = version(&stored.resource)?;
    options.precondition.check(&ETag::from_stored(&before))?;

    let members;
    let (applied, delta, compared) = match (&tables.members, split) {
        (Some(_), Some((delta, rest))) => {
            (rest.apply_in_turns(cx, stored.resource.clone()).await?, delta, Compared::AsReturned)
        }
        (Some(target), None) => {
            let applied;
            (applied, members) = apply_to_whole(&mut tx, cx, target, update, &stored).await?;
            (
                applied,
                ListDelta::Exactly(members.iter().filter_map(Value::as_object).collect()),
                Compared::AsStored,
            )
        }
        (None, _) => {
            let whole = with_groups(&mut tx, tables, &tenant, id, update, &stored).await?;
            let mut applied = update.apply_in_turns(cx, whole).await?;
            if let Some(groups) = &tables.groups {
                applied.resource.as_map_mut().remove(groups.attribute().name());
            }
            (applied, ListDelta::none(), Compared::AsReturned)
        }
    };
    let mut rows: Vec<Rows> = rows.collect();
    if rows.is_empty() {
        rows = tx.rows_of(members::ask(&tx, &tenant, id, &delta)?).await?;
    }
    let change = members::change(&mut tx, (tables, &store.types()), &tenant, &delta, compared, &rows).await?;

    let mut after = Stored { place: stored.place, resource: stored.resource.clone() };
    let mut statements = Vec::new();
    let changed = applied.changed || !change.is_empty();
    if changed {
        members::check(&mut tx, tables, &tenant, id, &change, store.rules.unknown_members).await?;
        after.resource = applied.resource.stamp_changed(cx, &stored.resource);
        statements = members::write(tables, &tenant, stored.place, &change)?;
        statements.extend(rewrite(&mut tx, tables, &tenant, &stored, &after.resource, password).await?);
    }
    let version = version(&after.resource)?;
    if let Some(projection) = &options.returning {
        if tables.members.is_some() {
            // They are read as they have become.
            tx.execute(std::mem::take(&mut statements)).await?;
        }
        let lists = Lists::read(&mut tx, tables, &tenant, projection, &[(after.place, id)]).await?;
        lists.put(tables, [&mut after])?;
    }
    if changed {
        commit(store, tx, statements, &tenant, id, Trace::Changed(&version)).await?;
    }
    Ok(Updated {
        before: ETag::from_stored(&before),
        version: ETag::from_stored(&version),
        resource: options.returning.is_some().then_some(after.resource),
    })
}

/// The resource as an update is applied to it: with the groups that it is in if a PATCH looks at them. Only
/// the service writes them, so that they are the same afterwards.
async fn with_groups(
    tx: &mut Transaction,
    tables: &Tables,
    tenant: &str,
    id: &str,
    update: &Update,
    stored: &Stored,
) -> Result<Resource, Fault> {
    let mut whole = stored.resource.clone();
    if let (Some(groups), Update::Patch(patch)) = (&tables.groups, update)
        && patch.looked_at().any(|target| target.attribute().name() == groups.attribute().name())
        && let Some(elements) = lists::groups(tx, tenant, &[(stored.place, id)]).await?.pop()
    {
        whole.as_map_mut().insert(groups.attribute().name().to_owned(), Value::Array(elements));
    }
    Ok(whole)
}

/// Applies an update to a resource that its members are put into, and takes them out again.
async fn apply_to_whole(
    tx: &mut Transaction,
    cx: &Context<'_>,
    target: &Target,
    update: &Update,
    stored: &Stored,
) -> Result<(Applied, Vec<Value>), Fault> {
    let list = target.attribute().name();
    let mut whole = stored.resource.clone();
    let elements = lists::members(tx, stored.place).await?;
    if !elements.is_empty() {
        whole.as_map_mut().insert(list.to_owned(), Value::Array(elements));
    }
    let mut applied = update.apply_in_turns(cx, whole).await?;
    let members = match applied.resource.as_map_mut().remove(list) {
        Some(Value::Array(members)) => members,
        _ => Vec::new(),
    };
    // Whether they have changed is seen where they are compared with the rows.
    applied.changed = !cx.secrets().is_empty() || applied.resource != stored.resource;
    Ok((applied, members))
}

/// The statements that write a resource in place of the one that was read. They fail if that is another
/// one by now.
pub(crate) async fn rewrite(
    tx: &mut Transaction,
    tables: &Tables,
    tenant: &str,
    stored: &Stored,
    next: &Resource,
    password: &password::Change,
) -> Result<Vec<Statement>, Fault> {
    fn content(resource: &Resource) -> impl Iterator<Item = (&String, &Value)> {
        resource.as_map().iter().filter(|(name, _)| *name != "meta")
    }
    let records = match content(next).eq(content(&stored.resource)) {
        true => None,
        false => Some((Record::new(tables, &stored.resource)?, Record::new(tables, next)?)),
    };
    let mut statements = Vec::new();
    if let Some((before, after)) = &records {
        statements = claim(tx, tables, tenant, stored.place, Some(before), after).await?;
        statements.extend(values(tx.dialect(), tenant, stored.place, Some(before), after));
    }
    statements.extend(replace(stored, next, records.as_ref().map(|(_, after)| after), password)?);
    Ok(statements)
}

/// The statements for the row of a resource. Without a record only its members have changed, and the
/// document stays as it is.
fn replace(
    stored: &Stored,
    next: &Resource,
    record: Option<&Record>,
    password: &password::Change,
) -> Result<Vec<Statement>, Fault> {
    let before = version(&stored.resource)?;
    let [_, modified] = times(next)?;
    let mut statements: Vec<Statement> = Vec::new();
    match password {
        password::Change::Keep => {}
        password::Change::Clear => {
            statements.push(("UPDATE resource SET password = NULL WHERE place = ?1", params![stored.place]))
        }
        password::Change::Set(hash) => statements.push((
            "UPDATE resource SET password = ?2 WHERE place = ?1",
            params![stored.place, hash.clone()],
        )),
    }
    // Another version than the one that was read becomes NULL, which the column refuses.
    statements.push(match record {
        None => (
            "UPDATE resource SET version = CASE version WHEN ?2 THEN ?3 END, modified = ?4 WHERE place = ?1",
            params![stored.place, before, version(next)?, modified],
        ),
        Some(record) => (
            "UPDATE resource SET version = CASE version WHEN ?2 THEN ?3 END, modified = ?4, unique_name = ?5, \
             external_id = ?6, display = ?7, active = ?8, keys = json(?9), document = ?10 WHERE place = ?1",
            params![
                stored.place,
                before,
                version(next)?,
                modified,
                record.unique_name.clone(),
                record.external_id.clone(),
                record.display.clone(),
                record.active,
                record.keys.clone(),
                record.document.clone(),
            ],
        ),
    });
    Ok(statements)
}

/// What a commit leaves behind, by which it is known whether it happened.
pub(crate) enum Trace<'a> {
    /// A resource with an id that nothing had before.
    Created,
    /// A resource with this version.
    Changed(&'a str),
    /// No resource.
    Deleted,
}

/// When it is looked for what became of a commit whose answer is lost, in milliseconds after the time
/// before. The server may still be at it, or be starting again.
const LOOKS: [u64; 4] = [0, 100, 400, 1_000];

/// Runs the last statements and commits. If the connection breaks meanwhile, the resource itself tells
/// whether that happened.
pub(crate) async fn commit(
    store: &Store,
    tx: Transaction,
    statements: Vec<Statement>,
    tenant: &str,
    id: &str,
    trace: Trace<'_>,
) -> Result<(), Fault> {
    let Err(fault) = tx.commit(statements).await else { return Ok(()) };
    let Fault::Lost(source) = fault else { return Err(fault) };
    for pause in LOOKS {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let Ok(rows) = look(store, tenant, id).await else { continue };
        let version = rows.first().and_then(|row| row.text(0));
        let happened = match trace {
            Trace::Created => version.is_some(),
            Trace::Changed(to) => version == Some(to),
            Trace::Deleted => version.is_none(),
        };
        if happened {
            return Ok(());
        }
    }
    Err(Fault::Unavailable(source))
}

/// The version of a resource; whoever still holds its row is waited for.
async fn look(store: &Store, tenant: &str, id: &str) -> Result<Rows, Fault> {
    let mut tx = store.database.begin(Mode::Single).await?;
    let lock = tx.lock("FOR SHARE");
    let sql = format!("SELECT version FROM resource WHERE tenant = ?1 AND id = ?2 {lock}");
    tx.rows(sql, params![tenant, id]).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The databases that there are; the test of upgrades says loudly if PostgreSQL is not.
    fn databases() -> impl Iterator<Item = String> {
        let sqlite = cfg!(feature = "sqlite").then(|| "sqlite::memory:".to_owned());
        let postgres = std::env::var("SCIM_TEST_POSTGRES").ok().filter(|url| !url.is_empty());
        sqlite.into_iter().chain(postgres.filter(|_| cfg!(feature = "postgres")))
    }

    #[tokio::test]
    async fn what_has_another_version_by_now_is_not_written() {
        for url in databases() {
            let store = Store::open(&url).await.unwrap();
            let mut tx = store.database.begin(Mode::Write).await.unwrap();
            let sql = "INSERT INTO resource (tenant, kind, id, version, created, modified, keys, document) \
                       VALUES ('.', 'User', ?1, 'W/\"2\"', 0, 0, json(?2), ?2) RETURNING place";
            let rows = tx.rows(sql, params![new_id(), "{}"]).await.unwrap();
            let place = rows.first().and_then(|row| row.int(0)).unwrap();
            let resource = |version: &str| {
                let time = "2020-01-01T00:00:00Z";
                let meta = json!({ "created": time, "lastModified": time, "version": version });
                Resource::new(Map::from_iter([("meta".to_owned(), meta)]))
            };
            let stored = Stored { place, resource: resource("W/\"1\"") };
            let keep = password::Change::Keep;
            let statements = replace(&stored, &resource("W/\"3\""), None, &keep).unwrap();
            assert!(matches!(tx.commit(statements).await, Err(Fault::Conflict(_))), "{url}");
        }
    }
}
