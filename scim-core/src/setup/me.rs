//! `/Me`: the resource of the caller (RFC 7644 section 3.11).

use std::fmt;

use http::Extensions;

use crate::Identity;

type Resolve = dyn Fn(&Identity, &Extensions) -> Option<(String, String)> + Send + Sync;

/// How a service serves `/Me`. A service without it answers requests to `/Me` with 501.
///
/// Attributes with which people could give themselves rights (`userName`, `active`, `roles`, `entitlements`,
/// `groups`) cannot be written through `/Me`, except those that [`allow_writing`](Self::allow_writing) names.
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
    /// Serves the resource that `resolve` finds for an identity: it returns the name of the resource type and the
    /// id, or `None` for 404.
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

    /// Answers requests with 308 and the URL of the resource, instead of executing them.
    #[must_use]
    pub fn redirect(mut self) -> Self {
        self.redirects = true;
        self
    }

    /// Allows POST to `/Me` to create a resource of this type: self-registration.
    #[must_use]
    pub fn allow_creating(mut self, resource_type: impl Into<String>) -> Self {
        self.creates = Some(resource_type.into());
        self
    }

    /// Allows writing an attribute that is protected otherwise.
    #[must_use]
    pub fn allow_writing(mut self, attribute: &str) -> Self {
        self.protected.retain(|protected| !protected.eq_ignore_ascii_case(attribute));
        self
    }

    pub(crate) fn resolve(&self, identity: &Identity, extensions: &Extensions) -> Option<(String, String)> {
        (self.resolve)(identity, extensions)
    }

    /// The attributes that cannot be written through `/Me`.
    pub(crate) fn protected(&self) -> &[String] {
        &self.protected
    }
}

impl fmt::Debug for Me {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Me(protecting {})", self.protected.join(", "))
    }
}
