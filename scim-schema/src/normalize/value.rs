//! Bringing one value into canonical form: lists, tolerated types.

use serde_json::{Map, Value};

use crate::compare::{is_exact, whole_float};
use crate::{AttributeRef, Quirk, ReadContext, ScimType, Type, Violation};

impl AttributeRef {
    /// Brings a value for this attribute into canonical form; false if that leaves it unassigned.
    ///
    /// The `readOnly` sub-attributes of a complex value are dropped. This is what
    /// [`ResourceType::normalize`](crate::ResourceType::normalize) does to each attribute, for values
    /// that come alone in a PATCH; but elements that are the same stay apart, as what is added to a list
    /// is compared with that. [`merge_repeated`](Self::merge_repeated) makes one of them.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn normalize(
        &self,
        value: &mut Value,
        read_context: &mut ReadContext<'_>,
    ) -> Result<bool, Violation> {
        if !self.definition().is_multi_valued() {
            if let Value::Array(list) = value {
                match list.as_mut_slice() {
                    [] => return Ok(false),
                    // A list in a list is nothing that a client means.
                    [Value::Array(_)] => return Ok(true),
                    [one] if read_context.allow_quirk(Quirk::ListForSingular, self) => *value = one.take(),
                    _ => return Ok(true),
                }
            }
            return self.normalize_single(value, read_context);
        }
        match value {
            Value::Null => return Ok(false),
            Value::Array(list) if list.is_empty() => return Ok(false),
            Value::Array(_) => {}
            _ => {
                if !read_context.allow_quirk(Quirk::SingularForList, self) {
                    return Ok(true);
                }
                *value = Value::Array(vec![value.take()]);
            }
        }
        let Value::Array(list) = value else { return Ok(true) };
        self.normalize_elements(list, read_context)?;
        self.keep_single(list, read_context)?;
        Ok(!list.is_empty())
    }

    /// Brings each element into canonical form, and leaves out those without a value. If none is left,
    /// the client did not mean "none", for which there is `[]`: then nothing of what it sent was understood.
    fn normalize_elements(
        &self,
        list: &mut Vec<Value>,
        read_context: &mut ReadContext<'_>,
    ) -> Result<(), Violation> {
        let (mut failed, before) = (None, list.len());
        list.retain_mut(|element| {
            if failed.is_some() {
                return true;
            }
            let empty = self.is_complex() && element.as_object().is_some_and(Map::is_empty);
            match self.normalize_single(element, read_context) {
                Ok(true) if !empty => true,
                Ok(_) => {
                    if empty || self.holds_members() {
                        failed = Some(self.without_value());
                    }
                    false
                }
                Err(violation) => {
                    let nobody = self.holds_members() && lacks_value(element);
                    failed = Some(if nobody { self.without_value() } else { violation });
                    true
                }
            }
        });
        match failed {
            Some(violation) => Err(violation),
            None if list.is_empty() && before > 0 => Err(self.without_value()),
            None => Ok(()),
        }
    }

    fn without_value(&self) -> Violation {
        let reason = match self.subs().get("value") {
            Some(_) => "each element must have a `value`; to leave the list empty, send []",
            None => "an element has nothing that is known; to leave the list empty, send []",
        };
        Violation::new(ScimType::InvalidValue, self, reason)
    }

    /// Of a list that keeps a single element, leaves that one: the primary one of its type, else the last.
    fn keep_single(
        &self,
        list: &mut Vec<Value>,
        read_context: &mut ReadContext<'_>,
    ) -> Result<(), Violation> {
        let Some(kind) = self.definition().single_type() else { return Ok(()) };
        let mut kept = None;
        for element in list.drain(..) {
            if !self.is_of_single_type(&element, read_context)? {
                continue;
            }
            let is_primary = |element: &Value| element.get("primary") == Some(&Value::Bool(true));
            if !kept.as_ref().is_some_and(is_primary) || is_primary(&element) {
                kept = Some(element);
            }
        }
        if let Some(Value::Object(members)) = &mut kept {
            members.entry("type").or_insert_with(|| Value::from(kind));
        }
        list.extend(kept);
        Ok(())
    }

    /// Whether an element may be the one that a list keeps, if it keeps a single one: it is of that type,
    /// or has none.
    ///
    /// # Errors
    ///
    /// `invalidValue` if it is of another type and that is not tolerated.
    pub fn is_of_single_type(
        &self,
        element: &Value,
        read_context: &mut ReadContext<'_>,
    ) -> Result<bool, Violation> {
        let given = self.subs().get("type").zip(element.get("type").and_then(Value::as_str));
        let (Some(kind), Some((sub, given))) = (self.definition().single_type(), given) else {
            return Ok(true);
        };
        let rule = sub.comparison();
        if rule.fold(given) == rule.fold(kind) {
            return Ok(true);
        }
        if read_context.allow_quirk(Quirk::OtherType, self) {
            return Ok(false);
        }
        let reason = format!("only an element of the type `{kind}` is kept; leave the others out");
        Err(Violation::new(ScimType::InvalidValue, self, reason))
    }

    /// Brings one value into canonical form: that of a singular attribute, or an element of a list;
    /// false if that leaves it without a value.
    ///
    /// # Errors
    ///
    /// As for [`normalize`](Self::normalize).
    pub fn normalize_single(
        &self,
        value: &mut Value,
        read_context: &mut ReadContext<'_>,
    ) -> Result<bool, Violation> {
        match (self.definition().data_type(), &mut *value) {
            (_, Value::Null) => return Ok(false),
            (Type::Complex, Value::Object(object)) => return self.normalize_object(object, read_context),
            (data_type, Value::Object(object)) if data_type != Type::Complex => {
                if let Some(inner) = only_value(object)
                    && read_context.allow_quirk(Quirk::ValueObject, self)
                {
                    *value = inner;
                    return self.normalize_single(value, read_context);
                }
            }
            (Type::Reference, Value::String(text))
                if !is_uri_text(text) && !read_context.allow_quirk(Quirk::NotUri, self) =>
            {
                return Err(Violation::new(ScimType::InvalidValue, self, "a URI holds no blanks"));
            }
            (Type::Complex, Value::String(text)) if text.trim().is_empty() => {
                return Ok(!read_context.allow_quirk(Quirk::EmptyForComplex, self));
            }
            (Type::Complex, Value::String(_))
                if self.subs().get("value").is_some()
                    && read_context.allow_quirk(Quirk::StringForComplex, self) =>
            {
                let mut object = Map::from_iter([("value".to_owned(), value.take())]);
                let assigned = self.normalize_object(&mut object, read_context)?;
                *value = Value::Object(object);
                return Ok(assigned);
            }
            (Type::Boolean, Value::String(text)) => {
                let flag = ["false", "true"].iter().position(|flag| text.eq_ignore_ascii_case(flag));
                if let Some(flag) = flag
                    && read_context.allow_quirk(Quirk::BooleanAsString, self)
                {
                    *value = Value::Bool(flag == 1);
                }
            }
            (Type::String, Value::Number(number))
                if is_exact(number) && read_context.allow_quirk(Quirk::NumberForString, self) =>
            {
                *value = Value::String(number.to_string());
            }
            (Type::Integer | Type::Decimal, Value::String(text)) => {
                if let Ok(number) = text.trim().parse()
                    && read_context.allow_quirk(Quirk::NumberAsString, self)
                {
                    *value = Value::Number(number);
                    self.normalize_integer(value, read_context);
                }
            }
            (Type::Integer, Value::Number(_)) => self.normalize_integer(value, read_context),
            (Type::Binary, Value::String(text))
                if !is_base64(text) && !read_context.allow_quirk(Quirk::NotBase64, self) =>
            {
                return Err(Violation::new(ScimType::InvalidValue, self, "not base64"));
            }
            _ => {}
        }
        Ok(true)
    }

    fn normalize_object(
        &self,
        object: &mut Map<String, Value>,
        read_context: &mut ReadContext<'_>,
    ) -> Result<bool, Violation> {
        self.normalize_members(object, read_context)?;
        if self.refers_to_resources() {
            let singular = !self.definition().is_multi_valued();
            let empty = object.get("value").and_then(Value::as_str).is_some_and(|id| id.trim().is_empty());
            if singular && empty && read_context.allow_quirk(Quirk::EmptyForComplex, self) {
                return Ok(false);
            }
            // The service writes the `$ref` of its own resources from the `value` beside it, so that
            // it is always right; one that a client sent is not kept.
            if object.contains_key("value") {
                object.remove("$ref");
            }
        }
        Ok(!object.is_empty())
    }

    fn normalize_integer(&self, value: &mut Value, read_context: &mut ReadContext<'_>) {
        if let Value::Number(number) = value
            && self.definition().data_type() == Type::Integer
            && !(number.is_i64() || number.is_u64())
            && let Some(whole) =
                number.as_f64().and_then(whole_float).and_then(|whole| i64::try_from(whole).ok())
            && read_context.allow_quirk(Quirk::FractionForInteger, self)
        {
            *value = Value::from(whole);
        }
    }
}

