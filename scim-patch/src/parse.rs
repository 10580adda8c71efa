//! Reading the message, and what real clients do to it, without building what is not kept.

use std::fmt;

use scim_schema::internal::StrictJson;
use scim_schema::{Quirk, ReadContext, ScimType};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::error::{Result, shortened};
use crate::{Limits, Op, Operation, PATCH_OP, PatchError, PatchRequest};

impl PatchRequest {
    /// Reads a request from the bytes of its body (RFC 7644 section 3.5.2).
    ///
    /// Objects in it must not have a name twice, and it must not be nested deeper than `serde_json`
    /// allows, which is 128 levels. What values mean is only found out by [`resolve`](Self::resolve).
    ///
    /// ```
    /// use scim_patch::{Limits, Op, PatchRequest};
    /// use scim_schema::{Quirk, ReadContext, ScimType, Tolerance};
    ///
    /// let body = br#"{ "operations": [{ "op": "Remove", "path": "title" }] }"#;
    /// let (lenient, strict, limits) = (Tolerance::lenient(), Tolerance::strict(), Limits::default());
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
    /// string; too large if it has more operations than [`Limits::operations`].
    pub fn parse(body: &[u8], limits: &Limits, read_context: &mut ReadContext<'_>) -> Result<Self> {
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
    pub fn from_value(message: Value, limits: &Limits, read_context: &mut ReadContext<'_>) -> Result<Self> {
        let mut reader = Reader::new(limits, read_context);
        let read = Message(&mut reader).deserialize(message);
        reader.finish(read)
    }
}

/// What reading needs at hand.
struct Reader<'a, 'r> {
    limits: &'a Limits,
    read_context: &'a mut ReadContext<'r>,
    /// The operation that is being read.
    operation: Option<usize>,
    /// What is wrong, if the JSON reader was stopped on purpose.
    failed: Option<PatchError>,
    /// What is wrong if the next value is of another type: the member and the reason.
    expected: Option<(&'static str, &'static str)>,
}

impl<'a, 'r> Reader<'a, 'r> {
    fn new(limits: &'a Limits, read_context: &'a mut ReadContext<'r>) -> Self {
        Self { limits, read_context, operation: None, failed: None, expected: None }
    }

    fn finish(mut self, read: serde_json::Result<Draft>) -> Result<PatchRequest> {
        self.read_context.set_operation(None);
        let draft = read.map_err(|error| match (self.failed.take(), self.expected) {
            (Some(failed), _) => self.located(failed),
            (None, Some((member, reason))) if error.is_data() => self.located(wrong(member, reason)),
            (None, _) => wrong("", format!("not JSON: {error}")),
        })?;
        if !draft.schemas.unwrap_or(false) && !self.read_context.allow_quirk(Quirk::MessageSchemas, "schemas")
        {
            return Err(wrong("schemas", format!("must list {PATCH_OP}")));
        }
        match draft.operations {
            Some(operations) if !operations.is_empty() => Ok(PatchRequest { operations }),
            Some(_) => Err(wrong("Operations", "must have at least one operation")),
            None => Err(wrong("Operations", "is required")),
        }
    }

    fn located(&self, error: PatchError) -> PatchError {
        match self.operation {
            Some(index) => error.at(index),
            None => error,
        }
    }

    /// Stops the JSON reader.
    fn stop<E: Error>(&mut self, error: PatchError) -> E {
        self.failed = Some(error);
        E::custom("")
    }

    /// Which of the names is meant; `None` if it is foreign and that is tolerated.
    fn place(&mut self, given: &str, names: &[&str]) -> Result<Option<usize>> {
        if let Some(place) = names.iter().position(|name| *name == given) {
            return Ok(Some(place));
        }
        match names.iter().position(|name| name.eq_ignore_ascii_case(given)) {
            Some(place) if self.read_context.allow_quirk(Quirk::MemberCase, shortened(given)) => {
                Ok(Some(place))
            }
            None if self.read_context.allow_quirk(Quirk::ForeignMember, shortened(given)) => Ok(None),
            _ => Err(wrong(given, format!("is not a member of the message; send {}", names.join(", ")))),
        }
    }

