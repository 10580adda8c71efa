//! The memory provider, with functions that alter the resources that it stores or returns.

use std::sync::Arc;

use scim_core::schema::{Projection, ResourceType};
use scim_core::{
    Capabilities, Context, Deleted, Error, MemoryProvider, Page, Precondition, Provider, Query, Resource,
    Result, Update, UpdateOptions, Updated, async_trait,
};

/// The method that returns a resource.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ReturnedBy {
    Create,
    Retrieve,
    Query { filtered: bool },
    Update { changed: bool },
}

type AlterStored = dyn Fn(&Context<'_>, &mut Resource, Option<&Update>) -> Result<()> + Send + Sync;
type KeepsUnknownMembers = dyn Fn(&Context<'_>, &Resource, Option<&Update>) -> bool + Send + Sync;
type AlterReturned = dyn Fn(&Context<'_>, &mut Resource, ReturnedBy, &Projection) + Send + Sync;

#[derive(Clone)]
pub(crate) struct AlteredProvider {
    store: MemoryProvider,
    alter_stored: Arc<AlterStored>,
    keeps_unknown_members: Arc<KeepsUnknownMembers>,
    alter_returned: Arc<AlterReturned>,
}

impl AlteredProvider {
    pub(crate) fn new() -> Self {
        Self {
            store: MemoryProvider::new(),
            alter_stored: Arc::new(|_, _, _| Ok(())),
            keeps_unknown_members: Arc::new(|_, _, _| false),
            alter_returned: Arc::new(|_, _, _, _| {}),
        }
    }

    /// Sets a function that can refuse or change a resource before it is stored. `None` instead of an update is a creation.
    pub(crate) fn alter_stored(
        mut self,
        alter: impl Fn(&Context<'_>, &mut Resource, Option<&Update>) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.alter_stored = Arc::new(alter);
        self
    }

    /// Sets a condition under which unknown members are accepted.
    pub(crate) fn keep_unknown_members_if(
        mut self,
        keeps: impl Fn(&Context<'_>, &Resource, Option<&Update>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.keeps_unknown_members = Arc::new(keeps);
        self
    }

    /// Sets a function that changes resources before they are returned.
    pub(crate) fn alter_returned(
        mut self,
        alter: impl Fn(&Context<'_>, &mut Resource, ReturnedBy, &Projection) + Send + Sync + 'static,
    ) -> Self {
        self.alter_returned = Arc::new(alter);
        self
    }

    /// The memory provider that stores the resources.
    pub(crate) fn store(&self) -> MemoryProvider {
        self.store.clone()
    }

    /// The memory provider, set to accept unknown members if the condition holds for this request.
    fn store_for(&self, cx: &Context<'_>, resource: &Resource, update: Option<&Update>) -> MemoryProvider {
        let store = self.store.clone();
        if (self.keeps_unknown_members)(cx, resource, update) { store.keep_unknown_members() } else { store }
    }

    fn returned(
        &self,
        cx: &Context<'_>,
        mut resource: Resource,
        returned_by: ReturnedBy,
        projection: &Projection,
    ) -> Resource {
        (self.alter_returned)(cx, &mut resource, returned_by, projection);
        resource
    }
}

#[async_trait]
impl Provider for AlteredProvider {
    async fn query(&self, cx: &Context<'_>, query: &Query) -> Result<Page> {
        let mut page = self.store.query(cx, query).await?;
        let returned_by = ReturnedBy::Query { filtered: query.filter.is_some() };
        let all = page.resources.into_iter();
        page.resources =
            all.map(|resource| self.returned(cx, resource, returned_by, &query.projection)).collect();
        Ok(page)
    }

    async fn create(&self, cx: &Context<'_>, mut resource: Resource) -> Result<Resource> {
        (self.alter_stored)(cx, &mut resource, None)?;
        let created = self.store_for(cx, &resource, None).create(cx, resource).await?;
        Ok(self.returned(cx, created, ReturnedBy::Create, &Projection::new(cx.resource_type())))
    }

    async fn retrieve(
        &self,
        cx: &Context<'_>,
        id: &str,
        projection: &Projection,
    ) -> Result<Option<Resource>> {
        let found = self.store.retrieve(cx, id, projection).await?;
        Ok(found.map(|resource| self.returned(cx, resource, ReturnedBy::Retrieve, projection)))
    }

    async fn update(
        &self,
        cx: &Context<'_>,
        id: &str,
        update: &Update,
        options: &UpdateOptions,
    ) -> Result<Updated> {
        let all = Projection::new(cx.resource_type());
        let stored = self.store.retrieve(cx, id, &all).await?.ok_or_else(|| Error::not_found(id))?;
        let mut updated = match update.apply(cx, stored) {
            // The memory provider refuses the update too, with the right error.
            Err(_) => self.store.update(cx, id, update, options).await?,
            Ok(applied) => {
                let mut altered = applied.resource.clone();
                (self.alter_stored)(cx, &mut altered, Some(update))?;
                let store = self.store_for(cx, &altered, Some(update));
                if altered == applied.resource {
                    store.update(cx, id, update, options).await?
                } else {
                    store.update(cx, id, &Update::Replace(altered), options).await?
                }
            }
        };
        let returned_by = ReturnedBy::Update { changed: updated.before != updated.version };
        if let (Some(resource), Some(projection)) = (updated.resource.take(), &options.returning) {
            updated.resource = Some(self.returned(cx, resource, returned_by, projection));
        }
        Ok(updated)
    }

    async fn delete(&self, cx: &Context<'_>, id: &str, precondition: &Precondition) -> Result<Deleted> {
        self.store.delete(cx, id, precondition).await
    }

    fn capabilities(&self, resource_type: &ResourceType) -> Capabilities {
        self.store.capabilities(resource_type)
    }
}

/// The ids of a group's members.
pub(crate) fn members(resource: &Resource) -> impl Iterator<Item = &str> {
    let list = resource.get("members").and_then(|members| members.as_array());
    list.into_iter().flatten().filter_map(|member| member.get("value")?.as_str())
}

/// Whether a resource of this type exists in the tenant of the request.
pub(crate) fn exists(
    cx: &Context<'_>,
    store: &MemoryProvider,
    resource_type: &ResourceType,
    id: &str,
) -> bool {
    let mut request = Context::builder(resource_type);
    if let Some(identity) = cx.identity() {
        request = request.identity(identity.clone());
    }
    let (context, all) = (request.context(), Projection::new(resource_type));
    pollster::block_on(store.retrieve(&context, id, &all)).unwrap().is_some()
}
