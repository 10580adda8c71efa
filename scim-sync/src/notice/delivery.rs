//! Sends notices, each at most once.

use scim_core::async_trait;

use super::{Notice, NoticeState, StoredNotice};
use crate::ledger::Records;
use crate::{Collection, Ledger, LedgerError};

/// Sends a notice, for example by e-mail.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Sends it.
    ///
    /// # Errors
    ///
    /// [`SendError::NotSent`] if it was certainly not sent; it is tried again after the next run. [`SendError::Refused`] if it
    /// will never be accepted, and [`SendError::Unknown`] if it may have been sent; both are sent again only on request.
    async fn send(&self, notice: &Notice) -> Result<(), SendError>;
}

/// Why a notice was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It was certainly not sent.
    #[error("it was not sent: {0}")]
    NotSent(String),
    /// It will never be accepted: there is no such address, for example.
    #[error("it was refused: {0}")]
    Refused(String),
    /// It may have been sent.
    #[error("it is not known whether it was sent: {0}")]
    Unknown(String),
}

/// What came of sending the notices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deliveries {
    /// How many were sent.
    pub sent: usize,
    /// Those that were not sent, each with the reason.
    pub failed: Vec<String>,
    /// Those of which that is not known. They are sent again only after [`resend_notices`].
    pub unknown: Vec<String>,
}

/// Sends the notices that runs have left in the ledger. A notice is marked in the ledger before it is sent, so that it is never
/// sent twice, whenever the process is killed.
///
/// # Errors
///
/// If the ledger cannot be used.
pub async fn deliver_notices<L: Ledger>(
    ledger: &mut L,
    notifier: &impl Notifier,
) -> Result<Deliveries, LedgerError> {
    let mut records = Records::new(ledger, false);
    let mut deliveries = Deliveries::default();
    for (name, mut stored) in stored_notices(&mut records)? {
        match stored.state {
            NoticeState::Planned | NoticeState::Refused => continue,
            NoticeState::Sending => {
                deliveries.unknown.push(describe(&stored.notice));
                continue;
            }
            NoticeState::Ready => {}
        }
        stored.state = NoticeState::Sending;
        records.put(Collection::Notices, &name, &stored);
        records.write()?;
        match notifier.send(&stored.notice).await {
            Ok(()) => {
                deliveries.sent += 1;
                records.remove(Collection::Notices, &name);
            }
            Err(error @ SendError::NotSent(_)) => {
                deliveries.failed.push(format!("{}: {error}", describe(&stored.notice)));
                stored.state = NoticeState::Ready;
                records.put(Collection::Notices, &name, &stored);
            }
            Err(error @ SendError::Refused(_)) => {
                deliveries.failed.push(format!("{}: {error}", describe(&stored.notice)));
                stored.state = NoticeState::Refused;
                records.put(Collection::Notices, &name, &stored);
            }
            Err(error @ SendError::Unknown(_)) => {
                deliveries.unknown.push(format!("{}: {error}", describe(&stored.notice)));
            }
        }
        records.write()?;
    }
    Ok(deliveries)
}

/// The notices of which it is not known whether they were sent.
///
/// # Errors
///
/// If the ledger cannot be used.
pub fn unknown_notices<L: Ledger>(ledger: &mut L) -> Result<Vec<String>, LedgerError> {
    unknown(&mut Records::new(ledger, false))
}

/// The notices that were refused for good.
///
/// # Errors
///
/// If the ledger cannot be used.
pub fn refused_notices<L: Ledger>(ledger: &mut L) -> Result<Vec<String>, LedgerError> {
    in_state(&mut Records::new(ledger, false), NoticeState::Refused)
}

/// The notices that [`deliver_notices`] would send now.
///
/// # Errors
///
/// If the ledger cannot be used.
pub fn waiting_notices<L: Ledger>(ledger: &mut L) -> Result<Vec<String>, LedgerError> {
    in_state(&mut Records::new(ledger, false), NoticeState::Ready)
}

pub(crate) fn unknown<L: Ledger>(records: &mut Records<'_, L>) -> Result<Vec<String>, LedgerError> {
    in_state(records, NoticeState::Sending)
}

fn in_state<L: Ledger>(records: &mut Records<'_, L>, state: NoticeState) -> Result<Vec<String>, LedgerError> {
    let stored = stored_notices(records)?.into_iter().map(|(_, stored)| stored);
    Ok(stored.filter(|stored| stored.state == state).map(|stored| describe(&stored.notice)).collect())
}

/// Lets [`deliver_notices`] send the notices again that were refused, and those of which it is not known whether they were sent.
/// Returns how many.
///
/// # Errors
///
/// If the ledger cannot be used.
pub fn resend_notices<L: Ledger>(ledger: &mut L) -> Result<usize, LedgerError> {
    let mut records = Records::new(ledger, false);
    let mut count = 0;
    for (name, mut stored) in stored_notices(&mut records)? {
        if matches!(stored.state, NoticeState::Sending | NoticeState::Refused) {
            stored.state = NoticeState::Ready;
            records.put(Collection::Notices, &name, &stored);
            count += 1;
        }
    }
    records.write()?;
    Ok(count)
}

fn stored_notices<L: Ledger>(
    records: &mut Records<'_, L>,
) -> Result<Vec<(String, StoredNotice)>, LedgerError> {
    let mut all = Vec::new();
    records.list(Collection::Notices, |name, stored| all.push((name.to_owned(), stored)))?;
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(all)
}

fn describe(notice: &Notice) -> String {
    let kind = match notice.kind {
        super::NoticeKind::Welcome => "welcome",
        super::NoticeKind::Copy => "copy",
        super::NoticeKind::Problems => "problems",
    };
    let of = if notice.person.is_empty() { String::new() } else { format!(" of {}", notice.person) };
    format!("{kind}{of} to {}", notice.to)
}
