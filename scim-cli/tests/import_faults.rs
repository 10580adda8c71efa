//! `scim import` to services that fail, are busy, or answer otherwise than they should.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails that way")]
#![allow(dead_code, clippy::allow_attributes, reason = "other tests use the rest of the support")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::response::IntoResponse;
use http::Method;
use serde_json::{Value, json};
use support::{Folder, Options, Seen, Service, end, error, exists, interrupt, scim, start, users};

/// In a bulk request, and as 400 instead of 409.
#[tokio::test]
async fn users_that_are_taken_are_found_whatever_the_status_is() {
    let refuse = |_, seen: &Seen| {
        let body = json!({ "status": "400", "scimType": "uniqueness", "detail": "taken" }).to_string();
        let response = (http::StatusCode::BAD_REQUEST, body).into_response();
        // The service refuses every bulk request, too.
        (seen.path == "/Bulk" || seen.body["userName"] == "bea" && seen.method == Method::POST)
            .then_some(response)
    };
    let service = Service::start(Options { disturb: Box::new(refuse), ..Options::default() }).await;
    // So that the others are created without a search.
    service.create(json!({ "userName": "bea" })).await;
    let folder = Folder::new();
    let users: String = (0..150).map(|number| format!("user{number},x\n")).collect();
    let file = folder.write("users.csv", format!("userName,title\n{users}bea,Cook\n"));
    let said = scim(&["import", &service.url, &file, "--parallel", "1"]).await;
    assert!(said.code == 0 && said.out.contains("150 created, 1 updated, 0 unchanged; 0 failed"), "{said:?}");
}

#[tokio::test]
async fn a_busy_service_is_waited_for() {
    let busy = |number: usize, _: &Seen| {
        (number % 3 == 2).then(|| ([("retry-after", "0")], error(429, "too many requests")).into_response())
    };
    let service = Service::start(Options { disturb: Box::new(busy), ..Options::default() }).await;
    let folder = Folder::new();
    let file = folder.write("users.csv", users(60));
    let said = scim(&["import", &service.url, &file, "--no-bulk"]).await;
    assert_eq!((said.code, service.count().await), (0, 60), "{said:?}");
}

#[tokio::test]
async fn ctrl_c_ends_a_pause() {
    for status in [429, 503] {
        let busy = move |_, seen: &Seen| {
            let is_write = seen.method == Method::POST;
            is_write.then(|| ([("retry-after", "60")], error(status, "busy")).into_response())
        };
        let service = Service::start(Options { disturb: Box::new(busy), ..Options::default() }).await;
        let folder = Folder::new();
        let child = start(&["import", &service.url, &folder.write("users.csv", users(60)), "--no-bulk"]);
        while service.writes().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        interrupt(&child).await;
        let said = tokio::time::timeout(Duration::from_secs(10), end(child)).await.unwrap();
        assert!(said.code == 130 && said.out.contains("0 failed; 60 not sent"), "{said:?}");
        assert!(said.err.contains("the service is busy or does not answer; waiting 6"), "{said:?}");
    }
}

/// An answer that is lost may have had an effect.
#[tokio::test]
async fn lost_answers_create_nobody_twice() {
    for bulk in [true, false] {
        let lose = |number: usize, seen: &Seen| seen.method == Method::POST && number % 3 == 2;
        let service = Service::start(Options { lose, max_bulk_operations: 7, ..Options::default() }).await;
        let folder = Folder::new();
        let file = folder.write("users.csv", users(60));
        let options: &[&str] = if bulk { &[] } else { &["--no-bulk"] };
        let said = scim(&[&["import", &service.url, &file], options].concat()).await;
        assert_eq!((said.code, service.count().await), (0, 60), "{said:?}");
        assert!(!said.out.contains(" 0 unchanged"), "some were found afterwards: {said:?}");
    }
}

#[tokio::test]
async fn bulk_requests_that_are_too_large_or_do_not_work_are_sent_otherwise() {
    for (status, most) in [(413, 10), (404, 0)] {
        let refuse = move |_, seen: &Seen| {
            let operations = seen.body["Operations"].as_array().map_or(0, Vec::len);
            (seen.path == "/Bulk" && operations > most).then(|| error(status, "no"))
        };
        let service = Service::start(Options { disturb: Box::new(refuse), ..Options::default() }).await;
        let folder = Folder::new();
        let file = folder.write("users.csv", users(60));
        let said = scim(&["import", &service.url, &file]).await;
        assert_eq!((said.code, service.count().await), (0, 60), "{status}: {said:?}");
        let is_bulk = |seen: &&Seen| seen.path == "/Bulk";
        assert_eq!(service.writes().iter().filter(is_bulk).count() > 3, status == 413);
    }
}

