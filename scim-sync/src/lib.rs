#![doc = include_str!("../README.md")]

// - `directory`: what is there: people and groups, read in pages.
// - `settings`, `mapping`, `matching`, `grants`: what should be there.
// - `endpoint`: the SCIM endpoint, and the requests to it.
// - `ledger`: what is remembered between runs.
// - `synchronizer`: what can be done; `rules`: the settings, checked; `run`: one run; `report`: what came of it.
// - `notice`: what people are told; `photo`: profile photos.
mod directory;
mod endpoint;
mod grants;
mod ledger;
mod mapping;
mod matching;
mod membership_index;
mod notice;
mod photo;
mod report;
mod rules;
mod run;
mod run_options;
mod settings;
mod synchronizer;

pub use directory::{
    Directory, DirectoryError, DirectoryPage, GroupChange, MAX_FOUND, Next, Person, PersonChange,
};
pub use endpoint::{Endpoint, Unreachable};
pub use grants::{
    ExternalGroups, Grant, GrantRule, Grants, GroupsLeftOut, Membership, MembershipChange, Origin,
    membership_changes,
};
pub use ledger::{Collection, Ledger, LedgerChange, LedgerError, MemoryLedger};
pub use mapping::{FieldRule, Lookup, Source, Transform};
pub use matching::{CaseRule, MatchRule};
pub use notice::{
    Deliveries, Notice, NoticeKind, Notifier, SendError, deliver_notices, refused_notices, resend_notices,
    unknown_notices, waiting_notices,
};
pub use photo::{Photo, PhotoDirectory, PhotoStore};
pub use report::{Action, Change, Level, Plan, Problem, Report};
pub use rules::InvalidSettings;
pub use run_options::{Progress, RunOptions};
pub use settings::{Guard, Mode, Notices, Retention, Scope, Settings};
pub use synchronizer::{Status, Synchronizer};

pub use scim_core::async_trait;