    fn op(&mut self, text: &str) -> Result<Op> {
        if let Some(op) = Op::ALL.iter().find(|op| op.as_str() == text) {
            return Ok(*op);
        }
        match Op::ALL.iter().find(|op| op.as_str().eq_ignore_ascii_case(text)) {
            Some(op) if self.read_context.allow_quirk(Quirk::OperationCase, "op") => Ok(*op),
            _ => {
                let reason =
                    format!("`{}` is not an operation; send add, remove or replace", shortened(text));
                Err(wrong("op", reason))
            }
        }
    }
}

fn wrong(member: &str, reason: impl Into<String>) -> PatchError {
    PatchError::new(ScimType::InvalidSyntax, member, reason)
}

/// What has been read of a message.
#[derive(Default)]
struct Draft {
    /// Whether `schemas`, which was there, lists the message schema.
    schemas: Option<bool>,
    operations: Option<Vec<Operation>>,
}

/// The whole message.
struct Message<'s, 'a, 'r>(&'s mut Reader<'a, 'r>);

impl<'de> DeserializeSeed<'de> for Message<'_, '_, '_> {
    type Value = Draft;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> std::result::Result<Draft, D::Error> {
        self.0.expected = Some(("", NO_MESSAGE));
        json.deserialize_any(self)
    }
}

const NO_MESSAGE: &str = "the body must be a JSON object, with `schemas` and `Operations`";

impl<'de> Visitor<'de> for Message<'_, '_, '_> {
    type Value = Draft;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message")
    }

    /// The list of operations without the message around it.
    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> std::result::Result<Draft, A::Error> {
        let Self(reader) = self;
        if !reader.read_context.allow_quirk(Quirk::BareOperations, "Operations") {
            return Err(reader.stop(wrong("", NO_MESSAGE)));
        }
        let operations = Operations(reader).visit_seq(list)?;
        Ok(Draft { schemas: Some(true), operations: Some(operations) })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> std::result::Result<Draft, A::Error> {
        let Self(reader) = self;
        let mut draft = Draft::default();
        reader.expected = None;
        while let Some(place) = members.next_key_seed(Name(reader, &["schemas", "Operations"]))? {
            match place {
                Some(0) if draft.schemas.is_none() => {
                    draft.schemas = Some(members.next_value_seed(ListsPatchOp { inside: false })?);
                }
                Some(1) if draft.operations.is_none() => {
                    draft.operations = Some(members.next_value_seed(Operations(reader))?);
                }
                Some(place) => {
                    let member = if place == 0 { "schemas" } else { "Operations" };
                    return Err(reader.stop(wrong(member, "the member is there twice")));
                }
                None => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(draft)
    }
}

/// Whether a value is a list with the URI of the message schema in it. Whatever else it is, is read over.
#[derive(Clone, Copy)]
struct ListsPatchOp {
    /// Whether it is an element of the list.
    inside: bool,
}

impl<'de> DeserializeSeed<'de> for ListsPatchOp {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> std::result::Result<bool, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ListsPatchOp {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("schemas")
    }

    fn visit_str<E: Error>(self, uri: &str) -> std::result::Result<bool, E> {
        Ok(self.inside && uri.eq_ignore_ascii_case(PATCH_OP))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<bool, A::Error> {
        let mut found = false;
        while let Some(it) = list.next_element_seed(Self { inside: !self.inside })? {
            found |= it && !self.inside;
        }
        Ok(found)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> std::result::Result<bool, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(false)
    }

    fn visit_unit<E: Error>(self) -> std::result::Result<bool, E> {
        Ok(false)
    }

    fn visit_bool<E: Error>(self, _: bool) -> std::result::Result<bool, E> {
        Ok(false)
    }

    fn visit_u64<E: Error>(self, _: u64) -> std::result::Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E: Error>(self, _: i64) -> std::result::Result<bool, E> {
        Ok(false)
    }

    fn visit_f64<E: Error>(self, _: f64) -> std::result::Result<bool, E> {
        Ok(false)
    }
}

/// The name of a member.
struct Name<'s, 'a, 'r>(&'s mut Reader<'a, 'r>, &'s [&'s str]);

impl<'de> DeserializeSeed<'de> for Name<'_, '_, '_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> std::result::Result<Option<usize>, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_, '_, '_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> std::result::Result<Option<usize>, E> {
        let Self(reader, names) = self;
        reader.place(name, names).map_err(|error| reader.stop(error))
    }
}

