//! What people are told.

mod delivery;

pub(crate) use delivery::unknown;
pub use delivery::{
    Deliveries, Notifier, SendError, deliver_notices, refused_notices, resend_notices, unknown_notices,
    waiting_notices,
};

use serde::{Deserialize, Serialize};

/// Something that somebody should be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What it is.
    pub kind: NoticeKind,
    /// The address of the recipient.
    pub to: String,
    /// The new user's name, as [`Person::label`](crate::Person::label) says it; empty if it is about a run.
    pub person: String,
    /// The problems, a line each.
    #[serde(default)]
    pub lines: Vec<String>,
}

/// What a [`Notice`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NoticeKind {
    /// A new user is welcomed.
    Welcome,
    /// The administrator is told of a new user.
    Copy,
    /// The administrator is told of problems of a run.
    Problems,
}

impl Notice {
    /// Its name in the ledger, from which it is removed when it was sent.
    pub(crate) fn name(kind: NoticeKind, of: &str) -> String {
        let kind = match kind {
            NoticeKind::Welcome => "welcome",
            NoticeKind::Copy => "copy",
            NoticeKind::Problems => "problems",
        };
        format!("{kind}:{of}")
    }
}

/// A notice in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredNotice {
    pub(crate) notice: Notice,
    pub(crate) state: NoticeState,
}

/// How far a notice is. One that was sent is removed from the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NoticeState {
    /// The user is about to be created.
    Planned,
    /// It can be sent.
    Ready,
    /// It was about to be sent. If a run finds this, an earlier one was stopped, and nobody knows whether it was sent.
    Sending,
    /// It was refused for good.
    Refused,
}
