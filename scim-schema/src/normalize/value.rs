//! Normalizes the value of one attribute: lists, and JSON types that are tolerated.

use serde_json::{Map, Value};

use crate::compare::{float_as_integer, keeps_all_digits};
use crate::{AttributeRef, Quirk, ReadContext, ScimType, Type, Violation};

impl AttributeRef {
    /// Brings a value of this attribute into canonical form. Returns false if the value is then unassigned.
    ///
    /// [`ResourceType::normalize`](crate::ResourceType::normalize) does the same for each attribute of a
    /// resource; PATCH calls this for a single value. There is one difference: equal elements of a list stay
    /// separate here, because PATCH compares them with the stored list first. Call
    /// [`merge_repeated`](Self::merge_repeated) to merge them.
    ///
    /// The `readOnly` sub-attributes of a complex value are dropped.
    ///
    /// # Errors
    ///
    /// As for [`ResourceType::normalize`](crate::ResourceType::normalize).
    pub fn normalize(
        &self,
        value: &mut Value,
        read_context: &mut ReadContext<'_>,
    ) -> Result<bool, Violation> {
        if !self.definition().is_multi_valued() {
            if let Value::Array(list) = value {
                match list.as_mut_slice() {
                    [] => return Ok(false),
                    // A nested list is certainly a mistake, so validation refuses it.
                    [Value::Array(_)] => return Ok(true),
                    [single] if read_context.allow_quirk(Quirk::ListForSingular, self) => {
                        *value = single.take()
                    }
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
        self.keep_one_of_each_type(list, read_context)?;
        Ok(!list.is_empty())
    }

    /// Normalizes each element and drops those without a value.
    ///
    /// It is an error if no element remains: a client that wants an empty list sends `[]`, so here nothing
    /// that it sent was understood.
    fn normalize_elements(
        &self,
        list: &mut Vec<Value>,
        read_context: &mut ReadContext<'_>,
    ) -> Result<(), Violation> {
        let (mut violation_found, before) = (None, list.len());
        list.retain_mut(|element| {
            if violation_found.is_some() {
                return true;
            }
            let empty = self.is_complex() && element.as_object().is_some_and(Map::is_empty);
            match self.normalize_single(element, read_context) {
                Ok(true) if !empty => true,
                Ok(_) => {
                    if empty || self.holds_members() {
                        violation_found = Some(self.without_value());
                    }
                    false
                }
                Err(violation) => {
                    let is_without_id = self.holds_members() && lacks_value(element);
                    violation_found = Some(if is_without_id { self.without_value() } else { violation });
                    true
                }
            }
        });
        match violation_found {
            Some(violation) => Err(violation),
            None if list.is_empty() && before > 0 => Err(self.without_value()),
            None => Ok(()),
        }
    }

    fn without_value(&self) -> Violation {
        let reason = match self.sub_attribute_refs().get("value") {
            Some(_) => "each element must have a `value`; to clear the list, send []",
            None => "an element is empty or has only unknown sub-attributes; to clear the list, send []",
        };
        Violation::new(ScimType::InvalidValue, self, reason)
    }

    /// Reduces a list to one element of each type that the definition keeps (see
    /// [`Attribute::keep_only_types`](crate::Attribute::keep_only_types)): the primary element of the type, else the
    /// last one.
    fn keep_one_of_each_type(
        &self,
        list: &mut Vec<Value>,
        read_context: &mut ReadContext<'_>,
    ) -> Result<(), Violation> {
        let Some(default_type) = self.definition().kept_types().first() else { return Ok(()) };
        let mut kept: Vec<Value> = Vec::new();
        for mut element in list.drain(..) {
            if !self.is_kept_element(&element, read_context)? {
                continue;
            }
            if let Value::Object(members) = &mut element {
                members.entry("type").or_insert_with(|| Value::from(default_type.as_str()));
            }
            let is_primary = |element: &Value| element.get("primary") == Some(&Value::Bool(true));
            match kept.iter_mut().find(|other| self.has_same_type(other, &element)) {
                Some(other) if !is_primary(other) || is_primary(&element) => *other = element,
                Some(_) => {}
                None => kept.push(element),
            }
        }
        list.extend(kept);
        Ok(())
    }

    /// Whether two elements of a list have the same `type`.
    pub fn has_same_type(&self, a: &Value, b: &Value) -> bool {
        let element_type = |element: &Value| element.get("type").and_then(Value::as_str).map(str::to_owned);
        match (self.sub_attribute_refs().get("type"), element_type(a), element_type(b)) {
            (Some(sub), Some(a), Some(b)) => sub.comparison().fold(&a) == sub.comparison().fold(&b),
            _ => false,
        }
    }

    /// Whether a list may keep this element. True unless the definition names the types that the list
    /// [keeps](crate::Attribute::keep_only_types) and the element has another `type`.
    ///
    /// # Errors
    ///
    /// `invalidValue` if the element has another `type` and [`Quirk::OtherType`] is not tolerated.
    pub fn is_kept_element(
        &self,
        element: &Value,
        read_context: &mut ReadContext<'_>,
    ) -> Result<bool, Violation> {
        let kept_types = self.definition().kept_types();
        let element_type =
            self.sub_attribute_refs().get("type").zip(element.get("type").and_then(Value::as_str));
        let Some((sub, element_type)) = element_type.filter(|_| !kept_types.is_empty()) else {
            return Ok(true);
        };
        let rule = sub.comparison();
        if kept_types.iter().any(|kept| rule.fold(element_type) == rule.fold(kept)) {
            return Ok(true);
        }
        if read_context.allow_quirk(Quirk::OtherType, self) {
            return Ok(false);
        }
        let quoted: Vec<String> = kept_types.iter().map(|kept| format!("`{kept}`")).collect();
        let reason = format!(
            "only an element of type {} is stored; leave the other elements out",
            quoted.join(" or ")
        );
        Err(Violation::new(ScimType::InvalidValue, self, reason))
    }

    /// Brings the value of a singular attribute, or one element of a list, into canonical form. Returns false
    /// if it is then unassigned.
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
            (_, Value::String(_)) => return self.normalize_string(value, read_context),
            (Type::String, Value::Number(number))
                if keeps_all_digits(number) && read_context.allow_quirk(Quirk::NumberForString, self) =>
            {
                *value = Value::String(number.to_string());
            }
            (Type::Integer, Value::Number(_)) => self.normalize_integer(value, read_context),
            _ => {}
        }
        Ok(true)
    }

    /// Checks a string, or converts it to the type of the attribute if that is tolerated.
    fn normalize_string(
        &self,
        value: &mut Value,
        read_context: &mut ReadContext<'_>,
    ) -> Result<bool, Violation> {
        let Value::String(text) = &*value else { return Ok(true) };
        match self.definition().data_type() {
            Type::Reference if !is_uri_text(text) && !read_context.allow_quirk(Quirk::NotUri, self) => {
                return Err(Violation::new(
                    ScimType::InvalidValue,
                    self,
                    "must be a URI, which cannot contain blanks or control characters",
                ));
            }
            Type::Complex if text.trim().is_empty() => {
                return Ok(!read_context.allow_quirk(Quirk::EmptyForComplex, self));
            }
            Type::Complex
                if self.sub_attribute_refs().get("value").is_some()
                    && read_context.allow_quirk(Quirk::StringForComplex, self) =>
            {
                let mut object = Map::from_iter([("value".to_owned(), value.take())]);
                let assigned = self.normalize_object(&mut object, read_context)?;
                *value = Value::Object(object);
                return Ok(assigned);
            }
            Type::Boolean => {
                let flag = ["false", "true"].iter().position(|flag| text.eq_ignore_ascii_case(flag));
                if let Some(flag) = flag
                    && read_context.allow_quirk(Quirk::BooleanAsString, self)
                {
                    *value = Value::Bool(flag == 1);
                }
            }
            Type::Integer | Type::Decimal => {
                if let Ok(number) = text.trim().parse()
                    && read_context.allow_quirk(Quirk::NumberAsString, self)
                {
                    *value = Value::Number(number);
                    self.normalize_integer(value, read_context);
                }
            }
            Type::Binary if !is_base64(text) && !read_context.allow_quirk(Quirk::NotBase64, self) => {
                return Err(Violation::new(ScimType::InvalidValue, self, "must be base64"));
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
        if self.has_resource_reference() {
            let singular = !self.definition().is_multi_valued();
            let empty = object.get("value").and_then(Value::as_str).is_some_and(|id| id.trim().is_empty());
            if singular && empty && read_context.allow_quirk(Quirk::EmptyForComplex, self) {
                return Ok(false);
            }
            // The service derives the `$ref` of its own resources from the `value` next to it, so a `$ref`
            // that a client sent is not stored.
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
            && let Some(integer) =
                number.as_f64().and_then(float_as_integer).and_then(|integer| i64::try_from(integer).ok())
            && read_context.allow_quirk(Quirk::FractionForInteger, self)
        {
            *value = Value::from(integer);
        }
    }
}

/// Whether an element is an object without a member `value`.
fn lacks_value(element: &Value) -> bool {
    element.as_object().is_some_and(|members| !members.keys().any(|name| name.eq_ignore_ascii_case("value")))
}

/// Takes the value out of an object such as `{"value": x}` that has no other member. Returns `None` if `x` is
/// an object itself, which is certainly a mistake.
fn only_value(object: &mut Map<String, Value>) -> Option<Value> {
    let mut members = object.iter_mut();
    match (members.next(), members.next()) {
        (Some((name, inner)), None) if name.eq_ignore_ascii_case("value") && !inner.is_object() => {
            Some(inner.take())
        }
        _ => None,
    }
}

/// Whether a text can be a URI or an IRI, that is, has no blanks or control characters. Everything else is
/// left to the host.
fn is_uri_text(text: &str) -> bool {
    // Without an early exit, the compiler vectorizes the loop.
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
