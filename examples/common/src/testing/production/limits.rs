//! Floods, wrong credentials, slow clients, and connections that send nothing.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::Method;
use http::header::RETRY_AFTER;
use scim_store::{Mode, Statement};
use serde_json::Value;

use super::super::{Directory, HostProgram, MEMORY, RunningHost, TOKEN, assert_error};
use super::{SetOnDrop, origin, post_form, printed, program_with_file, send, start, status, user};

/// Whether the checks run at full size.
fn is_soak() -> bool {
    std::env::var_os("SCIM_SOAK").is_some()
}

/// Checks that the flood of one tenant is answered with 429, and that another one which sends 25 requests a second is not.
///
/// # Panics
///
/// If the check fails.
pub fn a_flood_of_one_tenant_leaves_others_alone(path: &'static str) {
    let directory = Directory::new();
    let program = program_with_file(path, &directory);
    let create = |tenant: &str| {
        let tenants = [("SCIM_TENANTS", "credential")];
        let token = program.run(&["token", "create", "okta", "--tenant", tenant], &tenants);
        printed(&token, "token").to_owned()
    };
    let (loud, quiet) = (create("loud"), create("quiet"));
    let host = start(&program, &[("SCIM_TENANTS", "credential"), ("SCIM_RATE", "50")]);
    let seconds = if is_soak() { 20 } else { 3 };
    let (done, refused) = (AtomicBool::new(false), AtomicUsize::new(0));
    let url = format!("{}/Users?count=1", host.base);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let response = send(&host, Method::GET, &url, &loud, &Value::Null);
                    if response.status() == 429 {
                        assert_error(&response, 429);
                        assert!(response.headers().contains_key(RETRY_AFTER));
                        refused.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        let _ends_flood = SetOnDrop(&done);
        let (begun, mut times) = (Instant::now(), Vec::new());
        for number in 0..seconds * 25 {
            let due = Duration::from_millis(40) * number;
            std::thread::sleep(due.saturating_sub(begun.elapsed()));
            let sent = Instant::now();
            assert_eq!(status(&host, &quiet), 200, "request {number}");
            times.push(sent.elapsed());
        }
        times.sort_unstable();
        println!(
            "during the flood, 99 % of the other tenant's requests take at most {:?}",
            times[times.len() * 99 / 100]
        );
    });
    assert!(refused.load(Ordering::Relaxed) > 10, "{refused:?} of the flood were refused");
}

/// Checks that an address may fail some times, and that good credentials are accepted from it all the same.
///
/// # Panics
///
/// If the check fails.
pub fn wrong_credentials_are_limited_by_address(path: &'static str) {
    let directory = Directory::new();
    let program = program_with_file(path, &directory);
    let client = program.run(&["client", "create", "entra"], &[]);
    let (id, secret) = (printed(&client, "client_id"), printed(&client, "client_secret"));
    let host = RunningHost::start(&program, &[("SCIM_FAILURES", "5")]);
    let url = format!("{}/oauth/token", origin(&host));
    let form = |secret: &str| format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    assert_eq!(post_form(&host, &url, &form(secret)).0, 200);
    assert_eq!(status(&host, TOKEN), 200);
    let statuses: Vec<u16> = (0..8).map(|number| status(&host, &format!("guessed-{number}"))).collect();
    assert_eq!(statuses, [401, 401, 401, 401, 401, 401, 429, 429]);
    assert_eq!(post_form(&host, &url, &form("guessed")).0, 429);
    // What was good before is accepted.
    assert_eq!((status(&host, TOKEN), post_form(&host, &url, &form(secret)).0), (200, 200));
}

