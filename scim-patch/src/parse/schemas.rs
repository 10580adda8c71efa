//! Reading `schemas` without storing its values.

use std::fmt;
use std::result::Result;

use scim_schema::internal::StrictJson;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::PATCH_OP;

/// Reads a value and returns whether it is a list that contains the URI of the message. All other values are
/// skipped.
#[derive(Clone, Copy)]
pub(super) enum ListsPatchOp {
    /// The value itself.
    List,
    /// An element of the list.
    Element,
    /// A value inside an element.
    Inside,
}

impl<'de> DeserializeSeed<'de> for ListsPatchOp {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<bool, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ListsPatchOp {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("schemas")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<bool, E> {
        if matches!(self, Self::Element) && text.eq_ignore_ascii_case(PATCH_OP) {
            return Ok(true);
        }
        StrictJson.visit_str(text).map(|_| false)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<bool, A::Error> {
        let next = if matches!(self, Self::List) { Self::Element } else { Self::Inside };
        let mut found = false;
        while let Some(is_patch_op) = list.next_element_seed(next)? {
            found |= is_patch_op;
        }
        Ok(found)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<bool, A::Error> {
        StrictJson.visit_map(object).map(|_| false)
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<bool, E> {
        Ok(false)
    }
}
