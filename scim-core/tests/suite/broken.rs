//! Providers that break a sentence of the contract each, and the check that proves it.

use std::sync::Mutex;

use scim_core::schema::{Projection, ResourceType};
use scim_core::testing::{Report, Suite};
use scim_core::{
    Capabilities, Context, Deleted, ETag, Error, MemoryProvider, Page, Precondition, Provider, Query,
    Resource, Result, Update, UpdateOptions, Updated, Window, async_trait,
};
use serde_json::{Value, json};

/// What a provider does wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    ChangesValues,
    AnyIdExists,
    ReplaceKeeps,
    VersionsStay,
    HalfApplied,
    AlwaysNewVersion,
    IgnoresPreconditions,
    NothingIsUnique,
    DeletesNothing,
    LosesOnProjection,
    ReturnsSecrets,
    RefusesQuotes,
    OneTenant,
    Shuffles,
    TotalOfPage,
    ForgetsPages,
    IgnoresSort,
    IgnoresFilter,
    ForgetsMembers,
    AnyMember,
    NoGroups,
    Circles,
    LosesUpdates,
    ChecksTooEarly,
}

/// The memory provider with one fault.
pub(crate) struct Broken {
    fault: Fault,
    inner: MemoryProvider,
    calls: Mutex<usize>,
    last: Mutex<Option<Resource>>,
}

