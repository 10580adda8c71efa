//! Providers that break one rule of the contract each, and the checks that find it.

use std::sync::Mutex;

use scim_core::schema::{Projection, ResourceType};
use scim_core::testing::{Report, Suite};
use scim_core::{
    Capabilities, Context, Deleted, ETag, Error, MemoryProvider, Page, Precondition, Provider, Query,
    Resource, Result, Update, UpdateOptions, Updated, Window, async_trait,
};
use serde_json::{Value, json};

/// The rule that a provider breaks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    ChangesValues,
    FindsUnknownIds,
    ReplaceKeepsAttributes,
    NeverChangesVersions,
    AppliesFailedUpdatesInPart,
    ChangesVersionsWithoutChange,
    IgnoresPreconditions,
    IgnoresUniqueness,
    DeletesNothing,
    DropsAttributesOnProjection,
    ReturnsSecrets,
    FailsOnQuotes,
    IgnoresTenants,
    ReversesEverySecondPage,
    CountsOnlyThePage,
    ReturnsOnlyTheFirstPage,
    IgnoresSort,
    IgnoresFilter,
    DropsMembers,
    AcceptsUnknownMembers,
    DropsGroups,
    IgnoresCircles,
    LosesUpdates,
    ChecksVersionsTooEarly,
}

/// The memory provider with one fault.
pub(crate) struct FaultyProvider {
    fault: Fault,
    inner: MemoryProvider,
    calls: Mutex<usize>,
    last_created: Mutex<Option<Resource>>,
}

impl FaultyProvider {
    pub(crate) fn new(fault: Fault) -> Self {
        let inner = MemoryProvider::new();
        let inner = if fault == Fault::AcceptsUnknownMembers { inner.keep_unknown_members() } else { inner };
        Self { fault, inner, calls: Mutex::new(0), last_created: Mutex::new(None) }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    async fn stored(&self, cx: &Context<'_>, id: &str) -> Result<Resource> {
        let found = self.inner.retrieve(cx, id, &Projection::new(cx.resource_type())).await?;
        found.ok_or_else(|| Error::not_found(id))
    }

    /// Checks the precondition before the update, so that another request can change the version in between. No update is
    /// lost.
    async fn check_too_early(&self, cx: &Context<'_>, id: &str, options: &mut UpdateOptions) -> Result<()> {
        options.precondition.check(&self.stored(cx, id).await?.version().unwrap())?;
        std::thread::sleep(std::time::Duration::from_micros(50));
        options.precondition = Precondition::NONE;
        Ok(())
    }

    /// Reads the resource, waits, and writes without checking whether it has changed in the meantime.
    async fn update_without_second_check(
        &self,
        cx: &Context<'_>,
        id: &str,
        update: &Update,
        mut options: UpdateOptions,
    ) -> Result<Updated> {
        let stored = self.stored(cx, id).await?;
        options.precondition.check(&stored.version().unwrap())?;
        let applied = update.apply(cx, stored.clone())?;
        if !applied.changed {
            return Ok(Updated::new(&stored, &stored, &options));
        }
        std::thread::sleep(std::time::Duration::from_micros(50));
        options.precondition = Precondition::NONE;
        self.inner.update(cx, id, &Update::Replace(applied.resource), &options).await
    }

    /// Returns the result of an update that the memory provider refuses.
    async fn result_of_refused_update(
        &self,
        cx: &Context<'_>,
        id: &str,
        error: Error,
        options: &UpdateOptions,
    ) -> Result<Updated> {
        match (self.fault, error.status().as_u16()) {
            (Fault::IgnoresCircles, 400) | (Fault::IgnoresUniqueness, 409) => {
                let stored = self.stored(cx, id).await?;
                Ok(Updated::new(&stored, &stored, options))
            }
            (Fault::AppliesFailedUpdatesInPart, 400) => {
                let mut changed = self.stored(cx, id).await?;
                changed.as_map_mut().insert("nickName".to_owned(), json!("half"));
                self.inner.update(cx, id, &Update::Replace(changed), options).await?;
                Err(error)
            }
            _ => Err(error),
        }
    }

    /// Removes attributes from a resource that is returned.
    fn drop_attributes(&self, mut resource: Resource) -> Resource {
        let object = resource.as_map_mut();
        match self.fault {
            Fault::DropsMembers => drop(object.remove("members")),
            Fault::DropsGroups => drop(object.remove("groups")),
            _ => {}
        }
        resource
    }
}

#[async_trait]
impl Provider for FaultyProvider {
    async fn query(&self, cx: &Context<'_>, query: &Query) -> Result<Page> {
        let mut query = query.clone();
        match self.fault {
            Fault::IgnoresFilter => query.filter = None,
            Fault::IgnoresSort => query.sort = None,
            Fault::ReturnsOnlyTheFirstPage if query.window != Window::First => {
                return Ok(Page { total: Some(60), ..Page::default() });
            }
            _ => {}
        }
        let mut page = self.inner.query(cx, &query).await?;
        if self.has(Fault::ReversesEverySecondPage) {
            let mut calls = self.calls.lock().unwrap();
            *calls += 1;
            if calls.is_multiple_of(2) {
                page.resources.reverse();
            }
        }
        if self.has(Fault::CountsOnlyThePage) {
            page.total = Some(page.resources.len() as u64);
        }
        page.resources = page.resources.into_iter().map(|resource| self.drop_attributes(resource)).collect();
        Ok(page)
    }

