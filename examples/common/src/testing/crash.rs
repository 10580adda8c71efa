//! Checks that acknowledged writes survive a crash of the host, and that several hosts can share a database.

use std::collections::HashSet;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{Method, Request};
use scim_core::patch::PATCH_OP;
use scim_core::{new_id, schema::standard};
use serde_json::{Value, json};

use super::{Directory, HostProgram, Protocol, RunningHost, run_until_refused};

/// Defines a test for each check of this module, of the program with this path.
#[macro_export]
macro_rules! crash_tests {
    ($program:expr) => {
        $crate::crash_tests! {
            $program;
            the_default_database_is_a_file
            acknowledged_writes_survive_a_kill
            two_hosts_share_a_group
            a_database_that_cannot_be_opened_ends_the_host_with_exit_code_1
        }
    };
    ($program:expr; $($check:ident)*) => {
        $(
            #[test]
            fn $check() {
                $crate::testing::crash::$check($program);
            }
        )*
    };
}

/// How many times a host is killed.
const KILLS: u64 = 20;

/// How many clients write at the same time, so that the store commits their writes in groups.
const CLIENTS: usize = 32;

/// Databases whose content outlives a host: a file in the directory, and PostgreSQL if `SCIM_TEST_POSTGRES` is set.
fn databases(directory: &Directory) -> Vec<String> {
    let postgres = std::env::var("SCIM_TEST_POSTGRES").ok().filter(|url| !url.is_empty());
    if postgres.is_none() {
        let skipped = "SKIPPED: tests on PostgreSQL, since SCIM_TEST_POSTGRES is not set";
        // Not with eprintln!, whose output the test harness hides unless a test fails.
        let _ = writeln!(std::io::stderr(), "{skipped}");
    }
    let file = format!("sqlite:{}", directory.0.join("scim.db").display());
    [file].into_iter().chain(postgres).collect()
}

/// Sends a request, and returns the status and the body of the response.
fn try_send(host: &RunningHost, method: Method, path: &str, body: &Value) -> Result<(u16, Value), String> {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let request = Request::builder().method(method).uri(format!("{}{path}", host.base));
    let request = request.header(CONTENT_TYPE, "application/scim+json").body(body);
    let response = host.try_send(Protocol::Http1, request.map_err(|error| error.to_string())?)?;
    Ok((response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or_default()))
}

fn send(host: &RunningHost, method: Method, path: &str, body: &Value) -> Value {
    let (status, answer) = try_send(host, method, path, body).unwrap();
    assert!(status < 300, "{path}: {answer}");
    answer
}

fn search(host: &RunningHost, filter: &str, start: usize) -> Vec<Value> {
    let search = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": filter, "startIndex": start, "count": 200,
    });
    let mut page = send(host, Method::POST, "/Users/.search", &search);
    page["Resources"].take().as_array().unwrap().clone()
}

fn user(name: &str) -> Value {
    json!({
        "schemas": [standard::USER],
        "userName": name,
        "emails": [{ "value": name, "type": "work" }, { "value": format!("x{name}") }],
    })
}

/// Creates a group with a new name, and returns its id.
fn group(host: &RunningHost) -> String {
    let group = json!({ "schemas": [standard::GROUP], "displayName": new_id() });
    text(&send(host, Method::POST, "/Groups", &group), "id")
}

/// The body of a PATCH that adds a user to a group.
fn add_member(user: &str) -> Value {
    let operation = json!({ "op": "add", "path": "members", "value": [{ "value": user }] });
    json!({ "schemas": [PATCH_OP], "Operations": [operation] })
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no `{name}` in {value}")).to_owned()
}

fn members(host: &RunningHost, group: &str) -> Vec<String> {
    let group = send(host, Method::GET, &format!("/Groups/{group}"), &Value::Null);
    group["members"].as_array().into_iter().flatten().map(|member| text(member, "value")).collect()
}

/// Checks that a host without a `DATABASE_URL` writes to `scim.db`, and finds its data after a restart.
///
/// # Panics
///
/// If the check fails.
pub fn the_default_database_is_a_file(path: &'static str) {
    let directory = Directory::new();
    let program = HostProgram::new(path, "").in_directory(&directory.0);
    // The port differs for each start. With a fixed base URL, `meta.location` does not.
    let start = || RunningHost::start(&program, &[("SCIM_BASE_URL", "https://id.example.com/scim/v2")]);
    let created = send(&start(), Method::POST, "/Users", &user("bea"));
    assert!(directory.0.join("scim.db").is_file());
    assert_eq!(search(&start(), "userName eq \"bea\"", 1), [created]);
}

/// Acknowledged writes.
#[derive(Default)]
struct Written {
    /// The ids and names of users.
    created: Vec<(String, String)>,
    /// The ids of users that were added to the group.
    added: Vec<String>,
}

/// Creates users and adds them to a group until the host does not respond any more.
fn write(host: &RunningHost, run: &str, group: &str) -> Written {
    let mut written = Written::default();
    loop {
        let name = format!("{run}-{}@example.com", new_id());
        let Ok((status, created)) = try_send(host, Method::POST, "/Users", &user(&name)) else { break };
        assert_eq!(status, 201, "{created}");
        let id = text(&created, "id");
        written.created.push((id.clone(), name));
        let path = format!("/Groups/{group}");
        let Ok((status, answer)) = try_send(host, Method::PATCH, &path, &add_member(&id)) else { break };
        assert_eq!(status, 204, "{answer}");
        written.added.push(id);
    }
    written
}

