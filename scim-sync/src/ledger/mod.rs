//! What has to be remembered between runs.

mod memory;
mod records;

pub use memory::MemoryLedger;
pub(crate) use records::{
    Granted, KnownPerson, LAST_REPORT, LAST_SUCCESS, MISSING_GROUPS, POSITIONS, Positions, Records,
};

/// Keeps what runs remember: a map from a [`Collection`] and a key to a text. [`MemoryLedger`] is one. In a database it is one
/// table:
///
/// ```sql
/// CREATE TABLE ledger (collection text, key text, value text NOT NULL, PRIMARY KEY (collection, key));
/// ```
///
/// Without its ledger, a run takes all memberships for manual ones and all users for unknown ones. It finds them again by the
/// match rules, and deactivates and deletes nobody who is not in the ledger.
///
/// Only one run may use a ledger at a time.
pub trait Ledger: Send {
    /// The value with this key.
    ///
    /// # Errors
    ///
    /// If the ledger cannot be read; so do all methods.
    fn get(&mut self, collection: Collection, key: &str) -> Result<Option<String>, LedgerError>;

    /// Calls `each` with all keys and values of a collection, in any order.
    ///
    /// # Errors
    ///
    /// If the ledger cannot be read.
    fn list(&mut self, collection: Collection, each: &mut dyn FnMut(&str, &str)) -> Result<(), LedgerError>;

    /// Makes all changes, or none. When this returns, they are durable.
    ///
    /// # Errors
    ///
    /// If the ledger cannot be written.
    fn write(&mut self, changes: &[LedgerChange]) -> Result<(), LedgerError>;
}

/// A change of a [`Ledger`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerChange {
    /// The collection.
    pub collection: Collection,
    /// The key.
    pub key: String,
    /// The new value; `None` removes the key.
    pub value: Option<String>,
}

/// The kinds of entries of a [`Ledger`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Collection {
    /// People by their ids in the directory: their users, and what was last written.
    People,
    /// The ids of people by the ids of their users.
    Users,
    /// Since when people are gone, by their ids.
    Gone,
    /// People to look at again in the next run, by their ids.
    Retry,
    /// The memberships that rules have given, by the ids of users.
    Memberships,
    /// The groups of the directory with their members, by their ids.
    Groups,
    /// Notices that are not sent yet, by their names.
    Notices,
    /// Photos by the ids of people.
    Photos,
    /// The positions in the directory, and the last reports.
    State,
}

impl Collection {
    /// All kinds.
    pub const ALL: &[Self] = &[
        Self::People,
        Self::Users,
        Self::Gone,
        Self::Retry,
        Self::Memberships,
        Self::Groups,
        Self::Notices,
        Self::Photos,
        Self::State,
    ];

    /// A name that stays the same in later versions.
    pub fn name(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::Users => "users",
            Self::Gone => "gone",
            Self::Retry => "retry",
            Self::Memberships => "memberships",
            Self::Groups => "groups",
            Self::Notices => "notices",
            Self::Photos => "photos",
            Self::State => "state",
        }
    }
}

/// Why a ledger cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the ledger cannot be used: {0}")]
pub struct LedgerError(String);

impl LedgerError {
    /// An error with this cause.
    pub fn new(cause: impl std::fmt::Display) -> Self {
        Self(cause.to_string())
    }
}
