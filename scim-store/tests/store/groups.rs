//! Writes on an SQLite file are committed in groups: no answer is given before the commit of its group.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Method;
use scim_store::{Database as _, Mode, Sqlite, Statement, Store};
use serde_json::json;

use crate::support;
use crate::support::service::{Client, patch, user};

#[test]
fn an_answer_that_rests_on_a_failed_commit_is_503() {
    let runtime = support::runtime();
    let file = support::file();
    drop(support::open(&runtime, &file));
    let refuses = Arc::new(AtomicBool::new(false));
    let (path, refused) = (file.url.trim_start_matches("sqlite:").to_owned(), refuses.clone());
    let database = runtime.block_on(Sqlite::connect(move || {
        let connection = rusqlite::Connection::open(&path)?;
        let refused = refused.clone();
        connection.commit_hook(Some(move || refused.load(Ordering::SeqCst)));
        Ok(connection)
    }));
    let database = Arc::new(database.unwrap());
    let store = runtime.block_on(Store::with_database(database.clone())).unwrap();
    let client = Client::new(&runtime, &store);
    let cy = client.create("/Users", user("cy"));
    let cy = format!("/Users/{}", cy["id"].as_str().unwrap());
    let unchanged = json!({ "op": "replace", "path": "userName", "value": "cy" });

    // A call has the connection, and the requests wait for it.
    let first = runtime.block_on(database.begin(Mode::WriteInGroup)).unwrap();
    let touch = Statement::new("UPDATE meta SET value = value WHERE name = 'schema'", []);
    let answers = runtime.block_on(async {
        let requests = async {
            // The second of the same name, an unknown id and a change of nothing write nothing, but rest on the first.
            tokio::join!(
                client.call(Method::POST, "/Users", Some(user("bea"))),
                client.call(Method::POST, "/Users", Some(user("bea"))),
                client.call(Method::DELETE, "/Users/unknown", None),
                client.call(Method::PATCH, &cy, patch(unchanged.clone())),
            )
        };
        let commit = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            refuses.store(true, Ordering::SeqCst);
            first.commit(vec![touch]).await.unwrap_err();
        };
        let (answers, ()) = tokio::join!(requests, commit);
        [answers.0.0, answers.1.0, answers.2.0, answers.3.0]
    });
    assert_eq!(answers, [503; 4]);
    refuses.store(false, Ordering::SeqCst);
    client.create("/Users", user("bea"));
    assert_eq!(client.send(Method::POST, "/Users", Some(user("bea"))).0, 409);
    assert_eq!(client.send(Method::PATCH, &cy, patch(unchanged)).0, 200);
}
