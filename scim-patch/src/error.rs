//! The error for a PATCH that is refused.

use std::fmt;

pub(crate) use scim_schema::internal::shortened;
use scim_schema::{ScimType, Violation};

pub(crate) type Result<T> = std::result::Result<T, PatchError>;

/// The reason why a PATCH was refused, with the operation and the path that caused it.
///
/// The message never contains a value from the resource or from the request, so that it can be logged and
/// returned.
///
/// ```
/// use scim_patch::{PatchLimits, PatchRequest};
/// use scim_schema::{ReadContext, ScimType, Tolerance, standard};
///
/// let body = br#"{ "Operations": [{ "op": "remove", "path": "title" }, { "op": "remove", "path": "id" }] }"#;
/// let (tolerance, limits) = (Tolerance::lenient(), PatchLimits::default());
/// let mut read_context = ReadContext::new(&tolerance);
/// let error = PatchRequest::parse(body, &limits, &mut read_context)?
///     .resolve(&standard::user_type(), &limits, &mut read_context)
///     .unwrap_err();
/// assert_eq!(error.scim_type(), Some(ScimType::Mutability));
/// assert_eq!((error.operation(), error.path()), (Some(1), "id"));
/// assert_eq!(error.to_string(), "Operations[1]: `id`: is readOnly; only the service can change it");
/// # Ok::<(), scim_patch::PatchError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchError(Box<Inner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    scim_type: Option<ScimType>,
    operation: Option<usize>,
    path: String,
    reason: String,
}

impl PatchError {
    pub(crate) fn new(scim_type: ScimType, path: impl fmt::Display, reason: impl Into<String>) -> Self {
        let path = shortened(&path.to_string());
        Self(Box::new(Inner { scim_type: Some(scim_type), operation: None, path, reason: reason.into() }))
    }

    /// Creates the error for a request that exceeds the limits. It has no SCIM error type, since it is status
    /// 413.
    pub(crate) fn too_large(path: impl fmt::Display, reason: impl Into<String>) -> Self {
        let mut error = Self::new(ScimType::TooMany, path, reason);
        error.0.scim_type = None;
        error
    }

    /// Sets the index of the operation, unless the error already has one.
    pub(crate) fn at(mut self, operation: usize) -> Self {
        self.0.operation.get_or_insert(operation);
        self
    }

    /// The error keyword of RFC 7644 table 9, or `None` if the request exceeds the limits.
    pub fn scim_type(&self) -> Option<ScimType> {
        self.0.scim_type
    }

    /// Whether the request exceeds the limits (status 413).
    pub fn is_too_large(&self) -> bool {
        self.0.scim_type.is_none()
    }

    /// The index of the operation, counted from 0, or `None` if the error concerns the message rather than an
    /// operation.
    pub fn operation(&self) -> Option<usize> {
        self.0.operation
    }

    /// The path, or the member of the message, that is invalid. A very long one is shortened.
    pub fn path(&self) -> &str {
        &self.0.path
    }
}

impl fmt::Display for PatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = self.0.operation {
            write!(f, "Operations[{operation}]: ")?;
        }
        if !self.0.path.is_empty() {
            write!(f, "`{}`: ", self.0.path)?;
        }
        f.write_str(&self.0.reason)
    }
}

impl std::error::Error for PatchError {}

impl From<Violation> for PatchError {
    fn from(violation: Violation) -> Self {
        Self::new(violation.scim_type(), violation.path(), violation.reason())
    }
}