impl Broken {
    pub(crate) fn new(fault: Fault) -> Self {
        let inner = MemoryProvider::new();
        let inner = if fault == Fault::AnyMember { inner.keep_unknown_members() } else { inner };
        Self { fault, inner, calls: Mutex::new(0), last: Mutex::new(None) }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn damage(&self, mut resource: Resource) -> Resource {
        let object = resource.as_map_mut();
        match self.fault {
            Fault::ForgetsMembers => drop(object.remove("members")),
            Fault::NoGroups => drop(object.remove("groups")),
            _ => {}
        }
        resource
    }
}

#[async_trait]
impl Provider for Broken {
    async fn query(&self, cx: &Context<'_>, query: &Query) -> Result<Page> {
        let mut query = query.clone();
        match self.fault {
            Fault::IgnoresFilter => query.filter = None,
            Fault::IgnoresSort => query.sort = None,
            Fault::ForgetsPages if query.window != Window::First => {
                return Ok(Page { total: Some(60), ..Page::default() });
            }
            _ => {}
        }
        let mut page = self.inner.query(cx, &query).await?;
        if self.is(Fault::Shuffles) {
            let mut calls = self.calls.lock().unwrap();
            *calls += 1;
            if calls.is_multiple_of(2) {
                page.resources.reverse();
            }
        }
        if self.is(Fault::TotalOfPage) {
            page.total = Some(page.resources.len() as u64);
        }
        page.resources = page.resources.into_iter().map(|resource| self.damage(resource)).collect();
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
            Err(error) if error.status() == 409 && self.is(Fault::NothingIsUnique) => {
                let name = format!("{} ", resource.text("userName").unwrap_or_default());
                resource.as_map_mut().insert("userName".to_owned(), json!(name));
                self.inner.create(cx, resource).await
            }
            result => {
                let resource = self.damage(result?);
                *self.last.lock().unwrap() = Some(resource.clone());
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
        if found.is_none() && self.is(Fault::AnyIdExists) {
            return Ok(Some(Resource::try_from(json!({ "id": id, "userName": "ghost" }))?));
        }
        if found.is_none() && self.is(Fault::OneTenant) {
            return Ok(self.last.lock().unwrap().clone().filter(|last| last.id() == id));
        }
        let lossy = self.is(Fault::LosesOnProjection) && !projection.is_default();
        Ok(found.map(|resource| self.damage(resource)).map(|mut resource| {
            if lossy {
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
        if self.is(Fault::IgnoresPreconditions) {
            options.precondition = Precondition::NONE;
        }
        let projection = Projection::new(cx.resource_type());
        if self.is(Fault::ChecksTooEarly)
            && let Some(stored) = self.inner.retrieve(cx, id, &projection).await?
        {
            // No update is lost, but by now the version may be another.
            options.precondition.check(&stored.version().unwrap())?;
            std::thread::sleep(std::time::Duration::from_micros(50));
            options.precondition = Precondition::NONE;
        }
        if self.is(Fault::LosesUpdates) && cx.resource_type().name() == "User" {
            // Reads, thinks, and then writes without looking whether it is still what was read.
            let Some(stored) = self.inner.retrieve(cx, id, &projection).await? else {
                return Err(Error::not_found(id));
            };
            options.precondition.check(&stored.version().unwrap())?;
            let applied = update.apply(cx, stored.clone())?;
            if !applied.changed {
                return Ok(Updated::new(&stored, &stored, &options));
            }
            std::thread::sleep(std::time::Duration::from_micros(50));
            let mut options = options.clone();
            options.precondition = Precondition::NONE;
            return self.inner.update(cx, id, &Update::Replace(applied.resource), &options).await;
        }
        let stored = self.inner.retrieve(cx, id, &projection).await?;
        let mut updated = match self.inner.update(cx, id, update, &options).await {
            Err(error) if error.status() == 400 && self.is(Fault::Circles) => {
                let stored = stored.ok_or(error)?;
                return Ok(Updated::new(&stored, &stored, &options));
            }
            Ok(updated) if self.is(Fault::RefusesQuotes) => {
                let text = updated.resource.as_ref().and_then(|resource| resource.external_id());
                if text.is_some_and(|text| text.contains('\'')) {
                    return Err(Error::internal("syntax error near '"));
                }
                updated
            }
            Err(error) if error.status() == 409 && self.is(Fault::NothingIsUnique) => {
                let stored = self.inner.retrieve(cx, id, &projection).await?.unwrap();
                return Ok(Updated::new(&stored, &stored, &options));
            }
            Err(error) if error.status() == 400 && self.is(Fault::HalfApplied) => {
                let stored = self.inner.retrieve(cx, id, &projection).await?.unwrap();
                let mut half = stored.clone();
                half.as_map_mut().insert("nickName".to_owned(), json!("half"));
                self.inner.update(cx, id, &Update::Replace(half), &options).await?;
                return Err(error);
            }
            result => result?,
        };
        match (self.fault, &mut updated.resource) {
            (Fault::ReplaceKeeps, Some(resource)) if matches!(update, Update::Replace(_)) => {
                resource.as_map_mut().insert("externalId".to_owned(), json!("kept"));
            }
            (Fault::VersionsStay, Some(resource)) => set_version(resource, "W/\"1\""),
            (Fault::AlwaysNewVersion, Some(resource)) => set_version(resource, &ETag::fresh().to_string()),
            _ => {}
        }
        updated.resource = updated.resource.map(|resource| self.damage(resource));
        Ok(updated)
    }

    async fn delete(&self, cx: &Context<'_>, id: &str, precondition: &Precondition) -> Result<Deleted> {
        let none = Precondition::NONE;
        let precondition = if self.is(Fault::IgnoresPreconditions) { &none } else { precondition };
        match self.fault {
            Fault::DeletesNothing => {
                let found = self.inner.retrieve(cx, id, &Projection::new(cx.resource_type())).await?;
                let version = found.and_then(|found| found.version()).ok_or_else(|| Error::not_found(id))?;
                precondition.check(&version)?;
                Ok(Deleted { version })
            }
            _ => self.inner.delete(cx, id, precondition).await,
        }
    }

    fn capabilities(&self, on: &ResourceType) -> Capabilities {
        self.inner.capabilities(on)
    }
}

fn set_version(resource: &mut Resource, version: &str) {
    if let Some(Value::Object(meta)) = resource.as_map_mut().get_mut("meta") {
        meta.insert("version".to_owned(), json!(version));
    }
}

fn report(fault: Fault, check: &str) -> Report {
    Suite::new(Broken::new(fault)).only([check]).report()
}

#[test]
fn each_broken_provider_fails_its_check() {
    let cases = [
        (Fault::ChangesValues, "create"),
        (Fault::AnyIdExists, "retrieve"),
        (Fault::ReplaceKeeps, "replace"),
        (Fault::VersionsStay, "patch"),
        (Fault::HalfApplied, "atomic"),
        (Fault::AlwaysNewVersion, "no-op"),
        (Fault::IgnoresPreconditions, "precondition"),
        (Fault::NothingIsUnique, "uniqueness"),
        (Fault::NothingIsUnique, "unique race"),
        (Fault::DeletesNothing, "delete"),
        (Fault::LosesOnProjection, "projection"),
        (Fault::DeletesNothing, "cascade"),
        (Fault::ReturnsSecrets, "secrets"),
        (Fault::RefusesQuotes, "hostile"),
        (Fault::OneTenant, "tenants"),
        (Fault::Circles, "circles"),
        (Fault::Shuffles, "order"),
        (Fault::TotalOfPage, "index paging"),
        (Fault::ForgetsPages, "cursor paging"),
        (Fault::IgnoresSort, "sort"),
        (Fault::IgnoresFilter, "filter"),
        (Fault::ForgetsMembers, "memberships"),
        (Fault::AnyMember, "unknown members"),
        (Fault::NoGroups, "groups"),
        (Fault::LosesUpdates, "race"),
        (Fault::LosesUpdates, "precondition race"),
        (Fault::ChecksTooEarly, "precondition race"),
    ];
    let mut wrong = Vec::new();
    for (fault, check) in cases {
        let report = report(fault, check);
        if !report.failed.iter().any(|(name, _)| *name == check) {
            wrong.push(format!("{fault:?} passes `{check}`"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The checks of races find different faults.
#[test]
fn a_version_that_is_checked_too_early_loses_no_update() {
    let report = Suite::new(Broken::new(Fault::ChecksTooEarly)).only(["race", "precondition race"]).report();
    assert_eq!(report.passed, ["race"], "{report}");
}

/// The memory provider, which goes wrong at one attribute.
struct Careless {
    inner: MemoryProvider,
    path: &'static str,
    mistake: Mistake,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mistake {
    /// A filter finds nothing.
    FindsNothing,
    /// A filter finds everything.
    FindsAll,
    /// A filter is refused with another error than that.
    RefusesOtherwise,
    /// A filter is refused as it may be.
    Refuses,
    /// The order is another one.
    Reverses,
    /// What has equal values is not in the order of ids.
    SwapsEqual,
    /// The order is refused as a filter would be.
    RefusesSortAsFilter,
    /// The order is refused as it may be.
    RefusesSort,
}

#[async_trait]
impl Provider for Careless {
    async fn query(&self, cx: &Context<'_>, query: &Query) -> Result<Page> {
        let filtered = query
            .filter
            .as_ref()
            .is_some_and(|filter| filter.targets().any(|target| target.path().as_str() == self.path));
        let sorted = query.sort.as_ref().is_some_and(|sort| sort.by.path().as_str() == self.path);
        let mut query = query.clone();
        match self.mistake {
            Mistake::FindsNothing if filtered => return Ok(Page { total: Some(0), ..Page::default() }),
            Mistake::FindsAll if filtered => query.filter = None,
            Mistake::RefusesOtherwise if filtered => return Err(Error::invalid_syntax("what?")),
            Mistake::Refuses if filtered => return Err(Error::invalid_filter("no")),
            Mistake::Reverses if sorted => query.sort.as_mut().unwrap().descending ^= true,
            Mistake::RefusesSortAsFilter if sorted => return Err(Error::invalid_filter("no")),
            Mistake::RefusesSort if sorted => return Err(Error::invalid_value("sortBy", "no")),
            _ => {}
        }
        let mut page = self.inner.query(cx, &query).await?;
        if sorted && self.mistake == Mistake::SwapsEqual {
            let by = query.sort.unwrap().by;
            for place in 1..page.resources.len() {
                let value = |place: usize| by.sort_value(page.resources.get(place).unwrap().as_map());
                if value(place - 1) == value(place) {
                    page.resources.swap(place - 1, place);
                }
            }
        }
        Ok(page)
    }

    async fn create(&self, cx: &Context<'_>, resource: Resource) -> Result<Resource> {
        self.inner.create(cx, resource).await
    }

    async fn retrieve(
        &self,
        cx: &Context<'_>,
        id: &str,
        projection: &Projection,
    ) -> Result<Option<Resource>> {
        self.inner.retrieve(cx, id, projection).await
    }

    async fn update(
        &self,
        cx: &Context<'_>,
        id: &str,
        update: &Update,
        o: &UpdateOptions,
    ) -> Result<Updated> {
        self.inner.update(cx, id, update, o).await
    }

    async fn delete(&self, cx: &Context<'_>, id: &str, precondition: &Precondition) -> Result<Deleted> {
        self.inner.delete(cx, id, precondition).await
    }

    fn capabilities(&self, on: &ResourceType) -> Capabilities {
        self.inner.capabilities(on)
    }
}

#[test]
fn an_attribute_that_is_answered_wrongly_fails_the_check_of_paths() {
    let manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value";
    let report = |mistake, path| {
        Suite::new(Careless { inner: MemoryProvider::new(), path, mistake }).only(["paths"]).report()
    };
    for (mistake, path) in [
        (Mistake::FindsNothing, "emails.type"),
        (Mistake::FindsNothing, "emails.primary"),
        (Mistake::FindsNothing, "x509Certificates.value"),
        (Mistake::FindsAll, "meta.created"),
        (Mistake::FindsAll, manager),
        (Mistake::RefusesOtherwise, "title"),
        (Mistake::Reverses, "emails.primary"),
        (Mistake::Reverses, "groups.value"),
        (Mistake::Reverses, "members.value"),
        (Mistake::Reverses, manager),
        (Mistake::SwapsEqual, "active"),
        (Mistake::SwapsEqual, "groups.type"),
        (Mistake::RefusesSortAsFilter, "nickName"),
    ] {
        let report = report(mistake, path);
        assert_eq!(report.failed.len(), 1, "{mistake:?} at `{path}`: {report}");
    }
    for (mistake, path) in [(Mistake::Refuses, "emails.type"), (Mistake::RefusesSort, "groups.value")] {
        let report = report(mistake, path);
        assert_eq!(report.passed, ["paths"], "{mistake:?} at `{path}`: {report}");
    }
}
