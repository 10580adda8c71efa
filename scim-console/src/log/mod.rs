//! The provisioning log: what clients have asked for, and what they were answered.

// - `provisioning_log`: recording and finding requests. `options`: what is recorded.
// - `entry`, `milestone`: what is learned of a request. `message`: the queue.
// - `writer`: the task that writes the queue. `content`, `literals`, `secrets`, `row`: what it writes.
// - `table`, `search`: the tables.
// - `advice`: what to change after a refusal. `allowance`: how many requests anybody can have recorded.
mod advice;
mod allowance;
mod content;
mod entry;
mod literals;
mod message;
mod milestone;
mod options;
mod provisioning_log;
mod row;
mod search;
mod secrets;
mod table;
mod writer;

pub(crate) use advice::advice;
pub(crate) use content::Line;
pub use entry::Entry;
pub use milestone::Milestone;
pub use options::LogOptions;
pub use provisioning_log::ProvisioningLog;
pub(crate) use row::LoggedRequest;
pub(crate) use search::{Search, StatusFilter};
