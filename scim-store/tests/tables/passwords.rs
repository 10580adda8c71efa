//! Passwords are stored as hashes, which no response shows.

use http::Method;
use serde_json::json;

use crate::application::{Application, Form};
use crate::client::{Client, TENANT, id, user};
use crate::support;

#[test]
fn passwords_are_verified_and_never_shown() {
    let runtime = support::runtime();
    for application in Application::all(&runtime, Form::Folded) {
        let store = application.store(&runtime);
        let client = Client::new(&runtime, &application, &store);
        let verify_in = |tenant: &str, path: &str, password: &str| {
            runtime.block_on(store.verify_password(Some(tenant), id(path), password)).unwrap()
        };
        let verify = |path: &str, password: &str| verify_in(TENANT, path, password);
        let hash =
            || application.sql(&runtime, "SELECT password_hash FROM {}people ORDER BY id")[0][0].clone();

        let mut body = user("bea");
        body["password"] = json!("correct horse");
        let (bea, created) = client.create("/Users", body);
        assert!(hash().starts_with("$argon2id$"), "{}", hash());
        assert!(verify(&bea, "correct horse"));
        assert!(!verify(&bea, "correct Horse") && !verify(&bea, "") && !verify(&bea, &hash()));
        assert!(!verify_in("11111111-2222-4333-8444-555555555555", &bea, "correct horse"));
        assert!(!verify("/Users/u-999999", "correct horse") && !verify("/Users/other", "correct horse"));

        let change = json!({ "op": "replace", "path": "password", "value": "battery staple" });
        let changed = client.patch(&bea, change);
        assert!(matches!(changed.status, 200 | 204), "{}", changed.body);
        assert!(verify(&bea, "battery staple") && !verify(&bea, "correct horse"));
        let read = client.get(&bea);
        assert_ne!(read.version, created.version);

        // The application changes it as well.
        application.sql(&runtime, "UPDATE {}people SET password_hash = NULL");
        assert!(!verify(&bea, "battery staple") && !verify(&bea, ""));
        assert_ne!(client.get(&bea).version, read.version);
        application.sql(&runtime, "UPDATE {}people SET password_hash = 'unknown'");
        assert!(!verify(&bea, "battery staple") && !verify(&bea, "unknown"));

        let mut body = user("bea");
        body["password"] = json!("correct horse");
        let put = client.send(Method::PUT, &bea, Some(body));
        assert!(verify(&bea, "correct horse"));
        let (page, read) =
            (client.send(Method::GET, "/Users?attributes=password,userName", None), client.get(&bea));
        for response in [created, changed, put, page, read] {
            let text = response.body.to_string();
            assert!(!text.contains("password") && !text.contains("argon2"), "{text}");
        }
        for filter in ["password pr", "password sw \"$argon2id\""] {
            let refused = client.search("/Users", json!({ "filter": filter }));
            assert!(matches!(refused.status, 400 | 403), "{filter}: {} {}", refused.status, refused.body);
        }
    }
}
