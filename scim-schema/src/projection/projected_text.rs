//! Shows a resource that is stored as JSON text through a projection.

use std::convert::Infallible;
use std::fmt;

use serde_json::{Map, Result, Value};

use super::json_reader::JsonReader;
use super::json_writer::{Members, write_object};
use super::projected::is_meta;
use super::selection::{SelectedMember, Selection};
use super::{DeriveValues, Projected, Projection};

/// A resource as a response shows it, as [`Projected`] does, but its attributes are JSON text. The text of values that
/// are shown whole is copied, and only the others are parsed.
pub struct ProjectedText<'a> {
    /// The attributes that are not in the text.
    others: Projected<'a>,
    /// For each schema, and for each of its attributes that the projection shows, the value in the text. Empty for an
    /// extension that is not in the text.
    values: Vec<Box<[Option<TextValue<'a>>]>>,
}

/// The value of an attribute in the text.
enum TextValue<'a> {
    /// The JSON of a value that is shown whole.
    Whole(&'a str),
    /// A value of which a part is hidden, or has derived sub-attributes.
    Parsed(Value),
}

impl<'a> ProjectedText<'a> {
    /// Shows the resource that consists of the attributes in `json`, which is the text of an object in canonical form,
    /// and of `others`. If an attribute is in both, that of `others` is shown.
    ///
    /// # Errors
    ///
    /// If the text is not that of a JSON object.
    pub fn new(json: &'a str, others: &'a Map<String, Value>, projection: &'a Projection) -> Result<Self> {
        let selections: Vec<_> = projection.selections().collect();
        let mut values: Vec<Box<[_]>> = std::iter::repeat_with(Box::default).take(selections.len()).collect();
        let mut reader = JsonReader::new(json);
        if let ([(_, core), extensions @ ..], [core_values, extension_values @ ..]) =
            (&*selections, &mut *values)
        {
            let (mut lookup, mut found) = (core.lookup(), no_values(core));
            reader.object(|reader, name| {
                if let Some(index) = lookup.index_of(name) {
                    return read_into(reader, core, index, &mut found);
                }
                let extension = extensions
                    .iter()
                    .zip(&mut *extension_values)
                    .find(|((schema, _), _)| schema.id() == name);
                match extension {
                    Some(((_, selection), values)) => *values = read_extension(reader, selection)?,
                    None => _ = reader.value()?,
                }
                Ok(())
            })?;
            *core_values = found;
        }
        reader.end()?;
        Ok(Self { others: Projected::new(others, projection), values })
    }

    /// Also shows the derived sub-attributes.
    #[must_use]
    pub fn with_derived(self, derive: &'a dyn DeriveValues) -> Self {
        Self { others: self.others.with_derived(derive), ..self }
    }

    /// Appends the resource to `text` as JSON.
    pub fn write_to(&self, text: &mut Vec<u8>) {
        write_object(text, |members| {
            let mut schemas = self.others.projection.selections().zip(&self.values);
            let Some(((_, core), core_values)) = schemas.next() else { return };
            let mut meta = None;
            for (selected, value) in core.iter().zip(core_values) {
                let other = self.others.resource.get(&*selected.name);
                if is_meta(selected) {
                    meta = Some((selected, other.or_else(|| parsed(value.as_ref()))));
                } else {
                    self.write_attribute(members, selected, other, value.as_ref());
                }
            }
            for ((schema, selection), values) in schemas {
                let mut found = selection.iter().zip(values);
                if found.any(|(selected, value)| {
                    value.as_ref().is_some_and(|value| self.is_visible(selected, value))
                }) {
                    write_object(members.plain_name(schema.id()), |members| {
                        for (selected, value) in selection.iter().zip(values) {
                            self.write_attribute(members, selected, None, value.as_ref());
                        }
                    });
                }
            }
            if let Some((selected, value)) = meta {
                let Ok(()) = self.others.meta::<Infallible>(selected, value, &mut |name, visible| {
                    visible.write_to(members.plain_name(name));
                    Ok(())
                });
            }
        });
    }

