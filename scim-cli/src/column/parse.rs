//! Reads the path of a column.

use scim_core::filter::{CompareOp, Filter, FilterLimits, Literal, PatchPath};
use scim_core::schema::{AttributeRef, ReadContext, ResourceType, Tolerance};
use serde_json::Value;

use super::{Column, Place, suggest};

/// The most sub-attributes that one element is selected by.
const MAX_CONDITIONS: usize = 4;

impl Column {
    /// The column of this name. Names are found in any case, and attributes of extensions also without the URI of the schema.
    ///
    /// # Errors
    ///
    /// What is wrong, and what to write instead.
    pub(crate) fn parse(name: &str, resource_type: &ResourceType) -> Result<Self, String> {
        let tolerance = Tolerance::lenient();
        let mut read_context = ReadContext::new(&tolerance);
        let path = PatchPath::parse(name, &FilterLimits::default(), &mut read_context)
            .map_err(|_| unknown(name, resource_type))?;
        let attribute = match &path {
            PatchPath::Attribute(path) | PatchPath::Value { path, .. } => path,
        };
        let target =
            resource_type.resolve(attribute, &mut read_context).map_err(|_| unknown(name, resource_type))?;
        match path {
            PatchPath::Attribute(_) => attribute_column(target),
            PatchPath::Value { filter, sub, .. } => element_column(&target, &filter, sub.as_deref()),
        }
    }
}

fn unknown(name: &str, resource_type: &ResourceType) -> String {
    let suggestion = match suggest::similar(name, resource_type) {
        Some(path) => format!("; write {path}"),
        None => "; remove the column, or begin its name with # to leave it out".to_owned(),
    };
    format!("there is no such attribute{suggestion}")
}

fn attribute_column(target: AttributeRef) -> Result<Column, String> {
    let is_list = target.attribute().is_multi_valued();
    let is_sub_attribute = target.sub_attribute_definition().is_some();
    if is_list && is_sub_attribute {
        let list = target.attribute().name();
        let sub = target.definition().name();
        let kind = suggest::first_type(target.attribute()).unwrap_or("work");
        return Err(format!("{list} is a list; write {list}[type eq \"{kind}\"].{sub}"));
    }
    if target.is_complex() && !is_list {
        let paths: Vec<&str> = target.sub_attributes().iter().map(|sub| sub.path().as_str()).collect();
        return Err(format!("it has several values; write a column for each: {}", paths.join(", ")));
    }
    let place = if is_list || target.definition().is_multi_valued() { Place::List } else { Place::Single };
    Ok(Column { target, place })
}

fn element_column(list: &AttributeRef, filter: &Filter, sub: Option<&str>) -> Result<Column, String> {
    let name = list.path();
    if !list.attribute().is_multi_valued() || !list.is_complex() {
        return Err(format!("{name} is not a list of objects; write {name} without brackets"));
    }
    let find = |sub: &str| {
        let names =
            || list.sub_attributes().iter().map(|sub| sub.definition().name()).collect::<Vec<_>>().join(", ");
        list.sub_attribute(sub).ok_or_else(|| format!("{name} has no {sub}, but {}", names()))
    };
    let Some(sub) = sub else {
        return Err(format!("which value of the element? Write {name}[{filter}].value"));
    };
    let target = find(sub)?.clone();
    let conditions = match filter {
        Filter::And(conditions) => conditions.as_slice(),
        condition => std::slice::from_ref(condition),
    };
    if conditions.len() > MAX_CONDITIONS {
        return Err(format!("the brackets can have at most {MAX_CONDITIONS} conditions"));
    }
    let mut selected = Vec::new();
    for condition in conditions {
        let Filter::Compare { path, op: CompareOp::Eq, value } = condition else {
            return Err(format!(
                "the brackets can only have eq and and; write {name}[type eq \"work\"].{sub}"
            ));
        };
        let condition = find(path.attribute())?.clone();
        if condition == target {
            return Err(format!("the brackets already say what {sub} is"));
        }
        let value = match value {
            Literal::String(text) => Value::from(text.as_str()),
            Literal::Bool(value) => Value::from(*value),
            Literal::Number(number) => Value::from(number.clone()),
            Literal::Null => return Err("null in the brackets selects no element".to_owned()),
        };
        condition.validate_single(&value).map_err(|violation| violation.to_string())?;
        selected.push((condition, value));
    }
    Ok(Column { target, place: Place::Element(selected) })
}

#[cfg(test)]
mod tests {
    use scim_core::schema::standard;

    use super::*;

    #[test]
    fn names_are_found_in_any_case_and_written_as_the_schema_has_them() {
        let users = standard::user_type();
        let department = format!("{}:department", standard::ENTERPRISE_USER);
        for (name, path) in [
            ("USERNAME", "userName"),
            ("name.givenname", "name.givenName"),
            ("Emails[type eq \"work\"].Value", "emails[type eq \"work\"].value"),
            (
                "emails[primary eq true and type eq \"x\"].value",
                "emails[primary eq true and type eq \"x\"].value",
            ),
            ("roles", "roles"),
            ("department", &department),
            (&department, &department),
            ("manager.value", &format!("{}:manager.value", standard::ENTERPRISE_USER)),
            ("meta.created", "meta.created"),
        ] {
            assert_eq!(
                Column::parse(name, &users).map(|column| column.path()).as_deref(),
                Ok(path),
                "{name}"
            );
        }
    }

    #[test]
    fn errors_say_what_to_write() {
        let users = standard::user_type();
        for (name, error) in [
            ("E-Mail", "there is no such attribute; write emails[type eq \"work\"].value"),
            ("First Name", "there is no such attribute; write name.givenName"),
            ("usrName", "there is no such attribute; write userName"),
            (
                "shoeSize",
                "there is no such attribute; remove the column, or begin its name with # to leave it out",
            ),
            ("emails.value", "emails is a list; write emails[type eq \"work\"].value"),
            (
                "phoneNumbers[type eq \"work\"]",
                "which value of the element? Write phoneNumbers[type eq \"work\"].value",
            ),
            ("emails[type eq \"work\"].street", "emails has no street, but value, display, type, primary"),
            (
                "emails[value co \"a\"].display",
                "the brackets can only have eq and and; write emails[type eq \"work\"].display",
            ),
            ("title[type eq \"a\"].value", "title is not a list of objects; write title without brackets"),
            (
                "emails[type eq \"a\" and type eq \"b\" and type eq \"c\" and type eq \"d\" and type eq \"e\"].value",
                "the brackets can have at most 4 conditions",
            ),
            ("emails[type eq \"work\"].type", "the brackets already say what type is"),
        ] {
            assert_eq!(
                Column::parse(name, &users).map(|column| column.path()),
                Err(error.to_owned()),
                "{name}"
            );
        }
        let error = Column::parse("name", &users).unwrap_err();
        assert!(
            error.starts_with("it has several values; write a column for each: name.formatted, "),
            "{error}"
        );
    }
}
