//! The memory provider with something twisted about it.

use std::sync::Arc;

use scim_core::schema::{Projection, ResourceType};
use scim_core::{
    Capabilities, Context, Deleted, Error, MemoryProvider, Page, Precondition, Provider, Query, Resource,
    Result, Update, UpdateOptions, Updated, async_trait,
};

/// Where a resource is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum When {
    Created,
    Retrieved,
    Listed { filtered: bool },
    Updated { changed: bool },
}

type Stores = dyn Fn(&Context<'_>, &mut Resource, Option<&Update>) -> Result<()> + Send + Sync;
type Keeps = dyn Fn(&Context<'_>, &Resource, Option<&Update>) -> bool + Send + Sync;
type Shows = dyn Fn(&Context<'_>, &mut Resource, When, &Projection) + Send + Sync;

#[derive(Clone)]
pub(crate) struct Twisted {
    store: MemoryProvider,
    stores: Arc<Stores>,
    keeps: Arc<Keeps>,
    shows: Arc<Shows>,
}

impl Twisted {
    pub(crate) fn new() -> Self {
        Self {
            store: MemoryProvider::new(),
            stores: Arc::new(|_, _, _| Ok(())),
            keeps: Arc::new(|_, _, _| false),
            shows: Arc::new(|_, _, _, _| {}),
        }
    }

    /// Refuses or changes what is to be stored, of a creation or of a change.
    pub(crate) fn storing(
        mut self,
        stores: impl Fn(&Context<'_>, &mut Resource, Option<&Update>) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.stores = Arc::new(stores);
        self
    }

    /// Keeps members that do not exist.
    pub(crate) fn keeping_members(
        mut self,
        keeps: impl Fn(&Context<'_>, &Resource, Option<&Update>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.keeps = Arc::new(keeps);
        self
    }

    /// Changes what is shown of what is stored.
    pub(crate) fn showing(
        mut self,
        shows: impl Fn(&Context<'_>, &mut Resource, When, &Projection) + Send + Sync + 'static,
    ) -> Self {
        self.shows = Arc::new(shows);
        self
    }

    /// What it keeps everything in.
    pub(crate) fn store(&self) -> MemoryProvider {
        self.store.clone()
    }

    fn of(&self, cx: &Context<'_>, resource: &Resource, update: Option<&Update>) -> MemoryProvider {
        let store = self.store.clone();
        if (self.keeps)(cx, resource, update) { store.keep_unknown_members() } else { store }
    }

    fn show(&self, cx: &Context<'_>, mut resource: Resource, when: When, what: &Projection) -> Resource {
        (self.shows)(cx, &mut resource, when, what);
        resource
    }
}

#[async_trait]
impl Provider for Twisted {
    async fn query(&self, cx: &Context<'_>, query: &Query) -> Result<Page> {
        let mut page = self.store.query(cx, query).await?;
        let when = When::Listed { filtered: query.filter.is_some() };
        let all = page.resources.into_iter();
        page.resources = all.map(|resource| self.show(cx, resource, when, &query.projection)).collect();
        Ok(page)
    }

    async fn create(&self, cx: &Context<'_>, mut resource: Resource) -> Result<Resource> {
        (self.stores)(cx, &mut resource, None)?;
        let created = self.of(cx, &resource, None).create(cx, resource).await?;
        Ok(self.show(cx, created, When::Created, &Projection::new(cx.resource_type())))
    }

    async fn retrieve(
        &self,
        cx: &Context<'_>,
        id: &str,
        projection: &Projection,
    ) -> Result<Option<Resource>> {
        let found = self.store.retrieve(cx, id, projection).await?;
        Ok(found.map(|resource| self.show(cx, resource, When::Retrieved, projection)))
    }

    async fn update(
        &self,
        cx: &Context<'_>,
        id: &str,
        update: &Update,
        options: &UpdateOptions,
    ) -> Result<Updated> {
        let whole = Projection::new(cx.resource_type());
        let stored = self.store.retrieve(cx, id, &whole).await?.ok_or_else(|| Error::not_found(id))?;
        let mut updated = match update.apply(cx, stored) {
            // The store says what is wrong, in the right order.
            Err(_) => self.store.update(cx, id, update, options).await?,
            Ok(applied) => {
                let mut next = applied.resource.clone();
                (self.stores)(cx, &mut next, Some(update))?;
                let store = self.of(cx, &next, Some(update));
                if next == applied.resource {
                    store.update(cx, id, update, options).await?
                } else {
                    store.update(cx, id, &Update::Replace(next), options).await?
                }
            }
        };
        let when = When::Updated { changed: updated.before != updated.version };
        if let (Some(resource), Some(projection)) = (updated.resource.take(), &options.returning) {
            updated.resource = Some(self.show(cx, resource, when, projection));
        }
        Ok(updated)
    }

    async fn delete(&self, cx: &Context<'_>, id: &str, precondition: &Precondition) -> Result<Deleted> {
        self.store.delete(cx, id, precondition).await
    }

    fn capabilities(&self, on: &ResourceType) -> Capabilities {
        self.store.capabilities(on)
    }
}

/// The ids of a group's members.
pub(crate) fn members(resource: &Resource) -> impl Iterator<Item = &str> {
    let list = resource.get("members").and_then(|members| members.as_array());
    list.into_iter().flatten().filter_map(|member| member.get("value")?.as_str())
}

/// Whether a resource of this type is in the request's tenant.
pub(crate) fn exists(cx: &Context<'_>, store: &MemoryProvider, on: &ResourceType, id: &str) -> bool {
    let mut request = Context::builder(on);
    if let Some(identity) = cx.identity() {
        request = request.identity(identity.clone());
    }
    let (context, whole) = (request.context(), Projection::new(on));
    pollster::block_on(store.retrieve(&context, id, &whole)).unwrap().is_some()
}
