//! What a directory may send, page by page.

use std::collections::VecDeque;

use scim_sync::{
    Directory, DirectoryError, DirectoryPage, GroupChange, Next, Person, PersonChange, RunOptions,
    Synchronizer, async_trait,
};
use serde_json::json;

use crate::support::{World, day, synchronizer};

/// Pages in order; the last one has the position.
#[derive(Default)]
struct Script {
    people: VecDeque<Vec<PersonChange>>,
    groups: VecDeque<Vec<GroupChange>>,
    /// What `find` returns.
    found: Vec<Person>,
}

fn page<T>(pages: &mut VecDeque<Vec<T>>) -> DirectoryPage<T> {
    let changes = pages.pop_front().unwrap_or_default();
    let next =
        if pages.is_empty() { Next::Position("end".to_owned()) } else { Next::Page("more".to_owned()) };
    DirectoryPage { changes, next }
}

#[async_trait]
impl Directory for Script {
    async fn people(&mut self, _: Option<&str>) -> Result<DirectoryPage<PersonChange>, DirectoryError> {
        Ok(page(&mut self.people))
    }

    async fn groups(&mut self, _: Option<&str>) -> Result<DirectoryPage<GroupChange>, DirectoryError> {
        Ok(page(&mut self.groups))
    }

    async fn find(&mut self, _: &[String]) -> Result<Vec<Person>, DirectoryError> {
        Ok(self.found.clone())
    }
}

fn sync() -> Synchronizer {
    synchronizer(&json!({
        "mapping": [{ "target": "userName", "source": "login", "required": true }],
        "grants": [{ "group": "A", "external": ["g"] }]
    }))
}

fn run(world: &mut World, people: Vec<Vec<PersonChange>>, groups: Vec<Vec<GroupChange>>) -> String {
    let mut directory = Script { people: people.into(), groups: groups.into(), found: Vec::new() };
    let (sync, mut ignored) = (sync(), |_| {});
    let run =
        sync.run(&mut directory, &world.endpoint, &mut world.ledger, RunOptions::new(day(0)), &mut ignored);
    let report = pollster::block_on(run).unwrap();
    assert!(report.is_complete, "{report}");
    report.plan.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn present(id: &str) -> PersonChange {
    PersonChange::Present(Person::new(id, json!({ "login": id })))
}

fn removed(id: &str) -> PersonChange {
    PersonChange::Removed(id.to_owned())
}

fn group(id: &str, added: &[&str], removed: &[&str]) -> GroupChange {
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    GroupChange {
        id: id.to_owned(),
        name: None,
        added: texts(added),
        removed: texts(removed),
        deleted: false,
    }
}

#[test]
fn the_last_change_of_a_person_counts() {
    let mut world = World::new();
    world.endpoint.create_group("A");
    let first = vec![vec![present("a"), present("b")], vec![present("a"), removed("a")], vec![]];
    assert_eq!(run(&mut world, first, vec![]), "create a create b deactivate a");
    assert_eq!(run(&mut world, vec![vec![removed("a"), present("a")]], vec![]), "restore a active");
    assert_eq!(run(&mut world, vec![vec![present("a"), removed("a"), present("b")]], vec![]), "deactivate a");
    assert_eq!(run(&mut world, vec![vec![removed("x")]], vec![]), "nothing to do");
}

/// A person comes in several pages, and the mapping deactivates them, which waits until the guard has allowed it.
#[test]
fn a_person_in_several_pages_is_deactivated_once() {
    let sync = synchronizer(&json!({
        "mapping": [
            { "target": "userName", "source": "login", "required": true },
            { "target": "active", "source": "enabled" },
            { "target": "emails[type eq \"work\"].value", "source": "login" }
        ],
        "guard": { "deactivations": 1 },
        "notices": { "welcome": true }
    }));
    let mut world = World::new();
    let person = |is_enabled| {
        PersonChange::Present(Person::new("a", json!({ "login": "a@example.com", "enabled": is_enabled })))
    };
    for (pages, expected) in [
        (vec![vec![person(true)]], "create a"),
        (vec![vec![person(false)], vec![person(false)], vec![person(false)]], "update a active"),
    ] {
        let found = vec![Person::new("a", json!({ "login": "a@example.com", "enabled": false })); 2];
        let mut directory = Script { people: pages.into(), found, ..Script::default() };
        let mut ignored = |_| {};
        let options = RunOptions::new(day(0));
        let run = sync.run(&mut directory, &world.endpoint, &mut world.ledger, options, &mut ignored);
        let report = pollster::block_on(run).unwrap();
        let plan = report.plan.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!((plan.as_str(), report.is_complete, report.people), (expected, true, 1), "{report}");
    }
    assert_eq!(world.endpoint.users().len(), 1);
}

#[test]
fn members_of_a_group_come_in_parts() {
    let mut world = World::new();
    world.endpoint.create_group("A");
    let people = vec![vec![present("a"), present("b"), present("c")]];
    let groups = vec![vec![group("g", &["a", "b"], &[])], vec![group("g", &["c"], &["b"])]];
    assert_eq!(run(&mut world, people, groups), "create a create b create c add member a A add member c A");
    assert_eq!(world.endpoint.members()["A"], ["a", "c"].map(str::to_owned).into());
}

#[test]
fn a_run_without_changes_sends_no_request() {
    let mut world = World::new();
    world.endpoint.create_group("A");
    run(&mut world, vec![vec![present("a")]], vec![vec![group("g", &["a"], &[])]]);
    let requests = world.endpoint.requests();
    assert_eq!(run(&mut world, vec![], vec![]), "nothing to do");
    assert_eq!(world.endpoint.requests(), requests);
}
