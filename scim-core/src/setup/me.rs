//! `/Me`: the resource of whoever asks (RFC 7644 section 3.11).

use std::fmt;

use http::Extensions;

use crate::Identity;

type Resolve = dyn Fn(&Identity, &Extensions) -> Option<(String, String)> + Send + Sync;

/// How `/Me` is served. Without one it is answered with 501.
///
/// What a person could use to raise themselves (`userName`, `active`, `roles`, `entitlements`,
/// `groups`) cannot be written through it unless [`allow_writing`](Self::allow_writing) lists it.
///
/// ```
/// use scim_core::Me;
///
/// // The principal of the host's sessions is the user's id.
/// let me = Me::new(|identity, _| Some(("User".to_owned(), identity.principal.clone())));
/// ```
pub struct Me {
    resolve: Box<Resolve>,
    pub(crate) redirects: bool,
    pub(crate) creates: Option<String>,
    protected: Vec<String>,
}

impl Me {
    /// Serves the resource (its type's name, and its id) that belongs to an identity; 404 where
    /// there is none.
    pub fn new(
        resolve: impl Fn(&Identity, &Extensions) -> Option<(String, String)> + Send + Sync + 'static,
    ) -> Self {
        let protected = ["userName", "active", "roles", "entitlements", "groups"];
        Self {
            resolve: Box::new(resolve),
            redirects: false,
            creates: None,
            protected: protected.map(str::to_owned).to_vec(),
        }
    }

    /// Answers with 308 and the resource's own URL instead of the resource.
    #[must_use]
    pub fn redirect(mut self) -> Self {
        self.redirects = true;
        self
    }

    /// Lets POST create a resource of this type: self-registration.
    #[must_use]
    pub fn allow_creating(mut self, resource_type: impl Into<String>) -> Self {
        self.creates = Some(resource_type.into());
        self
    }

    /// Lets an attribute be written that is protected otherwise.
    #[must_use]
    pub fn allow_writing(mut self, attribute: &str) -> Self {
        self.protected.retain(|protected| !protected.eq_ignore_ascii_case(attribute));
        self
    }

    pub(crate) fn resolve(&self, identity: &Identity, extensions: &Extensions) -> Option<(String, String)> {
        (self.resolve)(identity, extensions)
    }

    /// What cannot be written through it.
    pub(crate) fn protected(&self) -> &[String] {
        &self.protected
    }
}

impl fmt::Debug for Me {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Me(protecting {})", self.protected.join(", "))
    }
}
