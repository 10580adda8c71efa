//! `sync plan`, `sync run`, `sync status`, `sync grants` and `sync notices`.

use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::support::{FakeGraph, Program, SinkFault, SmtpSink, person};

#[tokio::test]
async fn a_plan_changes_nothing_and_a_run_does_what_it_says() {
    let graph = FakeGraph::start().await;
    (1..=5).for_each(|number| graph.set_person(&format!("p{number}"), person(number)));
    let program = Program::new(graph.provider());
    assert_eq!(
        program.done(&["status"]).await,
        "there was no run yet\n0 people have a user; 0 of them are gone\n"
    );

    let plan = program.done(&["plan"]).await;
    assert_eq!(plan.lines().count(), 5);
    assert!(plan.starts_with("create         Person1@contoso.example\n"), "{plan}");
    assert_eq!(program.state().await.0, json!({}));

    let report = program.done(&["run"]).await;
    assert!(report.contains("read everything: 5 people, 0 unchanged\ncreate: 5\n"), "{report}");
    assert_eq!(
        program.state().await.0["person1@contoso.example"],
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "externalId": "p1", "userName": "person1@contoso.example", "active": true,
            "name": { "givenName": "Given1", "familyName": "Family1" },
            "emails": [{ "type": "work", "value": "person1@contoso.example" }],
            "phoneNumbers": [{ "type": "work", "value": "468000001" }],
        })
    );
    assert_eq!(program.done(&["plan"]).await, "nothing to do\n");
    let before = graph.lock().requests.len();
    let report = program.done(&["run"]).await;
    assert!(report.contains("read what has changed: 0 people"), "{report}");
    assert_eq!(graph.lock().requests[before..], ["/v1.0/users/delta"], "only what has changed is read");

    graph.set_person("p1", json!({ "userPrincipalName": "person1@contoso.example", "jobTitle": "Chief" }));
    graph.set_person("p2", serde_json::Value::Null);
    let report = program.done(&["run", "--changes"]).await;
    assert!(report.contains("update: 1\ndeactivate: 1\n"), "{report}");
    let change = "update         person1@contoso.example  name, title, emails, phoneNumbers\n";
    assert!(report.starts_with(change), "{report}");
    assert!(program.done(&["status", "--changes"]).await.starts_with(change));
    let users = program.state().await.0;
    assert_eq!(users["person1@contoso.example"]["title"], "Chief");
    assert_eq!(users["person1@contoso.example"].get("emails"), None);
    assert_eq!(users["person2@contoso.example"]["active"], false);
    let status = program.done(&["status"]).await;
    assert!(
        status.contains("last success: 20") && status.ends_with("5 people have a user; 1 of them are gone\n"),
        "{status}"
    );

    graph.expire_positions();
    let report = program.done(&["run"]).await;
    assert!(report.contains("read everything: 4 people, 4 unchanged\n"), "{report}");
}

