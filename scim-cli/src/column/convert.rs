//! Converts between the text of a cell and the value of an attribute.

use scim_core::schema::{AttributeRef, ReadContext, Tolerance, Type};
use serde_json::Value;

use super::{Column, Place};

impl Column {
    /// The value that a cell means; `None` if it is empty.
    ///
    /// # Errors
    ///
    /// What is wrong with the text, without the text itself, which may be a secret.
    pub(crate) fn value(&self, cell: &str) -> Result<Option<Value>, String> {
        if cell.is_empty() {
            return Ok(None);
        }
        let value = match self.place {
            Place::List => list(&self.target, cell)?,
            Place::Single | Place::Element(_) => single(&self.target, cell)?,
        };
        Ok(Some(value))
    }
}

fn single(target: &AttributeRef, cell: &str) -> Result<Value, String> {
    let trimmed = cell.trim();
    let value = match target.definition().data_type() {
        Type::Boolean if trimmed.eq_ignore_ascii_case("true") => Value::Bool(true),
        Type::Boolean if trimmed.eq_ignore_ascii_case("false") => Value::Bool(false),
        Type::Boolean => return Err("write true or false".to_owned()),
        Type::Integer => match trimmed.parse::<i64>() {
            Ok(number) => number.into(),
            Err(_) => return Err("write a whole number".to_owned()),
        },
        Type::Decimal => match serde_json::from_str::<serde_json::Number>(trimmed) {
            Ok(number) => Value::Number(number),
            Err(_) => return Err("write a number such as 1.5".to_owned()),
        },
        Type::DateTime => trimmed.into(),
        _ => cell.into(),
    };
    target.validate_single(&value).map_err(|violation| violation.reason().to_owned())?;
    Ok(value)
}

fn list(target: &AttributeRef, cell: &str) -> Result<Value, String> {
    let mut value: Value = serde_json::from_str(cell).map_err(|error| {
        let example = if target.is_complex() { "[{\"value\": \"x\"}]" } else { "[\"x\"]" };
        format!("write a list in JSON, such as {example} ({error})")
    })?;
    let tolerance = Tolerance::strict();
    target
        .normalize(&mut value, &mut ReadContext::new(&tolerance))
        .map_err(|violation| violation.to_string())?;
    target.validate(&value).map_err(|violation| violation.to_string())?;
    Ok(value)
}

/// The text of a value in a cell.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use scim_core::schema::{Attribute, ResourceType, Schema, standard};
    use serde_json::json;

    use super::*;

    #[test]
    fn cells_have_the_type_of_their_attribute() {
        let attributes = [
            Attribute::boolean("open"),
            Attribute::integer("floors"),
            Attribute::decimal("height"),
            Attribute::date_time("built"),
            Attribute::string("owner"),
            Attribute::string("keys").multi_valued(),
        ];
        let schema =
            Schema::new("urn:example:params:scim:schemas:core:2.0:House", "House", attributes).unwrap();
        let houses = ResourceType::builder("House", "/Houses", schema).build().unwrap();
        for (column, cell, expected) in [
            ("open", "TRUE", Ok(json!(true))),
            ("open", "yes", Err("write true or false")),
            ("floors", " 12 ", Ok(json!(12))),
            ("floors", "1.5", Err("write a whole number")),
            ("height", "1.50", Ok(json!(1.5))),
            ("height", "1,5", Err("write a number such as 1.5")),
            ("built", "2024-05-17T08:30:00Z", Ok(json!("2024-05-17T08:30:00Z"))),
            ("built", "17.5.2024", Err("must be a date and time such as \"2024-05-17T08:30:00Z\"")),
            ("owner", " a, \"b\"\n", Ok(json!(" a, \"b\"\n"))),
            ("keys", "[\"a\",\"b\"]", Ok(json!(["a", "b"]))),
        ] {
            let value = Column::parse(column, &houses).unwrap().value(cell);
            assert_eq!(value, expected.map(Some).map_err(str::to_owned), "{column}: {cell}");
        }
        let keys = Column::parse("keys", &houses).unwrap();
        assert!(keys.value("a").unwrap_err().starts_with("write a list in JSON, such as [\"x\"] ("));
        assert_eq!(keys.value("").unwrap(), None);
        let roles = Column::parse("roles", &standard::user_type()).unwrap();
        assert!(roles.value("[{\"size\": 1}]").is_err());
    }
}
