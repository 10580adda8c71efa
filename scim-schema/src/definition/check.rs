//! Checks that attribute definitions are well formed (RFC 7643 sections 2 and 7).

use super::attribute::Attribute;
use super::characteristic::{Mutability, Returned, Type, Uniqueness};
use crate::SchemaError;

impl Attribute {
    /// Checks the name, that the characteristics do not contradict each other, and the sub-attributes.
    pub(crate) fn check(&self) -> Result<(), SchemaError> {
        match self.contradiction() {
            Some(reason) => Err(SchemaError::new(self.name(), reason)),
            None => check_all(self.sub_attributes()).map_err(|error| error.within(self.name())),
        }
    }

    fn contradiction(&self) -> Option<&'static str> {
        let data_type = self.data_type();
        let has_type = self.sub_attributes().iter().any(|sub| sub.name() == "type");
        let rules = [
            (
                !is_name(self.name()) && self.name() != "$ref",
                "a name must be a letter followed by letters, digits, `-`, `_` or `$`",
            ),
            (
                (data_type == Type::Complex) == self.sub_attributes().is_empty(),
                "an attribute must have sub-attributes if its type is `complex`, and none otherwise",
            ),
            (
                data_type != Type::Reference && !self.reference_types().is_empty(),
                "only an attribute of type `reference` can have reference types",
            ),
            (
                data_type != Type::String && !self.canonical_values().is_empty(),
                "only an attribute of type `string` can have canonical values",
            ),
            (
                self.is_only_canonical() && self.canonical_values().is_empty(),
                "is restricted to its canonical values, but has none",
            ),
            (
                !data_type.is_textual() && self.max_length().is_some(),
                "only an attribute of type `string`, `reference` or `binary` can have a maximum length",
            ),
            (
                data_type != Type::String && self.is_compared_as_user_name(),
                "only an attribute of type `string` can be compared as a user name",
            ),
            (
                !(self.kept_types().is_empty() || self.is_multi_valued() && has_type),
                "only a multi-valued attribute with a sub-attribute `type` can keep a single type",
            ),
            (
                !data_type.may_be_unique() && self.uniqueness() != Uniqueness::None,
                "`complex`, `boolean` and `binary` values cannot be unique",
            ),
            (
                self.mutability() == Mutability::ReadOnly && self.returned() == Returned::Never,
                "an attribute cannot be both `readOnly` and `returned: never`",
            ),
            (
                self.mutability() == Mutability::WriteOnly && self.returned() != Returned::Never,
                "a `writeOnly` attribute must be `returned: never`",
            ),
        ];
        rules.iter().find(|(is_broken, _)| *is_broken).map(|(_, reason)| *reason)
    }
}

/// Checks each definition, and that no two have the same name.
pub(crate) fn check_all(attributes: &[Attribute]) -> Result<(), SchemaError> {
    for (index, attribute) in attributes.iter().enumerate() {
        attribute.check()?;
        let is_duplicate =
            attributes.iter().take(index).any(|other| other.name().eq_ignore_ascii_case(attribute.name()));
        if is_duplicate {
            return Err(SchemaError::new(attribute.name(), "duplicate attribute"));
        }
    }
    Ok(())
}

/// Whether a text is an attribute name: `ATTRNAME` of RFC 7644 figure 1, with the `$` of RFC 7643 section 2.1.
fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic())
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'$'))
}