#[tokio::test]
async fn new_people_are_welcomed_and_the_administrator_is_told() {
    let (graph, sink) = (FakeGraph::start().await, SmtpSink::start().await);
    let mut program = Program::new(graph.provider());
    program.config["mail"] = json!({
        "smtp_url": sink.url(), "from": "Phones <phones@contoso.example>",
        "welcome_subject": "Välkommen", "welcome_text": "Hello {person}!"
    });
    program.config["sync"]["notices"] =
        json!({ "welcome": true, "copy_to": "admin@contoso.example", "problems_to": "it@contoso.example" });
    graph.set_person("p1", person(1));
    graph.set_person("p2", json!({ "mail": "nobody@contoso.example" }));
    program.done(&["run"]).await;
    assert_eq!(sink.recipients(), ["admin@contoso.example", "it@contoso.example", "person1@contoso.example"]);
    let messages = sink.messages();
    let welcome = messages.iter().find(|message| message.contains("To: person1@")).unwrap();
    assert!(
        welcome.contains("From: Phones <phones@contoso.example>") || welcome.contains("From: \"Phones\""),
        "{welcome}"
    );
    assert!(welcome.contains("Hello Person1@contoso.example!"), "{welcome}");
    assert!(welcome.contains("Subject: =?utf-8?"), "{welcome}");
    let problems = messages.iter().find(|message| message.contains("To: it@")).unwrap();
    assert!(problems.contains("`userName` has no value"), "{problems}");

    // No server: nothing was sent, and it is tried again.
    program.config["sync"]["notices"] = json!({ "welcome": true });
    let url = program.config["mail"]["smtp_url"].take();
    program.config["mail"]["smtp_url"] = json!("smtp://127.0.0.1:1");
    graph.set_person("p3", person(3));
    let output = program.run(&["run"]).await;
    assert!(
        output.code == 3 && output.stderr.contains("1 notices were not sent: the mail server cannot be used"),
        "{output:?}"
    );
    // Broken off: nobody knows, so it is sent again only on request.
    program.config["mail"]["smtp_url"] = url;
    sink.set_fault(SinkFault::BreakOff);
    let output = program.run(&["run"]).await;
    assert!(
        output.stderr.contains("it is not known whether this was sent: welcome of Person3@contoso.example"),
        "{output:?}"
    );
    sink.set_fault(SinkFault::None);
    let output = program.run(&["run"]).await;
    let unknown = "it is not known whether this notice was sent: welcome of Person3@contoso.example to person3@contoso.example\n";
    assert!(output.stdout.contains(unknown), "{output:?}");
    let sent = |name: &str| sink.recipients().iter().filter(|recipient| *recipient == name).count();
    assert_eq!(sent("person3@contoso.example"), 1);
    assert!(program.done(&["notices"]).await.contains("person3@contoso.example"));
    program.done(&["notices", "--resend"]).await;
    assert_eq!(sent("person3@contoso.example"), 2);
    assert_eq!(program.done(&["notices"]).await, "all notices were sent, or wait for the next run\n");

    // Refused for good: it is listed, and does not fail every night.
    sink.set_fault(SinkFault::Refuse);
    graph.set_person("p4", person(4));
    let output = program.run(&["run"]).await;
    assert!(
        output.code == 3 && output.stderr.contains("it was refused") && output.stderr.contains("550"),
        "{output:?}"
    );
    program.done(&["run"]).await;
    assert!(
        program.done(&["notices"]).await.starts_with("this was refused: welcome of Person4@contoso.example")
    );
}

#[tokio::test]
async fn claims_of_a_token_give_and_take_groups() {
    let graph = FakeGraph::start().await;
    let mut program = Program::new(graph.provider());
    program.create_group("Projects").await;
    program.config["sync"]["grants"] =
        json!([{ "group": "Projects", "access": "edit", "external": ["6f1c0001"] }]);
    graph.set_person("p1", person(1));
    program.done(&["run"]).await;

    let claims = program.path("claims.json");
    std::fs::write(&claims, r#"{"oid":"p1","groups":["6f1c0001"]}"#).unwrap();
    let output = program.done(&["grants", "--claims", claims.to_str().unwrap()]).await;
    assert_eq!(output, "add member     Person1@contoso.example  Projects, edit\n");
    assert_eq!(program.state().await.1, json!({ "Projects": ["person1@contoso.example"] }));

    // The access is written to the member, and changes with the rule.
    let target = program.config["target"].clone();
    let access = async || {
        let config = serde_json::from_value(target.clone()).unwrap();
        let target = sync_program::Target::open(&config).await.unwrap();
        let request = http::Request::get("/Groups").body(Vec::new()).unwrap();
        let response = scim_sync::Endpoint::send(&target, request).await.unwrap();
        let page: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        page["Resources"][0]["members"][0]["access"].clone()
    };
    assert_eq!(access().await, "edit");
    program.config["sync"]["grants"][0]["access"] = json!("read");
    let output = program.done(&["grants", "--claims", claims.to_str().unwrap()]).await;
    assert_eq!(output, "add member     Person1@contoso.example  Projects, read\n");
    assert_eq!(access().await, "read");

    let mut command = program.command(&["grants", "--claims", "-"]);
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(br#"{"oid":"p1"}"#).await.unwrap();
    assert!(child.wait_with_output().await.unwrap().status.success());
    assert_eq!(program.state().await.1, json!({ "Projects": [] }));
}

#[tokio::test]
async fn two_runs_do_not_overlap() {
    let graph = FakeGraph::start().await;
    (1..=4).for_each(|number| graph.set_person(&format!("p{number}"), person(number)));
    graph.lock().delay = std::time::Duration::from_millis(1_500);
    let program = Program::new(graph.provider());
    let first = program.spawn(&["run"]);
    while graph.count("/v1.0/users/delta") == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let output = program.run(&["run"]).await;
    assert_eq!(output.code, 1);
    assert!(output.stderr.contains("another run uses it; wait until it has ended"), "{output:?}");
    // What only reads is possible meanwhile.
    assert!(program.done(&["status"]).await.contains("there was no run yet"));
    assert!(first.wait_with_output().await.unwrap().status.success());
    graph.lock().delay = std::time::Duration::ZERO;
    program.done(&["run"]).await;
}
