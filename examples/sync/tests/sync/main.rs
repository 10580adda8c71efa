//! The program against a Microsoft Graph and an SMTP server on this machine.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails that way")]

mod check;
mod faults;
mod photos;
mod runs;
mod support;
mod table_store;
mod targets;
mod volume;
