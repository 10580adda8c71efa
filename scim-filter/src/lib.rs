#![doc = include_str!("../README.md")]

mod ast;
mod budget;
mod display;
mod error;
mod eval;
mod limits;
mod parse;
mod patch_path;
mod predicate;
mod resolve;

pub use ast::{CompareOp, Filter, Literal};
pub use budget::{Budget, BudgetExhausted};
pub use error::{ParseError, ParseErrorKind, ResolveError, ResolveErrorKind};
pub use limits::FilterLimits;
pub use patch_path::PatchPath;
pub use predicate::Predicate;

/// The string of a literal. A short one needs no allocation.
pub use compact_str::CompactString;
