//! What a client is told when something goes wrong (RFC 7644 section 3.12).

use std::fmt;

use http::StatusCode;
use scim_filter::{ParseError, ResolveError};
use scim_patch::PatchError;
use scim_schema::{ScimType, Target, Violation};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::message_uri::ERROR;

/// The result of what can fail with an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure with a status, an optional `scimType` and a detail for the client; one word in size.
///
/// A provider makes one with the constructor that names the outcome. What caused it goes into the
/// [source](Self::with_source), which is for the host's logs and never reaches the client.
///
/// ```
/// use scim_core::Error;
///
/// let error = Error::uniqueness("userName");
/// assert_eq!(error.status(), 409);
/// assert_eq!(error.scim_type().map(|t| t.as_str()), Some("uniqueness"));
/// assert_eq!(error.detail(), "`userName` is in use");
/// ```
pub struct Error(Box<ErrorInner>);

struct ErrorInner {
    status: StatusCode,
    scim_type: Option<ScimType>,
    detail: String,
    hint: Option<Hint>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// A response header that belongs to an error.
#[derive(Clone, Debug)]
pub(crate) enum Hint {
    /// The methods that the endpoint has.
    Allow(&'static str),
    /// Seconds after which a retry makes sense.
    RetryAfter(u32),
    /// The coding that a body may have.
    AcceptEncoding(&'static str),
    /// The member of a list that is refused.
    Member { list: String, id: String },
}

impl Error {
    /// An error with any status.
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
    pub fn of(scim_type: ScimType, detail: impl Into<String>) -> Self {
        let status = match scim_type {
            ScimType::Uniqueness => StatusCode::CONFLICT,
            ScimType::Sensitive => StatusCode::FORBIDDEN,
            _ => StatusCode::BAD_REQUEST,
        };
        let mut error = Self::new(status, detail);
        error.0.scim_type = Some(scim_type);
        error
    }

    /// There is no resource with this id.
    pub fn not_found(id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("resource `{}` not found", shortened(id)))
    }

    /// A value of this attribute is taken by another resource (RFC 7644 section 3.3).
    pub fn uniqueness(attribute: &str) -> Self {
        Self::of(ScimType::Uniqueness, format!("`{attribute}` is in use"))
    }

    /// A value that the store cannot accept.
    pub fn invalid_value(attribute: &str, reason: &str) -> Self {
        Self::of(ScimType::InvalidValue, format!("`{attribute}`: {reason}"))
    }

    /// A member of a list that the store cannot accept, by its id: one that does not exist, or a group
    /// that would be in itself. The detail of a PATCH then tells which operation adds it.
    ///
    /// ```
    /// use scim_core::Error;
    ///
    /// let error = Error::invalid_member("members", "42", "there is no resource `42`");
    /// assert_eq!(error.to_string(), "400 invalidValue: `members`: there is no resource `42`");
    /// ```
    pub fn invalid_member(list: &str, id: &str, reason: &str) -> Self {
        let mut error = Self::invalid_value(list, reason);
        error.0.hint = Some(Hint::Member { list: list.to_owned(), id: id.to_owned() });
        error
    }

    /// The same error, of one operation of a PATCH.
    pub(crate) fn in_operation(mut self, index: usize) -> Self {
        self.0.detail = format!("operation {index}: {}", self.0.detail);
        self
    }

    /// A body in a coding, or of a media type, that the service does not read (status 415).
    pub(crate) fn unsupported_media_type(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    /// A body in a content coding; the service reads none (RFC 9110 section 15.5.16).
    pub(crate) fn encoded() -> Self {
        let detail = "the body must not be compressed; send it without a Content-Encoding";
        let mut error = Self::unsupported_media_type(detail);
        error.0.hint = Some(Hint::AcceptEncoding("identity"));
        error
    }

    /// A message that is malformed.
    pub fn invalid_syntax(detail: impl Into<String>) -> Self {
        Self::of(ScimType::InvalidSyntax, detail)
    }

    /// A filter that the store cannot evaluate.
    pub fn invalid_filter(detail: impl Into<String>) -> Self {
        Self::of(ScimType::InvalidFilter, detail)
    }

    /// More results than the store is willing to compute.
    pub fn too_many(detail: impl Into<String>) -> Self {
        Self::of(ScimType::TooMany, detail)
    }

    /// The resource is not in the version that the client expects (RFC 7644 section 3.14).
    pub fn precondition_failed() -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "the resource has changed; read it again")
    }

    /// The caller may not do this.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    pub(crate) fn not_writable(target: &Target) -> Self {
        Self::forbidden(format!("`{target}` cannot be written by the caller"))
    }

    /// The caller may not see what a filter, a sort or a PATCH by this attribute would reveal.
    pub(crate) fn sensitive(target: &Target) -> Self {
        Self::of(ScimType::Sensitive, format!("`{target}` cannot be searched, selected or sorted by"))
    }

    /// Nobody is identified.
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "authentication is required")
    }

    /// The service does not do this (status 501).
    pub fn not_implemented(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, detail)
    }

    /// The request is larger than the service accepts (status 413).
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    /// The caller asks too often; it may go on after so many seconds. For a policy that counts.
    pub fn too_many_requests(retry_after: u32) -> Self {
        let mut error = Self::new(StatusCode::TOO_MANY_REQUESTS, "too many requests; try again later");
        error.0.hint = Some(Hint::RetryAfter(retry_after));
        error
    }

    /// The store cannot answer now; a retry may succeed after so many seconds.
    pub fn unavailable(retry_after: u32) -> Self {
        let mut error = Self::new(StatusCode::SERVICE_UNAVAILABLE, "the store is not available; try again");
        error.0.hint = Some(Hint::RetryAfter(retry_after));
        error
    }

    /// Something broke. The client gets status 500 and no more; the source is for the log.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error").with_source(source)
    }

    /// More work than one request may ask for.
    pub(crate) fn too_much_work() -> Self {
        Self::too_large(scim_filter::Exhausted.to_string())
    }

    pub(crate) fn method_not_allowed(allow: &'static str) -> Self {
        let mut error = Self::new(StatusCode::METHOD_NOT_ALLOWED, format!("the endpoint answers {allow}"));
        error.0.hint = Some(Hint::Allow(allow));
        error
    }

    /// Keeps what caused it, for the host's log.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The keyword of RFC 7644 table 9, if one fits.
    pub fn scim_type(&self) -> Option<ScimType> {
        self.0.scim_type
    }

    /// What the client is told.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    pub(crate) fn hint(&self) -> Option<&Hint> {
        self.0.hint.as_ref()
    }
}

/// What a client sent, for an error to name it: without control characters, and not all of it if it is long.
pub(crate) fn shortened(text: &str) -> String {
    const SHOWN: usize = 120;
    let end = text.char_indices().nth(SHOWN).map(|(at, _)| at);
    let short = end.and_then(|end| text.get(..end)).unwrap_or(text).escape_debug();
    format!("{short}{}", if end.is_some() { "…" } else { "" })
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
        Self::of(violation.scim_type(), violation.to_string())
    }
}

impl From<PatchError> for Error {
    fn from(error: PatchError) -> Self {
        match error.scim_type() {
            Some(scim_type) => Self::of(scim_type, error.to_string()),
            None => Self::too_large(error.to_string()),
        }
    }
}

impl From<ParseError> for Error {
    fn from(error: ParseError) -> Self {
        Self::of(error.scim_type(), error.to_string())
    }
}

impl From<ResolveError> for Error {
    fn from(error: ResolveError) -> Self {
        Self::of(error.scim_type(), error.to_string())
    }
}
