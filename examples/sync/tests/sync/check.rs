//! The configuration and `sync check`.

use serde_json::{Value, json};

use crate::support::{FakeGraph, Program, mode};

#[tokio::test]
async fn check_says_that_everything_is_right_or_what_is_wrong() {
    let graph = FakeGraph::start().await;
    let mut program = Program::new(graph.provider());
    let output = program.done(&["check"]).await;
    assert_eq!(output, "the configuration is valid, and the servers accept the credentials\n");
    assert_eq!(mode(&program.path("ledger.db")), 0o600);

    graph.set_group("g1", "Staff", &[]);
    graph.set_group("g2", "Twice", &[]);
    graph.set_group("g3", "Twice", &[]);
    program.config["sync"]["scope"] = json!({ "member_of": ["Staff", "g1", "", "Twice", "O'Hara"] });
    program.config["mail"] = json!({ "smtp_url": "smtp://127.0.0.1:1", "from": "a@contoso.example" });
    let output = program.run(&["check"]).await;
    assert_eq!(output.code, 1);
    let lines: Vec<_> = output.stderr.lines().collect();
    assert_eq!(lines.len(), 3, "{output:?}");
    assert!(
        lines[0].contains("has 2 groups `Twice`") && lines[1].contains("has 0 groups `O'Hara`"),
        "{output:?}"
    );
    assert!(lines[2].contains("the mail server cannot be used"), "{output:?}");

    program.config["sync"]["scope"] = json!({});
    program.config.as_object_mut().unwrap().remove("mail");
    program.config["provider"]["client_secret"] = json!("wrong");
    program.config["sync"]["grants"] = json!([{ "group": "Nobody", "external": ["g"] }]);
    let output = program.run(&["check"]).await;
    assert_eq!(output.code, 1);
    assert_eq!(
        output.stderr,
        "sync: the directory cannot be read: the credentials are refused: AADSTS7000215: Invalid client secret provided.\n\
         sync: the endpoint has no group `Nobody`, or several; create it, or name its id in `grants`\n"
    );
    let output = program.run(&["run"]).await;
    assert_eq!(output.code, 3);
    assert!(
        output.stdout.contains("error: the directory cannot be read: the credentials are refused"),
        "{output:?}"
    );
}

/// The provider's settings, as the documentation of other programs has them: with two groups, and without one.
#[tokio::test]
async fn the_block_of_the_provider_has_ids_a_secret_and_groups() {
    let graph = FakeGraph::start().await;
    graph.set_person("p1", crate::support::person(1));
    graph.set_person("p2", crate::support::person(2));
    graph.set_group("g1", "group1", &["p1"]);
    graph.set_group("g2", "group2", &[]);
    for (text, expected) in [
        (
            r#"{"tenant_id":"id123","client_id":"id123","client_secret":"hidden","user_filter":{"memberOf":["group1","group2"]}}"#,
            1,
        ),
        (
            r#"{"tenant_id":"id123","client_id":"id123","client_secret":"hidden","user_filter":{"memberOf":[""]}}"#,
            2,
        ),
    ] {
        let mut program = Program::new(serde_json::from_str(text).unwrap());
        for (name, value) in graph.provider().as_object().unwrap() {
            program.config["provider"][name] = value.clone();
        }
        program.done(&["run"]).await;
        assert_eq!(program.state().await.0.as_object().unwrap().len(), expected, "{text}");
    }
}

#[test]
fn the_configuration_in_the_readme_is_valid() {
    let readme = include_str!("../../README.md");
    let (_, rest) = readme.split_once("```json\n").unwrap();
    let (json, _) = rest.split_once("```").unwrap();
    let program = Program::new(Value::Null);
    let file = program.path("readme.json");
    std::fs::write(&file, json).unwrap();
    let config = sync_program::Config::read(&file, |_| None).unwrap_or_else(|error| panic!("{error}"));
    assert!(config.synchronizer().is_ok_and(|synchronizer| synchronizer.needs_groups()));
}

#[tokio::test]
async fn mistakes_of_the_configuration_are_named_at_once() {
    let mut program =
        Program::new(json!({ "tenant_id": "id 123", "client_id": "", "client_secret": " hidden" }));
    program.config["target"] = json!({ "url": "http://app.example.com/scim/v2", "database": "sqlite:x" });
    program.config["sync"]["notices"] = json!({ "welcome": true });
    program.config["sync"]["mapping"][1]["target"] = json!("name.first");
    program.config["photos"] = json!({ "base_url": "ftp://example.com" });
    program.config["provider"]["client_secret"] = json!("hid den");
    let output = program.run(&["check"]).await;
    assert_eq!(output.code, 2);
    let expected = [
        "provider.tenant_id: write the directory (tenant) ID, without spaces",
        "provider.client_id: write the application (client) ID, without spaces",
        "provider.client_secret: write the value of the client secret without spaces, or set SYNC_CLIENT_SECRET",
        "target: write either `database` or `url`",
        "target.token: write the bearer token for the endpoint, or set SYNC_TOKEN",
        "target.url: write a URL that begins with https://",
        "photos.base_url: write a URL that begins with https://",
        "mail: is needed, since `sync.notices` are sent by mail",
        "sync.mapping[1] (`name.first`): is not an attribute of User",
    ];
    assert_eq!(output.stderr, format!("sync: {}\n", expected.join("\n")));
    assert!(!program.path("ledger.db").exists());

    let file = program.path("sync.toml");
    std::fs::write(&file, "ledger = 'x'\n[provider]\nclient_secrt = 'do not print'\n").unwrap();
    let error = sync_program::Config::read(&file, |_| None).unwrap_err().to_string();
    assert!(
        error.contains("client_secrt") && error.contains("line 3 column 1") && !error.contains("do not"),
        "{error}"
    );

    let mut program = Program::new(json!({ "tenant_id": "a", "client_id": "b", "secret": "c" }));
    program.config["mail"] = Value::Null;
    let output = program.run(&["check"]).await;
    assert!(output.stderr.contains("unknown field `secret`, expected one of `tenant_id`"), "{output:?}");
    assert!(output.stderr.contains("line 1 column"), "{output:?}");
}

#[tokio::test]
async fn secrets_come_from_the_environment_and_the_file_may_be_toml() {
    let graph = FakeGraph::start().await;
    graph.set_person("p1", crate::support::person(1));
    let program = Program::new(graph.provider());
    let file = program.path("sync.toml");
    let provider = graph.provider();
    let text = format!(
        r#"
        ledger = '{}'
        [provider]
        tenant_id = '{}'
        client_id = '{}'
        login_url = '{}'
        graph_url = '{}'
        [target]
        [[sync.mapping]]
        target = "userName"
        source = "userPrincipalName"
        required = true
        "#,
        program.path("ledger.db").display(),
        provider["tenant_id"].as_str().unwrap(),
        provider["client_id"].as_str().unwrap(),
        provider["login_url"].as_str().unwrap(),
        provider["graph_url"].as_str().unwrap(),
    );
    std::fs::write(&file, text).unwrap();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_sync"));
    command.arg("run").arg("--config").arg(file);
    command.env("SYNC_CLIENT_SECRET", provider["client_secret"].as_str().unwrap());
    command.env("DATABASE_URL", format!("sqlite:{}", program.path("scim.db").display()));
    let output = crate::support::output(command).await;
    assert_eq!(output.code, 0, "{output:?}");
    assert!(program.state().await.0.get("Person1@contoso.example").is_some());
}
