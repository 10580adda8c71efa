//! Logs, metrics, health, the end of a host, and the loss of its database.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use http::{Method, Request};
use scim_core::schema::standard;
use serde_json::{Value, json};

use super::super::{Directory, HostProgram, MEMORY, RunningHost, TOKEN};
use super::{origin, post_form, printed, program_with_file, send, status, user};

/// Sends a GET to the administrators' address, which the log names.
fn get_admin(log: &Path, path: &str) -> (u16, String) {
    let line: Value = serde_json::from_str(&wait_for_log(log, "administrators are served")).unwrap();
    let mut stream = TcpStream::connect(line["address"].as_str().unwrap()).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// Waits until the log has a text.
fn wait_for_log(log: &Path, text: &str) -> String {
    let begun = Instant::now();
    loop {
        let all = std::fs::read_to_string(log).unwrap();
        if let Some(line) = all.lines().find(|line| line.contains(text)) {
            return line.to_owned();
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "`{text}` is not in {all}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Checks that tokens, secrets and values of attributes get neither into logs, metrics and errors, nor into the list of
/// processes, and that tokens and secrets do not get into the database.
///
/// # Panics
///
/// If the check fails.
pub fn logs_and_metrics_have_no_secrets(path: &'static str) {
    let directory = Directory::new();
    let log = directory.0.join("log");
    let program = program_with_file(path, &directory).logging_to(&log);
    let token = program.run(&["token", "create", "okta"], &[]);
    let client = program.run(&["client", "create", "entra"], &[]);
    let (token, secret) = (printed(&token, "token"), printed(&client, "client_secret"));
    let host = RunningHost::start(&program, &[("SCIM_ADMIN_LISTEN", "127.0.0.1:0")]);
    let (mail, family, password) = ("marked-mail@example.com", "Markedfamily", "marked-Passw0rd");
    let marked = json!({
        "schemas": [standard::USER], "userName": mail, "name": { "familyName": family }, "password": password,
        "emails": [{ "value": mail, "type": "work" }],
    });
    let url = format!("{}/Users", host.base);
    let mut answers = Vec::new();
    assert_eq!(send(&host, Method::POST, &url, token, &marked).status(), 201);
    let mut invalid = marked.clone();
    invalid["emails"] = json!({ "marked": true });
    let wrong_token = format!("{token}x");
    for (method, url, token, body) in [
        (Method::POST, url.clone(), token, &marked),
        (Method::POST, url.clone(), token, &invalid),
        (Method::POST, url.clone(), &wrong_token, &marked),
        (Method::GET, format!("{url}?filter=emails%20like%20%22{mail}%22"), token, &Value::Null),
        (Method::GET, format!("{url}?filter=password%20eq%20%22{password}%22"), token, &Value::Null),
        (Method::GET, format!("{url}/{mail}"), &wrong_token, &Value::Null),
    ] {
        let answer = send(&host, method, &url, token, body);
        assert!(answer.status().is_client_error(), "{url}: {answer:?}");
        answers.push(String::from_utf8_lossy(answer.body()).into_owned());
    }
    let token_url = format!("{}/oauth/token", origin(&host));
    let form = |secret: &str| {
        format!(
            "grant_type=client_credentials&client_id={}&client_secret={secret}",
            printed(&client, "client_id")
        )
    };
    let (granted, body) = post_form(&host, &token_url, &form(secret));
    assert_eq!(granted, 200);
    let access_token = body["access_token"].as_str().unwrap().to_owned();
    assert_eq!(status(&host, &access_token), 200);
    answers.push(post_form(&host, &token_url, &form(&format!("{secret}x"))).1.to_string());

    wait_for_log(&log, "\"client\":\"entra\"");
    let (_, metrics) = get_admin(&log, "/metrics");
    assert!(
        metrics.contains("scim_requests_total{operation=\"create\",status=\"201\",tenant=\"\"} 1"),
        "{metrics}"
    );
    let process = host.process_id();
    let arguments = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    let text = std::fs::read_to_string(&log).unwrap();
    for (place, text) in [
        ("log", &text),
        ("metrics", &metrics),
        ("process list", &String::from_utf8_lossy(&arguments).into_owned()),
    ] {
        for value in [token, secret, &access_token, TOKEN, mail, family, password] {
            assert!(!text.contains(value), "{value} is in the {place}: {text}");
        }
    }
    let answers = answers.join("\n");
    for value in [token, secret, &access_token, TOKEN, family, password] {
        assert!(!answers.contains(value), "{value} is in an error: {answers}");
    }
    assert_eq!(host.stop("TERM").code(), Some(0));
    for file in std::fs::read_dir(&directory.0).unwrap() {
        let file = file.unwrap().path();
        let bytes = std::fs::read(&file).unwrap();
        let contains = |value: &str| bytes.windows(value.len()).any(|window| window == value.as_bytes());
        assert!(
            !contains(token) && !contains(secret) && !contains(&access_token) && !contains(password),
            "{}",
            file.display()
        );
    }
    // Each request has a line with what happened.
    let line = wait_for_log(&log, "\"operation\":\"create\"");
    let line: Value = serde_json::from_str(&line).unwrap();
    for (field, value) in
        [("resource_type", json!("User")), ("client", json!("okta")), ("status", json!(201))]
    {
        assert_eq!(line[field], value, "{line}");
    }
    assert!(line["milliseconds"].is_number() && line["id"].is_string(), "{line}");
}

/// Checks `/healthz`, `/readyz` and `/metrics`, and that the host itself does not serve them.
///
/// # Panics
///
/// If the check fails.
pub fn administrators_see_health_and_metrics(path: &'static str) {
    let directory = Directory::new();
    let log = directory.0.join("log");
    let program = HostProgram::new(path, MEMORY).logging_to(&log);
    let host = RunningHost::start(&program, &[("SCIM_ADMIN_LISTEN", "127.0.0.1:0")]);
    wait_for_log(&log, "administrators are served");
    assert_eq!(get_admin(&log, "/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(get_admin(&log, "/readyz"), (200, "ready\n".to_owned()));
    // The host in this request is not one by which administrators reach the pages.
    assert_eq!(get_admin(&log, "/other").0, 421);
    let entra_quirk = json!({ "schemas": [standard::USER], "userName": "bea", "active": "True" });
    assert_eq!(send(&host, Method::POST, &format!("{}/Users", host.base), TOKEN, &entra_quirk).status(), 201);
    let (_, metrics) = get_admin(&log, "/metrics");
    assert!(metrics.contains("scim_quirks_total{quirk="), "{metrics}");
    let elsewhere = Request::get(format!("{}/metrics", origin(&host))).body(Vec::new()).unwrap();
    assert_eq!(host.send(elsewhere).status(), 404);
    // Without their keys, an issuer's tokens cannot be verified.
    let issuer = [
        ("SCIM_JWT_ISSUER", "https://login.example.com"),
        ("SCIM_JWT_AUDIENCE", "scim"),
        ("SCIM_JWT_JWKS", "http://127.0.0.1:1/keys"),
        ("SCIM_ADMIN_LISTEN", "127.0.0.1:0"),
    ];
    let log = directory.0.join("second");
    let _host = RunningHost::start(&HostProgram::new(path, MEMORY).logging_to(&log), &issuer);
    wait_for_log(&log, "the keys of an issuer cannot be fetched");
    assert_eq!(get_admin(&log, "/readyz").0, 503);
}

/// Checks that a host finishes its requests after SIGTERM for some time, and says how many it has finished and cut off.
///
/// # Panics
///
/// If the check fails.
pub fn requests_are_finished_before_the_host_stops(path: &'static str) {
    let directory = Directory::new();
    let log = directory.0.join("log");
    let program = HostProgram::new(path, MEMORY).logging_to(&log);
    let host = RunningHost::start(&program, &[("SCIM_STOP_TIMEOUT", "2")]);
    let address = host.base.strip_prefix("http://").and_then(|url| url.split('/').next()).unwrap().to_owned();
    let body = user("bea").to_string();
    let begin = || {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        write!(
            stream,
            "POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Type: application/scim+json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .unwrap();
        stream
    };
    let (mut stream, _unfinished) = (begin(), begin());
    std::thread::sleep(Duration::from_millis(300));
    let stopped = std::thread::spawn(move || host.stop("TERM"));
    std::thread::sleep(Duration::from_millis(300));
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert_eq!(stopped.join().unwrap().code(), Some(0));
    let line: Value = serde_json::from_str(&wait_for_log(&log, "\"stopped\"")).unwrap();
    assert_eq!((&line["finished"], &line["cut"]), (&json!(1), &json!(1)), "{line}");
}

/// Checks that a host whose PostgreSQL server is stopped answers with 503, logs the cause, is not ready, and recovers.
///
/// # Panics
///
/// If the check fails.
pub fn the_host_recovers_when_the_database_is_back(path: &'static str) {
    if std::env::var_os("SCIM_TEST_POSTGRES").is_none() {
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: the loss of PostgreSQL, since SCIM_TEST_POSTGRES is not set"
        );
        return;
    }
    let server = super::super::postgres_server::PostgresServer::start(|_| String::new());
    let directory = Directory::new();
    let log = directory.0.join("log");
    let program = HostProgram::new(path, server.url_with("127.0.0.1", "connect_timeout=2")).logging_to(&log);
    let host = RunningHost::start(&program, &[("SCIM_ADMIN_LISTEN", "127.0.0.1:0")]);
    let create = |name: &str| {
        send(&host, Method::POST, &format!("{}/Users", host.base), TOKEN, &user(name)).status().as_u16()
    };
    assert_eq!((create("before"), get_admin(&log, "/readyz").0), (201, 200));
    server.stop();
    let begun = Instant::now();
    while create("meanwhile") != 503 || get_admin(&log, "/readyz").0 != 503 {
        assert!(begun.elapsed() < Duration::from_secs(20), "the loss is not noticed");
    }
    let line: Value = serde_json::from_str(&wait_for_log(&log, "\"status\":503")).unwrap();
    assert!(
        line["level"] == "ERROR"
            && !line["cause"].as_str().or(line["source"].as_str()).unwrap_or_default().is_empty(),
        "{line}"
    );
    server.launch();
    let begun = Instant::now();
    while create("after") != 201 || get_admin(&log, "/readyz").0 != 200 {
        assert!(begun.elapsed() < Duration::from_secs(30), "the host does not recover");
        std::thread::sleep(Duration::from_millis(200));
    }
}
