#![doc = include_str!("../README.md")]

mod apply;
mod assign;
mod change;
mod delta;
mod diff;
mod error;
mod keyed;
mod limits;
mod list;
mod net;
mod patch;
mod read;
mod request;
mod resolve;
mod select;
mod value_path;

pub use apply::Applied;
pub use delta::ListDelta;
pub use error::PatchError;
pub use limits::Limits;
pub use patch::Patch;
pub use request::{Op, Operation, PATCH_OP, PatchRequest};
pub use scim_filter::Budget;
