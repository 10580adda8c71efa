//! `scim check`

use std::process::ExitCode;

use http::Request;
use scim_client::{Client, Discovery};

use super::{EndpointArguments, OutputArguments};
use crate::check::{Created, Report, Runner, built_in};
use crate::conversation::{Conversation, reason};
use crate::terminal::progress_bar;

pub(super) async fn check(
    endpoint: &EndpointArguments,
    only: &str,
    output: &OutputArguments,
) -> Result<ExitCode, String> {
    let mut conversations = built_in()?;
    for conversation in &mut conversations {
        // A check may need what an earlier one of the same subject has created.
        let last = conversation.checks.iter().rposition(|check| check.id.contains(only));
        conversation.checks.truncate(last.map_or(0, |last| last + 1));
    }
    if conversations.iter().all(|conversation| conversation.checks.is_empty()) {
        return Err(format!("no check has `{only}` in its name"));
    }
    run(&endpoint.client()?, &conversations, output).await
}

/// Runs conversations, deletes what they have created, also after Ctrl-C, and writes the report.
pub(super) async fn run(
    client: &Client,
    conversations: &[Conversation],
    output: &OutputArguments,
) -> Result<ExitCode, String> {
    // A token that is refused would fail every check.
    let request = Request::get("/Users?count=1").body(Vec::new()).map_err(|error| error.to_string())?;
    let no_answer = |error| format!("{} does not answer: {error}", client.base_url());
    let first = client.send(request).await.map_err(no_answer)?;
    if matches!(first.status().as_u16(), 401 | 403) {
        return Err(reason(&first));
    }
    let discovery = Discovery::read(client).await.map_err(no_answer)?;
    let created = Created::default();
    let prefix = format!("scim-check-{}", scim_core::new_id());
    let runner = Runner::new(client, discovery, created.clone(), prefix.clone());
    let bar = progress_bar(conversations.iter().map(|conversation| conversation.checks.len() as u64).sum());
    let mut report = Report::default();
    let all = async {
        for conversation in conversations {
            let findings = runner.run(conversation, |finding| {
                bar.set_message(finding.id.clone());
                bar.inc(1);
            });
            report.findings.extend(findings.await);
        }
    };
    let is_interrupted = tokio::select! {
        () = all => false,
        _ = tokio::signal::ctrl_c() => true,
    };
    if is_interrupted {
        created.find_by_prefix(client, &prefix).await;
    }
    report.left_behind = created.delete_all(client).await;
    bar.finish_and_clear();
    print!("{}", if output.json { report.json() } else { report.table() });
    if let Some(file) = &output.junit {
        std::fs::write(file, report.junit()).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    if is_interrupted {
        return Err("it was interrupted; what it had created is deleted".to_owned());
    }
    Ok(if report.has_failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
