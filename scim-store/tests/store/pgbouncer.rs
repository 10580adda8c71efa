//! Tests of the store behind pgbouncer, which gives each transaction any of its connections to the server.

use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support;
use crate::support::postgres_server::{PostgresServer, command_of_server};
use crate::support::service::{Client, patch, user};
use http::Method;
use scim_core::Identity;
use scim_core::testing::Suite;
use scim_store::Store;
use serde_json::json;

/// A running pgbouncer, with fewer connections to the server than clients have to it.
struct Pgbouncer {
    /// The program that runs it as another user, or itself.
    process: Child,
    pid_file: PathBuf,
    url: String,
}

impl Pgbouncer {
    /// Starts it for a server; `None` if it is not installed.
    fn start(server: &PostgresServer) -> Option<Self> {
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"]
            .into_iter()
            .find(|path| fs::exists(path).is_ok_and(|exists| exists));
        let Some(program) = program else {
            let _ = writeln!(std::io::stderr(), "SKIPPED: tests with pgbouncer, since it is not installed");
            return None;
        };
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let pid_file = server.directory().join("pgbouncer.pid");
        let settings = format!(
            "[databases]\nscim = host=127.0.0.1 port={} dbname=scim user=scim\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 4\n\
             unix_socket_dir =\npidfile = {}\n",
            server.port,
            pid_file.display(),
        );
        let file = server.write_file("pgbouncer.ini", &settings);
        let process =
            command_of_server(program.as_ref()).arg("-q").arg(file).stderr(Stdio::null()).spawn().unwrap();
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(start.elapsed() < Duration::from_secs(10), "pgbouncer does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(Self { process, pid_file, url: format!("postgres://scim@127.0.0.1:{port}/scim?pgbouncer=true") })
    }
}

impl Drop for Pgbouncer {
    fn drop(&mut self) {
        let pid = fs::read_to_string(&self.pid_file).unwrap_or_default();
        let _ = Command::new("kill").args(["-9", pid.trim()]).status();
        let _ = self.process.wait();
    }
}

#[test]
fn the_store_works_behind_pgbouncer() {
    if support::postgres().is_none() {
        return;
    }
    let server = PostgresServer::start(|_| String::new());
    let Some(pgbouncer) = Pgbouncer::start(&server) else { return };
    let runtime = support::runtime();
    // Both create the tables.
    let stores = runtime.block_on(support::join_all((0..2).map(|_| Store::open(&pgbouncer.url))));
    let stores: Vec<Store> = stores.into_iter().map(|store| store.unwrap().record_events()).collect();

    let clients: Vec<Client<'_>> =
        stores.iter().map(|store| Client::in_tenant(&runtime, store.clone(), "busy")).collect();
    let calls = (0..24).map(|number| {
        let client = &clients[number % 2];
        async move {
            let (status, created) =
                client.call(Method::POST, "/Users", Some(user(&format!("user{number}")))).await;
            assert_eq!(status, 201, "{created}");
            let path = format!("/Users/{}", created["id"].as_str().unwrap());
            for title in ["Dr", "Prof"] {
                let operation = json!({ "op": "replace", "path": "title", "value": title });
                let (status, changed) = client.call(Method::PATCH, &path, patch(operation)).await;
                assert_eq!((status, &changed["title"]), (200, &json!(title)));
            }
        }
    });
    runtime.block_on(support::join_all(calls));
    let (_, page) = clients[0].search("/Users", json!({ "filter": "title eq \"prof\"", "count": 3 }));
    assert_eq!(page["totalResults"], 24);
    let outbox = stores[0].outbox();
    let batch = runtime.block_on(outbox.events(Some("busy"), 0, 1_000)).unwrap();
    assert_eq!(batch.events.len(), 3 * 24);
    runtime.block_on(outbox.acknowledge(Some("busy"), "reader", batch.position)).unwrap();
    assert!(runtime.block_on(outbox.tenants_with_events("reader")).unwrap().is_empty());
    assert_eq!(runtime.block_on(outbox.prune(chrono::Utc::now(), 2)).unwrap(), 3 * 24);

    // The timeout of a statement is a setting of its transaction.
    let impatient = format!("{}&statement_timeout=100ms", pgbouncer.url);
    let impatient = runtime.block_on(Store::open(&impatient)).unwrap();
    let impatient = Client::in_tenant(&runtime, impatient, "busy");
    let locking = runtime.block_on(support::connect(&server.url_with("127.0.0.1", "")));
    runtime.block_on(locking.batch_execute("BEGIN; SELECT 1 FROM resource FOR UPDATE")).unwrap();
    let path = format!("/Users/{}", page["Resources"][0]["id"].as_str().unwrap());
    let operation = patch(json!({ "op": "remove", "path": "title" }));
    assert_eq!(impatient.send(Method::PATCH, &path, operation).0, 503);
    runtime.block_on(locking.batch_execute("ROLLBACK")).unwrap();

    let run = support::tenant();
    let report = Suite::new(stores[0].clone())
        .identities(move |n| Identity::new("suite").in_tenant(format!("{run}-{n}")))
        .block_on(move |task| runtime.block_on(task))
        .report();
    assert!(report.failed.is_empty() && report.skipped.is_empty(), "{report}");
}
