//! Runs that are stopped, and requests that fail.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::RngExt as _;
use proptest::test_runner::{RngAlgorithm, TestRng};
use scim_sync::{
    Collection, Deliveries, Ledger, LedgerChange, LedgerError, MemoryLedger, NoticeKind, RunOptions,
    SendError, Synchronizer, deliver_notices, refused_notices, resend_notices, unknown_notices,
    waiting_notices,
};
use serde_json::{Value, json};

use crate::support::{Fault, Mailbox, World, day, run, synchronizer};

fn sync() -> Synchronizer {
    sync_with(json!({ "delete_after_days": 0 }))
}

fn sync_with(retention: Value) -> Synchronizer {
    synchronizer(&json!({
        "mapping": [
            { "target": "userName", "source": "login", "required": true },
            { "target": "emails[type eq \"work\"].value", "source": "mail" },
            { "target": "title", "source": "title" }
        ],
        "match": [{ "source": "login", "target": "userName" }],
        "grants": [{ "group": "A", "external": ["a"] }, { "group": "B", "external": ["b"] }],
        "retention": retention,
        "notices": { "welcome": true }
    }))
}

fn person(number: usize, title: &str) -> Value {
    json!({ "login": format!("user{number}"), "mail": format!("user{number}@example.com"), "title": title })
}

fn ids(numbers: impl IntoIterator<Item = usize>) -> BTreeSet<String> {
    numbers.into_iter().map(|number| number.to_string()).collect()
}

/// An endpoint with people 0 to 4, and a directory in which 0 and 1 are gone, 2 has changed, and 5 to 9 are new.
fn changed_world(sync: &Synchronizer) -> World {
    let mut world = World::new();
    world.endpoint.create_group("A");
    world.endpoint.create_group("B");
    world.endpoint.create_user(json!({ "userName": "user9", "nickName": "by hand" }));
    for number in 0..5 {
        world.directory.set_person(&number.to_string(), person(number, "old"));
    }
    world.directory.set_group("a", Some(("a", ids([0, 2, 3]))));
    world.directory.set_group("b", Some(("b", ids([1, 2]))));
    let report = world.run(sync, RunOptions::new(day(0)));
    assert!(report.is_complete && report.plan.problems.is_empty(), "{report}");
    deliver(&mut world.ledger, &Mailbox::default());
    for number in [0, 1] {
        world.directory.set_person(&number.to_string(), Value::Null);
    }
    for number in [2, 5, 6, 7, 8, 9] {
        world.directory.set_person(&number.to_string(), person(number, "new"));
    }
    world.directory.set_group("a", Some(("a", ids([3, 5, 6]))));
    world.directory.set_group("b", Some(("b", ids([2, 6, 9]))));
    world
}

fn deliver(ledger: &mut impl Ledger, mailbox: &Mailbox) -> Deliveries {
    pollster::block_on(deliver_notices(ledger, mailbox)).unwrap()
}

/// What users and groups have, without ids and versions.
fn state(world: &World) -> (BTreeMap<String, Value>, BTreeMap<String, BTreeSet<String>>) {
    let mut users = world.endpoint.users();
    for user in users.values_mut() {
        let user = user.as_object_mut().unwrap();
        for attribute in ["id", "meta", "groups"] {
            user.remove(attribute);
        }
    }
    (users, world.endpoint.members())
}

fn expected(sync: &Synchronizer) -> (BTreeMap<String, Value>, BTreeMap<String, BTreeSet<String>>) {
    let mut world = changed_world(sync);
    let report = world.run(sync, RunOptions::new(day(1)));
    assert!(report.is_complete && report.plan.problems.is_empty(), "{report}");
    let state = state(&world);
    assert_eq!(state.1["B"], ["user2", "user6", "user9"].map(str::to_owned).into());
    state
}

/// Fails after a number of writes, and either makes the last one or not.
struct Failing<'a> {
    ledger: &'a mut MemoryLedger,
    writes: usize,
    makes_last: bool,
}

impl Ledger for Failing<'_> {
    fn get(&mut self, collection: Collection, key: &str) -> Result<Option<String>, LedgerError> {
        self.ledger.get(collection, key)
    }

    fn list(&mut self, collection: Collection, each: &mut dyn FnMut(&str, &str)) -> Result<(), LedgerError> {
        self.ledger.list(collection, each)
    }

    fn write(&mut self, changes: &[LedgerChange]) -> Result<(), LedgerError> {
        if self.writes > 0 {
            self.writes -= 1;
            return self.ledger.write(changes);
        }
        if self.makes_last {
            self.makes_last = false;
            self.ledger.write(changes)?;
        }
        Err(LedgerError::new("the process was killed"))
    }
}

