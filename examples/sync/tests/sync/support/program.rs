//! The program in a directory of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::process::{Child, Command};

pub(crate) struct Program {
    directory: PathBuf,
    pub(crate) config: Value,
}

#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Program {
    /// A program with a database and a ledger of its own, and an ordinary mapping.
    pub(crate) fn new(provider: Value) -> Self {
        let name = format!("sync-test-{}-{}", std::process::id(), scim_core::new_id());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&directory).unwrap();
        let config = json!({
            "provider": provider,
            "target": { "database": format!("sqlite:{}", directory.join("scim.db").display()) },
            "ledger": directory.join("ledger.db"),
            "sync": {
                "mapping": [
                    { "target": "userName", "source": "userPrincipalName", "transform": ["lower"], "required": true },
                    { "target": "name.givenName", "source": "givenName" },
                    { "target": "name.familyName", "source": "surname" },
                    { "target": "emails[type eq \"work\"].value", "source": "mail" },
                    { "target": "phoneNumbers[type eq \"work\"].value", "source": "businessPhones", "transform": [{ "digits": "46" }] },
                    { "target": "title", "source": "jobTitle" },
                    { "target": "active", "source": "accountEnabled" }
                ]
            }
        });
        Self { directory, config }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The program with these arguments. It reads what is in `config` now.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let config = self.path("sync.json");
        std::fs::write(&config, self.config.to_string()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sync"));
        command.arg("--config").arg(config).args(arguments);
        for name in ["DATABASE_URL", "SYNC_CLIENT_SECRET", "SYNC_TOKEN", "SYNC_SMTP_URL"] {
            command.env_remove(name);
        }
        command.env("SYNC_LONGEST_PAUSE_MS", "16").kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        output(self.command(arguments)).await
    }

    /// Runs it, and expects that everything went well. Returns what it has printed.
    pub(crate) async fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        assert_eq!(output.code, 0, "{output:?}");
        output.stdout
    }

    /// The users in the database, by `userName`, and the user names of the members of each group.
    pub(crate) async fn state(&self) -> (Value, Value) {
        state(
            &sync_program::Target::open(&serde_json::from_value(self.config["target"].clone()).unwrap())
                .await
                .unwrap(),
        )
        .await
    }

    pub(crate) async fn create_group(&self, name: &str) {
        let target =
            sync_program::Target::open(&serde_json::from_value(self.config["target"].clone()).unwrap())
                .await
                .unwrap();
        create_group(&target, name).await;
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

pub(crate) async fn output(mut command: Command) -> Output {
    let output = command.output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Output { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

pub(crate) async fn create_group(endpoint: &impl scim_sync::Endpoint, name: &str) {
    let group = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name });
    let request = http::Request::post("/Groups").header("content-type", "application/scim+json");
    let response = endpoint.send(request.body(group.to_string().into_bytes()).unwrap()).await.unwrap();
    assert_eq!(response.status(), 201);
}

async fn all(endpoint: &impl scim_sync::Endpoint, path: &str) -> Vec<Value> {
    let mut all = Vec::new();
    loop {
        let uri = format!("{path}?count=500&startIndex={}", all.len() + 1);
        let response = endpoint.send(http::Request::get(uri).body(Vec::new()).unwrap()).await.unwrap();
        let page: Value = serde_json::from_slice(response.body()).unwrap();
        all.extend(page["Resources"].as_array().cloned().unwrap_or_default());
        if all.len() as u64 >= page["totalResults"].as_u64().unwrap() {
            return all;
        }
    }
}

/// Users and members without ids, versions and times.
pub(crate) async fn state(endpoint: &impl scim_sync::Endpoint) -> (Value, Value) {
    let (mut users, mut groups) = (json!({}), json!({}));
    let mut names = std::collections::HashMap::new();
    for mut user in all(endpoint, "/Users").await {
        let name = user["userName"].as_str().unwrap().to_owned();
        names.insert(user["id"].as_str().unwrap().to_owned(), name.clone());
        for attribute in ["id", "meta", "groups"] {
            user.as_object_mut().unwrap().remove(attribute);
        }
        assert!(users.get(&name).is_none(), "{name} is there twice");
        users[name] = user;
    }
    for group in all(endpoint, "/Groups").await {
        let members = group["members"].as_array().cloned().unwrap_or_default();
        let mut members: Vec<_> =
            members.iter().map(|member| names[member["value"].as_str().unwrap()].clone()).collect();
        members.sort();
        groups[group["displayName"].as_str().unwrap()] = json!(members);
    }
    (users, groups)
}

pub(crate) fn mode(path: &Path) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path).unwrap().permissions()) & 0o777
}
