//! Whether a caller may read and write: the coarse rights of its token.

use std::collections::BTreeSet;

/// What the token of a caller is good for: the scopes `read` and `write`, and any others for the host's own
/// [`Policy`](crate::Policy).
///
/// The service checks the scopes of an [`Identity`](crate::Identity) before it calls the policy:
///
/// | scope | without it, the caller gets 403 for |
/// |---|---|
/// | `read` | GET, HEAD and POST `/.search` |
/// | `write` | POST, PUT, PATCH and DELETE, through `/Me` and in a bulk request too |
///
/// A bulk request itself is answered with 200, and each of its operations has the status 403. The discovery endpoints
/// need no scope.
///
/// A caller that may write but not read sees nothing that it did not send: the response to a change shows only
/// attributes that are always returned, such as `id`. A PATCH that selects elements by their values, as in
/// `emails[type eq "work"]`, is refused with 403 `sensitive`, since its status would tell whether there is such an
/// element. The version (`ETag`) does tell whether a change changed something.
///
/// ```
/// use scim_core::Scopes;
///
/// assert!(Scopes::read_only().may_read() && !Scopes::read_only().may_write());
///
/// // RFC 6749 section 3.3: a list of names with spaces between them, which differ by case.
/// let scopes = Scopes::new("read write billing".split(' '));
/// assert!(scopes.may_read() && scopes.may_write() && scopes.contains("billing"));
/// assert!(!Scopes::new(["Write"]).may_write());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scopes(BTreeSet<String>);

impl Scopes {
    /// The scopes with these names. Names are compared exactly; `read` and `write` mean something to the service. A
    /// caller with other names only may read the discovery documents.
    pub fn new<T: Into<String>>(names: impl IntoIterator<Item = T>) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }

    /// The scope `read` alone.
    pub fn read_only() -> Self {
        Self::new(["read"])
    }

    /// Whether the caller may see resources: the scope `read`.
    pub fn may_read(&self) -> bool {
        self.contains("read")
    }

    /// Whether the caller may create, change and delete resources: the scope `write`.
    pub fn may_write(&self) -> bool {
        self.contains("write")
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether the scope with this name is among them. For a policy that knows scopes of its own.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}
