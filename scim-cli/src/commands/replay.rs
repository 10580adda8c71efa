//! `scim replay`

use std::path::Path;
use std::process::ExitCode;

use super::{EndpointArguments, OutputArguments, check};
use crate::conversation::Conversation;

pub(super) async fn replay(
    endpoint: &EndpointArguments,
    file: &Path,
    output: &OutputArguments,
) -> Result<ExitCode, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let conversation: Conversation =
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    check::run(&endpoint.client()?, &[conversation], output).await
}
