//! Parsing a PATCH message (RFC 7644 section 3.5.2), with the quirks of real clients.
//!
//! `visitor` is a serde visitor that reads the message from the text of a body, or from the JSON value of a
//! bulk operation. Parsing a body into a JSON value first takes a quarter longer until the patch is resolved
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
    /// Parses a request from the bytes of its body.
    ///
    /// The names in an object must be unique, strings must not contain U+0000, and the nesting must not be
    /// deeper than 128 levels, which is the limit of `serde_json`. [`resolve`](Self::resolve) checks the
    /// paths and the values.
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
    /// `invalidSyntax` if the body is not JSON or not a PatchOp message, `invalidPath` if a path is not a
    /// string; too large if there are more operations than [`PatchLimits::operations`].
    pub fn parse(body: &[u8], limits: &PatchLimits, read_context: &mut ReadContext<'_>) -> Result<Self> {
        let mut json = serde_json::Deserializer::from_slice(body);
        let mut reader = Reader::new(limits, read_context);
        let read = Message(&mut reader).deserialize(&mut json).and_then(|read| json.end().map(|()| read));
        reader.finish(read)
    }

    /// Parses a request from its JSON value.
    ///
    /// # Errors
    ///
    /// The same as for [`parse`](Self::parse).
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
