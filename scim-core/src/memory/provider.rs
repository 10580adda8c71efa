//! The provider itself: it finds the tenant of a request and locks the data no longer than a step takes.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use async_trait::async_trait;
use scim_schema::{Projection, ResourceType};

use super::query::{Scan, refuse};
use super::rules::Rules;
use super::tenant::Tenant;
use super::working_copy::drop_in_turns;
use super::{create, delete, retrieve, update};
use crate::{
    Capabilities, Context, Deleted, Error, Page, Precondition, Provider, Query, Resource, Result, Update,
    UpdateOptions, Updated,
};

/// A provider that keeps everything in memory: for tests, for trying things out, and as a reference.
///
/// It is indexed by id and by the attributes that must be unique, keeps tenants apart, and keeps
/// memberships in step: members must exist, a user's `groups` is filled, deleting a resource takes
/// it out of its groups and out of references such as a manager, and no group contains itself. One value serves all resource types; clones
/// share their contents.
///
/// Members are found and sorted by `value`, `type` and `$ref`; by their `display`, and by what else a type
/// says of members, they are not: 400 `invalidFilter`, or `invalidValue` for `sortBy`.
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

/// How often an update is applied to what was read, before it keeps others from changing that.
const ATTEMPTS: usize = 3;

impl MemoryProvider {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Also requires the values of an attribute to differ among the resources of a type; for groups
    /// named by Entra ID, `unique("Group", "displayName")`.
    #[must_use]
    pub fn unique(self, resource_type: &str, attribute: &str) -> Self {
        self.rule(|rules| rules.unique.push((resource_type.to_owned(), attribute.to_owned())))
    }

    /// Keeps members whose id is not that of a resource; without this they are refused.
    #[must_use]
    pub fn keep_unknown_members(self) -> Self {
        self.rule(|rules| rules.keep_unknown_members = true)
    }

    /// Keeps passwords as this function hashes them; without one they are dropped.
    #[must_use]
    pub fn hash_passwords(self, hash: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.rule(|rules| rules.hasher = Some(Arc::new(hash)))
    }

    fn rule(mut self, change: impl FnOnce(&mut Rules)) -> Self {
        change(Arc::make_mut(&mut self.rules));
        self
    }

    /// The hash of a resource's password, for an application that checks it.
    pub fn password_hash(&self, tenant: Option<&str>, id: &str) -> Option<String> {
        self.read().get(&tenant.map(str::to_owned))?.password_hash(id).map(str::to_owned)
    }

    /// Updates a resource while others use the store; `None` if one of them has changed it meanwhile.
    async fn try_update(
        &self,
        cx: &Context<'_>,
        id: &str,
        update: &Update,
        options: &UpdateOptions,
    ) -> Result<Option<Updated>> {
        let key = key(cx);
        let mut started = match self.read().get(&key) {
            Some(tenant) => update::start(tenant, cx, id, update, options)?,
            None => return Err(Error::not_found(id)),
        };
        while !started.copy.is_complete() {
            let copied = self.read().get(&key).and_then(|tenant| update::copy_more(tenant, &mut started));
            let Some(elements) = copied else { return Ok(None) };
            cx.budget().count_toward_yield(elements);
            cx.budget().yield_if_due().await;
        }
        let resource = std::mem::take(&mut started.copy.resource);
        let mut applied = started.update.apply_yielding(cx, resource).await?;
        let returning = options.returning.as_ref();
        let updated = match self.write().get_mut(&key) {
            Some(tenant) => update::finish(tenant, cx, &self.rules, &started, &mut applied, returning)?,
            None => return Err(Error::not_found(id)),
        };
        drop_in_turns(applied.resource, cx.budget()).await;
        Ok(updated)
    }

    /// Updates a resource while others wait.
    fn update_locked(
        &self,
        cx: &Context<'_>,
        id: &str,
        update: &Update,
        options: &UpdateOptions,
    ) -> Result<Updated> {
        let mut tenants = self.write();
        let tenant = tenants.get_mut(&key(cx)).ok_or_else(|| Error::not_found(id))?;
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

    // A panic while the lock was held is a bug of this module; the data is still the best there is.
    fn read(&self) -> RwLockReadGuard<'_, HashMap<Option<String>, Tenant>> {
        self.tenants.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<Option<String>, Tenant>> {
        self.tenants.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(cx: &Context<'_>) -> Option<String> {
    cx.tenant().map(str::to_owned)
}

#[async_trait]
impl Provider for MemoryProvider {
    async fn query(&self, cx: &Context<'_>, query: &Query) -> Result<Page> {
        refuse(cx.resource_type(), query)?;
        let mut scan = Scan::new(query);
        loop {
            let page = match self.read().get(&key(cx)) {
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
        create::create(self.write().entry(key(cx)).or_default(), cx, &self.rules, resource)
    }

    async fn retrieve(
        &self,
        cx: &Context<'_>,
        id: &str,
        projection: &Projection,
    ) -> Result<Option<Resource>> {
        let tenants = self.read();
        let tenant = tenants.get(&key(cx));
        Ok(tenant.and_then(|tenant| retrieve::retrieve(tenant, cx.resource_type(), id, projection)))
    }

    async fn update(
        &self,
        cx: &Context<'_>,
        id: &str,
        update: &Update,
        options: &UpdateOptions,
    ) -> Result<Updated> {
        for _ in 0..ATTEMPTS {
            if let Some(updated) = self.try_update(cx, id, update, options).await? {
                return Ok(updated);
            }
        }
        // Others keep changing the resource; they wait now.
        self.update_locked(cx, id, update, options)
    }

    async fn delete(&self, cx: &Context<'_>, id: &str, precondition: &Precondition) -> Result<Deleted> {
        let mut tenants = self.write();
        let tenant = tenants.get_mut(&key(cx)).ok_or_else(|| Error::not_found(id))?;
        delete::delete(tenant, cx, id, precondition)
    }

    fn capabilities(&self, _: &ResourceType) -> Capabilities {
        let capabilities = Capabilities::PAGE.with_memberships();
        if self.rules.hasher.is_some() { capabilities.with_change_password() } else { capabilities }
    }

    fn unique(&self, resource_type: &ResourceType) -> Vec<String> {
        let own = self.rules.unique.iter().filter(|(name, _)| name == resource_type.name());
        own.map(|(_, attribute)| attribute.clone()).collect()
    }
}

impl std::fmt::Debug for MemoryProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MemoryProvider")
    }
}
