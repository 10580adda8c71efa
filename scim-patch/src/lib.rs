#![doc = include_str!("../README.md")]

mod apply;
mod delta;
mod error;
mod limits;
mod list;
mod patch;
mod request;
mod resolve;

pub use apply::Applied;
pub use delta::ListDelta;
pub use error::PatchError;
pub use limits::Limits;
pub use patch::Patch;
pub use request::{Op, Operation, PATCH_OP, PatchRequest};
