//! The serde visitors for the message, its operations and their members.

use std::collections::BTreeSet;
use std::fmt;
use std::result::Result;

use scim_schema::internal::StrictJson;
use scim_schema::{Quirk, ScimType};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::reader::{Content, Member, Reader, invalid, repeated};
use super::schemas::ListsPatchOp;
use crate::{Op, Operation, PatchError};

const NO_MESSAGE: &str = "the body must be a JSON object with `schemas` and `Operations`";

/// Reads a message.
pub(super) struct Message<'s, 'a, 'r>(pub(super) &'s mut Reader<'a, 'r>);

impl<'de> DeserializeSeed<'de> for Message<'_, '_, '_> {
    type Value = Content;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Content, D::Error> {
        self.0.expected = Some(("", NO_MESSAGE));
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Message<'_, '_, '_> {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message")
    }

    /// Reads a list of operations without the message around it, which is a tolerated quirk.
    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Content, A::Error> {
        let Self(reader) = self;
        if !reader.read_context.allow_quirk(Quirk::BareOperations, "Operations") {
            return Err(reader.refuse(invalid("", NO_MESSAGE)));
        }
        let operations = Operations(reader).visit_seq(list)?;
        Ok(Content { schemas: Some(true), operations: Some(operations) })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Content, A::Error> {
        const NAMES: &[&str] = &["schemas", "Operations"];
        let Self(reader) = self;
        let mut content = Content::default();
        let mut foreign = BTreeSet::new();
        reader.expected = None;
        while let Some(member) = members.next_key_seed(Name(reader, NAMES))? {
            match member {
                Member::Known(0) if content.schemas.is_none() => {
                    content.schemas = Some(members.next_value_seed(ListsPatchOp::List)?);
                }
                Member::Known(1) if content.operations.is_none() => {
                    content.operations = Some(members.next_value_seed(Operations(reader))?);
                }
                member => skip(reader, NAMES, member, &mut foreign, &mut members)?,
            }
        }
        Ok(content)
    }
}

/// Skips a member with an undefined name, and refuses a duplicate one.
fn skip<'de, A: MapAccess<'de>>(
    reader: &mut Reader<'_, '_>,
    names: &[&str],
    member: Member,
    foreign: &mut BTreeSet<String>,
    members: &mut A,
) -> Result<(), A::Error> {
    match member {
        Member::Known(index) => {
            let name = names.get(index).copied().unwrap_or_default();
            Err(reader.refuse(repeated(name)))
        }
        Member::Foreign(name) => {
            if let Some(name) = foreign.replace(name) {
                return Err(reader.refuse(repeated(&name)));
            }
            members.next_value_seed(StrictJson).map(|_| ())
        }
    }
}

/// Reads the name of a member, which should be one of the defined names.
struct Name<'s, 'a, 'r>(&'s mut Reader<'a, 'r>, &'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Name<'_, '_, '_> {
    type Value = Member;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Member, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_, '_, '_> {
    type Value = Member;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Member, E> {
        let Self(reader, names) = self;
        let member = reader.member(name, names).map_err(|error| reader.refuse(error))?;
        if let Member::Foreign(name) = &member {
            StrictJson.visit_str::<E>(name)?;
        }
        Ok(member)
    }
}

/// Reads the list of operations.
struct Operations<'s, 'a, 'r>(&'s mut Reader<'a, 'r>);

impl<'de> DeserializeSeed<'de> for Operations<'_, '_, '_> {
    type Value = Vec<Operation>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Vec<Operation>, D::Error> {
        self.0.expected = Some(("Operations", "must be an array"));
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Operations<'_, '_, '_> {
    type Value = Vec<Operation>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("operations")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Operation>, A::Error> {
        let Self(reader) = self;
        let mut operations = Vec::new();
        while let Some(operation) = list.next_element_seed(NextOperation(reader, operations.len()))? {
            operations.push(operation);
        }
        reader.operation = None;
        reader.expected = None;
        reader.read_context.set_operation(None);
        Ok(operations)
    }
}

/// Reads the operation with this index.
struct NextOperation<'s, 'a, 'r>(&'s mut Reader<'a, 'r>, usize);

impl<'de> DeserializeSeed<'de> for NextOperation<'_, '_, '_> {
    type Value = Operation;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Operation, D::Error> {
        let Self(reader, index) = self;
        if index >= reader.limits.operations() {
            let reason = format!(
                "more than {} operations; split them into may_select_several requests",
                reader.limits.operations()
            );
            reader.operation = None;
            return Err(reader.refuse(PatchError::too_large("Operations", reason)));
        }
        reader.operation = Some(index);
        reader.read_context.set_operation(Some(index));
        reader.expected = Some(("", "an operation must be a JSON object with `op`, `path` and `value`"));
        json.deserialize_any(NextOperation(reader, index))
    }
}

impl<'de> Visitor<'de> for NextOperation<'_, '_, '_> {
    type Value = Operation;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an operation")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Operation, A::Error> {
        const NAMES: &[&str] = &["op", "path", "value"];
        let Self(reader, _) = self;
        reader.expected = None;
        let (mut op, mut path, mut value) = (None, None, None);
        let mut foreign = BTreeSet::new();
        while let Some(member) = members.next_key_seed(Name(reader, NAMES))? {
            match member {
                Member::Known(0) if op.is_none() => op = Some(members.next_value_seed(OpName(reader))?),
                Member::Known(1) if path.is_none() => path = Some(members.next_value_seed(StrictJson)?),
                Member::Known(2) if value.is_none() => value = Some(members.next_value_seed(StrictJson)?),
                member => skip(reader, NAMES, member, &mut foreign, &mut members)?,
            }
        }
        let Some(op) = op else {
            return Err(reader.refuse(invalid("op", "is required; send add, remove or replace")));
        };
        let path = match path {
            None | Some(Value::Null) => None,
            Some(Value::String(path)) => Some(path),
            Some(_) => {
                let error = PatchError::new(ScimType::InvalidPath, "path", "must be a string");
                return Err(reader.refuse(error));
            }
        };
        Ok(Operation { op, path, value })
    }
}

/// Reads the `op` of an operation.
struct OpName<'s, 'a, 'r>(&'s mut Reader<'a, 'r>);

impl<'de> DeserializeSeed<'de> for OpName<'_, '_, '_> {
    type Value = Op;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Op, D::Error> {
        self.0.expected = Some(("op", "must be a string; send add, remove or replace"));
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for OpName<'_, '_, '_> {
    type Value = Op;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of an operation")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Op, E> {
        let Self(reader) = self;
        reader.expected = None;
        reader.op(name).map_err(|error| reader.refuse(error))
    }
}