#[test]
fn a_run_that_is_stopped_at_any_request_is_finished_by_the_next() {
    for retention in [json!({ "delete_after_days": 0 }), json!({})] {
        stop_at_any_request(&sync_with(retention));
    }
}

fn stop_at_any_request(sync: &Synchronizer) {
    let expected = expected(sync);
    let mut stopped = 0;
    for fault in [Fault::Down, Fault::Lost, Fault::Status(500), Fault::Status(503), Fault::Status(401)] {
        for number in 1.. {
            let mut world = changed_world(sync);
            let request = world.endpoint.requests() + number;
            world.endpoint.faults.lock().unwrap().insert(request, fault);
            world.run(sync, RunOptions { concurrency: 1, ..RunOptions::new(day(1)) });
            if world.endpoint.requests() < request {
                break;
            }
            stopped += 1;
            world.endpoint.repair();
            finish(sync, &mut world, &expected, &format!("{fault:?} at request {number}"));
        }
    }
    assert!(stopped > 100, "{stopped}");
}

/// The next run ends in the same state, and everybody is welcomed once.
fn finish(
    sync: &Synchronizer,
    world: &mut World,
    expected: &(BTreeMap<String, Value>, BTreeMap<String, BTreeSet<String>>),
    place: &str,
) {
    let report = world.run(sync, RunOptions::new(day(1)));
    assert!(report.is_complete && report.plan.problems.is_empty(), "{place}: {report}");
    assert_eq!(state(world), *expected, "{place}");
    let again = world.plan(sync, RunOptions { full: true, ..RunOptions::new(day(1)) });
    assert!(again.is_empty(), "{place}: {again}");
    let mailbox = Mailbox::default();
    deliver(&mut world.ledger, &mailbox);
    let welcomed: Vec<_> = mailbox.sent.into_inner().unwrap().into_iter().map(|notice| notice.to).collect();
    let new: Vec<_> = (5..9).map(|number| format!("user{number}@example.com")).collect();
    assert_eq!(welcomed, new, "{place}");
}

#[test]
fn a_run_that_is_stopped_at_any_write_of_the_ledger_is_finished_by_the_next() {
    for retention in [json!({ "delete_after_days": 0 }), json!({})] {
        stop_at_any_write(&sync_with(retention));
    }
}

fn stop_at_any_write(sync: &Synchronizer) {
    let expected = expected(sync);
    let mut stopped = 0;
    for makes_last in [false, true] {
        for writes in 0.. {
            let mut world = changed_world(sync);
            let mut ledger = Failing { ledger: &mut world.ledger, writes, makes_last };
            let mut ignored = |_| {};
            let run = sync.run(
                &mut world.directory,
                &world.endpoint,
                &mut ledger,
                RunOptions::new(day(1)),
                &mut ignored,
            );
            if pollster::block_on(run).is_ok() {
                break;
            }
            stopped += 1;
            finish(sync, &mut world, &expected, &format!("stopped after {writes} writes, {makes_last}"));
        }
    }
    assert!(stopped >= 10, "{stopped}");
}

#[test]
fn a_directory_that_fails_changes_nothing_for_those_who_were_not_read() {
    let sync = sync();
    let expected = expected(&sync);
    for call in 1..6 {
        for is_full in [false, true] {
            let mut world = changed_world(&sync);
            let number = world.directory.calls + call;
            world.directory.failing_calls.insert(number);
            let report = world.run(&sync, RunOptions { full: is_full, ..RunOptions::new(day(1)) });
            if world.directory.calls >= number {
                assert!(!report.is_complete);
                assert!(report.to_string().contains("the connection was lost"), "{report}");
                assert_eq!(report.plan.count(scim_sync::Action::Deactivate), 0, "{report}");
            }
            world.directory.failing_calls.clear();
            let deactivated =
                world.run(&sync, RunOptions::new(day(1))).plan.count(scim_sync::Action::Deactivate);
            assert!(deactivated == 2 || world.directory.calls < number || report.is_complete);
            assert_eq!(state(&world), expected, "call {call}");
        }
    }
}

#[test]
fn a_third_of_the_requests_fails_and_the_runs_converge() {
    let sync = sync();
    let expected = expected(&sync);
    for seed in 0..20u8 {
        let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
        let mut world = changed_world(&sync);
        let first = world.endpoint.requests();
        {
            let mut faults = world.endpoint.faults.lock().unwrap();
            for number in first..first + 400 {
                let fault = match random.random_range(0..10) {
                    0 => Fault::Status(503),
                    1 => Fault::Status(500),
                    2 => Fault::Lost,
                    _ => continue,
                };
                faults.insert(number, fault);
            }
        }
        let mut runs = 0;
        loop {
            runs += 1;
            let report = world.run(&sync, RunOptions::new(day(1)));
            if report.is_complete && report.plan.problems.is_empty() {
                break;
            }
            assert!(runs < 200, "seed {seed}: {report}");
        }
        world.endpoint.repair();
        finish(&sync, &mut world, &expected, &format!("seed {seed}, {runs} runs"));
    }
}

