//! The context of a provider call.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use http::Extensions;
use scim_filter::Budget;
use scim_schema::{AttributeRef, ResourceType};
use serde_json::Value;

use crate::adoption::{Adopted, Adoptions};
use crate::noted_quirks::NotedQuirks;
use crate::{ChangedMembers, ETag, Error, Identity, Permit, Result, Secrets};

/// What a provider call is about, besides its arguments: the resource type, who asks, and the limits of the request.
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
    pub(crate) budget: Arc<Budget>,
    pub(crate) noted: NotedQuirks,
    pub(crate) defaults: &'a [AttributeRef],
    pub(crate) adoptions: Adoptions,
    pub(crate) adopted: Mutex<Option<Adopted>>,
}

impl<'a> Context<'a> {
    /// Builds a context, to call a provider without a service: from its tests, or from the application itself.
    pub fn builder(resource_type: &ResourceType) -> ContextBuilder {
        let owned = OwnedContext {
            resource_type: resource_type.clone(),
            base_url: "https://scim.example.com/v2".to_owned(),
            secrets: Secrets::default(),
            permit: Permit::all(),
            extensions: Extensions::new(),
            now: DateTime::UNIX_EPOCH,
            unique_types: false,
            budget: Arc::default(),
            noted: NotedQuirks::default(),
            defaults: Vec::new(),
            adoptions: Adoptions::Unchecked,
        };
        ContextBuilder { owned, now: None, max_work: Budget::DEFAULT }
    }

    /// The resource type of the call.
    pub fn resource_type(&self) -> &'a ResourceType {
        self.resource_type
    }

    /// The base URL that clients see, without a slash at its end.
    pub fn base_url(&self) -> &'a str {
        self.base_url
    }

    /// Who makes the request; `None` only if the host allows anonymous requests.
    pub fn identity(&self) -> Option<&'a Identity> {
        self.identity
    }

    /// The tenant of the request. The call reads and writes resources of this tenant only.
    pub fn tenant(&self) -> Option<&'a str> {
        self.identity?.tenant.as_deref()
    }

    /// The `writeOnly` values of the request, such as a password. They are not in the resource.
    pub fn secrets(&self) -> &'a Secrets {
        self.secrets
    }

    /// Whether the caller may read an attribute. The service does not show other attributes, and
    /// [`Update::apply`](crate::Update::apply) keeps their values when a replacement leaves them out.
    pub fn may_read(&self, target: &AttributeRef) -> bool {
        self.permit.may_read(target)
    }

    /// Whether the caller may write an attribute. The service and [`Update::apply`](crate::Update::apply) check
    /// it.
    pub fn may_write(&self, target: &AttributeRef) -> bool {
        self.permit.may_write(target)
    }

    /// The time of the request; it is the same throughout the operation.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// The work that the request may still cause. All operations of a bulk request share it;
    /// [`Query::page`](crate::Query::page) and [`Update::apply`](crate::Update::apply) take from it.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Whether a resource to create has the value of this attribute only because it is the default of the schema, and not
    /// because the client has sent it.
    pub fn is_default(&self, target: &AttributeRef) -> bool {
        self.defaults.contains(target)
    }

    /// Whether the client may adopt the resource with this id, instead of creating a new one: it changes the resource,
    /// so the [policy](crate::Policy) is asked about a PATCH of it. False for resources that the same bulk request has
    /// created, through `/Me`, and if the policy says 404.
    ///
    /// # Errors
    ///
    /// The error of the policy, and 403 if the request writes an attribute that the caller may not write in this resource.
    pub fn check_adoption(&self, id: &str) -> Result<bool> {
        match &self.adoptions {
            Adoptions::Unchecked => Ok(true),
            Adoptions::Forbidden => Ok(false),
            Adoptions::Checked(check) => check(self.resource_type, self.extensions, id),
        }
    }

    /// Tells the service that `create` returns a resource that existed before, and that the client has adopted: its version
    /// before that, and the members that it has got and lost. Call it when this is certain, at the end. The service then
    /// tells the [`Monitor`](crate::Monitor), and does not delete the resource when a bulk request has to undo what it has
    /// created.
    pub fn mark_adopted(&self, before: ETag, members: ChangedMembers) {
        *self.adopted.lock().unwrap_or_else(PoisonError::into_inner) = Some(Adopted { before, members });
    }

    pub(crate) fn take_adopted(&self) -> Option<Adopted> {
        self.adopted.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// An owned copy, for a provider that does the work of the call in another thread. It shares the budget, and what is
    /// tolerated.
    pub fn to_owned(&self) -> OwnedContext {
        OwnedContext {
            resource_type: self.resource_type.clone(),
            base_url: self.base_url.to_owned(),
            secrets: self.secrets.clone(),
            permit: self.permit.clone(),
            extensions: self.extensions.clone(),
            now: self.now,
            unique_types: self.unique_types,
            budget: self.budget.clone(),
            noted: self.noted.clone(),
            defaults: self.defaults.to_vec(),
            adoptions: self.adoptions.clone(),
        }
    }

    /// A value that the host's middleware put into the request's extensions, by its type.
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&'a T> {
        self.extensions.get()
    }

    /// A value that the host's middleware must have put into the request's extensions, by its type.
    ///
    /// # Errors
    ///
    /// 500 if the value is missing: a forgotten middleware must not mean less protection.
    pub fn require_extension<T: Send + Sync + 'static>(&self) -> Result<&'a T> {
        self.extension().ok_or_else(|| {
            Error::internal(format!("the request's extensions lack a {}", std::any::type_name::<T>()))
        })
    }
}

