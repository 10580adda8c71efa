//! The two tables of an outbox, and its statements.

use scim_sql::Dialect;

use crate::database::{Param, Statement};

/// The tables of an outbox.
#[derive(Clone, Debug)]
pub(crate) struct OutboxTables {
    pub(super) dialect: Dialect,
    /// The table of the events, as SQL names it.
    pub(super) events: String,
    /// The table of the readers and their positions, as SQL names it. For each tenant it also has a row with an empty name, and
    /// in it the position up to which events were pruned.
    pub(super) readers: String,
}

/// The columns of the table of events, besides `position`, which the database assigns.
pub(crate) const EVENT_COLUMNS: [&str; 11] = [
    "tenant",
    "time",
    "resource_type",
    "resource_id",
    "kind",
    "version_before",
    "version_after",
    "principal",
    "attributes",
    "added_members",
    "removed_members",
];

/// The columns of the table of readers.
pub(crate) const READER_COLUMNS: [&str; 3] = ["tenant", "name", "position"];

impl OutboxTables {
    /// Tables with these names.
    pub(crate) fn new(dialect: Dialect, events: impl Into<String>, readers: impl Into<String>) -> Self {
        Self { dialect, events: events.into(), readers: readers.into() }
    }

    /// A statement in which `{events}` and `{readers}` stand for the tables, and the parameters are `?1`, `?2`.
    pub(super) fn statement(&self, sql: &str, params: Vec<Param>) -> Statement {
        let sql = if self.dialect == Dialect::Sqlite { sql.to_owned() } else { sql.replace('?', "$") };
        // The names come last, since they may contain a question mark.
        Statement::new(sql.replace("{events}", &self.events).replace("{readers}", &self.readers), params)
    }

    /// The statement by which a transaction that has recorded an event keeps readers waiting until it ends. It is sent before
    /// the event gets its position.
    ///
    /// The transaction that commits first may have the greater position. A reader that has seen it would not come back for
    /// the smaller one. So a reader waits until no transaction of the tenant is between taking a position and its
    /// commit. Transactions that write do not wait for each other. SQLite needs no lock: one transaction at a time writes.
    pub(super) fn lock_for_writer(&self, tenant: &str) -> Option<Statement> {
        self.lock("SELECT CAST(pg_advisory_xact_lock_shared(hashtextextended(?1, 0)) AS text)", tenant)
    }

    /// The statement by which a reader waits for the transactions that have recorded an event of the tenant.
    pub(super) fn lock_for_reader(&self, tenant: &str) -> Option<Statement> {
        self.lock("SELECT CAST(pg_advisory_xact_lock(hashtextextended(?1, 0)) AS text)", tenant)
    }

    fn lock(&self, sql: &str, tenant: &str) -> Option<Statement> {
        let name = format!("{} {tenant}", self.events);
        (self.dialect != Dialect::Sqlite).then(|| self.statement(sql, vec![Param::from(name)]))
    }
}
