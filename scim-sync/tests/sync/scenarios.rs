//! Sequences of changes and runs, from `testdata/sync/scenarios`.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use scim_sync::{Plan, RunOptions, Status, Synchronizer, deliver_notices};
use serde::Deserialize;
use serde_json::Value;

use crate::support::{Mailbox, World, day, synchronizer};

/// A file: the same settings for several scenarios.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "description")]
    _description: String,
    settings: Value,
    scenarios: Vec<Scenario>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    name: String,
    /// Replaces settings of the file.
    #[serde(default)]
    settings: BTreeMap<String, Value>,
    /// Users that exist before.
    #[serde(default)]
    users: Vec<Value>,
    /// Groups that exist before, by name, with the `userName`s of their members.
    #[serde(default)]
    groups: BTreeMap<String, Vec<String>>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// What changes in the directory: people by id, and groups by id. Null removes.
    #[serde(default)]
    people: BTreeMap<String, Value>,
    #[serde(default)]
    directory_groups: BTreeMap<String, Option<DirectoryGroup>>,
    #[serde(default)]
    expire_positions: bool,
    /// What somebody changes by hand at the endpoint.
    #[serde(default)]
    add_by_hand: Vec<(String, String)>,
    #[serde(default)]
    remove_by_hand: Vec<(String, String)>,
    #[serde(default)]
    patch_by_hand: BTreeMap<String, Value>,
    #[serde(default)]
    delete_by_hand: Vec<String>,
    #[serde(default)]
    create_by_hand: Vec<String>,
    #[serde(default)]
    lose_ledger: bool,
    /// From here on, the settings are changed like this.
    #[serde(default)]
    settings: BTreeMap<String, Value>,

    /// The claims of somebody who signs in. Without them, there is a run.
    #[serde(default)]
    sign_in: Option<Value>,
    #[serde(default)]
    day: i64,
    #[serde(default)]
    full: bool,
    #[serde(default)]
    allow_deactivations: bool,

    /// The lines of the plan, with single spaces.
    plan: Vec<String>,
    #[serde(default)]
    is_incomplete: bool,
    /// Whether the endpoint refuses something, which a plan cannot know.
    #[serde(default)]
    is_refused: bool,
    /// What users have afterwards, by `userName`; null for one who must not be there.
    #[serde(default)]
    users: BTreeMap<String, Value>,
    /// The members of groups afterwards.
    #[serde(default)]
    members: BTreeMap<String, BTreeSet<String>>,
    /// The notices that are sent.
    #[serde(default)]
    notices: Vec<String>,
    /// The day of the last success.
    #[serde(default)]
    last_success: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DirectoryGroup {
    name: String,
    members: BTreeSet<String>,
}

#[test]
fn scenarios_end_as_their_files_say() {
    let mut count = 0;
    for path in testdata::files("sync/scenarios") {
        let file: File = testdata::load(&path);
        for scenario in &file.scenarios {
            let name = format!("{}: {}", path.file_stem().unwrap().display(), scenario.name);
            run(&name, &file.settings, scenario);
            count += 1;
        }
    }
    assert!(count > 30, "{count} scenarios");
}

fn run(name: &str, settings: &Value, scenario: &Scenario) {
    let mut settings = settings.clone();
    replace(&mut settings, &scenario.settings);
    let mut world = World::new();
    for user in &scenario.users {
        world.endpoint.create_user(user.clone());
    }
    for (group, members) in &scenario.groups {
        world.endpoint.create_group(group);
        members.iter().for_each(|member| world.endpoint.set_member(group, member, true));
    }
    for (index, step) in scenario.steps.iter().enumerate() {
        let place = format!("{name}, step {index}");
        replace(&mut settings, &step.settings);
        prepare(&mut world, step);
        check(&place, &mut world, &synchronizer(&settings), step);
    }
}

fn replace(settings: &mut Value, changes: &BTreeMap<String, Value>) {
    for (key, value) in changes {
        settings[key] = value.clone();
    }
}