/// An owned copy of a [`Context`], which can move to another thread; see [`Context::to_owned`]. Its secrets are overwritten
/// in memory when it is dropped.
#[derive(Debug)]
pub struct OwnedContext {
    resource_type: ResourceType,
    base_url: String,
    secrets: Secrets,
    permit: Permit,
    extensions: Extensions,
    now: DateTime<Utc>,
    unique_types: bool,
    budget: Arc<Budget>,
    noted: NotedQuirks,
    defaults: Vec<AttributeRef>,
    adoptions: Adoptions,
}

impl OwnedContext {
    /// The context. [`Context::mark_adopted`] has no effect on the one that was copied.
    pub fn context(&self) -> Context<'_> {
        Context {
            resource_type: &self.resource_type,
            base_url: &self.base_url,
            identity: self.extensions.get(),
            secrets: &self.secrets,
            permit: &self.permit,
            extensions: &self.extensions,
            now: self.now,
            unique_types: self.unique_types,
            budget: self.budget.clone(),
            noted: self.noted.clone(),
            defaults: &self.defaults,
            adoptions: self.adoptions.clone(),
            adopted: Mutex::default(),
        }
    }
}

/// Builds a [`Context`]. It owns what the context borrows.
///
/// By default the caller is anonymous, has no tenant, may read and write everything, and sends no secrets.
///
/// ```
/// use scim_core::schema::{Projection, standard};
/// use scim_core::{
///     Context, Identity, MemoryProvider, Precondition, Provider, Resource, Update, UpdateOptions,
/// };
/// use serde_json::json;
///
/// # pollster::block_on(async {
/// let store = MemoryProvider::new();
/// let users = standard::user_type();
/// let request = Context::builder(&users).identity(Identity::new("tests").in_tenant("contoso"));
/// let cx = request.context();
///
/// let bea = Resource::try_from(json!({ "userName": "bea" }))?;
/// let bea = store.create(&cx, bea).await?;
///
/// let bee = Update::Replace(Resource::try_from(json!({ "userName": "bee" }))?);
/// let options = UpdateOptions::new()
///     .precondition(Precondition::if_match(bea.version().unwrap()))
///     .returning(Projection::new(&users));
/// let updated = store.update(&cx, bea.id(), &bee, &options).await?;
/// assert_eq!(updated.resource.unwrap().text("userName"), Some("bee"));
/// # Ok::<(), scim_core::Error>(())
/// # }).unwrap();
/// ```
///
/// The service checks what it passes to a provider. A caller without a service does that itself:
/// [`ResourceType::normalize`] and [`ResourceType::validate`] for a resource,
/// [`PatchRequest::resolve`](scim_patch::PatchRequest::resolve) for a PATCH.
#[derive(Debug)]
#[must_use]
pub struct ContextBuilder {
    /// The context, but the time and the budget.
    owned: OwnedContext,
    now: Option<DateTime<Utc>>,
    max_work: u64,
}

