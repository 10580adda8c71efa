//! A ledger in memory.

use std::collections::BTreeMap;

use super::{Collection, Ledger, LedgerChange, LedgerError};

/// A [`Ledger`] in memory, for tests.
///
/// ```
/// use scim_sync::{Collection, Ledger, LedgerChange, MemoryLedger};
///
/// let mut ledger = MemoryLedger::default();
/// let change = LedgerChange { collection: Collection::State, key: "a".into(), value: Some("1".into()) };
/// ledger.write(&[change])?;
/// assert_eq!(ledger.get(Collection::State, "a")?.as_deref(), Some("1"));
/// # Ok::<(), scim_sync::LedgerError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryLedger(BTreeMap<(Collection, String), String>);

impl Ledger for MemoryLedger {
    fn get(&mut self, collection: Collection, key: &str) -> Result<Option<String>, LedgerError> {
        Ok(self.0.get(&(collection, key.to_owned())).cloned())
    }

    fn list(&mut self, collection: Collection, each: &mut dyn FnMut(&str, &str)) -> Result<(), LedgerError> {
        for ((_, key), value) in self.0.iter().filter(|((other, _), _)| *other == collection) {
            each(key, value);
        }
        Ok(())
    }

    fn write(&mut self, changes: &[LedgerChange]) -> Result<(), LedgerError> {
        for change in changes {
            let key = (change.collection, change.key.clone());
            match &change.value {
                Some(value) => self.0.insert(key, value.clone()),
                None => self.0.remove(&key),
            };
        }
        Ok(())
    }
}