#[test]
fn a_notice_is_sent_at_most_once() {
    let sync = sync();
    let mut world = World::new();
    world.endpoint.create_group("A");
    world.endpoint.create_group("B");
    world.directory.set_person("1", person(1, "a"));
    let report =
        run(&sync, &mut world.directory, &world.endpoint, &mut world.ledger, RunOptions::new(day(0)));
    assert!(report.is_complete);

    let mailbox = Mailbox::default();
    *mailbox.fails.lock().unwrap() = Some(SendError::NotSent("450 mailbox busy".to_owned()));
    let deliveries = deliver(&mut world.ledger, &mailbox);
    assert_eq!(
        deliveries.failed,
        ["welcome of user1@example.com to user1@example.com: it was not sent: 450 mailbox busy"]
    );
    *mailbox.fails.lock().unwrap() = Some(SendError::Unknown("the connection was lost".to_owned()));
    assert_eq!(deliver(&mut world.ledger, &mailbox).unknown.len(), 1);
    // Nobody knows whether it was sent, so it is not sent again by itself.
    let deliveries = deliver(&mut world.ledger, &mailbox);
    assert_eq!(
        (deliveries.sent, deliveries.unknown),
        (0, vec!["welcome of user1@example.com to user1@example.com".to_owned()])
    );
    let report = world.run(&sync, RunOptions::new(day(1)));
    assert_eq!(report.unknown_notices, ["welcome of user1@example.com to user1@example.com"]);
    assert_eq!(unknown_notices(&mut world.ledger).unwrap().len(), 1);

    assert_eq!(resend_notices(&mut world.ledger).unwrap(), 1);
    // What is refused for good waits for somebody, too.
    *mailbox.fails.lock().unwrap() = Some(SendError::Refused("550 no such user".to_owned()));
    assert_eq!(deliver(&mut world.ledger, &mailbox).failed.len(), 1);
    assert_eq!(deliver(&mut world.ledger, &mailbox), Deliveries::default());
    assert_eq!(
        refused_notices(&mut world.ledger).unwrap(),
        ["welcome of user1@example.com to user1@example.com"]
    );
    assert_eq!(resend_notices(&mut world.ledger).unwrap(), 1);
    assert_eq!(waiting_notices(&mut world.ledger).unwrap().len(), 1);
    assert_eq!(deliver(&mut world.ledger, &mailbox).sent, 1);
    assert_eq!(deliver(&mut world.ledger, &mailbox), Deliveries::default());
    assert_eq!(mailbox.sent.lock().unwrap()[0].kind, NoticeKind::Welcome);

    // A user that was deleted and is created again is welcomed again.
    world.directory.set_person("1", Value::Null);
    world.run(&sync, RunOptions::new(day(2)));
    world.directory.set_person("1", person(1, "a"));
    world.run(&sync, RunOptions::new(day(3)));
    assert_eq!(deliver(&mut world.ledger, &mailbox).sent, 1);
}

/// Somebody is removed from the directory and added with another id. Whatever is refused, the user is never left active without
/// a person.
#[test]
fn the_user_of_a_person_who_was_made_anew_is_never_left_without_a_person() {
    let sync = synchronizer(&json!({
        "mapping": [{ "target": "userName", "source": "login", "required": true }],
        "match": [{ "source": "login", "target": "userName" }]
    }));
    for number in 1.. {
        let mut world = World::new();
        world.directory.set_person("old", json!({ "login": "kim" }));
        world.run(&sync, RunOptions::new(day(0)));
        world.directory.set_person("old", Value::Null);
        world.directory.set_person("new", json!({ "login": "kim" }));
        let request = world.endpoint.requests() + number;
        world.endpoint.faults.lock().unwrap().insert(request, Fault::Status(400));
        world.run(&sync, RunOptions { concurrency: 1, ..RunOptions::new(day(1)) });
        if world.endpoint.requests() < request {
            assert!(number > 3);
            break;
        }
        world.endpoint.repair();
        world.run(&sync, RunOptions::new(day(2)));
        let user = world.endpoint.users()["kim"].clone();
        assert_eq!((&user["externalId"], &user["active"]), (&json!("new"), &json!(true)), "request {number}");
        assert!(
            world.plan(&sync, RunOptions { full: true, ..RunOptions::new(day(2)) }).is_empty(),
            "request {number}"
        );
    }
}