impl ContextBuilder {
    /// A context. Each has a budget of its own.
    pub fn context(&self) -> Context<'_> {
        let now = self.now.unwrap_or_else(Utc::now);
        Context { now, budget: Arc::new(Budget::new(self.max_work)), ..self.owned.context() }
    }

    /// Sets who makes the request, and in which tenant.
    pub fn identity(self, identity: Identity) -> Self {
        self.extension(identity)
    }

    /// Sets the base URL that clients see, without a slash at its end.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.owned.base_url = url.into();
        self
    }

    /// Sets the time of the request; by default, the time at which the context is made.
    pub fn now(mut self, now: DateTime<Utc>) -> Self {
        self.now = Some(now);
        self
    }

    /// Sets what the caller may read and write.
    pub fn permit(mut self, permit: Permit) -> Self {
        self.owned.permit = permit;
        self
    }

    /// Gives a `writeOnly` attribute, by its canonical path (`password`), a new value.
    pub fn secret(mut self, path: impl Into<String>, value: impl Into<String>) -> Self {
        self.owned.secrets.push(path, Some(Value::String(value.into())));
        self
    }

    /// Removes the value of a `writeOnly` attribute.
    pub fn cleared_secret(mut self, path: impl Into<String>) -> Self {
        self.owned.secrets.push(path, None);
        self
    }

    /// Adds a value that the host's middleware would put into the request's extensions.
    pub fn extension<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.owned.extensions.insert(value);
        self
    }

    /// Sets the work that the call may cause, in visits, like
    /// [`ScimServiceBuilder::max_work`](crate::ScimServiceBuilder::max_work).
    pub fn max_work(mut self, visits: u64) -> Self {
        self.max_work = visits;
        self
    }

    /// Refuses two elements of one `type` in a list, like
    /// [`ScimServiceBuilder::unique_types`](crate::ScimServiceBuilder::unique_types).
    pub fn unique_types(mut self) -> Self {
        self.owned.unique_types = true;
        self
    }
}

#[cfg(test)]
mod tests {
    use scim_schema::{Projection, standard};
    use serde_json::json;

    use super::*;
    use crate::{MemoryProvider, Provider, Query, Resource, Update, UpdateOptions};

    #[test]
    fn a_context_says_what_its_builder_was_told() {
        let users = standard::user_type();
        let plain = Context::builder(&users);
        let cx = plain.context();
        assert_eq!((cx.resource_type().name(), cx.base_url()), ("User", "https://scim.example.com/v2"));
        assert!(cx.identity().is_none() && cx.tenant().is_none() && cx.secrets().is_empty());
        assert!(Utc::now() - cx.now() < chrono::TimeDelta::minutes(1));
        assert!(cx.require_extension::<u8>().is_err());

        let time: DateTime<Utc> = "2026-01-02T03:04:05Z".parse().unwrap();
        let told = Context::builder(&users)
            .identity(Identity::new("tests").in_tenant("contoso"))
            .base_url("https://contoso.example.com")
            .now(time)
            .permit(Permit::hiding(["emails"]).protecting(["roles"]))
            .extension(7_u8)
            .secret("password", "correct horse")
            .cleared_secret("pin");
        let cx = told.context();
        let [emails, roles] = ["emails", "roles"].map(|name| users.attribute(name).unwrap());
        assert_eq!(
            (cx.tenant(), cx.base_url(), cx.now()),
            (Some("contoso"), "https://contoso.example.com", time)
        );
        assert_eq!(cx.identity(), cx.extension());
        assert!(!cx.may_read(emails) && cx.may_write(emails) && cx.may_read(roles) && !cx.may_write(roles));
        assert_eq!(cx.require_extension::<u8>().unwrap(), &7);
        assert_eq!(cx.secrets().get("password"), Some("correct horse"));
        assert!(cx.secrets().is_cleared("pin") && !cx.secrets().is_cleared("password"));
        assert!(!format!("{told:?}").contains("horse"));
    }

    #[test]
    fn a_provider_can_be_called_without_a_service() {
        let users = standard::user_type();
        let store = MemoryProvider::new().hash_passwords(|password| password.len().to_string());
        let resource = |json| Resource::try_from(json).unwrap();
        pollster::block_on(async {
            let request = Context::builder(&users).identity(Identity::new("tests").in_tenant("contoso"));
            let secret = request.secret("password", "correct horse");
            let bea = store.create(&secret.context(), resource(json!({ "userName": "bea" }))).await.unwrap();
            assert_eq!(store.password_hash(Some("contoso"), bea.id()).as_deref(), Some("13"));

            // Two elements of one type, which a service may be told to refuse.
            let emails = json!([{ "value": "a@b", "type": "work" }, { "value": "c@d", "type": "work" }]);
            let twice = Update::Replace(resource(json!({ "userName": "bea", "emails": emails })));
            let options = UpdateOptions::new().returning(Projection::new(&users));
            let strict =
                Context::builder(&users).identity(Identity::new("tests").in_tenant("contoso")).unique_types();
            let refused = store.update(&strict.context(), bea.id(), &twice, &options).await.unwrap_err();
            assert_eq!(refused.status(), 400);
            let updated = store.update(&secret.context(), bea.id(), &twice, &options).await.unwrap();
            let page = store.query(&secret.context(), &Query::new(&users)).await.unwrap();
            assert_eq!((page.resources.first(), page.total), (updated.resource.as_ref(), Some(1)));
            let elsewhere = Context::builder(&users);
            let page = store.query(&elsewhere.context(), &Query::new(&users)).await.unwrap();
            assert_eq!(page.total, Some(0));
        });
    }
}