fn connect(host: &RunningHost) -> TcpStream {
    let address = host.base.strip_prefix("http://").and_then(|url| url.split('/').next()).unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Reads until the host closes the connection, and returns the time and what it sent.
fn read_to_end(mut stream: TcpStream) -> (Duration, String) {
    let begun = Instant::now();
    let mut text = Vec::new();
    let ended = stream.read_to_end(&mut text);
    assert!(ended.as_ref().err().is_none_or(|e| e.kind() != std::io::ErrorKind::WouldBlock), "{ended:?}");
    (begun.elapsed(), String::from_utf8_lossy(&text).into_owned())
}

/// Checks the times for a head, for a body, and between requests.
///
/// # Panics
///
/// If the check fails.
pub fn slow_clients_are_cut_off(path: &'static str) {
    in_memory_and_with_a_file(path, cut_off_slow_clients);
}

/// Runs a check with resources in memory and with an SQLite file.
fn in_memory_and_with_a_file(path: &'static str, check: impl Fn(&HostProgram)) {
    check(&HostProgram::new(path, MEMORY));
    let directory = Directory::new();
    check(&program_with_file(path, &directory));
}

fn cut_off_slow_clients(program: &HostProgram) {
    let timeouts = [("SCIM_HEAD_TIMEOUT", "1"), ("SCIM_BODY_TIMEOUT", "1"), ("SCIM_IDLE_TIMEOUT", "2")];
    let host = RunningHost::start(program, &timeouts);
    let authorization = format!("Authorization: Bearer {TOKEN}\r\n");
    let begin = |text: &str| {
        let mut stream = connect(&host);
        stream.write_all(text.as_bytes()).unwrap();
        stream
    };
    let limit = Duration::from_secs(6);
    // A part of a head, which gets longer byte by byte.
    let mut slow = begin("GET /scim/v2/Users HTTP/1.1\r\n");
    let begun = Instant::now();
    while slow.write_all(b"X: y\r\n").is_ok() && begun.elapsed() < limit {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(begun.elapsed() < limit, "a head: {:?}", begun.elapsed());
    // A body that does not arrive.
    let head = format!(
        "POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\n{authorization}Content-Type: application/scim+json\r\n"
    );
    let (time, answer) = read_to_end(begin(&format!("{head}Content-Length: 100\r\n\r\n{{")));
    assert!(time < limit && answer.starts_with("HTTP/1.1 408"), "{time:?} {answer}");
    // A connection that is not used any more.
    let get = format!("GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\n{authorization}\r\n");
    let (time, answer) = read_to_end(begin(&get));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!((Duration::from_millis(900)..limit).contains(&time), "{time:?}");
}

/// Checks that a connection is closed on which the client sends nothing. actix-web waits for the first byte of a connection
/// without TLS without a limit.
///
/// # Panics
///
/// If the check fails.
pub fn clients_that_send_nothing_are_cut_off(path: &'static str) {
    let host = RunningHost::start(&HostProgram::new(path, MEMORY), &[("SCIM_HEAD_TIMEOUT", "1")]);
    let (time, answer) = read_to_end(connect(&host));
    assert!(time < Duration::from_secs(6) && answer.is_empty(), "{time:?} {answer}");
}

/// Checks that a request is answered while many connections are open that send nothing.
///
/// # Panics
///
/// If the check fails.
pub fn connections_that_send_nothing_keep_nobody_out(path: &'static str) {
    in_memory_and_with_a_file(path, open_connections_that_send_nothing);
}

fn open_connections_that_send_nothing(program: &HostProgram) {
    let host = RunningHost::start(program, &[]);
    // This process needs a file for each of them.
    let wanted: u64 = if is_soak() { 5_000 } else { 300 };
    let files = rlimit::increase_nofile_limit(wanted + 200).unwrap();
    assert!(files >= wanted + 200, "this process may open {files} files only");
    let open: Vec<TcpStream> = (0..wanted).map(|_| connect(&host)).collect();
    let begun = Instant::now();
    assert_eq!(status(&host, TOKEN), 200);
    println!("with {} open connections, a request takes {:?}", open.len(), begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(5));
}

/// Checks `SCIM_ALLOWED_NETWORKS` and `SCIM_TRUSTED_PROXIES`.
///
/// # Panics
///
/// If the check fails.
pub fn only_allowed_networks_may_send_requests(path: &'static str) {
    let program = HostProgram::new(path, MEMORY);
    let allowed = ("SCIM_ALLOWED_NETWORKS", "203.0.113.0/24");
    for (proxies, forwarded, expected) in [
        ("", "203.0.113.7", 403),
        ("127.0.0.0/8", "203.0.113.7", 200),
        ("127.0.0.0/8", "203.0.113.7, 192.0.2.1", 403),
    ] {
        let host = RunningHost::start(&program, &[allowed, ("SCIM_TRUSTED_PROXIES", proxies)]);
        let request = http::Request::get(format!("{}/Users", host.base)).header("x-forwarded-for", forwarded);
        let response = host.send(request.body(Vec::new()).unwrap());
        assert_eq!(response.status(), expected, "{proxies} {forwarded}");
    }
}

/// Checks that a request which takes too long is ended with 503, and that further ones are refused if too many run.
///
/// # Panics
///
/// If the check fails.
pub fn slow_requests_are_ended_and_further_ones_refused(path: &'static str) {
    let directory = Directory::new();
    let program = program_with_file(path, &directory);
    let host = RunningHost::start(&program, &[("SCIM_REQUEST_TIMEOUT", "2"), ("SCIM_MAX_REQUESTS", "1")]);
    let create = |name: &str| send(&host, Method::POST, &format!("{}/Users", host.base), TOKEN, &user(name));
    assert_eq!(create("before").status(), 201);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let url = format!("sqlite:{}", directory.0.join("scim.db").display());
    // Another process writes, and the host waits for it.
    let lock = runtime.block_on(async {
        let database = scim_store::open(&url).await.unwrap();
        let mut transaction = database.begin(Mode::Write).await.unwrap();
        let write = Statement::new("DELETE FROM scim_credential WHERE key = 'nothing'", []);
        transaction.execute(vec![write]).await.unwrap();
        transaction
    });
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| create("slow"));
        std::thread::sleep(Duration::from_millis(500));
        let begun = Instant::now();
        let refused = create("further");
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        assert_error(&refused, 503);
        assert!(refused.headers().contains_key(RETRY_AFTER));
        assert!(String::from_utf8_lossy(refused.body()).contains("too many requests are running"));
        let slow = slow.join().unwrap();
        assert_error(&slow, 503);
        assert!(slow.headers().contains_key(RETRY_AFTER));
        assert!(String::from_utf8_lossy(slow.body()).contains("takes too long"));
    });
    runtime.block_on(async { drop(lock) });
    let begun = Instant::now();
    while create("after").status() != 201 {
        assert!(begun.elapsed() < Duration::from_secs(10), "the host goes on");
        std::thread::sleep(Duration::from_millis(50));
    }
    // What was answered with 503 has not happened.
    assert_eq!(create("slow").status(), 201);
}
