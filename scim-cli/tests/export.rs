//! `scim export`, and the way back with `scim import`.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails that way")]
#![allow(dead_code, clippy::allow_attributes, reason = "other tests use the rest of the support")]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::{Folder, Options, Seen, Service, end, error, interrupt, scim, start};

/// Users whose values are awkward in CSV.
async fn awkward_users(service: &Service) {
    for number in 0..25 {
        service.create(json!({ "userName": format!("user{number}"), "active": number % 2 == 0 })).await;
    }
    let full = json!({
        "userName": "=HYPERLINK(\"http://example.com\")",
        "externalId": "007",
        "name": { "givenName": " Zoë ", "familyName": "O'Neill, \"Jr\"\r\nIII" },
        "title": "@diver;\t-1",
        "active": false,
        "emails": [
            { "value": "a@example.com", "type": "work", "primary": true },
            { "value": "b@example.com", "type": "home" },
        ],
        "addresses": [{ "type": "work", "streetAddress": "1 Main St\nBack door", "country": "NZ" }],
        "roles": [{ "value": "admin", "primary": true }, { "value": "cook" }],
        "password": "secret-secret",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": "Sales", "costCenter": "+49" },
    });
    service.create(full).await;
}

/// A resource without what differs between two services.
fn content(line: &str) -> Value {
    let mut resource: Value = serde_json::from_str(line).unwrap();
    for name in ["id", "meta"] {
        resource.as_object_mut().unwrap().remove(name);
    }
    resource
}

#[tokio::test]
async fn what_is_exported_can_be_imported_again() {
    let service = Service::start(Options::default()).await;
    awkward_users(&service).await;
    for format in ["csv", "jsonl"] {
        let folder = Folder::new();
        let said = scim(&["export", &service.url, "--format", format, "--count", "10"]).await;
        assert_eq!((said.code, said.err.as_str()), (0, "26 users exported\n"), "{said:?}");
        let file = folder.write(&format!("users.{format}"), &said.out);
        let other = Service::start(Options::default()).await;
        let imported = scim(&["import", &other.url, &file]).await;
        assert!(imported.code == 0 && imported.out.contains("26 created"), "{imported:?}");
        // All that there is, in the end, whatever the form.
        let before = scim(&["export", &service.url, "--format", "jsonl"]).await;
        let after = scim(&["export", &other.url, "--format", "jsonl"]).await;
        let sorted = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(|line| content(line).to_string()).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&before.out), sorted(&after.out), "{format}");
        assert!(!after.out.contains("secret"));
        let again = scim(&["import", &service.url, &file]).await;
        assert!(again.out.contains("0 created, 0 updated, 26 unchanged"), "{format}: {again:?}");
    }
}

#[tokio::test]
async fn pages_are_read_with_cursors_or_by_index() {
    for (config, parameter) in
        [(json!({}), "cursor="), (json!({ "pagination": { "cursor": false } }), "startIndex=")]
    {
        let service = Service::start(Options { config, ..Options::default() }).await;
        awkward_users(&service).await;
        let said = scim(&["export", &service.url, "--columns", "userName", "--count", "10"]).await;
        let mut names: Vec<&str> = said.out.lines().skip(1).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 26, "{said:?}");
        let seen = service.seen();
        assert!(seen.len() >= 3 && seen.iter().all(|seen| seen.path.contains(parameter)), "{seen:?}");
    }
}

#[tokio::test]
async fn columns_and_filters_can_be_chosen() {
    let service = Service::start(Options::default()).await;
    awkward_users(&service).await;
    let columns = "userName,Emails[type eq \"work\"].value,name.givenName";
    let said = scim(&[
        "export",
        &service.url,
        "--columns",
        columns,
        "--filter",
        "externalId eq \"007\"",
        "--delimiter",
        ";",
    ])
    .await;
    let expected = "userName;\"emails[type eq \"\"work\"\"].value\";name.givenName\n\
                    \"=HYPERLINK(\"\"http://example.com\"\")\";a@example.com; Zoë \n";
    assert_eq!((said.code, said.out.as_str()), (0, expected), "{said:?}");
    let said = scim(&["export", &service.url, "--columns", "userName,shoe,emails.value"]).await;
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains("shoe: there is no such attribute") && said.err.contains("emails is a list"),
        "{said:?}"
    );
    let said = scim(&["export", &service.url, "--filter", "userName is \"x\""]).await;
    assert!(said.code == 2 && said.err.contains("after 0 users: 400: "), "{said:?}");
}

