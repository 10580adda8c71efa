//! The public type: it finds the tenant of a request, and locks the data for one short step at a time.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use async_trait::async_trait;
use scim_schema::{Projection, ResourceType};

use super::query::{Scan, refuse_unsearchable};
use super::rules::Rules;
use super::tenant::Tenant;
use super::working_copy::drop_yielding;
use super::{create, delete, retrieve, update};
use crate::{
    Capabilities, Context, Deleted, Error, Page, Precondition, Provider, Query, Resource, Result, Update,
    UpdateOptions, Updated,
};

/// A provider that keeps everything in memory: for tests, for experiments, and as a reference implementation.
///
/// It indexes resources by their id and by the attributes that must be unique, and separates tenants. It also
/// maintains memberships: members must exist, a user's `groups` lists its groups, and no group contains itself.
/// Deleting a resource removes it from its groups and from references such as `manager`. One value serves all
/// resource types; clones share their contents.
///
/// Queries can filter and sort by the `value`, `type` and `$ref` of members. They cannot use `display` or other
/// sub-attributes of members: those are refused with 400 `invalidFilter`, or `invalidValue` for `sortBy`.
///
/// ```
/// use scim_core::{MemoryProvider, ScimService};
///
/// let store = MemoryProvider::new().unique("Group", "displayName");
/// let service = ScimService::builder()
///     .base_url("https://example.com/scim/v2")
///     .users(store.clone())
///     .groups(store)
///     .build()?;
/// # Ok::<(), scim_core::BuildError>(())
/// ```
#[derive(Clone, Default)]
pub struct MemoryProvider {
    tenants: Arc<RwLock<HashMap<Option<String>, Tenant>>>,
    rules: Arc<Rules>,
}

/// How often an update is tried without holding the lock. After that it holds the lock, so that no other request
/// can change the resource in between.
const OPTIMISTIC_ATTEMPTS: usize = 3;

impl MemoryProvider {
    /// Creates an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Requires the values of an attribute to be unique among the resources of a type, in addition to those that
    /// the schema declares as unique. For groups from Entra ID, use `unique("Group", "displayName")`.
    #[must_use]
    pub fn unique(self, resource_type: &str, attribute: &str) -> Self {
        self.with_rules(|rules| rules.unique.push((resource_type.to_owned(), attribute.to_owned())))
    }

    /// Accepts members that do not exist. By default they are refused with 400 `invalidValue`.
    #[must_use]
    pub fn keep_unknown_members(self) -> Self {
        self.with_rules(|rules| rules.keep_unknown_members = true)
    }

    /// Stores passwords as hashes that this function computes. By default passwords are not stored at all.
    #[must_use]
    pub fn hash_passwords(self, hash: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.with_rules(|rules| rules.hasher = Some(Arc::new(hash)))
    }

    fn with_rules(mut self, change: impl FnOnce(&mut Rules)) -> Self {
        change(Arc::make_mut(&mut self.rules));
        self
    }

    /// Returns the hash of a resource's password, for an application that verifies passwords. `None` if the resource
    /// does not exist or has no password.
    pub fn password_hash(&self, tenant: Option<&str>, id: &str) -> Option<String> {
        self.read().get(&tenant.map(str::to_owned))?.password_hash(id).map(str::to_owned)
    }

    /// Updates a resource without holding the lock while the update is applied. Returns `None` if another request
    /// has changed the resource in the meantime; nothing is stored then.
    async fn try_update(
        &self,
        cx: &Context<'_>,
        id: &str,
        update: &Update,
        options: &UpdateOptions,
    ) -> Result<Option<Updated>> {
        let key = tenant_key(cx);
        let mut started = match self.read().get(&key) {
            Some(tenant) => update::start(tenant, cx, id, update, options)?,
            None => return Err(Error::not_found(id)),
        };
        while !started.copy.is_complete() {
            let copied = self.read().get(&key).and_then(|tenant| update::copy_more(tenant, &mut started));
            let Some(copied_elements) = copied else { return Ok(None) };
            cx.budget().count_toward_yield(copied_elements);
            cx.budget().yield_if_due().await;
        }
        let resource = std::mem::take(&mut started.copy.resource);
        let mut applied = started.update.apply_yielding(cx, resource).await?;
        let returning = options.returning.as_ref();
        let updated = match self.write().get_mut(&key) {
            Some(tenant) => update::finish(tenant, cx, &self.rules, &started, &mut applied, returning)?,
            None => return Err(Error::not_found(id)),
        };
        drop_yielding(applied.resource, cx.budget()).await;
        Ok(updated)
    }

