#![doc = include_str!("../README.md")]

// - `log`: recording requests, and finding them.
// - `console`: the pages.
mod console;
mod log;

pub use console::{Console, ConsoleBody, ConsoleOptions};
pub use log::{Entry, LogOptions, Milestone, ProvisioningLog};
