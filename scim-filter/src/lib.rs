#![doc = include_str!("../README.md")]

mod ast;
mod display;
mod error;
mod eval;
mod limits;
mod literal;
mod parse;
mod path;
mod predicate;
mod resolve;

pub use ast::{CompareOp, Filter, Literal};
pub use error::{ParseError, ParseErrorKind, ResolveError, ResolveErrorKind};
pub use limits::Limits;
pub use path::PatchPath;
pub use predicate::Predicate;
