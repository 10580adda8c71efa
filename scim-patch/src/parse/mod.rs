//! Reading a PATCH message (RFC 7644 section 3.5.2), with the quirks of real clients.
//!
//! `visitor` reads the message straight from its text, and from a JSON value in a bulk request. To make a JSON
//! value of a body first, and to read that, takes a quarter longer from a body to a resolved patch
//! (`patch/parse-resolve` of `bars`: 1.77 instead of 1.40).

mod reader;
mod schemas;
mod visitor;

use scim_schema::ReadContext;
use serde::de::DeserializeSeed;
use serde_json::Value;

use self::reader::Reader;
use self::visitor::Message;
use crate::error::Result;
use crate::{PatchLimits, PatchRequest};

impl PatchRequest {
    /// Reads a request from the bytes of its body.
    ///
    /// Objects in it must not have a name twice, strings in it must not hold U+0000, and it must not be nested
    /// deeper than `serde_json` allows, which is 128 levels. What values mean is only found out by
    /// [`resolve`](Self::resolve).
    ///
    /// ```
    /// use scim_patch::{PatchLimits, Op, PatchRequest};
    /// use scim_schema::{Quirk, ReadContext, ScimType, Tolerance};
    ///
    /// let body = br#"{ "operations": [{ "op": "Remove", "path": "title" }] }"#;
    /// let (lenient, strict, limits) = (Tolerance::lenient(), Tolerance::strict(), PatchLimits::default());
    ///
    /// let mut read_context = ReadContext::new(&lenient);
    /// let request = PatchRequest::parse(body, &limits, &mut read_context)?;
    /// assert_eq!(request.operations[0].op, Op::Remove);
    /// let quirks: Vec<Quirk> = read_context.tolerated().iter().map(|tolerated| tolerated.quirk).collect();
    /// assert_eq!(quirks, [Quirk::MemberCase, Quirk::OperationCase, Quirk::MessageSchemas]);
    ///
    /// let error = PatchRequest::parse(body, &limits, &mut ReadContext::new(&strict)).unwrap_err();
    /// assert_eq!(error.scim_type(), Some(ScimType::InvalidSyntax));
    /// # Ok::<(), scim_patch::PatchError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `invalidSyntax` if it is not JSON or not a PatchOp message, `invalidPath` for a path that is no
    /// string; too large if it has more operations than [`PatchLimits::operations`].
    pub fn parse(body: &[u8], limits: &PatchLimits, read_context: &mut ReadContext<'_>) -> Result<Self> {
        let mut json = serde_json::Deserializer::from_slice(body);
        let mut reader = Reader::new(limits, read_context);
        let read = Message(&mut reader).deserialize(&mut json).and_then(|read| json.end().map(|()| read));
        reader.finish(read)
    }

    /// Reads a request from its JSON value.
    ///
    /// # Errors
    ///
    /// As for [`parse`](Self::parse).
    pub fn from_value(
        message: Value,
        limits: &PatchLimits,
        read_context: &mut ReadContext<'_>,
    ) -> Result<Self> {
        let mut reader = Reader::new(limits, read_context);
        let read = Message(&mut reader).deserialize(message);
        reader.finish(read)
    }
}
