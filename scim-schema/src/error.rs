//! Errors: in a schema, in an attribute name, in a resource.

use std::fmt;

use crate::shortened::shortened;

/// The detail error keywords of RFC 7644 table 9 and RFC 9865 section 2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScimType {
    /// The filter is malformed, or does not suit the resource type.
    InvalidFilter,
    /// More results than the server is willing to compute or return.
    TooMany,
    /// A value that must be unique is already in use.
    Uniqueness,
    /// The attribute cannot be changed this way.
    Mutability,
    /// The message is malformed or does not conform to its schema.
    InvalidSyntax,
    /// The path of a PATCH operation is malformed or unknown.
    InvalidPath,
    /// The path of a PATCH operation selects no attribute or value that could be changed.
    NoTarget,
    /// A required value is missing, or a value is not valid for its attribute.
    InvalidValue,
    /// The requested protocol version is not supported.
    InvalidVers,
    /// The attribute is too sensitive to be used in this request.
    Sensitive,
    /// The cursor is malformed, or belongs to another query.
    InvalidCursor,
    /// The cursor has expired.
    ExpiredCursor,
    /// The `count` is not valid with this cursor.
    InvalidCount,
}

impl ScimType {
    /// The keyword in the `scimType` member of an error response.
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

/// The reason why a resource does not conform to its resource type, and the attribute concerned.
///
/// The message never contains a value of the resource. So a client can see it even if the attribute is
/// `returned: never`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(Box<ViolationInner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct ViolationInner {
    scim_type: ScimType,
    path: String,
    reason: String,
}

impl Violation {
    /// Creates a violation at the attribute `path`; an empty path means the resource itself. A long path is
    /// shortened.
    pub fn new(scim_type: ScimType, path: impl fmt::Display, reason: impl Into<String>) -> Self {
        let path = shortened(&path.to_string());
        Self(Box::new(ViolationInner { scim_type, path, reason: reason.into() }))
    }

    /// The error keyword for the response.
    pub fn scim_type(&self) -> ScimType {
        self.0.scim_type
    }

    /// The attribute, in standard notation (RFC 7644 section 3.10). Empty if the violation concerns the resource
    /// itself.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// The reason, without the path: `must be a string`.
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

/// The error for an attribute name or path that the resource type does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownAttribute {
    name: String,
    resource_type: String,
}

impl UnknownAttribute {
    pub(crate) fn new(name: impl fmt::Display, resource_type: &str) -> Self {
        Self { name: name.to_string(), resource_type: resource_type.to_owned() }
    }

    /// The name or path that was looked up.
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

/// The error for a schema or a resource type that is not well formed (RFC 7643 sections 2, 6 and 7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaError(Box<(String, String)>);

impl SchemaError {
    pub(crate) fn new(path: impl fmt::Display, reason: impl Into<String>) -> Self {
        Self(Box::new((path.to_string(), reason.into())))
    }

    /// Prepends the name of the surrounding attribute or schema to the path.
    pub(crate) fn within(self, parent: &str) -> Self {
        let (path, reason) = *self.0;
        let separator = if parent.contains(':') { ":" } else { "." };
        let path = if path.is_empty() { parent.to_owned() } else { format!("{parent}{separator}{path}") };
        Self::new(path, reason)
    }

    /// The attribute or schema that is not well formed, in standard notation (RFC 7644 section 3.10).
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
