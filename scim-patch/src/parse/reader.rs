//! The state that the visitors share, and the rules for the names of members and operations.
//!
//! A serde visitor can only return errors of the JSON reader. So a visitor that refuses a request stores its
//! own error in `refused` and stops the reader with an empty one. If the JSON reader itself fails because a
//! value has another type, `expected` has the error for that.

use scim_schema::{Quirk, ReadContext, ScimType};
use serde::de::Error;

use crate::error::{Result, shortened};
use crate::{Op, Operation, PATCH_OP, PatchError, PatchLimits, PatchRequest};

/// The state that the visitors share.
pub(super) struct Reader<'a, 'r> {
    pub(super) limits: &'a PatchLimits,
    pub(super) read_context: &'a mut ReadContext<'r>,
    /// The index of the operation that is being read.
    pub(super) operation: Option<usize>,
    /// The reason why a visitor stopped the JSON reader.
    refused: Option<PatchError>,
    /// The member and the reason to report if the next value has another JSON type.
    pub(super) expected: Option<(&'static str, &'static str)>,
}

/// The content of a message.
#[derive(Default)]
pub(super) struct Content {
    /// Whether `schemas` contains the URI of the message; `None` if `schemas` is missing.
    pub(super) schemas: Option<bool>,
    pub(super) operations: Option<Vec<Operation>>,
}

/// The name of a member of a message or of an operation.
pub(super) enum Member {
    /// A defined name, by its index.
    Known(usize),
    /// An undefined name, which is tolerated.
    Foreign(String),
}

impl<'a, 'r> Reader<'a, 'r> {
    pub(super) fn new(limits: &'a PatchLimits, read_context: &'a mut ReadContext<'r>) -> Self {
        Self { limits, read_context, operation: None, refused: None, expected: None }
    }

    pub(super) fn finish(mut self, read: serde_json::Result<Content>) -> Result<PatchRequest> {
        self.read_context.set_operation(None);
        let content = read.map_err(|error| match (self.refused.take(), self.expected) {
            (Some(refused), _) => self.located(refused),
            (None, Some((member, reason))) if error.is_data() => self.located(invalid(member, reason)),
            (None, _) => invalid("", format!("the body is not valid JSON: {error}")),
        })?;
        if !content.schemas.unwrap_or(false)
            && !self.read_context.allow_quirk(Quirk::MessageSchemas, "schemas")
        {
            return Err(invalid("schemas", format!("must contain {PATCH_OP}")));
        }
        match content.operations {
            Some(operations) if !operations.is_empty() => Ok(PatchRequest { operations }),
            Some(_) => Err(invalid("Operations", "must contain at least one operation")),
            None => Err(invalid("Operations", "is required")),
        }
    }

    fn located(&self, error: PatchError) -> PatchError {
        match self.operation {
            Some(index) => error.at(index),
            None => error,
        }
    }

    /// Stores the reason for refusing the request, and returns an error that stops the JSON reader.
    pub(super) fn refuse<E: Error>(&mut self, error: PatchError) -> E {
        self.refused = Some(error);
        E::custom("")
    }

    /// Finds a member's name among the defined ones.
    pub(super) fn member(&mut self, name: &str, names: &[&str]) -> Result<Member> {
        if let Some(index) = names.iter().position(|known| *known == name) {
            return Ok(Member::Known(index));
        }
        match names.iter().position(|known| known.eq_ignore_ascii_case(name)) {
            Some(index) if self.read_context.allow_quirk(Quirk::MemberCase, shortened(name)) => {
                Ok(Member::Known(index))
            }
            None if self.read_context.allow_quirk(Quirk::ForeignMember, shortened(name)) => {
                Ok(Member::Foreign(name.to_owned()))
            }
            _ => Err(invalid(name, format!("is not a known member; send {}", names.join(", ")))),
        }
    }

    pub(super) fn op(&mut self, name: &str) -> Result<Op> {
        if let Some(op) = Op::ALL.iter().find(|op| op.as_str() == name) {
            return Ok(*op);
        }
        match Op::ALL.iter().find(|op| op.as_str().eq_ignore_ascii_case(name)) {
            Some(op) if self.read_context.allow_quirk(Quirk::OperationCase, "op") => Ok(*op),
            _ => {
                let reason =
                    format!("`{}` is not a valid operation; send add, remove or replace", shortened(name));
                Err(invalid("op", reason))
            }
        }
    }
}

pub(super) fn repeated(member: &str) -> PatchError {
    invalid(member, "duplicate member")
}

pub(super) fn invalid(member: &str, reason: impl Into<String>) -> PatchError {
    PatchError::new(ScimType::InvalidSyntax, member, reason)
}
