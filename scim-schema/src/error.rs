//! What can be wrong: with a schema, with a name, with a value.

use std::fmt;

use crate::shortened::shortened;

/// The detail error keywords of RFC 7644 table 9 and RFC 9865 section 2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScimType {
    /// The filter cannot be parsed, or does not fit the resource type.
    InvalidFilter,
    /// More results than the server is willing to compute or return.
    TooMany,
    /// A value that must be unique is in use.
    Uniqueness,
    /// The attribute cannot be changed this way.
    Mutability,
    /// The message is malformed or does not conform to its schema.
    InvalidSyntax,
    /// The path of a PATCH operation is malformed or unknown.
    InvalidPath,
    /// The path of a PATCH operation selects nothing that could be changed.
    NoTarget,
    /// A value is missing, or not compatible with its attribute.
    InvalidValue,
    /// The protocol version asked for is not supported.
    InvalidVers,
    /// The attribute is too sensitive for what was asked.
    Sensitive,
    /// The cursor is not one that this server made for this query.
    InvalidCursor,
    /// The cursor was valid once.
    ExpiredCursor,
    /// The count does not suit the cursor.
    InvalidCount,
}

impl ScimType {
    /// The keyword as it stands in the `scimType` member of an error message.
    ///
    /// ```
    /// assert_eq!(scim_schema::ScimType::NoTarget.as_str(), "noTarget");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidVers => "invalidVers",
            Self::Sensitive => "sensitive",
            Self::InvalidCursor => "invalidCursor",
            Self::ExpiredCursor => "expiredCursor",
            Self::InvalidCount => "invalidCount",
        }
    }
}

impl fmt::Display for ScimType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A resource that does not conform to its resource type: which attribute, and how.
///
/// The message never contains a value of the resource, so it may be shown to the client whatever
/// the attribute's `returned` characteristic is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(Box<ViolationInner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct ViolationInner {
    scim_type: ScimType,
    path: String,
    reason: String,
}

impl Violation {
    /// A violation of the given kind at an attribute; an empty `path` stands for the resource, and a long
    /// one is shortened.
    pub fn new(scim_type: ScimType, path: impl fmt::Display, reason: impl Into<String>) -> Self {
        let path = shortened(&path.to_string());
        Self(Box::new(ViolationInner { scim_type, path, reason: reason.into() }))
    }

    /// The error keyword that a client gets.
    pub fn scim_type(&self) -> ScimType {
        self.0.scim_type
    }

    /// The attribute, in standard notation (RFC 7644 section 3.10); empty for the whole resource.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// What is wrong with it.
    pub fn reason(&self) -> &str {
        &self.0.reason
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.path.is_empty() {
            f.write_str(&self.0.reason)
        } else {
            write!(f, "`{}`: {}", self.0.path, self.0.reason)
        }
    }
}

impl std::error::Error for Violation {}

/// A name that the resource type does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownAttribute {
    name: String,
    resource_type: String,
}

impl UnknownAttribute {
    pub(crate) fn new(name: impl fmt::Display, resource_type: &str) -> Self {
        Self { name: name.to_string(), resource_type: resource_type.to_owned() }
    }

    /// The name as it was asked for.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for UnknownAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not an attribute of {}", shortened(&self.name), self.resource_type)
    }
}

impl std::error::Error for UnknownAttribute {}

/// A schema or a resource type that is not well formed (RFC 7643 sections 2, 6 and 7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaError(Box<(String, String)>);

impl SchemaError {
    pub(crate) fn new(at: impl fmt::Display, reason: impl Into<String>) -> Self {
        Self(Box::new((at.to_string(), reason.into())))
    }

    /// The same error, one level further out: `at`, an attribute or a schema, goes before the place.
    pub(crate) fn within(self, at: &str) -> Self {
        let (path, reason) = *self.0;
        let separator = if at.contains(':') { ":" } else { "." };
        let path = if path.is_empty() { at.to_owned() } else { format!("{at}{separator}{path}") };
        Self::new(path, reason)
    }

    /// The attribute or schema that is wrong, in standard notation (RFC 7644 section 3.10).
    pub fn path(&self) -> &str {
        &self.0.0
    }
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, reason) = &*self.0;
        if path.is_empty() { f.write_str(reason) } else { write!(f, "`{path}`: {reason}") }
    }
}

impl std::error::Error for SchemaError {}
