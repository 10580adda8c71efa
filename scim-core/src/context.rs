//! What a provider is told about the request.

use std::fmt;

use chrono::{DateTime, Utc};
use http::Extensions;
use scim_filter::Budget;
use scim_schema::{ResourceType, Target};
use serde_json::Value;
use zeroize::Zeroize;

use crate::{Error, Permit, Result};

/// Who makes a request: put into the request's extensions by the host's authentication.
///
/// Without one every request is answered with 401, so that a forgotten layer does not open the door.
///
/// ```
/// let mut request = http::Request::get("/Users").body(Vec::<u8>::new()).unwrap();
/// request.extensions_mut().insert(scim_core::Identity::new("entra").in_tenant("contoso"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Identity {
    /// The client that is identified.
    pub principal: String,
    /// The tenant that it works in.
    pub tenant: Option<String>,
}

impl Identity {
    /// An identity without a tenant.
    pub fn new(principal: impl Into<String>) -> Self {
        Self { principal: principal.into(), tenant: None }
    }

    /// The same identity in a tenant.
    #[must_use]
    pub fn in_tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }
}

/// The base URL of one request, for hosts that serve several (tenants by path or by name).
///
/// Put into the request's extensions it takes the place of the service's own. It must be absolute
/// and without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(pub String);

/// What a provider is told about the request besides its arguments.
#[derive(Debug)]
pub struct Context<'a> {
    pub(crate) resource_type: &'a ResourceType,
    pub(crate) base_url: &'a str,
    pub(crate) identity: Option<&'a Identity>,
    pub(crate) secrets: &'a Secrets,
    pub(crate) permit: &'a Permit,
    pub(crate) extensions: &'a Extensions,
    pub(crate) now: DateTime<Utc>,
    pub(crate) unique_types: bool,
    pub(crate) budget: &'a Budget,
}

impl<'a> Context<'a> {
    /// The resource type that the request is for.
    pub fn resource_type(&self) -> &'a ResourceType {
        self.resource_type
    }

    /// The base URL that clients see, without a slash at its end.
    pub fn base_url(&self) -> &'a str {
        self.base_url
    }

    /// Who makes the request; `None` only where the host allows anonymous requests.
    pub fn identity(&self) -> Option<&'a Identity> {
        self.identity
    }

    /// The tenant of the request. Every read and write is within it.
    pub fn tenant(&self) -> Option<&'a str> {
        self.identity?.tenant.as_deref()
    }

    /// The `writeOnly` values of the request, such as the password. They are not in the resource.
    pub fn secrets(&self) -> &'a Secrets {
        self.secrets
    }

    /// Whether the caller may read an attribute. What it may not read is neither shown nor cleared
    /// by a replacement that leaves it out; the service and [`Update::apply`](crate::Update::apply)
    /// see to that.
    pub fn may_read(&self, target: &Target) -> bool {
        self.permit.may_read(target)
    }

    /// Whether the caller may write an attribute. The service and
    /// [`Update::apply`](crate::Update::apply) see to that too.
    pub fn may_write(&self, target: &Target) -> bool {
        self.permit.may_write(target)
    }

    /// The time of the request, the same in every step of it.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// The work that the request may still ask for; shared by all operations of a bulk request.
    /// [`Query::page`](crate::Query::page) and [`Update::apply`](crate::Update::apply) take from it.
    pub fn budget(&self) -> &'a Budget {
        self.budget
    }

    /// What the host's middleware put into the request, by type.
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&'a T> {
        self.extensions.get()
    }

    /// What the host's middleware must have put into the request.
    ///
    /// # Errors
    ///
    /// 500 if it did not: a forgotten layer must not mean less protection.
    pub fn require<T: Send + Sync + 'static>(&self) -> Result<&'a T> {
        self.extension().ok_or_else(|| {
            Error::internal(format!("the request's extensions lack a {}", std::any::type_name::<T>()))
        })
    }
}

/// The `writeOnly` values of a request, wiped when it is over.
#[derive(Default)]
pub struct Secrets(Vec<(String, Option<Value>)>);

impl Secrets {
    /// The new value of a `writeOnly` attribute, by its canonical path (`password`).
    pub fn get(&self, path: &str) -> Option<&str> {
        self.0.iter().rev().find(|(name, _)| name == path)?.1.as_ref()?.as_str()
    }

    /// Whether the request removes the value of a `writeOnly` attribute.
    pub fn is_cleared(&self, path: &str) -> bool {
        self.0.iter().rev().find(|(name, _)| name == path).is_some_and(|(_, value)| value.is_none())
    }

    /// Whether the request has none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn push(&mut self, path: impl Into<String>, value: Option<Value>) {
        self.0.push((path.into(), value));
    }
}

impl Drop for Secrets {
    fn drop(&mut self) {
        fn wipe(value: &mut Value) {
            match value {
                Value::String(text) => text.zeroize(),
                Value::Array(list) => list.iter_mut().for_each(wipe),
                Value::Object(object) => object.values_mut().for_each(wipe),
                _ => {}
            }
        }
        self.0.iter_mut().filter_map(|(_, value)| value.as_mut()).for_each(wipe);
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(path, _)| path)).finish()
    }
}
