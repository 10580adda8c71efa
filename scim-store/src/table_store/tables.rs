//! The tables of a store, and what all operations share.

use std::fmt;
use std::sync::Arc;

use scim_core::schema::ResourceType;
use scim_core::{Context, Error, Result};

use super::layout::{Kind, Layout};
use super::on_write::OnWrite;
use crate::adopt::AdoptRule;
use crate::database::{Database, Statement};
use crate::outbox::{EventLog, NewEvent};

/// The tables of a store, and what all operations share.
pub(crate) struct Tables {
    pub(crate) database: Arc<dyn Database>,
    pub(crate) users: Option<Arc<Layout>>,
    pub(crate) groups: Option<Arc<Layout>>,
    pub(crate) on_write: Option<OnWrite>,
    pub(crate) adopt: Option<AdoptRule>,
    pub(crate) events: Option<EventLog>,
    pub(crate) warnings: Vec<String>,
}

impl Tables {
    /// The layout of a kind of resources.
    pub(crate) fn layout_of_kind(&self, kind: Kind) -> Option<&Arc<Layout>> {
        match kind {
            Kind::User => self.users.as_ref(),
            Kind::Group => self.groups.as_ref(),
        }
    }

    /// The layout of a resource type.
    ///
    /// # Errors
    ///
    /// An internal error if the host serves a type for which no table is declared.
    pub(crate) fn layout(&self, resource_type: &ResourceType) -> Result<&Arc<Layout>> {
        let found = self.layouts().find(|layout| layout.resource_type.name() == resource_type.name());
        found.ok_or_else(|| {
            Error::internal(format!("no table is declared for resources of type {}", resource_type.name()))
        })
    }

    /// The statements at the end of a transaction, with the COMMIT: those that record events, if events are recorded.
    pub(crate) fn last_statements(&self, cx: &Context<'_>, events: &[NewEvent]) -> Vec<Statement> {
        let log = self.events.iter();
        let mut statements: Vec<Statement> = log.flat_map(|log| log.statements(cx, events)).collect();
        // If the rule ignored an error of its own statement, PostgreSQL would answer a bare COMMIT with a rollback and no
        // error. It refuses any other statement.
        if statements.is_empty() {
            statements.push(Statement::new("SELECT 1", []));
        }
        statements
    }

    /// Wakes the readers of events in this process, after a commit.
    pub(crate) fn wake_readers(&self) {
        if let Some(log) = &self.events {
            log.wake_readers();
        }
    }

    pub(crate) fn layouts(&self) -> impl Iterator<Item = &Arc<Layout>> {
        self.users.iter().chain(&self.groups)
    }
}

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tables: Vec<&str> = self.layouts().map(|layout| layout.table.as_str()).collect();
        f.debug_struct("Tables")
            .field("database", &self.database)
            .field("tables", &tables)
            .finish_non_exhaustive()
    }
}
