//! A directory, an endpoint and a mailbox in memory.

mod directory;
mod endpoint;

pub(crate) use directory::FakeDirectory;
pub(crate) use endpoint::{Fault, InProcess};

use chrono::{DateTime, TimeDelta, Utc};
use scim_core::schema::standard;
use scim_sync::{
    Ledger, MemoryLedger, Notice, Notifier, Plan, Report, RunOptions, SendError, Settings, Synchronizer,
    async_trait,
};
use serde_json::Value;
use std::sync::Mutex;

/// This many days after the beginning.
pub(crate) fn day(days: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap() + TimeDelta::days(days)
}

pub(crate) fn synchronizer(settings: &Value) -> Synchronizer {
    let settings: Settings = serde_json::from_value(settings.clone()).unwrap();
    Synchronizer::new(settings, &standard::user_type()).unwrap_or_else(|error| panic!("{error}"))
}

/// A directory, an endpoint, and what is remembered of them.
pub(crate) struct World {
    pub(crate) directory: FakeDirectory,
    pub(crate) endpoint: InProcess,
    pub(crate) ledger: MemoryLedger,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            directory: FakeDirectory::default(),
            endpoint: InProcess::default(),
            ledger: MemoryLedger::default(),
        }
    }

    pub(crate) fn plan(&mut self, sync: &Synchronizer, options: RunOptions) -> Plan {
        let before = self.ledger.clone();
        let requests = self.endpoint.writes();
        let plan =
            pollster::block_on(sync.plan(&mut self.directory, &self.endpoint, &mut self.ledger, options))
                .unwrap();
        assert!(self.ledger == before, "a plan has changed the ledger");
        assert_eq!(self.endpoint.writes(), requests, "a plan has written");
        plan
    }

    pub(crate) fn run(&mut self, sync: &Synchronizer, options: RunOptions) -> Report {
        run(sync, &mut self.directory, &self.endpoint, &mut self.ledger, options)
    }
}

pub(crate) fn run(
    sync: &Synchronizer,
    directory: &mut FakeDirectory,
    endpoint: &InProcess,
    ledger: &mut impl Ledger,
    options: RunOptions,
) -> Report {
    pollster::block_on(can_be_spawned(sync.run(directory, endpoint, ledger, options, &mut |_| {}))).unwrap()
}

/// An application may run it in a task of its own.
fn can_be_spawned<F: Future + Send>(future: F) -> F {
    future
}

/// Keeps the notices that are sent.
#[derive(Default)]
pub(crate) struct Mailbox {
    pub(crate) sent: Mutex<Vec<Notice>>,
    /// What the next attempt ends with.
    pub(crate) fails: Mutex<Option<SendError>>,
}

#[async_trait]
impl Notifier for Mailbox {
    async fn send(&self, notice: &Notice) -> Result<(), SendError> {
        if let Some(error) = self.fails.lock().unwrap().take() {
            return Err(error);
        }
        self.sent.lock().unwrap().push(notice.clone());
        Ok(())
    }
}
