//! Runs that are killed, and a directory that fails.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{FakeGraph, Program, SmtpSink, person};

fn configure(program: &mut Program, sink: &SmtpSink) {
    program.config["mail"] = json!({ "smtp_url": sink.url(), "from": "phones@contoso.example" });
    program.config["sync"]["notices"] = json!({ "welcome": true });
    program.config["sync"]["grants"] = json!([{ "group": "Projects", "external": ["even"] }]);
}

/// 60 people, 30 of whom are in a group.
fn fill(graph: &FakeGraph) {
    (0..60).for_each(|number| graph.set_person(&format!("p{number}"), person(number)));
    let even: Vec<_> = (0..60).step_by(2).map(|number| format!("p{number}")).collect();
    graph.set_group("g1", "even", &even.iter().map(String::as_str).collect::<Vec<_>>());
}

fn titled(number: usize, title: &str) -> Value {
    let mut person = person(number);
    person["jobTitle"] = json!(title);
    person
}

async fn expected(graph: &FakeGraph) -> (Value, Value) {
    let program = {
        let mut program = Program::new(graph.provider());
        program.create_group("Projects").await;
        program.config["sync"]["grants"] = json!([{ "group": "Projects", "external": ["even"] }]);
        program
    };
    program.done(&["run"]).await;
    program.state().await
}

#[tokio::test]
async fn a_run_that_is_killed_is_finished_by_the_next_and_no_mail_is_sent_twice() {
    let (graph, sink) = (FakeGraph::start().await, SmtpSink::start().await);
    fill(&graph);
    let expected = expected(&graph).await;
    assert_eq!(expected.1["Projects"].as_array().unwrap().len(), 30);
    let mut program = Program::new(graph.provider());
    program.create_group("Projects").await;
    configure(&mut program, &sink);
    {
        let mut directory = graph.lock();
        (directory.delay, directory.page_size) = (Duration::from_millis(5), 1);
    }
    let mut killed = 0;
    for round in 0u64..10 {
        // There is always something left to do, so that the program is killed in all parts of a run.
        for number in 0..60 {
            graph.set_person(&format!("p{number}"), titled(number, &format!("title {round}")));
        }
        let mut child = program.spawn(&["run"]);
        if tokio::time::timeout(Duration::from_millis(20 + 23 * round), child.wait()).await.is_err() {
            child.kill().await.unwrap();
            killed += 1;
        }
    }
    assert_eq!(killed, 10, "all runs were slow enough to be killed");
    (0..60).for_each(|number| graph.set_person(&format!("p{number}"), person(number)));
    let output = program.run(&["run"]).await;
    assert!(!output.stdout.contains("error:"), "{output:?}");
    assert_eq!(program.state().await, expected);
    assert_eq!(program.done(&["plan", "--full"]).await, "nothing to do\n");

    let sent = sink.recipients();
    let mut once = sent.clone();
    once.dedup();
    assert_eq!(sent, once, "nobody is welcomed twice");
    let listed = program.done(&["notices"]).await;
    let missing = (0..60)
        .map(|number| format!("person{number}@contoso.example"))
        .filter(|address| !sent.contains(address));
    for address in missing {
        assert!(listed.contains(&address), "{address} was not welcomed, and is not listed: {listed}");
    }
}

#[tokio::test]
async fn a_third_of_the_answers_fails_and_the_run_converges_without_duplicates() {
    let (graph, sink) = (FakeGraph::start().await, SmtpSink::start().await);
    fill(&graph);
    let expected = expected(&graph).await;
    let mut program = Program::new(graph.provider());
    program.create_group("Projects").await;
    configure(&mut program, &sink);
    graph.lock().fault_percent = 30;
    let mut runs = 0;
    while program.run(&["run"]).await.code != 0 {
        runs += 1;
        assert!(runs < 20);
    }
    assert_eq!(program.state().await, expected);
    assert_eq!(sink.recipients().len(), 60);
    assert_eq!(program.done(&["plan", "--full"]).await, "nothing to do\n");
}
