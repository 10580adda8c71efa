#![doc = include_str!("../README.md")]
#![deny(missing_debug_implementations)]

mod apply;
mod diff;
mod element;
mod error;
mod key;
mod key_effect;
mod limits;
mod list_delta;
mod mutability;
mod parse;
mod patch;
mod request;
mod resolve;
mod split;
mod step;

pub use apply::AppliedPatch;
pub use error::PatchError;
pub use key::key_of;
pub use limits::PatchLimits;
pub use list_delta::{ListChanges, ListDelta};
pub use patch::Patch;
pub use request::{Op, Operation, PATCH_OP, PatchRequest};
pub use scim_filter::Budget;