    /// Updates a resource while holding the lock, so that all other requests wait.
    fn update_locked(
        &self,
        cx: &Context<'_>,
        id: &str,
        update: &Update,
        options: &UpdateOptions,
    ) -> Result<Updated> {
        let mut tenants = self.write();
        let tenant = tenants.get_mut(&tenant_key(cx)).ok_or_else(|| Error::not_found(id))?;
        let mut started = update::start(tenant, cx, id, update, options)?;
        while !started.copy.is_complete() {
            update::copy_more(tenant, &mut started).ok_or_else(|| Error::not_found(id))?;
        }
        let resource = std::mem::take(&mut started.copy.resource);
        let mut applied = started.update.apply(cx, resource)?;
        let returning = options.returning.as_ref();
        let updated = update::finish(tenant, cx, &self.rules, &started, &mut applied, returning)?;
        updated.ok_or_else(|| Error::not_found(id))
    }

    // A lock is poisoned only if this module panicked, which is a bug. The data that is there is still more useful
    // than a panic in every later request.
    fn read(&self) -> RwLockReadGuard<'_, HashMap<Option<String>, Tenant>> {
        self.tenants.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<Option<String>, Tenant>> {
        self.tenants.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tenant_key(cx: &Context<'_>) -> Option<String> {
    cx.tenant().map(str::to_owned)
}

#[async_trait]
impl Provider for MemoryProvider {
    async fn query(&self, cx: &Context<'_>, query: &Query) -> Result<Page> {
        refuse_unsearchable(cx.resource_type(), query)?;
        let mut scan = Scan::new(query);
        loop {
            let page = match self.read().get(&tenant_key(cx)) {
                Some(tenant) => scan.step(cx, tenant)?,
                None => Some(query.page(cx, [])?),
            };
            if let Some(page) = page {
                return Ok(page);
            }
            cx.budget().yield_if_due().await;
        }
    }

    async fn create(&self, cx: &Context<'_>, resource: Resource) -> Result<Resource> {
        create::create(self.write().entry(tenant_key(cx)).or_default(), cx, &self.rules, resource)
    }

    async fn retrieve(
        &self,
        cx: &Context<'_>,
        id: &str,
        projection: &Projection,
    ) -> Result<Option<Resource>> {
        let tenants = self.read();
        let tenant = tenants.get(&tenant_key(cx));
        Ok(tenant.and_then(|tenant| retrieve::retrieve(tenant, cx.resource_type(), id, projection)))
    }

    async fn update(
        &self,
        cx: &Context<'_>,
        id: &str,
        update: &Update,
        options: &UpdateOptions,
    ) -> Result<Updated> {
        for _ in 0..OPTIMISTIC_ATTEMPTS {
            if let Some(updated) = self.try_update(cx, id, update, options).await? {
                return Ok(updated);
            }
        }
        // Other requests have changed the resource each time; now they have to wait.
        self.update_locked(cx, id, update, options)
    }

    async fn delete(&self, cx: &Context<'_>, id: &str, precondition: &Precondition) -> Result<Deleted> {
        let mut tenants = self.write();
        let tenant = tenants.get_mut(&tenant_key(cx)).ok_or_else(|| Error::not_found(id))?;
        delete::delete(tenant, cx, id, precondition)
    }

    fn capabilities(&self, _: &ResourceType) -> Capabilities {
        let capabilities = Capabilities::QUERY.with_memberships();
        if self.rules.hasher.is_some() { capabilities.with_change_password() } else { capabilities }
    }

    fn unique(&self, resource_type: &ResourceType) -> Vec<String> {
        let of_type = self.rules.unique.iter().filter(|(name, _)| name == resource_type.name());
        of_type.map(|(_, attribute)| attribute.clone()).collect()
    }
}

impl std::fmt::Debug for MemoryProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MemoryProvider")
    }
}
