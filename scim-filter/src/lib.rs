#![doc = include_str!("../README.md")]

mod ast;
mod budget;
mod comparison;
mod display;
mod error;
mod eval;
mod limits;
mod parse;
mod path;
mod predicate;
mod resolve;
mod token;
mod typed;

pub use ast::{CompareOp, Filter, Literal};
pub use budget::{Budget, Exhausted};
pub use error::{ParseError, ParseErrorKind, ResolveError, ResolveErrorKind};
pub use limits::Limits;
pub use path::PatchPath;
pub use predicate::Predicate;

/// The text of a literal; if it is short, there is no allocation.
pub use compact_str::CompactString;