#[tokio::test]
async fn an_import_stops_if_the_token_is_refused_or_nobody_answers() {
    let is_expired = Arc::new(AtomicBool::new(true));
    let (flag, posts) = (is_expired.clone(), AtomicUsize::new(0));
    let expire = move |_, seen: &Seen| {
        let is_late = seen.method == Method::POST && posts.fetch_add(1, Ordering::Relaxed) >= 30;
        (is_late && flag.load(Ordering::Relaxed)).then(|| error(401, "the token has expired"))
    };
    let service = Service::start(Options { disturb: Box::new(expire), ..Options::default() }).await;
    let folder = Folder::new();
    let file = folder.write("users.csv", users(500));
    let arguments = ["import", &service.url, &file, "--no-bulk", "--parallel", "2"];
    let said = scim(&arguments).await;
    assert!(said.code == 1 && said.err.contains("it has stopped: 401: the token has expired"), "{said:?}");
    assert_eq!(said.err.lines().count(), 1, "{said:?}");
    assert_eq!(service.count().await, 30);
    is_expired.store(false, Ordering::Relaxed);
    let said = scim(&arguments).await;
    assert_eq!((said.code, service.count().await), (0, 500), "{said:?}");

    let said = scim(&["import", &service.url, &file, "--token", "wrong"]).await;
    assert!(
        said.code == 2
            && said.err.contains("/scim/v2/Users: 401")
            && said.err.contains("; is the right token in SCIM_TOKEN"),
        "{said:?}"
    );
    let base_url = service.url.replace("/scim/v2", "");
    let said = scim(&["import", &base_url, &file]).await;
    let expected = format!("GET {base_url}/Users: 404 Not Found; is this the base URL of a SCIM endpoint?");
    assert!(said.code == 2 && said.err.contains(&expected), "{said:?}");
    let said = scim(&["import", "http://127.0.0.1:1/scim/v2", &file]).await;
    assert!(said.code == 2 && said.err.contains("http://127.0.0.1:1/scim/v2 does not answer: "), "{said:?}");
}

#[tokio::test]
async fn an_import_stops_if_the_service_goes_on_failing() {
    let broken = |_, seen: &Seen| (seen.method == Method::POST).then(|| error(500, "broken"));
    let service = Service::start(Options { disturb: Box::new(broken), ..Options::default() }).await;
    let folder = Folder::new();
    let file = folder.write("users.csv", users(300));
    let said = scim(&["import", &service.url, &file]).await;
    assert!(said.code == 1 && said.err.contains("it has stopped: 500: broken; run the same"), "{said:?}");
}

