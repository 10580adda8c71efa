//! Errors, as clients see them (RFC 7644 section 3.12).

use std::fmt;

use http::StatusCode;
use scim_filter::{ParseError, ResolveError};
use scim_patch::PatchError;
pub(crate) use scim_schema::internal::shortened;
use scim_schema::{AttributeRef, ScimType, Violation};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::Challenge;
use crate::message_uri::ERROR;

/// A `Result` whose error is an [`Error`] by default.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error with an HTTP status, an optional `scimType` and a `detail` for the client.
///
/// A provider makes one with the constructor that names what happened. The cause goes into the
/// [source](Self::with_source), which is for the host's logs and is never sent to the client.
///
/// ```
/// use scim_core::Error;
///
/// let error = Error::uniqueness("userName");
/// assert_eq!(error.status(), 409);
/// assert_eq!(error.scim_type().map(|t| t.as_str()), Some("uniqueness"));
/// assert_eq!(error.detail(), "another resource has the same `userName`");
/// ```
pub struct Error(Box<ErrorInner>);

struct ErrorInner {
    status: StatusCode,
    scim_type: Option<ScimType>,
    detail: String,
    hint: Option<Hint>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What the response to an error needs besides the message: a header, or the operation of a PATCH.
#[derive(Clone, Debug)]
pub(crate) enum Hint {
    /// The methods that the endpoint has.
    Allow(&'static str),
    /// The seconds after which the client may try again.
    RetryAfter(u32),
    /// What to answer in `WWW-Authenticate`.
    Challenges(Vec<Challenge>),
    /// The scopes of the caller's token do not allow what it wants to do.
    InsufficientScope,
    /// The content coding that a body may have.
    AcceptEncoding(&'static str),
    /// The element of a list that was refused.
    Member { list: String, id: String },
}

impl Error {
    /// An error with a status and no `scimType`.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self(Box::new(ErrorInner {
            status,
            scim_type: None,
            detail: detail.into(),
            hint: None,
            source: None,
        }))
    }

    /// An error with a `scimType`, and the status that goes with it: 409 for `uniqueness`, 403 for
    /// `sensitive`, 400 for all others (RFC 7644 table 9).
    pub fn from_scim_type(scim_type: ScimType, detail: impl Into<String>) -> Self {
        let status = match scim_type {
            ScimType::Uniqueness => StatusCode::CONFLICT,
            ScimType::Sensitive => StatusCode::FORBIDDEN,
            _ => StatusCode::BAD_REQUEST,
        };
        let mut error = Self::new(status, detail);
        error.0.scim_type = Some(scim_type);
        error
    }

    /// No resource has this id (status 404).
    pub fn not_found(id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("no resource has the id `{}`", shortened(id)))
    }

    /// Another resource has the value of this attribute, which must be unique (RFC 7644 section 3.3).
    pub fn uniqueness(attribute: &str) -> Self {
        Self::from_scim_type(ScimType::Uniqueness, format!("another resource has the same `{attribute}`"))
    }

    /// The store cannot accept the value of this attribute.
    pub fn invalid_value(attribute: &str, reason: &str) -> Self {
        Self::from_scim_type(ScimType::InvalidValue, format!("`{attribute}`: {reason}"))
    }

    /// The store cannot accept the element of a list that refers to this id: the resource does not exist, or a
    /// group would contain itself. The service adds to the detail which operation of a PATCH adds the element.
    ///
    /// ```
    /// use scim_core::Error;
    ///
    /// let error = Error::invalid_member("members", "42", "a group cannot be a member of itself");
    /// assert_eq!(error.to_string(), "400 invalidValue: `members`: a group cannot be a member of itself");
    /// ```
    pub fn invalid_member(list: &str, id: &str, reason: &str) -> Self {
        let mut error = Self::invalid_value(list, reason);
        error.0.hint = Some(Hint::Member { list: list.to_owned(), id: id.to_owned() });
        error
    }

    /// The store cannot accept a member of a list because no resource has this id.
    ///
    /// ```
    /// use scim_core::Error;
    ///
    /// let error = Error::unknown_member("members", "42");
    /// assert_eq!(error.to_string(), "400 invalidValue: `members`: there is no resource `42`");
    /// ```
    pub fn unknown_member(list: &str, id: &str) -> Self {
        Self::invalid_member(list, id, &format!("there is no resource `{}`", shortened(id)))
    }

    /// The same error, with the operation of a PATCH that caused it.
    pub(crate) fn in_operation(mut self, index: usize) -> Self {
        self.0.detail = format!("Operations[{index}]: {}", self.0.detail);
        self
    }

    /// The body has a media type or a coding that the service does not support (status 415).
    pub(crate) fn unsupported_media_type(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    /// The body has a content coding; the service supports none (RFC 9110 section 15.5.16).
    pub(crate) fn encoded() -> Self {
        let detail = "the body must not be compressed; send it without a Content-Encoding";
        let mut error = Self::unsupported_media_type(detail);
        error.0.hint = Some(Hint::AcceptEncoding("identity"));
        error
    }

    /// The request is malformed.
    pub fn invalid_syntax(detail: impl Into<String>) -> Self {
        Self::from_scim_type(ScimType::InvalidSyntax, detail)
    }

    /// The store cannot evaluate the filter.
    pub fn invalid_filter(detail: impl Into<String>) -> Self {
        Self::from_scim_type(ScimType::InvalidFilter, detail)
    }

    /// There are more results than the store computes.
    pub fn too_many(detail: impl Into<String>) -> Self {
        Self::from_scim_type(ScimType::TooMany, detail)
    }

    /// The version of the resource is not one that the client expects (RFC 7644 section 3.14).
    pub fn precondition_failed() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "the resource has changed since it was read; read it again",
        )
    }

    /// The caller is not allowed to do this (status 403).
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// The caller's token lacks a scope (RFC 6750 section 3.1).
    pub(crate) fn insufficient_scope(scope: &str) -> Self {
        let detail = format!("the token of the caller lacks the scope `{scope}`");
        Self::forbidden(detail).with_hint(Hint::InsufficientScope)
    }

    pub(crate) fn not_writable(target: &AttributeRef) -> Self {
        Self::forbidden(format!("the caller may not write `{target}`"))
    }

    /// A filter, a sort or a PATCH would reveal an attribute that the caller may not read.
    pub(crate) fn sensitive(target: &AttributeRef) -> Self {
        Self::from_scim_type(
            ScimType::Sensitive,
            format!("the caller may not filter, select or sort by `{target}`"),
        )
    }

    /// The caller is not authenticated (status 401).
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "authentication is required")
    }

    /// The service does not support this (status 501).
    pub fn not_implemented(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, detail)
    }

    /// The request is larger than the service accepts (status 413).
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    /// The caller sends too many requests, and may send the next one after this number of seconds (status 429).
    /// For a policy that limits rates.
    pub fn too_many_requests(retry_after: u32) -> Self {
        let mut error = Self::new(StatusCode::TOO_MANY_REQUESTS, "too many requests; try again later");
        error.0.hint = Some(Hint::RetryAfter(retry_after));
        error
    }

    /// The store is not available; the client may try again after this number of seconds (status 503).
    pub fn unavailable(retry_after: u32) -> Self {
        let mut error =
            Self::new(StatusCode::SERVICE_UNAVAILABLE, "the store is not available; try again later");
        error.0.hint = Some(Hint::RetryAfter(retry_after));
        error
    }

    /// An internal error. The client sees status 500 and no details; the source is for the host's log.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error").with_source(source)
    }

    /// The request causes more work than is allowed.
    pub(crate) fn too_much_work() -> Self {
        Self::too_large(scim_filter::BudgetExhausted.to_string())
    }

    pub(crate) fn method_not_allowed(allow: &'static str) -> Self {
        let mut error =
            Self::new(StatusCode::METHOD_NOT_ALLOWED, format!("the endpoint supports {allow} only"));
        error.0.hint = Some(Hint::Allow(allow));
        error
    }

    /// The same error with another `detail`, which the client sees.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = detail.into();
        self
    }

    /// The same error with what the response needs besides the message.
    #[must_use]
    pub(crate) fn with_hint(mut self, hint: Hint) -> Self {
        self.0.hint = Some(hint);
        self
    }

    /// Adds the cause of the error, for the host's log.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The `scimType` (RFC 7644 table 9), if the error has one.
    pub fn scim_type(&self) -> Option<ScimType> {
        self.0.scim_type
    }

    /// The description that the client sees.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    pub(crate) fn hint(&self) -> Option<&Hint> {
        self.0.hint.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.status.as_u16())?;
        if let Some(scim_type) = self.0.scim_type {
            write!(f, " {scim_type}")?;
        }
        write!(f, ": {}", self.0.detail)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({self}")?;
        if let Some(source) = &self.0.source {
            write!(f, ", caused by {source}")?;
        }
        f.write_str(")")
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// The SCIM Error message.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(None)?;
        out.serialize_entry("schemas", &[ERROR])?;
        out.serialize_entry("status", self.0.status.as_str())?;
        if let Some(scim_type) = self.0.scim_type {
            out.serialize_entry("scimType", scim_type.as_str())?;
        }
        out.serialize_entry("detail", &self.0.detail)?;
        out.end()
    }
}

impl From<Violation> for Error {
    fn from(violation: Violation) -> Self {
        Self::from_scim_type(violation.scim_type(), violation.to_string())
    }
}

impl From<PatchError> for Error {
    fn from(error: PatchError) -> Self {
        match error.scim_type() {
            Some(scim_type) => Self::from_scim_type(scim_type, error.to_string()),
            None => Self::too_large(error.to_string()),
        }
    }
}

impl From<ParseError> for Error {
    fn from(error: ParseError) -> Self {
        Self::from_scim_type(error.scim_type(), error.to_string())
    }
}

impl From<ResolveError> for Error {
    fn from(error: ResolveError) -> Self {
        Self::from_scim_type(error.scim_type(), error.to_string())
    }
}