/// A part of a change of members is made, and then the endpoint fails. The members still count as given by rules.
#[test]
fn memberships_whose_change_has_failed_are_taken_when_rules_do_not_give_them() {
    let sync = sync();
    for fault in [Fault::Lost, Fault::Status(500), Fault::Status(400)] {
        for number in 1.. {
            let mut world = World::new();
            world.endpoint.create_group("A");
            world.endpoint.create_group("B");
            (0..150).for_each(|id| world.directory.set_person(&id.to_string(), person(id, "a")));
            world.directory.page_size = 150;
            world.directory.set_group("a", Some(("a", ids(0..150))));
            // Only the PATCHes of members matter here: the run begins again after the users are created.
            world.run(
                &synchronizer(
                    &json!({ "mapping": [{ "target": "userName", "source": "login", "required": true }] }),
                ),
                RunOptions::new(day(0)),
            );
            let begin = world.endpoint.requests();
            world.endpoint.faults.lock().unwrap().insert(begin + 150 * 2 + number, fault);
            world.run(&sync, RunOptions { concurrency: 1, ..RunOptions::new(day(0)) });
            let requests = world.endpoint.requests() - begin;
            world.endpoint.repair();
            world.directory.set_group("a", Some(("a", BTreeSet::new())));
            world.run(&sync, RunOptions { full: true, ..RunOptions::new(day(1)) });
            assert!(
                world.endpoint.members()["A"].is_empty(),
                "{fault:?} at {number}: {:?}",
                world.endpoint.members()["A"].len()
            );
            if requests < 150 * 2 + number {
                break;
            }
        }
    }
}

/// A rule gives another access. Whatever fails, the member has it in the end, and the membership stays that of the rules.
#[test]
fn a_change_of_access_is_made_in_the_end() {
    let with = |access: Option<&str>| {
        synchronizer(&json!({
            "mapping": [{ "target": "userName", "source": "login", "required": true }],
            "grants": [{ "group": "A", "access": access, "external": ["a"] }]
        }))
    };
    let prepare = || {
        let mut world = World::new();
        world.endpoint.create_group("A");
        world.directory.set_person("1", json!({ "login": "kim" }));
        world.directory.set_group("a", Some(("a", ids([1]))));
        world.run(&with(Some("edit")), RunOptions::new(day(0)));
        assert_eq!(world.endpoint.access("A"), "edit");
        world
    };
    for after in [Some("read"), None] {
        for fault in [Fault::Lost, Fault::Status(500), Fault::Status(400)] {
            for number in 1.. {
                let mut world = prepare();
                let request = world.endpoint.requests() + number;
                world.endpoint.faults.lock().unwrap().insert(request, fault);
                world.run(&with(after), RunOptions { concurrency: 1, ..RunOptions::new(day(1)) });
                if world.endpoint.requests() < request {
                    break;
                }
                world.endpoint.repair();
                world.run(&with(after), RunOptions::new(day(2)));
                assert_eq!(world.endpoint.access("A"), json!(after), "{fault:?} at request {number}");
            }
        }
        for writes in 0..10 {
            let mut world = prepare();
            let mut ledger = Failing { ledger: &mut world.ledger, writes, makes_last: true };
            let (sync, mut ignored) = (with(after), |_| {});
            let options = RunOptions::new(day(1));
            let run = sync.run(&mut world.directory, &world.endpoint, &mut ledger, options, &mut ignored);
            let _ = pollster::block_on(run);
            world.run(&with(after), RunOptions::new(day(2)));
            assert_eq!(world.endpoint.access("A"), json!(after), "killed after {writes} writes");
            world.directory.set_group("a", Some(("a", BTreeSet::new())));
            world.run(&with(after), RunOptions::new(day(3)));
            assert!(world.endpoint.members()["A"].is_empty(), "killed after {writes} writes");
        }
    }
}

/// The process is killed before, while or after a notice is sent. It is sent at most once, and listed if that is not known.
#[test]
fn a_notice_is_marked_before_it_is_sent() {
    for makes_last in [false, true] {
        for writes in 0..3 {
            let mut world = World::new();
            world.endpoint.create_group("A");
            world.endpoint.create_group("B");
            world.directory.set_person("1", person(1, "a"));
            world.run(&sync(), RunOptions::new(day(0)));
            let mailbox = Mailbox::default();
            let mut ledger = Failing { ledger: &mut world.ledger, writes, makes_last };
            let _ = pollster::block_on(deliver_notices(&mut ledger, &mailbox));
            let unknown = deliver(&mut world.ledger, &mailbox).unknown.len();
            let sent = mailbox.sent.lock().unwrap().len();
            assert!(sent <= 1 && sent + unknown >= 1, "{sent} sent, {unknown} unknown after {writes} writes");
        }
    }
}
