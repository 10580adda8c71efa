//! What the visitors share: what they have met so far, and the rules of names.

use scim_schema::{Quirk, ReadContext, ScimType};
use serde::de::Error;

use crate::error::{Result, shortened};
use crate::{Op, Operation, PATCH_OP, PatchError, PatchLimits, PatchRequest};

/// What the visitors share.
pub(super) struct Reader<'a, 'r> {
    pub(super) limits: &'a PatchLimits,
    pub(super) read_context: &'a mut ReadContext<'r>,
    /// The index of the operation that is being read.
    pub(super) operation: Option<usize>,
    /// Why the visitors stopped the JSON reader.
    refused: Option<PatchError>,
    /// The error if the next value is of another JSON type: the member and the reason.
    pub(super) expected: Option<(&'static str, &'static str)>,
}

/// What a message says.
#[derive(Default)]
pub(super) struct Content {
    /// Whether `schemas` lists the URI of the message; `None` if it is missing.
    pub(super) schemas: Option<bool>,
    pub(super) operations: Option<Vec<Operation>>,
}

/// A member of a message, or of an operation, by its name.
pub(super) enum Member {
    /// The index among the names that the object defines.
    Known(usize),
    /// A name that it does not define, which is tolerated.
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

    /// Stops the JSON reader because the request is refused.
    pub(super) fn refuse<E: Error>(&mut self, error: PatchError) -> E {
        self.refused = Some(error);
        E::custom("")
    }

    /// Which of the names a member has.
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
