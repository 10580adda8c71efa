//! The attributes that the tables of each form hold.

use scim_core::schema::standard;
use serde_json::Value;

use crate::application::{BADGE, Form};

/// An attribute that the tables hold.
#[derive(Clone, Copy)]
pub(crate) struct Attribute {
    /// The URI of its schema; empty for the core schema.
    pub(crate) schema: &'static str,
    pub(crate) path: &'static str,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    UserName,
    GroupName,
    Text,
    Flag,
    /// A flag in a column that is never NULL. SCIM cannot remove it, as it can in memory, so it is never removed.
    FlagWithDefault,
    Integer,
    /// A list of which a column holds the element of type `work`. The case of the type is that of the declaration, so
    /// `Work` would become `work`, which it does not in memory.
    One,
    /// A list of which two columns hold the elements of the types `work` and `mobile`.
    Two,
    Many,
    Manager,
}

const fn core(path: &'static str, kind: Kind) -> Attribute {
    Attribute { schema: "", path, kind }
}

/// The attributes of users in a form.
pub(crate) fn user_attributes(form: Form) -> &'static [Attribute] {
    use Kind::{Flag, FlagWithDefault, Integer, Manager, Many, One, Text, Two, UserName};
    const ENTERPRISE: &str = standard::ENTERPRISE_USER;
    match form {
        Form::Users => {
            &const {
                [
                    core("userName", UserName),
                    core("name.givenName", Text),
                    core("name.familyName", Text),
                    core("title", Text),
                    core("active", FlagWithDefault),
                    core("emails", One),
                ]
            }
        }
        Form::Organization => {
            &const {
                [
                    core("userName", UserName),
                    core("externalId", Text),
                    core("name.givenName", Text),
                    core("name.familyName", Text),
                    core("displayName", Text),
                    core("active", FlagWithDefault),
                    core("emails", One),
                    core("phoneNumbers", Two),
                    Attribute { schema: ENTERPRISE, path: "department", kind: Text },
                    Attribute { schema: ENTERPRISE, path: "manager", kind: Manager },
                ]
            }
        }
        Form::Soft => {
            &const {
                [
                    core("userName", UserName),
                    core("displayName", Text),
                    core("nickName", Text),
                    core("active", FlagWithDefault),
                    Attribute { schema: BADGE, path: "tag", kind: Text },
                    Attribute { schema: BADGE, path: "floor", kind: Integer },
                ]
            }
        }
        Form::Folded => {
            &const {
                [
                    core("userName", UserName),
                    core("active", Flag),
                    core("emails", Many),
                    core("phoneNumbers", Many),
                    core("externalId", Text),
                    core("title", Text),
                    core("displayName", Text),
                    core("name.familyName", Text),
                    core("name.formatted", Text),
                    Attribute { schema: ENTERPRISE, path: "department", kind: Text },
                ]
            }
        }
        Form::CaseInsensitive => {
            &const { [core("userName", UserName), core("title", Text), core("preferredLanguage", Text)] }
        }
        Form::Distributed => {
            &const {
                [
                    core("userName", UserName),
                    core("displayName", Text),
                    core("externalId", Text),
                    core("title", Text),
                    core("emails", Many),
                    Attribute { schema: ENTERPRISE, path: "manager", kind: Manager },
                ]
            }
        }
    }
}

/// The attributes of groups in a form, besides the members.
pub(crate) fn group_attributes(form: Form) -> &'static [Attribute] {
    match form {
        Form::Organization => {
            &const { [core("displayName", Kind::GroupName), core("externalId", Kind::Text)] }
        }
        _ => &const { [core("displayName", Kind::GroupName)] },
    }
}

impl Attribute {
    /// The path in a filter or a PATCH.
    pub(crate) fn full_path(self) -> String {
        if self.schema.is_empty() { self.path.to_owned() } else { format!("{}:{}", self.schema, self.path) }
    }

    /// Sets the value in a resource.
    pub(crate) fn set(self, resource: &mut Value, value: Value) {
        let mut object = resource;
        if !self.schema.is_empty() {
            object = &mut object[self.schema];
        }
        for name in self.path.split('.') {
            object = &mut object[name];
        }
        *object = value;
    }
}