fn prepare(world: &mut World, step: &Step) {
    for (id, fields) in &step.people {
        world.directory.set_person(id, fields.clone());
    }
    for (id, group) in &step.directory_groups {
        world.directory.set_group(id, group.as_ref().map(|group| (&*group.name, group.members.clone())));
    }
    if step.expire_positions {
        world.directory.expire_positions();
    }
    if step.lose_ledger {
        world.ledger = scim_sync::MemoryLedger::default();
    }
    for user in &step.delete_by_hand {
        world.endpoint.by_hand(Method::DELETE, &format!("/Users/{}", world.endpoint.user_id(user)), None);
    }
    for group in &step.create_by_hand {
        world.endpoint.create_group(group);
    }
    for (group, user) in &step.add_by_hand {
        world.endpoint.set_member(group, user, true);
    }
    for (group, user) in &step.remove_by_hand {
        world.endpoint.set_member(group, user, false);
    }
    for (user, operations) in &step.patch_by_hand {
        world.endpoint.patch(&format!("/Users/{}", world.endpoint.user_id(user)), operations.clone());
    }
}

fn check(place: &str, world: &mut World, sync: &Synchronizer, step: &Step) {
    let options = RunOptions {
        full: step.full,
        allow_deactivations: step.allow_deactivations,
        ..RunOptions::new(day(step.day))
    };
    let plan = match &step.sign_in {
        Some(claims) => {
            pollster::block_on(sync.sign_in(claims, &world.endpoint, &mut world.ledger, options)).unwrap()
        }
        None => {
            let planned = world.plan(sync, options);
            let report = world.run(sync, options);
            assert_eq!(report.is_complete, !step.is_incomplete, "{place}: {report}");
            if !step.is_refused {
                assert_eq!(planned, report.plan, "{place}: the plan is not what the run did");
                let again = world.plan(sync, options);
                assert!(again.is_empty(), "{place}: a second run would do this:\n{again}");
                let full = world.plan(sync, RunOptions { full: true, ..options });
                assert!(full.is_empty() || step.is_incomplete, "{place}: a full run would do this:\n{full}");
            }
            report.plan
        }
    };
    assert_eq!(lines(&plan, world), step.plan, "{place}");
    check_endpoint(place, world, step);
    let mailbox = Mailbox::default();
    pollster::block_on(deliver_notices(&mut world.ledger, &mailbox)).unwrap();
    let mut notices = Vec::new();
    for notice in mailbox.sent.into_inner().unwrap() {
        let kind = serde_json::to_value(notice.kind).unwrap();
        let texts =
            [kind.as_str().unwrap(), &notice.to, &notice.person].into_iter().filter(|text| !text.is_empty());
        let texts = texts.map(str::to_owned).chain(notice.lines.clone());
        notices.push(texts.collect::<Vec<_>>().join(" | "));
    }
    assert_eq!(notices, step.notices, "{place}: notices");
    if let Some(last_success) = step.last_success {
        let status = Status::read(&mut world.ledger).unwrap();
        assert_eq!(status.last_success, Some(day(last_success)), "{place}");
    }
}

fn check_endpoint(place: &str, world: &World, step: &Step) {
    let users = world.endpoint.users();
    for (name, expected) in &step.users {
        match (expected, users.get(name)) {
            (Value::Null, user) => assert_eq!(user, None, "{place}: {name}"),
            (_, None) => panic!("{place}: there is no user {name}"),
            (expected, Some(user)) => {
                for (attribute, value) in expected.as_object().unwrap() {
                    assert_eq!(
                        user.get(attribute).unwrap_or(&Value::Null),
                        value,
                        "{place}: {attribute} of {name}"
                    );
                }
            }
        }
    }
    let members = world.endpoint.members();
    for (group, expected) in &step.members {
        assert_eq!(members.get(group), Some(expected), "{place}: members of {group}");
    }
}

/// The lines of the plan, with single spaces, and with names instead of ids.
fn lines(plan: &Plan, world: &World) -> Vec<String> {
    let text = plan.to_string();
    let mut lines: Vec<String> =
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for (name, user) in world.endpoint.users() {
        let id = user["id"].as_str().unwrap();
        lines.iter_mut().for_each(|line| *line = line.replace(id, &format!("<{name}>")));
    }
    for (name, id) in world.endpoint.group_ids() {
        lines.iter_mut().for_each(|line| *line = line.replace(&id, &format!("<{name}>")));
    }
    lines
}