/// Whether an element is an object without a `value`, whatever else is wrong about it.
fn lacks_value(element: &Value) -> bool {
    element.as_object().is_some_and(|members| !members.keys().any(|name| name.eq_ignore_ascii_case("value")))
}

/// What an object holds that has no member but `value`; no object, since one in another is nothing that a
/// client means.
fn only_value(object: &mut Map<String, Value>) -> Option<Value> {
    let mut members = object.iter_mut();
    match (members.next(), members.next()) {
        (Some((name, inner)), None) if name.eq_ignore_ascii_case("value") && !inner.is_object() => {
            Some(inner.take())
        }
        _ => None,
    }
}

/// Whether text holds nothing that can stand in no URI, not even in one with characters of all
/// languages: blanks and control characters.
fn is_uri_text(text: &str) -> bool {
    // Without an early exit, the compiler looks at many bytes at once.
    let plain = text.bytes().fold(true, |plain, byte| plain & byte.is_ascii_graphic());
    plain || !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// Base64 or base64url, padded or not (RFC 7643 section 2.3.6).
fn is_base64(text: &str) -> bool {
    let data = text.trim_end_matches('=');
    let padding = text.len() - data.len();
    data.len() % 4 != 1
        && (padding == 0 || (padding <= 2 && text.len().is_multiple_of(4)))
        && data.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_'))
}
