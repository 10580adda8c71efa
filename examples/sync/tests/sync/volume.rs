//! A large directory. `SCIM_SOAK=1` makes it 50,000 people and 500 groups, and prints the times.

use std::process::Stdio;
use std::time::{Duration, Instant};

use scim_sync::{Collection, Directory, Ledger, RunOptions};
use serde_json::{Value, json};
use sync_program::{Config, Graph, SqliteLedger, Target};

use crate::support::{FakeGraph, Program, person};

#[tokio::test(flavor = "multi_thread")]
async fn a_large_directory_is_synchronized_with_bounded_memory() {
    let is_soak = std::env::var_os("SCIM_SOAK").is_some();
    let (people, groups) = if is_soak { (50_000, 500) } else { (2_000, 20) };
    let graph = FakeGraph::start().await;
    graph.lock().page_size = 500;
    (0..people).for_each(|number| graph.set_person(&format!("p{number}"), person(number)));
    let mut program = Program::new(graph.provider());
    let mut grants = Vec::new();
    for group in 0..groups {
        let members: Vec<_> =
            (0..people / 5).map(|number| format!("p{}", (number * 7 + group * 13) % people)).collect();
        let members: Vec<_> = members.iter().take(500).map(String::as_str).collect();
        graph.set_group(&format!("g{group}"), &format!("Group {group}"), &members);
        program.create_group(&format!("Team {group}")).await;
        grants.push(json!({ "group": format!("Team {group}"), "external": [format!("g{group}")] }));
    }
    program.config["sync"]["grants"] = json!(grants);

    let (first, peak) = timed(&program, &["run"]).await;
    let (full, full_peak) = timed(&program, &["run", "--full"]).await;
    let (alone, unchanged) = without_changes(&program, &graph).await;
    println!(
        "{people} people, {groups} groups: first run {first:.2?}, {peak} MiB; full run {full:.2?}, {full_peak} MiB; \
         run without changes {unchanged:.2?}, Graph alone {alone:.2?}"
    );
    let bound = 100 + people as u64 / 100;
    assert!(peak < bound && full_peak < bound, "{peak} MiB and {full_peak} MiB for {people} people");
    assert_eq!(program.done(&["plan", "--full"]).await, "nothing to do\n");
    let status = program.done(&["status"]).await;
    assert!(status.contains(&format!("{people} people have a user; 0 of them are gone")), "{status}");
}

/// The time of a command, and the largest memory that it had, in MiB.
async fn timed(program: &Program, arguments: &[&str]) -> (Duration, u64) {
    let begin = Instant::now();
    let mut child = program.command(arguments).stdout(Stdio::null()).spawn().unwrap();
    let path = format!("/proc/{}/status", child.id().unwrap());
    let mut peak = 0;
    loop {
        if let Ok(status) = tokio::time::timeout(Duration::from_millis(20), child.wait()).await {
            assert!(status.unwrap().success());
            return (begin.elapsed(), peak / 1024);
        }
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak =
            line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(peak).max(peak);
    }
}

/// The times of what a run without changes reads, and of the run. Both begin with a new token.
async fn without_changes(program: &Program, graph: &FakeGraph) -> (Duration, Duration) {
    let config: Config = serde_json::from_value(program.config.clone()).unwrap();
    let sync = config.synchronizer().unwrap();
    let mut ledger = SqliteLedger::open(&config.ledger).unwrap();
    let positions: Value =
        serde_json::from_str(&ledger.get(Collection::State, "positions").unwrap().unwrap()).unwrap();
    let target = Target::open(&config.target).await.unwrap();
    let (mut alone, mut unchanged) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        let mut directory =
            Graph::new(&serde_json::from_value(graph.provider()).unwrap(), &sync.fields()).unwrap();
        let begin = Instant::now();
        directory.groups(positions["groups"].as_str()).await.unwrap();
        directory.people(positions["people"].as_str()).await.unwrap();
        alone.push(begin.elapsed());

        let mut directory =
            Graph::new(&serde_json::from_value(graph.provider()).unwrap(), &sync.fields()).unwrap();
        let begin = Instant::now();
        let options = RunOptions::new(chrono::Utc::now());
        let report = sync.run(&mut directory, &target, &mut ledger, options, &mut |_| {}).await.unwrap();
        unchanged.push(begin.elapsed());
        assert!(report.is_complete && !report.is_full && report.plan.is_empty(), "{report}");
    }
    alone.sort();
    unchanged.sort();
    (alone[10], unchanged[10])
}