/// Checks that `kill -9` during writes loses no acknowledged write and leaves no incomplete one, and that the host
/// starts again without repair.
///
/// # Panics
///
/// If the check fails.
pub fn acknowledged_writes_survive_a_kill(path: &'static str) {
    let directory = Directory::new();
    for database in databases(&directory) {
        let program = HostProgram::new(path, database);
        let run = new_id();
        let group = group(&RunningHost::start(&program, &[]));
        let mut all = Written::default();
        for kill in 0..KILLS {
            let host = RunningHost::start(&program, &[]);
            let written: Vec<Written> = std::thread::scope(|scope| {
                let write = || write(&host, &run, &group);
                let writers: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(write)).collect();
                // A different moment each time.
                std::thread::sleep(Duration::from_millis(200 + 15 * kill));
                host.signal("KILL");
                writers.into_iter().map(|writer| writer.join().unwrap()).collect()
            });
            for written in written {
                all.created.extend(written.created);
                all.added.extend(written.added);
            }
        }
        assert!(all.added.len() as u64 >= KILLS, "only {} users were written", all.added.len());
        check(&RunningHost::start(&program, &[]), &run, &group, &all);
        let (users, members) = (all.created.len(), all.added.len());
        println!("{program:?}: {users} users and {members} memberships survived {KILLS} kills");
    }
}

/// Checks that a host has all acknowledged writes, and no incomplete ones.
fn check(host: &RunningHost, run: &str, group: &str, written: &Written) {
    let members = members(host, group);
    let missing: Vec<&String> = written.added.iter().filter(|id| !members.contains(id)).collect();
    assert!(missing.is_empty(), "{missing:?} are not members");
    // A write that was not acknowledged must be complete or absent: document, name and both addresses.
    let mut found = Vec::new();
    loop {
        let page = search(host, &format!("userName sw \"{run}-\""), found.len() + 1);
        if page.is_empty() {
            break;
        }
        found.extend(page.iter().map(|user| (text(user, "id"), text(user, "userName"))));
    }
    let lost: Vec<_> = written.created.iter().filter(|user| !found.contains(user)).collect();
    assert!(lost.is_empty(), "{lost:?} are lost");
    for (id, name) in &found {
        for filter in [
            format!("userName eq \"{name}\""),
            format!("emails[value eq \"{name}\" and type eq \"work\"]"),
            format!("emails.value eq \"x{name}\""),
        ] {
            let page = search(host, &filter, 1);
            assert_eq!(page.len(), 1, "{filter}: {page:?}");
            assert_eq!(text(&page[0], "id"), *id, "{filter}");
        }
    }
}

/// Checks that a group has all 800 members after two hosts on one database, each with 8 clients, have added 50 members
/// for each client.
///
/// # Panics
///
/// If the check fails.
pub fn two_hosts_share_a_group(path: &'static str) {
    let directory = Directory::new();
    for database in databases(&directory) {
        let program = HostProgram::new(path, database);
        // Both start at the same time, and create the file.
        let hosts = std::thread::scope(|scope| {
            let starts = [(); 2].map(|()| scope.spawn(|| RunningHost::start(&program, &[])));
            starts.map(|start| start.join().unwrap())
        });
        let (run, group, next) = (new_id(), group(&hosts[0]), AtomicUsize::new(0));
        let path = format!("/Groups/{group}");
        std::thread::scope(|scope| {
            for client in 0..16 {
                let (host, run, next, path) = (&hosts[client % 2], &run, &next, &path);
                scope.spawn(move || {
                    for _ in 0..50 {
                        let name = format!("{run}-{}", next.fetch_add(1, Ordering::Relaxed));
                        let id = text(&send(host, Method::POST, "/Users", &user(&name)), "id");
                        send(host, Method::PATCH, path, &add_member(&id));
                    }
                });
            }
        });
        assert_eq!(members(&hosts[1], &group).len(), 800, "{program:?}");

        // Each host accepts the cursors of the other.
        let (mut cursor, mut found) = (String::new(), HashSet::new());
        for host in hosts.iter().cycle().take(8) {
            let search = json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
                "filter": format!("userName sw \"{run}\""), "cursor": cursor, "count": 100,
            });
            let page = send(host, Method::POST, "/Users/.search", &search);
            found.extend(page["Resources"].as_array().unwrap().iter().map(|user| text(user, "id")));
            page["nextCursor"].as_str().unwrap_or_default().clone_into(&mut cursor);
        }
        assert_eq!((found.len(), cursor.as_str()), (800, ""), "{program:?}");
    }
}

/// Checks that a host without its database ends, and prints why.
///
/// # Panics
///
/// If the check fails.
pub fn a_database_that_cannot_be_opened_ends_the_host_with_exit_code_1(path: &'static str) {
    // No server listens on port 1.
    for database in ["sqlite:/nowhere/scim.db", "postgres://scim:secret@127.0.0.1:1/scim"] {
        let (code, error) =
            run_until_refused(&HostProgram::new(path, database), &[("SCIM_LISTEN", "127.0.0.1:0")]);
        assert_eq!(code, Some(1), "{error}");
        assert!(error.contains("the database cannot be opened") && !error.contains("secret"), "{error}");
    }
}