    async fn create(&self, cx: &Context<'_>, mut resource: Resource) -> Result<Resource> {
        match self.fault {
            Fault::ChangesValues => {
                let name = resource.text("userName").unwrap_or_default().to_lowercase();
                resource.as_map_mut().insert("userName".to_owned(), json!(name));
            }
            Fault::ReturnsSecrets => {
                let secret = cx.secrets().get("password").unwrap_or_default().to_owned();
                resource.as_map_mut().insert("nickName".to_owned(), json!(secret));
            }
            _ => {}
        }
        match self.inner.create(cx, resource.clone()).await {
            Err(error) if error.status() == 409 && self.has(Fault::IgnoresUniqueness) => {
                let name = format!("{} ", resource.text("userName").unwrap_or_default());
                resource.as_map_mut().insert("userName".to_owned(), json!(name));
                self.inner.create(cx, resource).await
            }
            result => {
                let resource = self.drop_attributes(result?);
                *self.last_created.lock().unwrap() = Some(resource.clone());
                Ok(resource)
            }
        }
    }

    async fn retrieve(
        &self,
        cx: &Context<'_>,
        id: &str,
        projection: &Projection,
    ) -> Result<Option<Resource>> {
        let found = self.inner.retrieve(cx, id, projection).await?;
        if found.is_none() && self.has(Fault::FindsUnknownIds) {
            return Ok(Some(Resource::try_from(json!({ "id": id, "userName": "ghost" }))?));
        }
        if found.is_none() && self.has(Fault::IgnoresTenants) {
            return Ok(self.last_created.lock().unwrap().clone().filter(|resource| resource.id() == id));
        }
        let drops_all = self.has(Fault::DropsAttributesOnProjection) && !projection.is_default();
        Ok(found.map(|resource| self.drop_attributes(resource)).map(|mut resource| {
            if drops_all {
                resource.as_map_mut().retain(|name, _| name == "id" || name == "meta");
            }
            resource
        }))
    }

    async fn update(
        &self,
        cx: &Context<'_>,
        id: &str,
        update: &Update,
        options: &UpdateOptions,
    ) -> Result<Updated> {
        let mut options = options.clone();
        match self.fault {
            Fault::IgnoresPreconditions => options.precondition = Precondition::NONE,
            Fault::ChecksVersionsTooEarly => self.check_too_early(cx, id, &mut options).await?,
            Fault::LosesUpdates if cx.resource_type().name() == "User" => {
                return self.update_without_second_check(cx, id, update, options).await;
            }
            _ => {}
        }
        let mut updated = match self.inner.update(cx, id, update, &options).await {
            Ok(updated) => updated,
            Err(error) => self.result_of_refused_update(cx, id, error, &options).await?,
        };
        let text = updated.resource.as_ref().and_then(Resource::external_id);
        if self.has(Fault::FailsOnQuotes) && text.is_some_and(|text| text.contains('\'')) {
            return Err(Error::internal("syntax error near '"));
        }
        match (self.fault, &mut updated.resource) {
            (Fault::ReplaceKeepsAttributes, Some(resource)) if matches!(update, Update::Replace(_)) => {
                resource.as_map_mut().insert("externalId".to_owned(), json!("kept"));
            }
            (Fault::NeverChangesVersions, Some(resource)) => set_version(resource, "W/\"1\""),
            (Fault::ChangesVersionsWithoutChange, Some(resource)) => {
                set_version(resource, &ETag::fresh().to_string())
            }
            _ => {}
        }
        updated.resource = updated.resource.map(|resource| self.drop_attributes(resource));
        Ok(updated)
    }

