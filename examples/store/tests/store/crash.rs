//! What was acknowledged survives the end of the process, and processes share a database.
//!
//! The other processes are this test again, as the test `child` with variables that tell what to do.

use crate::support;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::service::{Client, ids, user};
use http::Method;
use scim_core::schema::standard;
use scim_store::Store;
use serde_json::{Value, json};

const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// How often a process is killed.
const KILLS: usize = 20;

fn start(url: &str, tenant: &str, task: &str, argument: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--nocapture"])
        .envs([("SCIM_CHILD_URL", url), ("SCIM_CHILD_TENANT", tenant)])
        .envs([("SCIM_CHILD_TASK", task), ("SCIM_CHILD_ARGUMENT", argument)])
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// What another process does. Without the variables it is a test that passes.
#[test]
fn child() {
    let variable = |name: &str| std::env::var(format!("SCIM_CHILD_{name}"));
    let Ok(url) = variable("URL") else { return };
    let (tenant, task) = (variable("TENANT").unwrap(), variable("TASK").unwrap());
    let argument = variable("ARGUMENT").unwrap();
    let runtime = support::runtime();
    let store = runtime.block_on(Store::open(&url)).unwrap();
    let client = Client::of(&runtime, store, &tenant);
    match task.as_str() {
        "write" => write(&client, &argument),
        "join" => join(&runtime, &client, &argument),
        other => panic!("{other}"),
    }
}

/// Writes users and memberships until it is killed, and says what was acknowledged.
fn write(client: &Client<'_>, group: &str) {
    let mut out = std::io::stdout();
    let mut say = |line: String| {
        out.write_all(line.as_bytes()).unwrap();
        out.flush().unwrap();
    };
    for n in 0_u64.. {
        let name = format!("{}-{n}@example.com", scim_core::new_id());
        let mut body = user(&name);
        body["emails"] = json!([{ "value": name, "type": "work" }, { "value": format!("x{name}") }]);
        let created = client.create("/Users", body);
        let id = created["id"].as_str().unwrap();
        say(format!("\ncreated {id} {name}\n"));
        let operation = json!({ "op": "add", "path": "members", "value": [{ "value": id }] });
        let body = json!({ "schemas": [PATCH_OP], "Operations": [operation] });
        let (status, body) = client.send(Method::PATCH, &format!("/Groups/{group}"), Some(body));
        assert_eq!(status, 204, "{body}");
        say(format!("\njoined {id} {name}\n"));
    }
}

fn databases() -> Vec<support::Database> {
    // Memory does not survive.
    support::databases().into_iter().filter(|database| !database.url.contains(":memory:")).collect()
}

#[test]
fn what_was_acknowledged_is_there_after_a_kill() {
    let runtime = support::runtime();
    for database in databases() {
        let tenant = support::tenant();
        let store = support::open(&runtime, &database);
        let group = json!({ "schemas": [standard::GROUP], "displayName": "All" });
        let group = Client::of(&runtime, store, &tenant).create("/Groups", group);
        let group = group["id"].as_str().unwrap();

        let (mut created, mut joined) = (Vec::new(), Vec::new());
        for kill in 0..KILLS {
            let mut process = start(&database.url, &tenant, "write", group);
            let lines = BufReader::new(process.stdout.take().unwrap());
            let mut until = None;
            for line in lines.lines().map_while(Result::ok) {
                let words: Vec<&str> = line.split(' ').collect();
                match words[..] {
                    ["created", id, name] => created.push((id.to_owned(), name.to_owned())),
                    ["joined", id, _] => joined.push(id.to_owned()),
                    _ => continue,
                }
                // At another moment each time, counted from the first write.
                let until =
                    *until.get_or_insert_with(|| Instant::now() + Duration::from_millis(3 * kill as u64));
                if Instant::now() >= until {
                    // SIGKILL; what it still says was acknowledged, too.
                    process.kill().unwrap();
                }
            }
            process.wait().unwrap();
        }
        assert!(created.len() >= KILLS, "only {} users were created", created.len());

        let store = support::open(&runtime, &database);
        let client = Client::of(&runtime, store, &tenant);
        for (id, name) in &created {
            let (status, found) = client.send(Method::GET, &format!("/Users/{id}"), None);
            assert_eq!(
                (status, found["userName"].as_str()),
                (200, Some(name.as_str())),
                "{}: {found}",
                database.url
            );
        }
        let (_, group) = client.send(Method::GET, &format!("/Groups/{group}"), None);
        let members: Vec<&str> =
            group["members"].as_array().unwrap().iter().map(|m| m["value"].as_str().unwrap()).collect();
        for id in &joined {
            assert!(members.contains(&id.as_str()), "{}: {id} has left", database.url);
        }
        // What was not acknowledged is whole or not there: document, name and both addresses.
        let mut start = 1;
        loop {
            let (_, page) = client.search("/Users", json!({ "startIndex": start, "count": 500 }));
            let resources: &Vec<Value> = page["Resources"].as_array().unwrap();
            for resource in resources {
                let name = resource["userName"].as_str().unwrap();
                for filter in [
                    format!("userName eq \"{name}\""),
                    format!("emails[value eq \"{name}\" and type eq \"work\"]"),
                    format!("emails.value eq \"x{name}\""),
                ] {
                    let (_, found) = client.search("/Users", json!({ "filter": filter }));
                    assert_eq!(ids(&found), [resource["id"].as_str().unwrap()], "{}: {filter}", database.url);
                }
            }
            start += resources.len();
            if resources.is_empty() {
                break;
            }
        }
        println!(
            "{}: {} users and {} memberships survived {KILLS} kills",
            database.url,
            created.len(),
            joined.len()
        );
    }
}

/// Adds users to a group: 8 clients, 50 each.
fn join(runtime: &tokio::runtime::Runtime, client: &Client<'_>, argument: &str) {
    let mut words = argument.split(' ');
    let group = words.next().unwrap();
    let users: Vec<&str> = words.collect();
    let path = format!("/Groups/{group}");
    let clients = users.chunks(50).map(async |users| {
        for id in users {
            let operation = json!({ "op": "add", "path": "members", "value": [{ "value": id }] });
            let body = json!({ "schemas": [PATCH_OP], "Operations": [operation] });
            let (status, body) = client.call(Method::PATCH, &path, Some(body)).await;
            assert_eq!(status, 204, "{body}");
        }
    });
    runtime.block_on(support::all(clients));
}

#[test]
fn two_processes_share_a_group() {
    let runtime = support::runtime();
    for database in databases() {
        let tenant = support::tenant();
        let client = Client::of(&runtime, support::open(&runtime, &database), &tenant);
        let group = client.create("/Groups", json!({ "schemas": [standard::GROUP], "displayName": "All" }));
        let group = group["id"].as_str().unwrap();
        let users: Vec<String> = (0..800)
            .map(|n| client.create("/Users", user(&format!("u{n}")))["id"].as_str().unwrap().to_owned())
            .collect();
        let mut processes: Vec<Child> = users
            .chunks(400)
            .map(|half| start(&database.url, &tenant, "join", &format!("{group} {}", half.join(" "))))
            .collect();
        for process in &mut processes {
            assert!(process.wait().unwrap().success(), "{}", database.url);
        }
        let (_, group) = client.send(Method::GET, &format!("/Groups/{group}"), None);
        assert_eq!(group["members"].as_array().unwrap().len(), 800, "{}", database.url);
    }
}