    fn write_attribute(
        &self,
        members: &mut Members<'_>,
        selected: &SelectedMember,
        other: Option<&Value>,
        value: Option<&TextValue<'_>>,
    ) {
        if let (None, Some(TextValue::Whole(json))) = (other, value) {
            members.plain_name(&selected.name).extend_from_slice(json.as_bytes());
            return;
        }
        let value = other.or_else(|| parsed(value));
        let Ok(()) = self.others.attribute::<Infallible>(selected, value, &mut |name, visible| {
            visible.write_to(members.plain_name(name));
            Ok(())
        });
    }

    fn is_visible(&self, selected: &SelectedMember, value: &TextValue<'_>) -> bool {
        match value {
            TextValue::Whole(_) => true,
            TextValue::Parsed(value) => self.others.visible_value(selected, value).is_some(),
        }
    }
}

/// Does not print the resource, because it can contain values that the projection hides.
impl fmt::Debug for ProjectedText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProjectedText").field("projection", self.others.projection).finish_non_exhaustive()
    }
}

fn parsed<'a>(value: Option<&'a TextValue<'_>>) -> Option<&'a Value> {
    match value {
        Some(TextValue::Parsed(value)) => Some(value),
        _ => None,
    }
}

fn no_values<'a>(selection: &Selection) -> Box<[Option<TextValue<'a>>]> {
    std::iter::repeat_with(|| None).take(selection.len()).collect()
}

/// Reads the object that contains the attributes of an extension.
fn read_extension<'a>(
    reader: &mut JsonReader<'a>,
    selection: &Selection,
) -> Result<Box<[Option<TextValue<'a>>]>> {
    let (mut lookup, mut values) = (selection.lookup(), no_values(selection));
    if selection.is_empty() || reader.peek() != Some(b'{') {
        reader.value()?;
        return Ok(values);
    }
    reader.object(|reader, name| match lookup.index_of(name) {
        Some(index) => read_into(reader, selection, index, &mut values),
        None => reader.value().map(drop),
    })?;
    Ok(values)
}

/// Reads the value of the attribute with this index.
fn read_into<'a>(
    reader: &mut JsonReader<'a>,
    selection: &Selection,
    index: usize,
    values: &mut [Option<TextValue<'a>>],
) -> Result<()> {
    let Some((selected, slot)) = selection.get(index).zip(values.get_mut(index)) else {
        return reader.value().map(drop);
    };
    reader.peek();
    let start = *reader;
    let is_whole = match selected.subs.as_deref() {
        Some(subs) => is_shown_whole(reader, subs)?,
        None => !is_unassigned(reader.value()?),
    };
    let json = reader.text_since(&start);
    *slot = Some(match is_whole {
        true => TextValue::Whole(json),
        false => TextValue::Parsed(serde_json::from_str(json)?),
    });
    Ok(())
}

/// Whether the value of a simple attribute is null or an empty list, which is not shown.
fn is_unassigned(json: &str) -> bool {
    let list = json.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    json == "null" || list.is_some_and(|elements| elements.trim().is_empty())
}

/// Reads the value of a complex attribute. Returns whether exactly its text is shown.
fn is_shown_whole(reader: &mut JsonReader<'_>, subs: &Selection) -> Result<bool> {
    if reader.peek() != Some(b'[') {
        return is_object_shown_whole(reader, subs);
    }
    let (mut are_whole, mut is_empty) = (true, true);
    reader.array(|reader| {
        are_whole &= is_object_shown_whole(reader, subs)?;
        is_empty = false;
        Ok(())
    })?;
    Ok(are_whole && !is_empty)
}