    async fn delete(&self, cx: &Context<'_>, id: &str, precondition: &Precondition) -> Result<Deleted> {
        let none = Precondition::NONE;
        let precondition = if self.has(Fault::IgnoresPreconditions) { &none } else { precondition };
        match self.fault {
            Fault::DeletesNothing => {
                let version = self.stored(cx, id).await?.version().unwrap();
                precondition.check(&version)?;
                Ok(Deleted { version })
            }
            _ => self.inner.delete(cx, id, precondition).await,
        }
    }

    fn capabilities(&self, resource_type: &ResourceType) -> Capabilities {
        self.inner.capabilities(resource_type)
    }
}

fn set_version(resource: &mut Resource, version: &str) {
    if let Some(Value::Object(meta)) = resource.as_map_mut().get_mut("meta") {
        meta.insert("version".to_owned(), json!(version));
    }
}

fn report(fault: Fault, check: &str) -> Report {
    Suite::new(FaultyProvider::new(fault)).only([check]).report()
}

#[test]
fn each_faulty_provider_fails_the_check_of_its_fault() {
    let cases = [
        (Fault::ChangesValues, "create"),
        (Fault::FindsUnknownIds, "retrieve"),
        (Fault::ReplaceKeepsAttributes, "replace"),
        (Fault::NeverChangesVersions, "patch"),
        (Fault::AppliesFailedUpdatesInPart, "atomic"),
        (Fault::ChangesVersionsWithoutChange, "no-op"),
        (Fault::IgnoresPreconditions, "precondition"),
        (Fault::IgnoresUniqueness, "uniqueness"),
        (Fault::IgnoresUniqueness, "unique race"),
        (Fault::DeletesNothing, "delete"),
        (Fault::DropsAttributesOnProjection, "projection"),
        (Fault::DeletesNothing, "cascade"),
        (Fault::ReturnsSecrets, "secrets"),
        (Fault::FailsOnQuotes, "hostile"),
        (Fault::IgnoresTenants, "tenants"),
        (Fault::IgnoresCircles, "circles"),
        (Fault::ReversesEverySecondPage, "order"),
        (Fault::CountsOnlyThePage, "index paging"),
        (Fault::ReturnsOnlyTheFirstPage, "cursor paging"),
        (Fault::IgnoresSort, "sort"),
        (Fault::IgnoresFilter, "filter"),
        (Fault::DropsMembers, "memberships"),
        (Fault::AcceptsUnknownMembers, "unknown members"),
        (Fault::DropsGroups, "groups"),
        (Fault::LosesUpdates, "race"),
        (Fault::LosesUpdates, "precondition race"),
        (Fault::ChecksVersionsTooEarly, "precondition race"),
    ];
    let mut unnoticed = Vec::new();
    for (fault, check) in cases {
        let report = report(fault, check);
        if !report.failed.iter().any(|(name, _)| *name == check) {
            unnoticed.push(format!("{fault:?} passes `{check}`"));
        }
    }
    assert!(unnoticed.is_empty(), "{unnoticed:#?}");
}

/// The checks `race` and `precondition race` find different faults.
#[test]
fn checking_the_version_too_early_fails_only_the_precondition_race() {
    let report = Suite::new(FaultyProvider::new(Fault::ChecksVersionsTooEarly))
        .only(["race", "precondition race"])
        .report();
    assert_eq!(report.passed, ["race"], "{report}");
}
