//! `sync plan` and `sync run`

use std::io::IsTerminal;
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use scim_sync::{Level, Mode};

use super::{Parts, Result, RunArguments, exit_code, notices, options, photos};
use crate::{Config, SqliteLedger};

pub(super) async fn plan(config: &Config, arguments: RunArguments) -> Result<ExitCode> {
    let mut parts = Parts::open(config).await?;
    let plan =
        parts.synchronizer.plan(&mut parts.directory, &parts.target, &mut parts.ledger, options(arguments));
    let plan = plan.await?;
    print!("{plan}");
    Ok(exit_code(plan.level()))
}

pub(super) async fn run(config: &Config, arguments: RunArguments) -> Result<ExitCode> {
    let _lock = SqliteLedger::lock_run(&config.ledger)?;
    let mut parts = Parts::open(config).await?;
    let bar = progress_bar();
    let mut progress = |progress: scim_sync::Progress| {
        bar.set_message(format!("{} people, {} changes", progress.people, progress.changes));
        bar.tick();
    };
    let Parts { synchronizer, directory, target, ledger } = &mut parts;
    let report = synchronizer.run(directory, target, ledger, options(arguments), &mut progress).await?;
    bar.finish_and_clear();
    if arguments.changes {
        print!("{}", report.plan);
    }
    print!("{report}");
    if config.sync.mode == Mode::Paused {
        return Ok(ExitCode::SUCCESS);
    }
    let mut level = report.plan.level();
    if report.is_complete && config.photos.is_some() {
        let plan = photos::copy_changed(config, &mut parts, None).await?;
        if !plan.is_empty() || !plan.problems.is_empty() {
            print!("{plan}");
        }
        level = level.max(plan.level());
    }
    if notices::deliver(config, &mut parts.ledger).await? {
        level = level.max(Some(Level::Error));
    }
    Ok(exit_code(level))
}

/// Shows progress on a terminal, and nothing elsewhere.
fn progress_bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar
}
