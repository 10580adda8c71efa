//! `scim import` to services on sockets.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails that way")]
#![allow(dead_code, clippy::allow_attributes, reason = "other tests use the rest of the support")]

mod support;

use std::collections::HashSet;
use std::time::Duration;

use http::Method;
use scim_store::Store;
use serde_json::{Value, json};
use support::{Folder, Options, Seen, Service, end, error, exists, interrupt, scim, start, users};

/// Imports many users into SQLite, kills the program once, and interrupts it once. With `SCIM_SOAK=1`, there are 100,000.
async fn interrupt_twice(options: &[&str], delay: Duration) {
    let count = if std::env::var_os("SCIM_SOAK").is_some() { 100_000 } else { 2_000 };
    // Counting many users takes long.
    let pause = Duration::from_micros(count);
    let folder = Folder::new();
    let store = Store::open(&format!("sqlite:{}", folder.path("scim.db").display())).await.unwrap();
    let service =
        Service::start_on(store, Options { max_bulk_operations: 40, delay, ..Options::default() }).await;
    let file = folder.write("users.csv", users(count));
    let journal = format!("{file}.progress");
    let arguments = [&["import", &service.url, &file, "--parallel", "3"], options].concat();

    let mut child = start(&arguments);
    while service.count().await < count / 5 {
        assert!(child.try_wait().unwrap().is_none(), "{:?}", end(child).await);
        tokio::time::sleep(pause).await;
    }
    child.kill().await.unwrap();
    let killed_at = service.count().await;
    assert!(killed_at < count && exists(&journal));

    let mut child = start(&arguments);
    while service.count().await < killed_at + count / 5 {
        assert!(child.try_wait().unwrap().is_none(), "{:?}", end(child).await);
        tokio::time::sleep(pause).await;
    }
    interrupt(&child).await;
    let said = end(child).await;
    assert_eq!(said.code, 130, "{said:?}");
    assert!(said.err.contains("run the same command again to go on"), "{said:?}");
    // What was sent is finished and noted.
    let interrupted_at = service.count().await;
    assert!(interrupted_at < count && exists(&journal));

    service.forget();
    let said = scim(&arguments).await;
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    assert!(said.out.contains(" were done before"), "{said:?}");
    let created: u64 =
        said.out.split(" created").next().unwrap().rsplit(' ').next().unwrap().parse().unwrap();
    assert_eq!(created, count - interrupted_at, "{said:?}");
    assert!(said.out.contains(" 0 unchanged"), "what Ctrl-C has let finish is in the journal: {said:?}");
    assert!(!exists(&journal));
    assert_eq!(service.count().await, count);

    let mut names = HashSet::new();
    let mut start_index = 1;
    while start_index <= count {
        let path = format!("/Users?count=1000&startIndex={start_index}&attributes=userName");
        let page = service.call(Method::GET, &path, Value::Null).await;
        let resources = page["Resources"].as_array().unwrap();
        names.extend(resources.iter().map(|user| user["userName"].as_str().unwrap().to_owned()));
        start_index += resources.len() as u64;
    }
    assert_eq!(names.len() as u64, count);
    let user = service.user("user1230@example.com").await;
    assert_eq!((&user["name"]["givenName"], &user["active"]), (&json!("Given, 1230"), &json!(false)));

    // A second import changes nothing.
    service.forget();
    let said = scim(&arguments).await;
    assert!(
        said.code == 0 && said.out.contains(&format!(" 0 created, 0 updated, {count} unchanged; 0 failed")),
        "{said:?}"
    );
    assert!(service.writes().is_empty());
    assert!((service.seen().len() as u64) < count / 20, "many users are looked up with one request");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_import_goes_on_with_bulk_requests() {
    interrupt_twice(&[], Duration::from_millis(20)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_import_goes_on_with_single_requests() {
    interrupt_twice(&["--no-bulk"], Duration::from_millis(1)).await;
}

#[tokio::test]
async fn without_its_journal_an_import_creates_nobody_twice() {
    let (folder, service) = (Folder::new(), Service::start(Options::default()).await);
    let half = folder.write("half.csv", users(60));
    assert_eq!(scim(&["import", &service.url, &half, "--no-bulk"]).await.code, 0);
    let file = folder.write("users.csv", users(120));
    for options in [&["--no-bulk"][..], &[]] {
        let said = scim(&[&["import", &service.url, &file], options].concat()).await;
        assert_eq!((said.code, service.count().await), (0, 120), "{said:?}");
    }
}

#[tokio::test]
async fn existing_users_are_found_and_get_only_what_differs() {
    let (folder, service) = (Folder::new(), Service::start(Options::default()).await);
    let bea = json!({ "userName": "Bea", "title": "Diver", "nickName": "B", "name": { "givenName": "Bea" } });
    service.create(bea).await;
    service.create(json!({ "userName": "fay", "title": "Cook" })).await;
    let file = folder.write("users.csv", "userName,TITLE,name.familyName,password\nBea,Cook,,secret-1\nfay,Cook,,secret-2\nkim,,Fox,secret-3\n");

    let said = scim(&["import", &service.url, &file, "--dry-run"]).await;
    assert_eq!(said.code, 0);
    assert!(
        said.out.starts_with("line 2: Bea would be updated: title\nline 4: kim would be created\n3 rows in "),
        "{said:?}"
    );
    assert!(said.out.ends_with("would be 1 created, 1 updated, 1 unchanged; 0 failed\n"), "{said:?}");
    assert!(service.writes().is_empty() && !exists(&format!("{file}.progress")));

    let said = scim(&["import", &service.url, &file, "--no-bulk"]).await;
    assert!(said.code == 0 && said.out.contains(": 1 created, 1 updated, 1 unchanged; 0 failed"), "{said:?}");
    let writes = service.writes();
    let patch = writes.iter().find(|seen| seen.method == Method::PATCH).unwrap();
    assert_eq!(patch.body["Operations"], json!([{ "op": "replace", "path": "title", "value": "Cook" }]));
    let post = writes.iter().find(|seen| seen.method == Method::POST).unwrap();
    assert_eq!((writes.len(), &post.body["password"]), (2, &json!("secret-3")));
    assert_eq!(service.user("Bea").await["nickName"], "B");

    // An empty cell removes a value, or not.
    let file = folder.write("users.csv", "userName,title\nbea,\n");
    let said = scim(&["import", &service.url, &file, "--keep-empty", "--dry-run"]).await;
    assert!(said.out.starts_with("line 2: bea would be updated: userName\n1 rows in "), "{said:?}");
    let said = scim(&["import", &service.url, &file]).await;
    assert!(said.out.contains("1 updated"), "{said:?}");
    let bea = service.user("bea").await;
    assert_eq!((&bea["userName"], bea.get("title")), (&json!("bea"), None));
}

/// Most rows are new, so they are created without a search, and those that exist are found when they are refused.
#[tokio::test]
async fn users_that_are_in_the_way_of_new_ones_are_found() {
    for (options, is_single) in [(&["--parallel", "1"][..], false), (&["--parallel", "1", "--no-bulk"], true)]
    {
        let taken = |_, seen: &Seen| {
            let is_taken = seen.method == Method::POST && seen.body["userName"] == "user333@example.com";
            is_taken.then(|| error(409, "the e-mail address is taken"))
        };
        let service = Service::start(Options { disturb: Box::new(taken), ..Options::default() }).await;
        for number in [350, 377, 399] {
            service
                .create(json!({ "userName": format!("USER{number}@example.com"), "title": "Diver" }))
                .await;
        }
        let folder = Folder::new();
        let file = folder.write("users.csv", users(400));
        let said = scim(&[&["import", &service.url, &file], options].concat()).await;
        let (code, failed) = if is_single { (1, 1) } else { (0, 0) };
        assert_eq!((said.code, service.count().await), (code, 400 - failed), "{said:?}");
        assert!(
            said.out.contains(&format!("{} created, 3 updated, 0 unchanged; {failed} failed", 397 - failed)),
            "{said:?}"
        );
        assert_eq!(
            said.err.contains("line 335: user333@example.com: 409: the e-mail address is taken\n"),
            is_single,
            "{said:?}"
        );
        let seen = service.seen();
        // Only the first rows, and those that were refused, are looked up.
        let lookups = seen.iter().filter(|seen| seen.method == Method::GET).count();
        assert!(lookups <= 6, "{lookups}");
        assert_eq!(service.user("user377@example.com").await["title"], "Diver");
    }
}

/// The service may allow longer texts than this library.
#[tokio::test]
async fn how_long_a_text_can_be_is_for_the_service_to_say() {
    let (folder, service) = (Folder::new(), Service::start(Options::default()).await);
    let file = folder.write("users.csv", format!("userName,title\nbea,{}\n", "x".repeat(70_000)));
    let said = scim(&["import", &service.url, &file]).await;
    assert!(said.err.starts_with("line 2: bea: 400: "), "{said:?}");
}

#[tokio::test]
async fn users_can_be_found_by_their_external_id() {
    let (folder, service) = (Folder::new(), Service::start(Options::default()).await);
    service.create(json!({ "userName": "bea", "externalId": "7" })).await;
    let file = folder.write("users.csv", "externalId,userName\n7,bea.fox\n8,fay\n,kim\n");
    let said = scim(&["import", &service.url, &file, "--match", "externalId"]).await;
    assert_eq!((said.code, service.count().await), (1, 2), "{said:?}");
    assert!(said.err.starts_with("line 4: -: externalId is missing\n"), "{said:?}");
    assert_eq!(service.user("bea.fox").await["externalId"], "7");
    let said = scim(&["import", &service.url, &file, "--match", "shoeSize"]).await;
    assert!(said.code == 2 && said.err.contains("users cannot be found by shoeSize"), "{said:?}");
}

#[tokio::test]
async fn a_service_without_patch_gets_whole_resources() {
    let disturb = |_, seen: &Seen| (seen.method == Method::PATCH).then(|| error(501, "no PATCH"));
    let config = json!({ "patch": { "supported": false }, "bulk": { "supported": false } });
    let service = Service::start(Options { config, disturb: Box::new(disturb), ..Options::default() }).await;
    let folder = Folder::new();
    service.create(json!({ "userName": "bea", "title": "Diver", "nickName": "B" })).await;
    let file = folder.write("users.csv", "userName,title\nbea,Cook\n");
    let said = scim(&["import", &service.url, &file]).await;
    assert!(said.code == 0 && said.out.contains("1 updated"), "{said:?}");
    assert_eq!(service.writes()[0].method, Method::PUT);
    let bea = service.user("bea").await;
    assert_eq!((&bea["title"], &bea["nickName"]), (&json!("Cook"), &json!("B")));
    service.forget();
    let said = scim(&["import", &service.url, &file]).await;
    assert!(said.out.contains("1 unchanged") && service.writes().is_empty(), "{said:?}");
}

#[tokio::test]
async fn rows_that_fail_do_not_stop_the_others() {
    let refuse = |_, seen: &Seen| {
        (seen.method == Method::POST && seen.body["userName"] == "kim")
            .then(|| error(400, "kim is not allowed"))
    };
    let service = Service::start(Options { disturb: Box::new(refuse), ..Options::default() }).await;
    let folder = Folder::new();
    let file = folder.write(
        "users.csv",
        "\u{feff}userName,active,title\r\nbea,yes,\r\nkim,true,\"a\r\nb\"\r\n,true,x\r\nfay,true,y\r\nFAY,true,z\r\nlou,false,w\r\n",
    );
    let errors = folder.path("errors.csv");
    let errors = errors.to_str().unwrap();
    let said = scim(&["import", &service.url, &file, "--no-bulk", "--errors", errors]).await;
    assert_eq!((said.code, service.count().await), (1, 2), "{said:?}");
    for line in [
        "line 2: bea: active: write true or false\n",
        "line 3: kim: 400: kim is not allowed\n",
        "line 5: -: userName is missing\n",
        "line 7: FAY: line 6 has the same userName\n",
        &format!("correct the rows that have failed, and import them; they are in {errors}\n"),
    ] {
        assert!(said.err.contains(line), "{line}: {said:?}");
    }
    assert!(said.out.contains(": 2 created, 0 updated, 0 unchanged; 4 failed"), "{said:?}");
    let text = folder.read("errors.csv");
    assert!(
        text.starts_with("#line,#error,userName,active,title\n2,active: write true or false,bea,yes,\n"),
        "{text}"
    );

    // The file with the errors can be corrected and imported, and has errors of its own.
    let corrected = text.replace(",bea,yes,", ",bea,true,").replace(",kim,", ",kit,");
    let corrected = folder.write("corrected.csv", corrected);
    let said = scim(&["import", &service.url, &corrected, "--no-bulk", "--errors", errors]).await;
    assert_eq!((said.code, service.count().await), (1, 4), "{said:?}");
    assert!(folder.read("errors.csv").starts_with("#line,#error,userName,active,title\n"));
    assert_eq!(service.user("kit").await["title"], "a\r\nb");

    // Every row was processed, so there is nothing to go on with.
    assert!(!exists(&format!("{file}.progress")));
    let said = scim(&["import", &service.url, &file, "--no-bulk"]).await;
    assert!(said.code == 1 && said.out.contains("0 created, 1 updated, 1 unchanged; 4 failed\n"), "{said:?}");
    assert!(said.err.ends_with("; with --errors FILE, they are written to a file\n"), "{said:?}");

    let said =
        scim(&["import", &service.url, &file, "--restart", "--limit-errors", "2", "--parallel", "1"]).await;
    assert!(said.code == 1 && said.err.contains("it has stopped: 2 rows have failed"), "{said:?}");
    let said = scim(&["import", &service.url, &file, "--errors", &file]).await;
    assert!(said.code == 2 && said.err.contains("--errors would overwrite "), "{said:?}");
}

#[tokio::test]
async fn wrong_columns_are_all_reported_before_anything_is_sent() {
    let (folder, service) = (Folder::new(), Service::start(Options::default()).await);
    let file = folder.write("users.csv", "userName,email,name,emails.value,id\nbea,a,b,c,d\n");
    let said = scim(&["import", &service.url, &file]).await;
    assert_eq!(said.code, 2, "{said:?}");
    for problem in [
        "column 2 (email): there is no such attribute; write emails[type eq \"work\"].value",
        "column 3 (name): it has several values; write a column for each: name.formatted, ",
        "column 4 (emails.value): emails is a list; write emails[type eq \"work\"].value",
    ] {
        assert!(said.err.contains(problem), "{problem}: {said:?}");
    }
    assert!(service.writes().is_empty() && !exists(&format!("{file}.progress")));
    let file = folder.write("users.csv", "userName;title\nbea;Cook\n");
    assert!(scim(&["import", &service.url, &file]).await.err.contains("--delimiter ';'"));
    assert_eq!(scim(&["import", &service.url, &file, "--delimiter", ";"]).await.code, 0);
    let said = scim(&["import", &service.url, folder.path("none.csv").to_str().unwrap()]).await;
    assert!(said.code == 2 && said.err.contains("there is no file "), "{said:?}");
    let said = scim(&["import", &service.url, "/dev/null"]).await;
    assert!(said.code == 2 && said.err.contains("/dev/null is no regular file"), "{said:?}");
    let said = scim(&["import", &service.url, &folder.write("empty.csv", "")]).await;
    assert!(said.code == 2 && said.err.contains("the file is empty"), "{said:?}");
}

#[tokio::test]
async fn no_file_is_written_over_another_one() {
    let (folder, service) = (Folder::new(), Service::start(Options::default()).await);
    let text = "userName\nbea\nkim\n";
    let file = folder.write("people.new", text);
    let journal = folder.path("people").to_str().unwrap().to_owned();
    let said = scim(&["import", &service.url, &file, "--journal", &journal]).await;
    assert_eq!((said.code, folder.read("people.new").as_str()), (0, text), "{said:?}");
    let folder_of = folder.path("").to_str().unwrap().to_owned();
    for (options, name) in [
        (["--journal", &file, "--errors", &journal], &file),
        (["--journal", &journal, "--errors", &file], &file),
        (["--journal", &journal, "--errors", &format!("{folder_of}./people")], &journal),
        (["--parallel", "1", "--errors", &format!("{file}.progress")], &format!("{file}.progress")),
    ] {
        let said = scim(&[&["import", &service.url, &file], &options[..]].concat()).await;
        assert!(
            said.code == 2 && said.err.contains(&format!("would overwrite {name}; name another")),
            "{said:?}"
        );
    }
    assert_eq!(folder.read("people.new"), text);
}

#[tokio::test]
async fn the_file_in_the_readme_is_imported_as_it_says() {
    let block = |language: &str, beginning: &str| {
        let start = format!("```{language}\n{beginning}");
        let (_, rest) = include_str!("../README.md").split_once(&start).unwrap();
        format!("{beginning}{}", rest.split_once("```").unwrap().0)
    };
    let (folder, service) = (Folder::new(), Service::start(Options::default()).await);
    service
        .create(json!({
            "userName": "bea@example.com", "active": false, "name": { "givenName": "Bea", "familyName": "Fox" },
            "emails": [{ "type": "work", "value": "bea@example.com" }],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": "Sales" },
        }))
        .await;
    let file = folder.write("users.csv", block("csv", "userName,"));
    let said = scim(&["import", &service.url, &file, "--dry-run"]).await;
    let without_times = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split(" rows in ").next().unwrap().to_owned()).collect()
    };
    assert_eq!(without_times(&said.out), without_times(&block("text", "line 2: ")), "{said:?}");
    assert_eq!(scim(&["import", &service.url, &file]).await.code, 0);
    assert_eq!(service.user("fay@example.com").await["active"], false);
}

#[tokio::test]
async fn json_lines_create_and_update_users_and_groups() {
    let (folder, service) = (Folder::new(), Service::start(Options::default()).await);
    let bea = service.create(json!({ "userName": "bea", "title": "Diver", "nickName": "B" })).await;
    let fay = service.create(json!({ "userName": "fay" })).await;
    let file = folder.write("users.jsonl", "{\"userName\":\"bea\",\"title\":null,\"emails\":[{\"value\":\"b@example.com\",\"type\":\"work\"}]}\n{\"userName\":\"kim\"}\n{\"userName\":\"lou\",\"shoe\":1}\n");
    let errors = folder.path("errors.jsonl");
    let said = scim(&["import", &service.url, &file, "--errors", errors.to_str().unwrap()]).await;
    assert!(said.code == 1 && said.out.contains("1 created, 1 updated, 0 unchanged; 1 failed"), "{said:?}");
    let changed = service.user("bea").await;
    assert_eq!((changed.get("title"), &changed["nickName"]), (None, &json!("B")));
    assert_eq!(changed["emails"][0]["value"], "b@example.com");
    let failed: Value = serde_json::from_str(&folder.read("errors.jsonl")).unwrap();
    assert_eq!((&failed["#line"], &failed["userName"]), (&json!(3), &json!("lou")));

    let group = |members: &[&Value]| {
        let members: Vec<Value> = members.iter().map(|user| json!({ "value": user["id"] })).collect();
        json!({ "displayName": "Divers", "members": members }).to_string()
    };
    let file = folder.write("groups.jsonl", group(&[&bea]));
    for expected in ["1 created", "1 unchanged"] {
        let said = scim(&["import", &service.url, &file, "--type", "groups"]).await;
        assert!(said.code == 0 && said.out.contains(expected), "{said:?}");
    }
    let file = folder.write("groups.jsonl", group(&[&bea, &fay]));
    service.forget();
    let said = scim(&["import", &service.url, &file, "--type", "groups"]).await;
    assert!(said.code == 0 && said.out.contains("1 updated"), "{said:?}");
    let operations = &service.writes()[0].body["Operations"];
    assert_eq!(*operations, json!([{ "op": "add", "path": "members", "value": [{ "value": fay["id"] }] }]));
}
