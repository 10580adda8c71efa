//! The service under test, and what the checks need to use it.

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
use super::verdict::{Verdict, ensure};
use crate::{Capabilities, ScimService};

/// The service under test, and what is known about the provider.
pub(super) struct Environment {
    pub(super) service: ScimService,
    pub(super) resource_types: Vec<ResourceType>,
    pub(super) capabilities: Capabilities,
    /// The first resource type, which most checks use.
    pub(super) tested: TestedType,
    pub(super) single_tenant: bool,
    pub(super) flat_groups: bool,
    pub(super) block_on: Box<BlockOn>,
    pub(super) findings: Findings,
    /// The options of the suite that are invalid.
    pub(super) option_errors: Vec<String>,
    /// Attributes of the tested type, and the types of the resources that they refer to.
    pub(super) references: Vec<(AttributeRef, ResourceType)>,
    identities: Box<Identities>,
    next_tenant: AtomicUsize,
}

/// A resource type with a list of members. Resources of the tested type can be members.
pub(super) struct Membership<'a> {
    pub(super) groups: &'a ResourceType,
    pub(super) list: &'a AttributeRef,
}

impl Environment {
    /// Builds the service under test.
    ///
    /// # Errors
    ///
    /// If the service cannot be built, or if the first resource type cannot be tested.
    pub(super) fn new(options: Options) -> Result<Self, String> {
        let mut builder =
            ScimService::builder().base_url(BASE_URL).page_size(1_000, 1_000).max_payload(64 << 20);
        for resource_type in &options.resource_types {
            builder = builder.resource(resource_type.clone(), options.provider.clone());
        }
        let service = builder.build().map_err(|error| error.to_string())?;
        let capabilities = service.capabilities();
        let first = options.resource_types.first().ok_or("`Suite::resource_types` got no resource type")?;
        let unique = options.provider.unique(first);
        let mut tested = TestedType::new(first, unique).ok_or(
            "the first resource type has no required string attribute; the suite needs one to name resources",
        )?;
        tested.ascii_texts = options.ascii_texts;
        let (mut references, mut option_errors) = (Vec::new(), Vec::new());
        for (path, type_name) in &options.references {
            let mut types = options.resource_types.iter();
            let referenced_type = types.find(|resource_type| resource_type.name() == type_name);
            match (tested.add_reference(path), referenced_type) {
                (Ok(attribute), Some(referenced_type)) => {
                    references.push((attribute, referenced_type.clone()))
                }
                (Ok(_), None) => {
                    option_errors.push(format!("`{type_name}` is not one of the resource types"))
                }
                (Err(reason), _) => option_errors.push(reason),
            }
        }
        Ok(Self {
            service,
            resource_types: options.resource_types,
            capabilities,
            tested,
            single_tenant: options.single_tenant,
            flat_groups: options.flat_groups,
            block_on: options.block_on,
            findings: Findings::default(),
            option_errors,
            references,
            identities: options.identities,
            next_tenant: AtomicUsize::new(0),
        })
    }

    /// Records what the suite has learned about the provider, so that the checks use only attributes that it keeps.
    pub(super) fn learn(&mut self, findings: Findings) {
        self.tested.learn(&findings);
        self.findings = findings;
    }

    /// Runs a check and deletes its resources. A panic is a failure.
    pub(super) fn run_guarded(&self, run: impl FnOnce() -> Verdict) -> Verdict {
        let verdict = catch(run);
        let cleaned = catch(|| {
            let mut remaining = 0;
            (self.block_on)(Box::pin(async { remaining = self.clean_up().await }));
            ensure(remaining == 0, || {
                format!(
                    "the suite deletes all resources after each check, but {remaining} are still there; DELETE must \
                     remove a resource, or refuse it only as long as another resource refers to it"
                )
            })
        });
        verdict.and(cleaned)
    }

    /// A client in a new tenant, or in the only one.
    pub(super) fn client(&self) -> Client<'_> {
        let number = if self.single_tenant { 0 } else { self.next_tenant.fetch_add(1, Ordering::Relaxed) };
        self.client_in(number)
    }

    fn client_in(&self, tenant: usize) -> Client<'_> {
        Client::new(&self.service, (self.identities)(tenant), &self.resource_types)
    }

    /// Creates two resources in the client's tenant for each attribute that must refer to one.
    pub(super) async fn create_referenced(&self, client: &Client<'_>) -> Result<ReferenceIds, String> {
        let mut all = ReferenceIds::default();
        for (number, (attribute, referenced_type)) in self.references.iter().enumerate() {
            let is_tested_type = referenced_type.name() == self.tested.resource_type.name();
            let mut ids = Vec::new();
            for copy in 0..2 {
                let name = format!("Referee {number} {copy}");
                let body = match is_tested_type {
                    true => self.tested.minimal_body(&name),
                    false => minimal_body(referenced_type, &name),
                };
                ids.push(client.create(referenced_type, &Value::Object(body)).await?.id());
            }
            all.insert(attribute, ids, is_tested_type);
        }
        Ok(all)
    }

    /// The first resource type that has members.
    pub(super) fn membership(&self) -> Option<Membership<'_>> {
        self.resource_types.iter().find_map(|groups| {
            let list = groups.attributes().find(|target| target.holds_members())?;
            Some(Membership { groups, list })
        })
    }

    /// Deletes all resources if the next check uses the same tenant. Returns how many are still there.
    async fn clean_up(&self) -> usize {
        if self.single_tenant { self.client_in(0).delete_all().await } else { 0 }
    }
}

/// Calls a function and makes a panic a failure.
fn catch(run: impl FnOnce() -> Verdict) -> Verdict {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        Err(format!("the provider panicked: {}", text.unwrap_or("(no message)")))
    })
}
