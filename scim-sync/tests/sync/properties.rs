//! What holds for all directories and histories.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use scim_sync::{Report, RunOptions, Synchronizer};
use serde_json::{Value, json};

use crate::support::{World, day, synchronizer};

/// Logins and names are few, so that people often have the same.
fn person() -> impl Strategy<Value = Value> {
    (0..8u8, proptest::option::of(0..3u8), any::<bool>()).prop_map(|(login, title, is_enabled)| {
        json!({ "login": format!("user{login}"), "title": title.map(|title| format!("title {title}")), "enabled": is_enabled })
    })
}

type People = BTreeMap<u8, Value>;
type Groups = BTreeMap<u8, BTreeSet<u8>>;

fn people() -> impl Strategy<Value = People> {
    proptest::collection::btree_map(0..10u8, person(), 0..8)
}

/// Groups contain people, whose numbers are below 10, and groups, whose numbers are above.
fn groups() -> impl Strategy<Value = Groups> {
    proptest::collection::btree_map(10..13u8, proptest::collection::btree_set(0..13u8, 0..6), 3)
}

fn sync() -> Synchronizer {
    synchronizer(&json!({
        "mapping": [
            { "target": "userName", "source": "login", "required": true },
            { "target": "title", "source": "title" },
            { "target": "active", "source": "enabled" }
        ],
        "match": [{ "source": "login", "target": "userName" }],
        "scope": { "member_of": ["10"], "nested": true },
        "grants": [
            { "group": "A", "external": ["11"] },
            { "group": "A", "access": "edit", "external": ["12"] },
            { "group": "B", "filter": "title pr" }
        ],
        "retention": { "delete_after_days": 5 }
    }))
}

fn world(existing: &BTreeSet<u8>) -> World {
    let world = World::new();
    for login in existing {
        world.endpoint.create_user(json!({ "userName": format!("user{login}"), "nickName": "by hand" }));
    }
    ["A", "B"].into_iter().for_each(|group| {
        world.endpoint.create_group(group);
    });
    world
}

fn set(world: &mut World, people: &People, groups: &Groups) {
    let id = |number: &u8| number.to_string();
    let old: Vec<_> = world.directory.people.keys().cloned().collect();
    for old in old.iter().filter(|old| !people.contains_key(&old.parse().unwrap())) {
        world.directory.set_person(old, Value::Null);
    }
    for (number, fields) in people {
        if world.directory.people.get(&id(number)) != Some(fields) {
            world.directory.set_person(&id(number), fields.clone());
        }
    }
    for (number, members) in groups {
        let members: BTreeSet<_> = members.iter().map(id).collect();
        if world.directory.groups.get(&id(number)).is_none_or(|(_, old)| *old != members) {
            world.directory.set_group(&id(number), Some((&id(number), members)));
        }
    }
}

/// The groups of a person, also those that contain these.
fn groups_of(person: u8, groups: &Groups) -> BTreeSet<u8> {
    let mut found = BTreeSet::new();
    let mut open = vec![person];
    while let Some(member) = open.pop() {
        for (group, members) in groups {
            if members.contains(&member) && found.insert(*group) {
                open.push(*group);
            }
        }
    }
    found
}

