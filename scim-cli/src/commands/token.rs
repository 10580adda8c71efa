//! Where the bearer token comes from.

use std::io::Read;
use std::path::Path;

/// The token: the argument, a file, or the variable `SCIM_TOKEN`. Space around it is no part of it.
pub(super) fn read(argument: Option<&str>, file: Option<&Path>) -> Result<Option<String>, String> {
    if let Some(token) = argument {
        eprintln!("scim: others can see the token in the list of processes; use SCIM_TOKEN or --token-file");
        return Ok(Some(token.to_owned()));
    }
    let text = match file {
        Some(file) if file.as_os_str() == "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(|error| format!("standard input: {error}"))?;
            Some(text)
        }
        Some(file) => {
            Some(std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?)
        }
        None => std::env::var("SCIM_TOKEN").ok(),
    };
    Ok(text.map(|text| text.trim().to_owned()).filter(|token| !token.is_empty()))
}
