//! Tests of the log under load and of the pages, through the public interface.

#![allow(missing_docs, reason = "tests are not documented")]

mod pages;
mod queue;
mod unreliable;
