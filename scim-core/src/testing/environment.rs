//! What the checks work with.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use scim_schema::{AttributeRef, ResourceType};
use serde_json::Value;

use super::client::{BASE_URL, Client};
use super::findings::Findings;
use super::options::{Identities, Options};
use super::reference_ids::ReferenceIds;
use super::runtime::BlockOn;
use super::tested_type::TestedType;
use super::values::minimal_body;
use super::verdict::Verdict;
use crate::{Capabilities, ScimService};

/// The service under test, and what is known of it.
pub(super) struct Environment {
    pub(super) service: ScimService,
    pub(super) types: Vec<ResourceType>,
    pub(super) capabilities: Capabilities,
    /// The first of the types, which most checks use.
    pub(super) tested: TestedType,
    pub(super) single_tenant: bool,
    pub(super) flat_groups: bool,
    pub(super) block_on: Box<BlockOn>,
    pub(super) findings: Findings,
    /// What the suite was told that cannot be.
    pub(super) option_errors: Vec<String>,
    /// Attributes of the tested type, and the types that they refer to.
    pub(super) references: Vec<(AttributeRef, ResourceType)>,
    identities: Box<Identities>,
    tenants: AtomicUsize,
}

/// A type with a list of members, which may be resources of the tested type.
pub(super) struct Membership<'a> {
    pub(super) groups: &'a ResourceType,
    pub(super) list: &'a AttributeRef,
}

impl Environment {
    /// # Errors
    ///
    /// If there is nothing to send a request to.
    pub(super) fn new(options: Options) -> Result<Self, String> {
        let mut builder =
            ScimService::builder().base_url(BASE_URL).page_size(1_000, 1_000).max_payload(64 << 20);
        for resource_type in &options.resource_types {
            builder = builder.resource(resource_type.clone(), options.provider.clone());
        }
        let service = builder.build().map_err(|error| error.to_string())?;
        let capabilities = service.capabilities();
        let first = options.resource_types.first().ok_or("there is no resource type")?;
        let unique = options.provider.unique(first);
        let mut tested = TestedType::new(first, unique)
            .ok_or("the first resource type has no required string attribute")?;
        let (mut references, mut option_errors) = (Vec::new(), Vec::new());
        for (attribute, to) in &options.references {
            let found = options.resource_types.iter().find(|resource_type| resource_type.name() == to);
            match (tested.add_reference(attribute), found) {
                (Ok(target), Some(to)) => references.push((target, to.clone())),
                (Ok(_), None) => option_errors.push(format!("`{to}` is none of the resource types")),
                (Err(reason), _) => option_errors.push(reason),
            }
        }
        Ok(Self {
            service,
            types: options.resource_types,
            capabilities,
            tested,
            single_tenant: options.single_tenant,
            flat_groups: options.flat_groups,
            block_on: options.block_on,
            findings: Findings::default(),
            option_errors,
            references,
            identities: options.identities,
            tenants: AtomicUsize::new(0),
        })
    }

    /// Takes up what was found out, so that the checks ask only for what the provider can do.
    pub(super) fn learn(&mut self, findings: Findings) {
        self.tested.learn(&findings);
        self.findings = findings;
    }

    /// Does something and cleans up behind it; whatever panics has failed.
    pub(super) fn guarded(&self, run: impl FnOnce() -> Verdict) -> Verdict {
        let verdict = catch(run);
        let cleaned = catch(|| {
            let mut left = 0;
            (self.block_on)(Box::pin(async { left = self.clean_up().await }));
            if left == 0 { Ok(()) } else { Err(format!("{left} resources cannot be deleted afterwards")) }
        });
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
    pub(super) async fn create_referenced(&self, client: &Client<'_>) -> Result<ReferenceIds, String> {
        let mut all = ReferenceIds::default();
        for (number, (target, to)) in self.references.iter().enumerate() {
            let is_tested_type = to.name() == self.tested.resource_type.name();
            let mut ids = Vec::new();
            for place in 0..2 {
                let name = format!("Referee {number} {place}");
                let body =
                    if is_tested_type { self.tested.minimal_body(&name) } else { minimal_body(to, &name) };
                ids.push(client.create(to, &Value::Object(body)).await?.id());
            }
            all.insert(target, ids, is_tested_type);
        }
        Ok(all)
    }

    /// The first type that has members.
    pub(super) fn membership(&self) -> Option<Membership<'_>> {
        self.types.iter().find_map(|groups| {
            let list = groups.attributes().find(|target| target.holds_members())?;
            Some(Membership { groups, list })
        })
    }

    /// Deletes everything where the next check works in the same tenant; how many are left.
    async fn clean_up(&self) -> usize {
        if self.single_tenant { self.client_in(0).delete_everything().await } else { 0 }
    }
}

/// What is done, with a panic as a failure.
fn catch(run: impl FnOnce() -> Verdict) -> Verdict {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        Err(format!("it panicked: {}", text.unwrap_or("without a message")))
    })
}
