//! `sync photos`

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::support::{FakeGraph, Program, person};

async fn program(graph: &FakeGraph) -> Program {
    let mut program = Program::new(graph.provider());
    program.config["photos"] = json!({ "base_url": "https://photos.contoso.example" });
    program.done(&["run"]).await;
    program
}

async fn url(program: &Program, number: usize) -> Value {
    program.state().await.0[format!("person{number}@contoso.example")]["photos"][0]["value"].clone()
}

#[tokio::test]
async fn a_photo_is_copied_once_and_served_with_an_etag() {
    let graph = FakeGraph::start().await;
    (1..=3).for_each(|number| graph.set_person(&format!("p{number}"), person(number)));
    graph.set_photo("p1", Some(("W/\"1\"", "image/jpeg", b"first image")));
    let program = program(&graph).await;
    let first = url(&program, 1).await;
    let secret = first.as_str().unwrap().strip_prefix("https://photos.contoso.example/").unwrap().to_owned();
    assert_eq!(secret.len(), 22, "128 bits");
    assert_eq!(url(&program, 2).await, Value::Null);

    let reads = graph.count("/v1.0/users/p1/photo/$value");
    assert_eq!(program.done(&["photos"]).await, "nothing to do\n");
    assert_eq!(graph.count("/v1.0/users/p1/photo/$value"), reads, "it has not changed, so it is not read");

    let mut server = program.spawn(&["photos", "--listen", "127.0.0.1:0"]);
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    let address = line.strip_prefix("listening on ").unwrap();
    let get = async |path: &str, etag: &str| {
        let request = reqwest::Client::new().get(format!("{address}/{path}")).header("if-none-match", etag);
        request.send().await.unwrap()
    };
    let response = get(&secret, "\"other\"").await;
    assert_eq!(response.status(), 200);
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(
        (header("content-type"), header("x-content-type-options")),
        ("image/jpeg".into(), "nosniff".into())
    );
    let etag = header("etag");
    assert_eq!(response.bytes().await.unwrap(), "first image");
    assert_eq!(get(&secret, &etag).await.status(), 304);
    for path in ["", "p1", "../ledger.db", secret.get(1..).unwrap()] {
        assert_eq!(get(path, "").await.status(), 404, "{path}");
    }

    graph.set_photo("p1", Some(("W/\"2\"", "image/jpeg", b"second image")));
    graph.set_photo("p3", Some(("W/\"1\"", "text/html", b"<script>")));
    let output = program.run(&["photos"]).await;
    assert_eq!(output.code, 3);
    assert!(output.stdout.contains("`text/html` is not a type of images that is served"), "{output:?}");
    assert_eq!(url(&program, 1).await, first, "a photo that changes stays at its URL");
    let response = get(&secret, &etag).await;
    assert_eq!(response.bytes().await.unwrap(), "second image");

    graph.set_photo("p1", None);
    graph.set_photo("p3", None);
    assert_eq!(program.done(&["photos"]).await, "photo          Person1@contoso.example  removed\n");
    assert_eq!(url(&program, 1).await, Value::Null);
    assert_eq!(get(&secret, "").await.status(), 404);
}

/// Somebody signs in, and the application asks for their photo alone.
#[tokio::test]
async fn the_photo_of_one_person_is_copied_after_sign_in() {
    let graph = FakeGraph::start().await;
    (1..=2).for_each(|number| graph.set_person(&format!("p{number}"), person(number)));
    let program = program(&graph).await;
    graph.set_photo("p1", Some(("1", "image/png", b"one")));
    graph.set_photo("p2", Some(("1", "image/png", b"two")));
    assert_eq!(program.done(&["photos", "--person", "p1"]).await, "photo          Person1@contoso.example\n");
    assert!(url(&program, 1).await.is_string());
    assert_eq!(url(&program, 2).await, Value::Null);
}
