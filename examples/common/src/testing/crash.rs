//! What was acknowledged survives the end of a host, however sudden, and hosts share a database.

use std::collections::HashSet;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{Method, Request};
use scim_core::patch::PATCH_OP;
use scim_core::{new_id, schema::standard};
use serde_json::{Value, json};

use super::{Program, Protocol, Running, refused};

/// Makes every check of this file a test, of the program that is named.
#[macro_export]
macro_rules! crash_tests {
    ($program:expr) => {
        $crate::crash_tests! {
            $program;
            the_file_that_is_the_default_keeps_what_was_written
            what_was_acknowledged_is_there_after_a_kill
            two_hosts_share_a_group
            a_database_that_cannot_be_opened_ends_it_with_exit_code_1
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

/// How often a host is killed.
const KILLS: u64 = 20;

/// How many clients write at a time.
const CLIENTS: usize = 4;

/// A directory that is empty at first, and removed with all that is in it.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let directory = std::env::temp_dir().join(format!("scim-host-{}", new_id()));
        std::fs::create_dir(&directory).unwrap();
        Self(directory)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The databases that outlive a host: a file in the directory, and PostgreSQL if there is one.
fn databases(directory: &Directory) -> Vec<String> {
    let postgres = std::env::var("SCIM_TEST_POSTGRES").ok().filter(|url| !url.is_empty());
    if postgres.is_none() {
        let skipped = "SKIPPED: SCIM_TEST_POSTGRES is not set, so nothing is tested on PostgreSQL";
        // Not by a macro, whose output is shown for tests that fail only.
        let _ = writeln!(std::io::stderr(), "{skipped}");
    }
    let file = format!("sqlite:{}", directory.0.join("scim.db").display());
    [file].into_iter().chain(postgres).collect()
}

/// The status and the body of the answer.
fn try_send(host: &Running, method: Method, path: &str, body: &Value) -> Result<(u16, Value), String> {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let request = Request::builder().method(method).uri(format!("{}{path}", host.base));
    let request = request.header(CONTENT_TYPE, "application/scim+json").body(body);
    let response = host.try_send(Protocol::Http1, request.map_err(|error| error.to_string())?)?;
    Ok((response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or_default()))
}

fn send(host: &Running, method: Method, path: &str, body: &Value) -> Value {
    let (status, answer) = try_send(host, method, path, body).unwrap();
    assert!(status < 300, "{path}: {answer}");
    answer
}

fn search(host: &Running, filter: &str, start: usize) -> Vec<Value> {
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

/// Creates a group with a name of its own, and gives its id.
fn group(host: &Running) -> String {
    let group = json!({ "schemas": [standard::GROUP], "displayName": new_id() });
    text(&send(host, Method::POST, "/Groups", &group), "id")
}

fn joining(user: &str) -> Value {
    let operation = json!({ "op": "add", "path": "members", "value": [{ "value": user }] });
    json!({ "schemas": [PATCH_OP], "Operations": [operation] })
}

fn text(of: &Value, name: &str) -> String {
    of[name].as_str().unwrap_or_else(|| panic!("no `{name}` in {of}")).to_owned()
}

fn members(host: &Running, group: &str) -> Vec<String> {
    let group = send(host, Method::GET, &format!("/Groups/{group}"), &Value::Null);
    group["members"].as_array().into_iter().flatten().map(|member| text(member, "value")).collect()
}

/// Without a `DATABASE_URL`, what is written is in `scim.db`, and there when the host starts again.
///
/// # Panics
///
/// If that is not so.
pub fn the_file_that_is_the_default_keeps_what_was_written(path: &'static str) {
    let directory = Directory::new();
    let program = Program::new(path, "").within(&directory.0);
    // The port is another one each time, and locations are not to tell.
    let start = || Running::start(&program, &[("SCIM_BASE_URL", "https://id.example.com/scim/v2")]);
    let created = send(&start(), Method::POST, "/Users", &user("bea"));
    assert!(directory.0.join("scim.db").is_file());
    assert_eq!(search(&start(), "userName eq \"bea\"", 1), [created]);
}

/// What was acknowledged.
#[derive(Default)]
struct Written {
    /// The ids and names of users.
    created: Vec<(String, String)>,
    /// The ids of members.
    joined: Vec<String>,
}

/// Creates users and makes them members until the host is gone.
fn write(host: &Running, run: &str, group: &str) -> Written {
    let mut written = Written::default();
    loop {
        let name = format!("{run}-{}@example.com", new_id());
        let Ok((status, created)) = try_send(host, Method::POST, "/Users", &user(&name)) else { break };
        assert_eq!(status, 201, "{created}");
        let id = text(&created, "id");
        written.created.push((id.clone(), name));
        let path = format!("/Groups/{group}");
        let Ok((status, answer)) = try_send(host, Method::PATCH, &path, &joining(&id)) else { break };
        assert_eq!(status, 204, "{answer}");
        written.joined.push(id);
    }
    written
}

/// `kill -9` in the middle of a stream of writes loses nothing that was acknowledged and leaves
/// nothing behind by half, and the host starts again by itself.
///
/// # Panics
///
/// If that is not so.
pub fn what_was_acknowledged_is_there_after_a_kill(path: &'static str) {
    let directory = Directory::new();
    for database in databases(&directory) {
        let program = Program::new(path, database);
        let run = new_id();
        let group = group(&Running::start(&program, &[]));
        let mut all = Written::default();
        for kill in 0..KILLS {
            let host = Running::start(&program, &[]);
            let written: Vec<Written> = std::thread::scope(|scope| {
                let writing = || write(&host, &run, &group);
                let writers: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(writing)).collect();
                // At another moment each time.
                std::thread::sleep(Duration::from_millis(40 + 7 * kill));
                host.signal("KILL");
                writers.into_iter().map(|writer| writer.join().unwrap()).collect()
            });
            for of in written {
                all.created.extend(of.created);
                all.joined.extend(of.joined);
            }
        }
        assert!(all.joined.len() as u64 >= KILLS, "only {} users were written", all.joined.len());
        check(&Running::start(&program, &[]), &run, &group, &all);
        let (users, members) = (all.created.len(), all.joined.len());
        println!("{program:?}: {users} users and {members} memberships survived {KILLS} kills");
    }
}

fn check(host: &Running, run: &str, group: &str, written: &Written) {
    let members = members(host, group);
    let gone: Vec<&String> = written.joined.iter().filter(|id| !members.contains(id)).collect();
    assert!(gone.is_empty(), "{gone:?} are no members");
    // What was not acknowledged is whole or not there: document, name and both addresses.
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

/// Two hosts over one database, each with 8 clients that add 50 members to the same group: all 800
/// are in it.
///
/// # Panics
///
/// If that is not so.
pub fn two_hosts_share_a_group(path: &'static str) {
    let directory = Directory::new();
    for database in databases(&directory) {
        let program = Program::new(path, database);
        // Both start at once, on a file that is not there yet.
        let hosts = std::thread::scope(|scope| {
            let starting = [(); 2].map(|()| scope.spawn(|| Running::start(&program, &[])));
            starting.map(|start| start.join().unwrap())
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
                        send(host, Method::PATCH, path, &joining(&id));
                    }
                });
            }
        });
        assert_eq!(members(&hosts[1], &group).len(), 800, "{program:?}");

        // A list that one begins the other goes on with.
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

/// A host does not start without its database, and says why.
///
/// # Panics
///
/// If that is not so.
pub fn a_database_that_cannot_be_opened_ends_it_with_exit_code_1(path: &'static str) {
    // Nobody listens on port 1.
    for database in ["sqlite:/nowhere/scim.db", "postgres://scim:secret@127.0.0.1:1/scim"] {
        let (code, said) = refused(&Program::new(path, database), &[("SCIM_LISTEN", "127.0.0.1:0")]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("the database cannot be opened") && !said.contains("secret"), "{said}");
    }
}