/// Reads a complex value. Returns whether it is an object of which all members are shown, and only they.
fn is_object_shown_whole(reader: &mut JsonReader<'_>, subs: &Selection) -> Result<bool> {
    if reader.peek() != Some(b'{') {
        reader.value()?;
        return Ok(false);
    }
    let (mut is_whole, mut is_empty) = (!subs.derives(), true);
    let mut lookup = subs.lookup();
    reader.object(|reader, name| {
        is_whole &= lookup.index_of(name).is_some();
        is_whole &= reader.value()? != "null";
        is_empty = false;
        Ok(())
    })?;
    Ok(is_whole && !is_empty)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{ReadContext, Tolerance, standard};

    /// A text and the attributes beside it, split from a resource in each way.
    fn splits(resource: &Value) -> Vec<(String, Map<String, Value>)> {
        let all = resource.as_object().unwrap();
        let none = (resource.to_string(), Map::new());
        let split = |is_other: &dyn Fn(&str) -> bool| {
            let (others, text): (Map<_, _>, Map<_, _>) =
                all.clone().into_iter().partition(|(name, _)| is_other(name));
            (serde_json::to_string_pretty(&text).unwrap(), others)
        };
        vec![
            none,
            split(&|name| ["id", "meta", "groups"].contains(&name)),
            split(&|name| !name.starts_with("urn:")),
        ]
    }

    fn assert_same(resource: &Value, projection: &Projection) {
        let mut expected = Vec::new();
        Projected::new(resource.as_object().unwrap(), projection).write_to(&mut expected);
        let expected: Value = serde_json::from_slice(&expected).unwrap();
        for (text, others) in splits(resource) {
            let mut shown = Vec::new();
            ProjectedText::new(&text, &others, projection).unwrap().write_to(&mut shown);
            let shown: Value = serde_json::from_slice(&shown).unwrap();
            assert_eq!(shown, expected, "{text}");
        }
    }

    #[test]
    fn text_shows_what_values_show() {
        let user = standard::user_type();
        let resources = [
            json!({
                "schemas": [standard::USER, standard::ENTERPRISE_USER], "id": "7", "userName": "bea \"b\" \\",
                "active": false, "name": { "givenName": "Bea", "familyName": null }, "nickName": null, "title": [],
                "emails": [{ "value": "a@example.com", "type": "work" }, { "unknown": 1 }, "text"], "unknown": [1],
                "phoneNumbers": [], "roles": [{ "value": "a" }, { "value": "b", "display": "B" }], "addresses": {},
                "groups": [{ "value": "g", "display": "G" }], "password": "secret", "meta": { "version": "1" },
                standard::ENTERPRISE_USER: {
                    "department": "D\u{1}é", "manager": { "value": "m", "displayName": "M" }, "unknown": {},
                },
            }),
            json!({ "userName": "ada", standard::ENTERPRISE_USER: {}, "name": "text", "meta": {} }),
            json!({ standard::ENTERPRISE_USER: { "department": null, "manager": { "unknown": 1 } }, "emails": [{}] }),
            json!({ standard::ENTERPRISE_USER: ["text"] }),
            json!({}),
        ];
        let tolerance = Tolerance::strict();
        for resource in &resources {
            assert_same(resource, &Projection::new(&user));
            for names in [
                "userName,emails",
                "name.givenName,urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
            ] {
                let mut context = ReadContext::new(&tolerance);
                assert_same(resource, &Projection::only(&user, names, &mut context));
                assert_same(resource, &Projection::excluding(&user, names, &mut context));
            }
        }
    }

    #[test]
    fn groups_show_an_empty_list_of_members() {
        let group = standard::group_type();
        for resource in [
            json!({ "displayName": "G" }),
            json!({ "members": [{ "value": "m" }] }),
            json!({ "members": [] }),
        ] {
            assert_same(&resource, &Projection::new(&group));
        }
    }

    #[test]
    fn a_text_that_is_no_object_is_an_error() {
        let (user, none) = (standard::user_type(), Map::new());
        for text in
            ["", "[]", "1", "{\"userName\":", "{\"emails\":[{]}", "{} {}", "{\"emails\":[1,{\"a\":nul}]}"]
        {
            assert!(ProjectedText::new(text, &none, &Projection::new(&user)).is_err(), "{text}");
        }
    }
}
