//! What a host does from its start to its end.

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use clap::ArgMatches;
use scim_core::ScimServiceBuilder;
use scim_store::Database;

use crate::greeting::{greeting, hint_without_credentials};
use crate::settings::options;
use crate::{Host, InvalidSettings, RawListener, Settings, commands, console, log};

/// A host program.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// The name of the executable file.
    pub name: &'static str,
    /// What it is, for the help.
    pub about: &'static str,
    /// The `DATABASE_URL` if it is not set.
    pub default_database: &'static str,
    /// Whether it has [users and groups](crate::users_and_groups) in a store of their own, with the options for them.
    pub has_store: bool,
}

/// What a host serves.
#[derive(Debug)]
pub struct Resources {
    /// The resource types and their providers.
    pub builder: ScimServiceBuilder,
    /// The database with the credentials; `None` to keep them in memory.
    pub database: Option<Arc<dyn Database>>,
}

/// Runs a host: reads the options, and then runs a command, or opens the `resources` and calls `serve`. Prints errors, and
/// returns the exit code: 2 for wrong options, 1 for other errors.
pub async fn run(
    program: Program,
    resources: impl AsyncFnOnce(&Settings) -> Result<Resources, Box<dyn Error>>,
    serve: impl AsyncFnOnce(Host, RawListener) -> Result<(), Box<dyn Error>>,
) -> ExitCode {
    let matches = commands::command(&program).get_matches();
    match run_matches(program, &matches, resources, serve).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", program.name);
            ExitCode::from(if error.is::<InvalidSettings>() { 2 } else { 1 })
        }
    }
}

async fn run_matches(
    program: Program,
    matches: &ArgMatches,
    resources: impl AsyncFnOnce(&Settings) -> Result<Resources, Box<dyn Error>>,
    serve: impl AsyncFnOnce(Host, RawListener) -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    // An argument may be before or behind the command.
    let innermost = innermost(matches);
    let get = |name: &str| options::value(innermost, name);
    let settings = Settings::read(&get, program.default_database)?;
    if let Some((name @ ("token" | "client" | "admin"), matches)) = matches.subcommand() {
        print(&commands::run(&settings, name, matches).await?)?;
        return Ok(());
    }
    let resources = resources(&settings).await?;
    if matches.get_flag("check") {
        Host::new(&settings, resources, settings.listen).await?;
        return print(&format!("{}: the options are valid, and the database is open\n", program.name));
    }
    // The last lines of the log are written when this is dropped.
    let _log = log::start();
    let listener = RawListener::bind(&settings)?;
    let address = listener.local_address()?;
    let (host, tokens) = Host::new(&settings, resources, address).await?;
    let admin_address = host.start_background_tasks().await?;
    let mut text = greeting(&settings, address, tokens.client.as_deref()) + "\n";
    if let (Some(admin), Some(listening)) = (&settings.admin, admin_address) {
        let token = tokens.administrator.as_deref();
        text += &console::greeting(admin, listening, program.name, token, tokens.has_administrators);
        text.push('\n');
    }
    print(&text)?;
    if tokens.client.is_none() && !host.has_credentials().await? {
        eprintln!("{}", hint_without_credentials(program.name, settings.tenants).unwrap_or_default());
    }
    serve(host.clone(), listener).await?;
    host.flush_log().await;
    host.report_stop();
    Ok(())
}

/// The matches of the last command of a line such as `client secret add`, which have the options too.
fn innermost(matches: &ArgMatches) -> &ArgMatches {
    match matches.subcommand() {
        Some((_, matches)) => innermost(matches),
        None => matches,
    }
}

/// Prints to standard output, which may be closed.
fn print(text: &str) -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Into::into)
}