#[tokio::test]
async fn the_journal_of_another_import_is_refused() {
    let service = failing_for("kim").await;
    let folder = Folder::new();
    let file = folder.write("users.csv", "userName\nbea\nkim\n");
    let journal = format!("{file}.progress");
    let said = scim(&["import", &service.url, &file]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(
        said.err.ends_with("run the same command again to try the rows again that the service has failed\n")
    );
    assert!(exists(&journal));
    let other = Service::start(Options::default()).await;
    let said = scim(&["import", &other.url, &file]).await;
    assert!(
        said.code == 2 && said.err.contains(&format!("is the journal of an import to {}", service.url)),
        "{said:?}"
    );
    let said = scim(&["import", &service.url, &file, "--keep-empty"]).await;
    assert!(
        said.code == 2 && said.err.contains("is the journal of an import with other options"),
        "{said:?}"
    );
    assert_eq!((service.count().await, other.count().await), (1, 0));

    // Another file of the same name is imported from the beginning.
    folder.write("users.csv", "userName\nfay\nbea\n");
    let said = scim(&["import", &service.url, &file]).await;
    assert!(
        said.code == 0 && said.err.contains("the file to import has changed, so the import begins anew"),
        "{said:?}"
    );
    assert!(said.out.contains("1 created, 0 updated, 1 unchanged"), "{said:?}");
    assert!(!exists(&journal));
    let diary = folder.write("diary", "Dear diary\n");
    let said = scim(&["import", &service.url, &file, "--restart", "--journal", &diary]).await;
    assert!(said.code == 2 && said.err.contains("is not the journal of an import"), "{said:?}");
    assert_eq!(folder.read("diary"), "Dear diary\n");
}

/// A service that has an internal error when this user is created.
async fn failing_for(name: &'static str) -> Service {
    let fail = move |_, seen: &Seen| {
        let is_this = seen.method == Method::POST && seen.body.to_string().contains(name);
        is_this.then(|| error(500, "broken"))
    };
    Service::start(Options { disturb: Box::new(fail), max_bulk_operations: 1, ..Options::default() }).await
}

/// The token may be that of another tenant, or somebody has deleted the users.
#[tokio::test]
async fn an_import_begins_anew_if_what_was_done_is_gone() {
    for gone in ["bea", "lou"] {
        let service = failing_for("kim").await;
        let folder = Folder::new();
        let file = folder.write("users.csv", "userName\nbea\nfay\nkim\nlou\n");
        assert_eq!(scim(&["import", &service.url, &file]).await.code, 1);
        assert_eq!(service.count().await, 3);
        let said = scim(&["import", &service.url, &file]).await;
        assert!(said.out.ends_with("1 failed; 3 were done before\n"), "{said:?}");
        let id = service.user(gone).await["id"].as_str().unwrap().to_owned();
        service.call(Method::DELETE, &format!("/Users/{id}"), Value::Null).await;
        let said = scim(&["import", &service.url, &file]).await;
        assert!(
            said.err.contains(&format!("{gone} was imported before, and is not there any more")),
            "{said:?}"
        );
        assert!(said.out.contains("1 created, 0 updated, 2 unchanged; 1 failed\n"), "{said:?}");
        assert_eq!(service.count().await, 3);
    }
}

/// 20 groups or users that are found by attributes that need not be unique.
fn without_unique_keys(folder: &Folder) -> [(&'static str, &'static str, String); 2] {
    let groups: String = (0..20).map(|number| format!("group{number}\n")).collect();
    let users: String = (0..20).map(|number| format!("{number},user{number}\n")).collect();
    [
        ("/Groups", "--type=groups", folder.write("groups.csv", format!("displayName\n{groups}"))),
        ("/Users", "--match=externalId", folder.write("users.csv", format!("externalId,userName\n{users}"))),
    ]
}

/// A proxy can answer with 503 although the service has done what was asked.
#[tokio::test]
async fn what_is_answered_with_503_is_looked_up_before_it_is_sent_again() {
    for (bulk, max_bulk_operations) in [("--parallel=4", 3), ("--no-bulk", 1)] {
        let folder = Folder::new();
        for (endpoint, option, file) in without_unique_keys(&folder) {
            let lose = |number: usize, seen: &Seen| seen.method == Method::POST && number % 2 == 1;
            let options = Options { lose, lost_status: 503, max_bulk_operations, ..Options::default() };
            let service = Service::start(options).await;
            let said = scim(&["import", &service.url, &file, option, bulk]).await;
            assert_eq!((said.code, service.count_of(endpoint).await), (0, 20), "{said:?}");
            assert!(!said.out.contains(" 0 unchanged"), "some were found afterwards: {said:?}");
        }
    }
}

#[tokio::test]
async fn a_service_that_reads_only_the_beginning_of_a_filter_gets_nobody_twice() {
    let folder = Folder::new();
    for (endpoint, option, file) in without_unique_keys(&folder) {
        let cut = Options { cut_filter_at: Some("%20or%20"), ..Options::default() };
        let service = Service::start(cut).await;
        for expected in ["20 created, 0 updated, 0 unchanged", "0 created, 0 updated, 20 unchanged"] {
            let said = scim(&["import", &service.url, &file, option]).await;
            assert!(said.code == 0 && said.out.contains(expected), "{said:?}");
            assert_eq!(service.count_of(endpoint).await, 20);
        }
        // A service that reads all of it is not asked for each row.
        let service = Service::start(Options::default()).await;
        service.create(json!({ "userName": "bea", "externalId": "bea" })).await;
        let group =
            json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "first" });
        service.call(Method::POST, "/Groups", group).await;
        assert_eq!(scim(&["import", &service.url, &file, option, "--parallel", "1"]).await.code, 0);
        let lookups = service.seen().iter().filter(|seen| seen.method == Method::GET).count();
        assert_eq!(lookups, 1);
    }
}