/// What the endpoint must have: for each login that exactly one person of the scope has, the person, title, activity and groups.
fn check(world: &World, report: &Report, people: &People, groups: &Groups, existing: &BTreeSet<u8>) {
    let in_scope: Vec<_> = people.iter().filter(|(id, _)| groups_of(**id, groups).contains(&10)).collect();
    let users = world.endpoint.users();
    let members = world.endpoint.members();
    for (id, fields) in &in_scope {
        let login = fields["login"].as_str().unwrap();
        if in_scope.iter().filter(|(_, other)| other["login"] == login).count() > 1 {
            continue;
        }
        let user = users.get(login).unwrap_or_else(|| panic!("no user {login}"));
        if user["externalId"] != json!(id.to_string()) {
            // Another user has the name, and keeps it: that of somebody who is gone, or one made by hand, or two people have
            // exchanged their names.
            let is_reported = report.plan.problems.iter().any(|problem| problem.text.contains("userName"));
            assert!(is_reported, "{login}: {report}");
            continue;
        }
        assert_eq!(user.get("title").unwrap_or(&Value::Null), &fields["title"], "{login}");
        assert_eq!(user["active"], fields["enabled"], "{login}");
        let in_groups = groups_of(**id, groups);
        let is_in_a = in_groups.contains(&11) || in_groups.contains(&12);
        assert_eq!(members["A"].contains(login), is_in_a, "{login} in A");
        assert_eq!(members["B"].contains(login), !fields["title"].is_null(), "{login} in B");
    }
    let logins: BTreeSet<_> = in_scope.iter().map(|(_, fields)| fields["login"].as_str().unwrap()).collect();
    let is_in_scope =
        |user: &Value| in_scope.iter().any(|(id, _)| user["externalId"] == json!(id.to_string()));
    for (name, user) in &users {
        if logins.contains(name.as_str()) || is_in_scope(user) {
            continue;
        }
        // Nobody has this login: the user was never linked, or the person is gone.
        let by_hand =
            existing.iter().any(|login| format!("user{login}") == *name) && user.get("externalId").is_none();
        assert!(by_hand || user["active"] == false, "{name} is active");
        assert!(!members["A"].contains(name) && !members["B"].contains(name), "{name} is in a group");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// A run makes the endpoint as the directory is, also with changes since the last run; the next run does nothing; and the
    /// sizes and the order of pages do not matter.
    #[test]
    fn the_plan_makes_the_wanted_state_in_any_order_of_pages(
        existing in proptest::collection::btree_set(0..8u8, 0..5),
        states in proptest::collection::vec((people(), groups()), 1..4),
        pages in 1..5usize,
        turn in 0..6usize,
    ) {
        let sync = sync();
        let mut world = world(&existing);
        let mut turned = self::world(&existing);
        turned.directory.page_size = pages;
        turned.directory.turn = turn;
        for (people, groups) in &states {
            for (world, is_turned) in [(&mut world, false), (&mut turned, true)] {
                set(world, people, groups);
                let options = RunOptions { full: is_turned, ..RunOptions::new(day(0)) };
                // The second run gives a login that two people exchange to the right one.
                let reports: Vec<_> = (0..3).map(|_| world.run(&sync, options)).collect();
                check(world, &reports[2], people, groups, &existing);
                let writes = world.endpoint.writes();
                let report = world.run(&sync, options);
                prop_assert!(report.plan.is_empty(), "{}", report.plan);
                // Whoever the endpoint refuses is tried again.
                prop_assert!(world.endpoint.writes() == writes || !report.plan.problems.is_empty());
            }
        }
    }

    /// A membership that was given by hand stays until it is taken by hand; one that rules give is there exactly as long as they
    /// give it.
    #[test]
    fn histories_of_grants_keep_memberships_that_were_given_by_hand(
        history in proptest::collection::vec(action(), 1..20),
    ) {
        let sync = sync();
        let mut world = world(&[1].into());
        let (mut members, mut given_by_rules) = (BTreeSet::new(), BTreeSet::new());
        for action in history.into_iter().chain([Action::SignIn(BTreeSet::new())]) {
            match action {
                Action::Add(group) => {
                    members.insert(group);
                    world.endpoint.set_member(group, "user1", true);
                }
                // One that is taken and given by hand before anybody looks is still that of the rules.
                Action::Remove(group) => {
                    members.remove(group);
                    world.endpoint.set_member(group, "user1", false);
                }
                Action::SignIn(groups) => {
                    let claims = json!({ "oid": "1", "login": "user1", "groups": groups });
                    let sign_in = sync.sign_in(&claims, &world.endpoint, &mut world.ledger, RunOptions::new(day(0)));
                    pollster::block_on(sign_in).unwrap();
                    let is_given = groups.contains("11") || groups.contains("12");
                    if is_given && (!members.contains("A") || given_by_rules.contains("A")) {
                        members.insert("A");
                        given_by_rules.insert("A");
                    } else if given_by_rules.remove("A") {
                        members.remove("A");
                    }
                }
            }
            let found = world.endpoint.members();
            for group in ["A", "B"] {
                prop_assert_eq!(found[group].contains("user1"), members.contains(group), "{}", group);
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Action {
    Add(&'static str),
    Remove(&'static str),
    SignIn(BTreeSet<String>),
}

fn action() -> impl Strategy<Value = Action> {
    let group = || prop_oneof![Just("A"), Just("B")];
    prop_oneof![
        group().prop_map(Action::Add),
        group().prop_map(Action::Remove),
        proptest::collection::btree_set((11..15u8).prop_map(|number| number.to_string()), 0..3)
            .prop_map(Action::SignIn),
    ]
}