/// The list of operations.
struct Operations<'s, 'a, 'r>(&'s mut Reader<'a, 'r>);

impl<'de> DeserializeSeed<'de> for Operations<'_, '_, '_> {
    type Value = Vec<Operation>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> std::result::Result<Vec<Operation>, D::Error> {
        self.0.expected = Some(("Operations", "must be an array"));
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Operations<'_, '_, '_> {
    type Value = Vec<Operation>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("operations")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Vec<Operation>, A::Error> {
        let Self(reader) = self;
        let mut operations = Vec::new();
        while let Some(operation) = list.next_element_seed(One(reader, operations.len()))? {
            operations.push(operation);
        }
        reader.operation = None;
        reader.expected = None;
        reader.read_context.set_operation(None);
        Ok(operations)
    }
}

/// An operation, and its index.
struct One<'s, 'a, 'r>(&'s mut Reader<'a, 'r>, usize);

impl<'de> DeserializeSeed<'de> for One<'_, '_, '_> {
    type Value = Operation;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> std::result::Result<Operation, D::Error> {
        let Self(reader, index) = self;
        if index >= reader.limits.operations {
            let reason = format!("more than {} operations; send fewer at a time", reader.limits.operations);
            reader.operation = None;
            return Err(reader.stop(PatchError::too_large("Operations", reason)));
        }
        reader.operation = Some(index);
        reader.read_context.set_operation(Some(index));
        reader.expected = Some(("", "an operation must be a JSON object, with `op`, `path` and `value`"));
        json.deserialize_any(One(reader, index))
    }
}

impl<'de> Visitor<'de> for One<'_, '_, '_> {
    type Value = Operation;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an operation")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> std::result::Result<Operation, A::Error> {
        const NAMES: [&str; 3] = ["op", "path", "value"];
        let Self(reader, _) = self;
        reader.expected = None;
        let (mut op, mut path, mut value) = (None, None, None);
        while let Some(place) = members.next_key_seed(Name(reader, &NAMES))? {
            match place {
                Some(0) if op.is_none() => op = Some(members.next_value_seed(Keyword(reader))?),
                Some(1) if path.is_none() => path = Some(members.next_value_seed(StrictJson)?),
                Some(2) if value.is_none() => value = Some(members.next_value_seed(StrictJson)?),
                Some(place) => {
                    let name = NAMES.get(place).copied().unwrap_or_default();
                    return Err(reader.stop(wrong(name, "the member is there twice")));
                }
                None => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        let Some(op) = op else {
            return Err(reader.stop(wrong("op", "is required: add, remove or replace")));
        };
        let path = match path {
            None | Some(Value::Null) => None,
            Some(Value::String(path)) => Some(path),
            Some(_) => {
                let error = PatchError::new(ScimType::InvalidPath, "path", "must be a string");
                return Err(reader.stop(error));
            }
        };
        Ok(Operation { op, path, value })
    }
}

/// What an operation does.
struct Keyword<'s, 'a, 'r>(&'s mut Reader<'a, 'r>);

impl<'de> DeserializeSeed<'de> for Keyword<'_, '_, '_> {
    type Value = Op;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> std::result::Result<Op, D::Error> {
        self.0.expected = Some(("op", "must be a string: add, remove or replace"));
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Keyword<'_, '_, '_> {
    type Value = Op;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an operation's name")
    }

    fn visit_str<E: Error>(self, text: &str) -> std::result::Result<Op, E> {
        let Self(reader) = self;
        reader.expected = None;
        reader.op(text).map_err(|error| reader.stop(error))
    }
}
