//! A provider that passes all calls to another one, except for the methods that a test overrides.

use scim_core::schema::{Projection, ResourceType};
use scim_core::{
    Capabilities, Context, Deleted, Page, Precondition, Provider, Query, Resource, Result, Update,
    UpdateOptions, Updated, async_trait,
};

/// The methods of [`Provider`]. By default each calls the inner provider.
#[async_trait]
pub(crate) trait Overrides: Send + Sync {
    /// The provider whose methods are called by default.
    fn inner(&self) -> &dyn Provider;

    async fn query(&self, cx: &Context<'_>, query: &Query) -> Result<Page> {
        self.inner().query(cx, query).await
    }

    async fn create(&self, cx: &Context<'_>, resource: Resource) -> Result<Resource> {
        self.inner().create(cx, resource).await
    }

    async fn retrieve(
        &self,
        cx: &Context<'_>,
        id: &str,
        projection: &Projection,
    ) -> Result<Option<Resource>> {
        self.inner().retrieve(cx, id, projection).await
    }

    async fn update(
        &self,
        cx: &Context<'_>,
        id: &str,
        update: &Update,
        options: &UpdateOptions,
    ) -> Result<Updated> {
        self.inner().update(cx, id, update, options).await
    }

    async fn delete(&self, cx: &Context<'_>, id: &str, precondition: &Precondition) -> Result<Deleted> {
        self.inner().delete(cx, id, precondition).await
    }

    fn capabilities(&self, resource_type: &ResourceType) -> Capabilities {
        self.inner().capabilities(resource_type)
    }
}

/// Implements [`Provider`] for a type that overrides some of its methods.
#[derive(Clone)]
pub(crate) struct Overriding<T>(pub(crate) T);

#[async_trait]
impl<T: Overrides> Provider for Overriding<T> {
    async fn query(&self, cx: &Context<'_>, query: &Query) -> Result<Page> {
        self.0.query(cx, query).await
    }

    async fn create(&self, cx: &Context<'_>, resource: Resource) -> Result<Resource> {
        self.0.create(cx, resource).await
    }

    async fn retrieve(
        &self,
        cx: &Context<'_>,
        id: &str,
        projection: &Projection,
    ) -> Result<Option<Resource>> {
        self.0.retrieve(cx, id, projection).await
    }

    async fn update(
        &self,
        cx: &Context<'_>,
        id: &str,
        update: &Update,
        options: &UpdateOptions,
    ) -> Result<Updated> {
        self.0.update(cx, id, update, options).await
    }

    async fn delete(&self, cx: &Context<'_>, id: &str, precondition: &Precondition) -> Result<Deleted> {
        self.0.delete(cx, id, precondition).await
    }

    fn capabilities(&self, resource_type: &ResourceType) -> Capabilities {
        self.0.capabilities(resource_type)
    }

    fn unique(&self, resource_type: &ResourceType) -> Vec<String> {
        self.0.inner().unique(resource_type)
    }
}
