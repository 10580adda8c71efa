//! Runs conversations against an endpoint.

mod cleanup;
mod conversations;
mod report;

pub(crate) use cleanup::Created;
pub(crate) use conversations::built_in;
pub(crate) use report::{Finding, Report, Verdict};

use http::{Method, StatusCode};
use scim_client::{Client, Discovery};

use crate::conversation::{Bindings, Check, Conversation};

/// Runs checks, one after the other.
pub(crate) struct Runner<'a> {
    client: &'a Client,
    discovery: Discovery,
    /// What was created, for the cleanup.
    created: Created,
    /// What all names begin with.
    prefix: String,
}

impl<'a> Runner<'a> {
    pub(crate) fn new(client: &'a Client, discovery: Discovery, created: Created, prefix: String) -> Self {
        Self { client, discovery, created, prefix }
    }

    /// Runs all checks of a conversation. `progress` is called after each.
    pub(crate) async fn run(
        &self,
        conversation: &Conversation,
        mut progress: impl FnMut(&Finding),
    ) -> Vec<Finding> {
        let mut bindings = Bindings::default();
        bindings.set("prefix", self.prefix.as_str());
        bindings.set("base", self.client.base_url());
        let mut findings = Vec::new();
        for check in &conversation.checks {
            let verdict = self.verdict(check, &mut bindings).await;
            let finding = Finding {
                id: check.id.clone(),
                subject: conversation.name.clone(),
                title: check.title.clone(),
                needed_by: check.needed_by.clone(),
                verdict,
            };
            progress(&finding);
            findings.push(finding);
        }
        findings
    }

    async fn verdict(&self, check: &Check, bindings: &mut Bindings) -> Verdict {
        if let Some(feature) = check.requires.iter().find(|feature| !self.discovery.supports(feature)) {
            return Verdict::Skipped(format!("the endpoint does not announce {feature}"));
        }
        for (index, step) in check.steps.iter().enumerate() {
            let request = match step.request.fill(bindings) {
                Ok(request) => request,
                Err(error) if index == 0 => {
                    return Verdict::Skipped(format!("an earlier check has failed: {error}"));
                }
                Err(error) => return Verdict::Failed(error),
            };
            let (method, path) = (request.method().clone(), request.uri().to_string());
            let place = format!("{method} {path}");
            if !self.created.may_change(&method, &path, &self.prefix) {
                return Verdict::Failed(format!("{place} was not sent: this run has not created it"));
            }
            let sent = match step.request.anonymous {
                true => self.client.without_token().send(request).await,
                false => self.client.send(request).await,
            };
            let response = match sent {
                Ok(response) => response,
                Err(error) => return Verdict::Failed(format!("{place}: {error}")),
            };
            self.created.note(&method, &path, &response, self.client.base_url());
            let mut tried = bindings.clone();
            tried.binds_ids =
                method == Method::POST && (response.status() == StatusCode::CREATED || path == "/Bulk");
            if let Err(error) = step.response.compare(&response, &mut tried) {
                return Verdict::Failed(format!("{place}: {error}"));
            }
            *bindings = tried;
        }
        Verdict::Passed
    }
}
