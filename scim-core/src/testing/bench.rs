//! What the checks work with.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use scim_schema::{ResourceType, Target};
use serde_json::Value;

use super::checks::{Check, Run};
use super::client::Client;
use super::setup::{self, Found};
use super::shape::{Shape, least};
use super::values::Ids;
use super::{BASE, BlockOn, Identities, Suite, Verdict};
use crate::{Capabilities, ScimService};

/// The service under test, and what is known of it.
pub(super) struct Bench {
    pub(super) service: ScimService,
    pub(super) types: Vec<ResourceType>,
    pub(super) capabilities: Capabilities,
    pub(super) shape: Shape,
    pub(super) single_tenant: bool,
    pub(super) flat_groups: bool,
    pub(super) block_on: Box<BlockOn>,
    /// What the set-up found out about the provider.
    pub(super) found: Found,
    /// What the suite was told that cannot be.
    pub(super) misled: Vec<String>,
    pub(super) references: Vec<(Target, ResourceType)>,
    identities: Box<Identities>,
    tenants: AtomicUsize,
}

impl Bench {
    /// # Errors
    ///
    /// If there is nothing to send a request to.
    pub(super) fn new(suite: Suite) -> Result<Self, String> {
        let mut builder = ScimService::builder().base_url(BASE).page_size(1_000, 1_000).max_payload(64 << 20);
        for resource_type in &suite.types {
            builder = builder.resource(resource_type.clone(), suite.provider.clone());
        }
        let service = builder.build().map_err(|error| error.to_string())?;
        let capabilities = service.capabilities();
        let first = suite.types.first().ok_or("there is no resource type")?;
        let unique = suite.provider.unique(first);
        let mut shape =
            Shape::of(first, unique).ok_or("the first resource type has no required string attribute")?;
        let (mut references, mut misled) = (Vec::new(), Vec::new());
        for (attribute, to) in &suite.references {
            let found = suite.types.iter().find(|on| on.name() == to);
            match (shape.refer(attribute), found) {
                (Ok(target), Some(to)) => references.push((target, to.clone())),
                (Ok(_), None) => misled.push(format!("`{to}` is none of the resource types")),
                (Err(reason), _) => misled.push(reason),
            }
        }
        let mut bench = Self {
            service,
            types: suite.types,
            capabilities,
            shape,
            single_tenant: suite.single_tenant,
            flat_groups: suite.flat_groups,
            block_on: suite.block_on,
            found: Found::default(),
            misled,
            references,
            identities: suite.identities,
            tenants: AtomicUsize::new(0),
        };
        let mut found = Found::default();
        let ended = bench.guarded(|| {
            (bench.block_on)(Box::pin(async { found = setup::find_out(&bench).await }));
            Ok(())
        });
        if let Err(reason) = ended {
            found.kept = Err(reason.clone());
            found.elements = Err(reason);
        }
        bench.shape.learn(&found);
        bench.found = found;
        Ok(bench)
    }

    /// Runs a check; a panic is a failure.
    pub(super) fn run(&self, check: &Check) -> Verdict {
        self.guarded(|| match check.run {
            Run::Task(run) => {
                let mut verdict = Err("it was not run to its end".to_owned());
                (self.block_on)(Box::pin(async { verdict = run(self).await }));
                verdict
            }
            Run::Threads(run) => run(self),
        })
    }

    /// Does something and cleans up behind it; whatever panics has failed.
    fn guarded(&self, run: impl FnOnce() -> Verdict) -> Verdict {
        let caught = |result: std::thread::Result<Verdict>| {
            result.unwrap_or_else(|payload| {
                let text = payload.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
                Err(format!("it panicked: {}", text.unwrap_or("without a message")))
            })
        };
        let verdict = caught(catch_unwind(AssertUnwindSafe(run)));
        let cleaned = caught(catch_unwind(AssertUnwindSafe(|| {
            let mut left = 0;
            (self.block_on)(Box::pin(async { left = self.clean_up().await }));
            if left == 0 { Ok(()) } else { Err(format!("{left} resources cannot be deleted afterwards")) }
        })));
        verdict.and(cleaned)
    }

    /// A client in a tenant of its own.
    pub(super) fn client(&self) -> Client<'_> {
        let number = if self.single_tenant { 0 } else { self.tenants.fetch_add(1, Ordering::Relaxed) };
        self.client_in(number)
    }

    fn client_in(&self, tenant: usize) -> Client<'_> {
        Client::new(&self.service, (self.identities)(tenant), &self.types)
    }

    /// Creates the resources that references need: two for each, in the client's tenant.
    pub(super) async fn referees(&self, client: &Client<'_>) -> Result<Ids, String> {
        let mut ids = Ids::default();
        for (number, (target, to)) in self.references.iter().enumerate() {
            let mut known = Vec::new();
            for place in 0..2 {
                let name = format!("Referee {number} {place}");
                let body = if to.name() == self.shape.on.name() {
                    self.shape.named(&name)
                } else {
                    least(to, &name)
                };
                known.push(client.create(to, &Value::Object(body)).await?.id());
            }
            ids.insert(target, known, to.name() == self.shape.on.name());
        }
        Ok(ids)
    }

    /// Whether the provider claims what a check is about.
    pub(super) fn applies(&self, check: &str) -> bool {
        let relations = self.capabilities.memberships() && self.relation().is_some();
        match check {
            "filter" => self.capabilities.filter(),
            "paths" => self.capabilities.filter() || self.capabilities.sort(),
            "sort" => self.capabilities.sort(),
            "cursor paging" => self.capabilities.cursor(),
            "tenants" => !self.single_tenant,
            "secrets" => self.shape.secret.is_some(),
            "memberships" | "unknown members" | "repeated members" | "listed members"
            | "left-out members" | "groups" | "cascade" | "circles" => relations,
            _ => true,
        }
    }

    /// Deletes everything where the next check works in the same tenant; how many are left.
    async fn clean_up(&self) -> usize {
        if self.single_tenant { self.client_in(0).delete_everything().await } else { 0 }
    }
}
