//! A database in the process, and a host over HTTP: both end in the same resources.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::support::{FakeGraph, Program, create_group, person, state};

/// The axum host, which is beside the program. It is built if it is not there.
async fn axum_host() -> PathBuf {
    let path = PathBuf::from(env!("CARGO_BIN_EXE_sync")).with_file_name("axum-host");
    if !path.exists() {
        let built = Command::new(env!("CARGO")).args(["build", "--quiet", "-p", "axum-host"]).status().await;
        assert!(built.unwrap().success());
    }
    path
}

struct Host {
    _process: Child,
    url: String,
}

async fn start(program: &Program) -> Host {
    let mut command = Command::new(axum_host().await);
    command.env("DATABASE_URL", format!("sqlite:{}", program.path("host.db").display()));
    command.env("SCIM_LISTEN", "127.0.0.1:0").env("SCIM_TOKEN", "host-token").env("SCIM_RATE", "100000");
    let mut process =
        command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    Host { _process: process, url: line.strip_prefix("listening on ").unwrap().to_owned() }
}

#[tokio::test]
async fn a_database_and_a_host_over_http_end_in_the_same_resources() {
    let graph = FakeGraph::start().await;
    let mut in_process = Program::new(graph.provider());
    let mut over_http = Program::new(graph.provider());
    let host = start(&over_http).await;
    over_http.config["target"] = json!({ "url": host.url, "token": "host-token" });
    let config = serde_json::from_value(over_http.config["target"].clone()).unwrap();
    let target = sync_program::Target::open(&config).await.unwrap();
    in_process.create_group("Projects").await;
    create_group(&target, "Projects").await;
    for program in [&mut in_process, &mut over_http] {
        program.config["sync"]["grants"] = json!([{ "group": "Projects", "external": ["g1"] }]);
        program.config["sync"]["retention"] = json!({ "delete_after_days": 0 });
    }
    (0..12).for_each(|number| graph.set_person(&format!("p{number}"), person(number)));
    graph.set_group("g1", "Staff", &["p1", "p2", "p3"]);
    for round in 0..3 {
        for program in [&in_process, &over_http] {
            let output = program.run(&["run"]).await;
            assert_eq!(output.code, 0, "{output:?}");
            assert_eq!(program.done(&["plan", "--full"]).await, "nothing to do\n");
        }
        let found = in_process.state().await;
        assert_eq!(found, state(&target).await, "round {round}");
        assert_eq!(found.0.as_object().unwrap().len(), 12 - round);
        graph.set_person(&format!("p{}", round + 3), serde_json::Value::Null);
        graph.set_person(
            "p1",
            json!({ "userPrincipalName": "person1@contoso.example", "jobTitle": format!("Chief {round}") }),
        );
        graph.set_group("g1", "Staff", &["p1", "p8"]);
    }
    over_http.config["target"]["token"] = json!("wrong");
    let output = over_http.run(&["check"]).await;
    assert!(output.stderr.contains("the SCIM endpoint answered 401"), "{output:?}");
    let output = over_http.run(&["run"]).await;
    assert!(output.code == 3 && output.stdout.contains("answered 401"), "{output:?}");
}
