//! Records events in the transaction of a write.

use std::sync::Arc;

use scim_core::schema::{AttributeRef, ResourceType};
use scim_core::{ChangedMembers, Context, Secrets};
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use super::Outbox;
use super::event::ChangeKind;
use super::tables::OutboxTables;
use super::tenant_keys::TenantKeys;
use crate::database::{Database, Statement, params};

/// The outbox as the writes of a store use it.
#[derive(Clone, Debug)]
pub(crate) struct EventLog {
    pub(super) tables: Arc<OutboxTables>,
    pub(super) tenants: TenantKeys,
    /// Wakes the readers in this process.
    pub(super) committed: Arc<watch::Sender<()>>,
}

/// An event that a write records.
#[derive(Debug)]
pub(crate) struct NewEvent {
    pub(crate) kind: ChangeKind,
    pub(crate) resource_type: String,
    pub(crate) id: String,
    pub(crate) version_before: Option<String>,
    pub(crate) version_after: Option<String>,
    pub(crate) attributes: Vec<String>,
    pub(crate) members: ChangedMembers,
}

impl EventLog {
    pub(crate) fn new(tables: OutboxTables, tenants: TenantKeys) -> Self {
        Self { tables: Arc::new(tables), tenants, committed: Arc::new(watch::Sender::new(())) }
    }

    /// The statements that record events, for the end of the transaction.
    pub(crate) fn statements(&self, cx: &Context<'_>, events: &[NewEvent]) -> Vec<Statement> {
        if events.is_empty() {
            return Vec::new();
        }
        let (tables, tenant) = (&self.tables, self.tenants.encode(cx.tenant()));
        let tenant = tenant.as_str();
        let mut statements: Vec<Statement> = tables.lock_for_writer(tenant).into_iter().collect();
        statements.push(tables.statement(
            "INSERT INTO {readers} (tenant, name, position) VALUES (?1, '', 0) ON CONFLICT (tenant, name) DO NOTHING",
            params![tenant],
        ));
        let time = cx.now().timestamp_millis();
        let principal = cx.identity().map(|identity| identity.principal.replace('\0', ""));
        statements.extend(events.iter().map(|event| {
            tables.statement(
                "INSERT INTO {events} (tenant, time, resource_type, resource_id, kind, version_before, version_after, \
                 principal, attributes, added_members, removed_members) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                params![
                    tenant,
                    time,
                    event.resource_type.as_str(),
                    event.id.as_str(),
                    event.kind.as_str(),
                    event.version_before.clone(),
                    event.version_after.clone(),
                    principal.clone(),
                    json!(event.attributes).to_string(),
                    json!(event.members.added).to_string(),
                    json!(event.members.removed).to_string(),
                ],
            )
        }));
        statements
    }

    /// Wakes the readers in this process, after a commit.
    pub(crate) fn wake_readers(&self) {
        self.committed.send_replace(());
    }

    /// The outbox that readers use.
    pub(crate) fn reader(&self, database: Arc<dyn Database>) -> Outbox {
        Outbox { database, log: self.clone(), changes: self.committed.subscribe() }
    }
}

/// The paths of the attributes that differ between two states of a resource, without members and what the service derives;
/// and of the secrets that the write stores.
pub(crate) fn changed_attributes(
    resource_type: &ResourceType,
    secrets: Option<&Secrets>,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Vec<String> {
    let is_changed = |target: &&AttributeRef| {
        let is_tracked = !matches!(target.path().as_str(), "schemas" | "id" | "meta" | "groups");
        is_tracked && !target.holds_members() && target.get(before) != target.get(after)
    };
    let changed = resource_type.all_attributes().filter(is_changed).map(|target| target.path().to_string());
    let has_password =
        |secrets: &&Secrets| secrets.get("password").is_some() || secrets.is_cleared("password");
    changed.chain(secrets.filter(has_password).map(|_| "password".to_owned())).collect()
}