#[tokio::test]
async fn values_without_a_column_are_counted() {
    let service = Service::start(Options::default()).await;
    service.create(json!({ "userName": "bea", "emails": [{ "value": "a@example.com" }] })).await;
    let said = scim(&["export", &service.url]).await;
    assert!(said.err.starts_with("1 element of emails has no column"), "{said:?}");
}

#[tokio::test]
async fn a_file_appears_only_when_it_is_complete() {
    let fail =
        |_, seen: &Seen| (seen.path.contains("startIndex=11")).then(|| error(403, "not the second page"));
    let config = json!({ "pagination": { "cursor": false } });
    let service = Service::start(Options { config, disturb: Box::new(fail), ..Options::default() }).await;
    awkward_users(&service).await;
    let folder = Folder::new();
    let file = folder.write("users.csv", "what was there before");
    let said = scim(&["export", &service.url, "--output", &file, "--count", "10"]).await;
    assert!(said.code == 2 && said.err.contains("after 10 users: 403: not the second page"), "{said:?}");
    assert_eq!(folder.read("users.csv"), "what was there before");
    assert_eq!(std::fs::read_dir(folder.path("")).unwrap().count(), 1, "the part is deleted");
    let other = folder.write("users.csv.part", "of somebody else");
    let said = scim(&["export", &service.url, "--output", &file]).await;
    assert_eq!((said.code, folder.read("users.csv").lines().next().unwrap().starts_with("id,")), (0, true));
    assert_eq!(std::fs::read_to_string(other).unwrap(), "of somebody else");
}

#[tokio::test]
async fn columns_that_an_import_would_misunderstand_are_refused() {
    let service = Service::start(Options::default()).await;
    for (columns, attributes, reason) in [
        ("userName,title", "userName", "title: it is not among --attributes"),
        ("userName,USERNAME", "userName", "USERNAME: another column has the same attribute"),
    ] {
        let said = scim(&["export", &service.url, "--columns", columns, "--attributes", attributes]).await;
        assert!(said.code == 2 && said.err.contains(reason), "{said:?}");
    }
    let columns = ["--columns", "id,userName,name.givenName", "--attributes", "userName,name"];
    assert_eq!(scim(&[&["export", &service.url], &columns[..]].concat()).await.code, 0);
}

/// A service with users that are too many for the buffer of a pipe.
async fn many_users() -> Service {
    let service = Service::start(Options::default()).await;
    for number in 0..100 {
        let title = "x".repeat(5_000);
        service.create(json!({ "userName": format!("user{number}"), "title": title })).await;
    }
    service
}

#[tokio::test]
async fn an_export_ends_quietly_if_nobody_reads_any_more() {
    let service = many_users().await;
    for format in ["csv", "jsonl"] {
        let mut child = start(&["export", &service.url, "--format", format]);
        drop(child.stdout.take());
        let said = end(child).await;
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    }
}

#[tokio::test]
async fn ctrl_c_ends_an_export_whose_output_is_not_read() {
    let service = many_users().await;
    let mut child = start(&["export", &service.url, "--count", "10"]);
    // Until the pipe is full.
    let requests = || service.seen().len();
    let mut before = 0;
    while requests() < 2 || before != requests() {
        before = requests();
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert!(before < 10, "{before}");
    interrupt(&child).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    interrupt(&child).await;
    let status = tokio::time::timeout(Duration::from_secs(10), child.wait()).await;
    assert_eq!(status.unwrap().unwrap().code(), Some(130));
}

#[tokio::test]
async fn groups_are_exported() {
    let service = Service::start(Options::default()).await;
    let bea = service.create(json!({ "userName": "bea" })).await;
    let group = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Divers", "members": [{ "value": bea["id"] }] });
    service.call(http::Method::POST, "/Groups", group).await;
    let said = scim(&["export", &service.url, "--type", "groups"]).await;
    assert!(said.out.starts_with("id,externalId,displayName,members\n"), "{said:?}");
    assert!(said.out.contains(",Divers,\"[{"), "{said:?}");
}