#[tokio::test]
async fn a_row_without_an_answer_is_named() {
    let break_off = |_, seen: &Seen| {
        let is_kim = seen.method == Method::POST && seen.body["userName"] == "kim";
        // The body is shorter than it says.
        is_kim.then(|| ([("content-length", "20")], "{").into_response())
    };
    let service = Service::start(Options { disturb: Box::new(break_off), ..Options::default() }).await;
    let folder = Folder::new();
    let file = folder.write("users.csv", "userName\nbea\nkim\nfay\n");
    let errors = folder.write("errors.csv", "an older file that everybody can read");
    let said = scim(&["import", &service.url, &file, "--no-bulk", "--errors", &errors]).await;
    assert!(said.code == 1 && said.out.contains("2 created, 0 updated, 0 unchanged; 1 failed\n"), "{said:?}");
    assert!(said.err.starts_with("line 3: kim: there is no answer: "), "{said:?}");
    assert!(folder.read("errors.csv").contains("3,there is no answer: "), "{said:?}");
    assert!(exists(&format!("{file}.progress")), "it can be tried again");
    #[cfg(unix)]
    {
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&errors).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn an_import_stops_if_the_token_may_only_read() {
    let forbid =
        |_, seen: &Seen| (seen.method == Method::POST).then(|| error(403, "lacks the scope `write`"));
    for bulk in ["--parallel=2", "--no-bulk"] {
        let service = Service::start(Options { disturb: Box::new(forbid), ..Options::default() }).await;
        let folder = Folder::new();
        let file = folder.write("users.csv", users(500));
        let said = scim(&["import", &service.url, &file, bulk]).await;
        assert!(
            said.code == 1 && said.err.contains("it has stopped: 403: lacks the scope `write`"),
            "{said:?}"
        );
        assert_eq!(said.err.lines().count(), 21, "{said:?}");
        assert!(said.out.contains("; 20 failed; 480 not sent\n"), "{said:?}");
    }
}

#[tokio::test]
async fn a_full_disk_ends_an_import_that_can_go_on() {
    let (folder, service) = (Folder::new(), Service::start(Options::default()).await);
    let file = folder.write("users.jsonl", "{\"userName\":\"bea\"}\n{\"userName\":\"fay\",\"shoe\":1}\n");
    let said = scim(&["import", &service.url, &file, "--errors", "/dev/full"]).await;
    assert_eq!((said.code, service.count().await), (1, 1), "{said:?}");
    assert!(said.err.contains("No space left on device") && said.err.contains("run the same command again"));
    assert!(exists(&format!("{file}.progress")));
}

#[tokio::test]
async fn only_one_import_uses_a_journal() {
    let options = Options { delay: Duration::from_millis(20), ..Options::default() };
    let (folder, service) = (Folder::new(), Service::start(options).await);
    let file = folder.write("users.csv", users(400));
    let arguments = ["import", &service.url, &file, "--no-bulk"];
    let first = start(&arguments);
    while service.count().await == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let said = scim(&arguments).await;
    assert!(said.code == 2 && said.err.contains("is in use by another import"), "{said:?}");
    // Somebody may delete the journal.
    std::fs::remove_file(format!("{file}.progress")).unwrap();
    let said = end(first).await;
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
}

/// A search may show only later what exists.
#[tokio::test]
async fn who_is_in_the_way_of_a_new_user_is_looked_up_once_more() {
    let is_late = AtomicBool::new(true);
    let lag = move |_, seen: &Seen| {
        let is_first = seen.path.contains("filter=") && is_late.swap(false, Ordering::Relaxed);
        is_first.then(|| json!({ "totalResults": 0 }).to_string().into_response())
    };
    let service = Service::start(Options { disturb: Box::new(lag), ..Options::default() }).await;
    service.create(json!({ "userName": "bea", "externalId": "7" })).await;
    let folder = Folder::new();
    let file = folder.write("users.csv", "externalId,userName,title\n7,bea,Cook\n");
    let said = scim(&["import", &service.url, &file, "--match", "externalId"]).await;
    assert!(said.code == 0 && said.out.contains("0 created, 1 updated, 0 unchanged; 0 failed"), "{said:?}");
}
