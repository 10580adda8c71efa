//! The pages: signing in, what is refused, and what a tenant sees.

use std::time::Duration;

use chrono::Utc;
use http::header::{COOKIE, HOST, LOCATION, ORIGIN, SET_COOKIE};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use scim_auth::{Credentials, MemoryCredentials, NewToken};
use scim_console::{Console, ConsoleBody, ConsoleOptions, LogOptions, ProvisioningLog};
use scim_core::{Identity, Scopes};

struct Fixture {
    console: Console,
    log: ProvisioningLog,
    credentials: Credentials,
}

impl Fixture {
    async fn new(options: impl FnOnce(ConsoleOptions) -> ConsoleOptions) -> Self {
        let database = scim_store::open("sqlite::memory:").await.unwrap();
        let log = ProvisioningLog::open(database, LogOptions::new()).await.unwrap();
        let credentials = Credentials::new(MemoryCredentials::new());
        let base = "https://app.example.com";
        let plain = ConsoleOptions::new(format!("{base}/scim/v2"), format!("{base}/oauth/token"));
        Self { console: Console::new(log.clone(), credentials.clone(), options(plain)), log, credentials }
    }

    /// Records a request about a user with this name.
    async fn record(&self, tenant: &str, path: &str) {
        let (parts, ()) = Request::delete(path).body(()).unwrap().into_parts();
        let mut entry = self.log.begin(&parts).unwrap();
        entry.set_identity(&Identity::new("okta").in_tenant(tenant));
        self.log.record(entry, StatusCode::NOT_FOUND, Duration::from_millis(1));
        self.log.flush().await;
    }

    async fn get(&self, path: &str, cookie: &str) -> Response<ConsoleBody> {
        let request = Request::get(path).header(HOST, "localhost:9090").header(COOKIE, cookie);
        self.console.handle(request.body(String::new()).unwrap()).await
    }

    async fn post(&self, path: &str, cookie: &str, form: &str) -> Response<ConsoleBody> {
        let request = Request::post(path)
            .header(HOST, "localhost:9090")
            .header(ORIGIN, "http://localhost:9090")
            .header(COOKIE, cookie);
        self.console.handle(request.body(form.to_owned()).unwrap()).await
    }

    /// Signs in with a new token, and returns the cookie.
    async fn sign_in(&self, token: NewToken) -> String {
        let (_, text) = self.credentials.create_admin_token(token, Utc::now()).await.unwrap();
        let response = self.post("/login", "", &format!("token=+{}%0A", text.expose())).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        cookie(response.headers())
    }
}

fn cookie(headers: &HeaderMap) -> String {
    headers[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned()
}

async fn text(response: Response<ConsoleBody>) -> String {
    let mut body = std::pin::pin!(response.into_body());
    let mut text = Vec::new();
    while let Some(frame) = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        text.extend_from_slice(&frame.unwrap().into_data().unwrap());
    }
    String::from_utf8(text).unwrap()
}

/// The text of a stream until it contains something.
async fn text_until(response: Response<ConsoleBody>, end: &str) -> String {
    let mut body = std::pin::pin!(response.into_body());
    let mut text = String::new();
    while !text.contains(end) {
        let frame = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx));
        let frame = tokio::time::timeout(Duration::from_secs(10), frame).await.unwrap().unwrap();
        text.push_str(std::str::from_utf8(&frame.unwrap().into_data().unwrap()).unwrap());
    }
    text
}

#[tokio::test]
async fn nobody_sees_a_page_without_a_session() {
    let fixture = Fixture::new(|options| options).await;
    let pages = ["/", "/requests/1", "/connections", "/connection?name=x", "/unknown"];
    for cookie in ["", "scim_admin=", "scim_admin=scimsession_x", "scim_admin=%00"] {
        for page in pages {
            let response = fixture.get(page, cookie).await;
            assert_eq!(
                (response.status().as_u16(), &response.headers()[LOCATION]),
                (303, &"/login".parse().unwrap())
            );
        }
        assert_eq!(fixture.get("/events", cookie).await.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(fixture.post("/connections", cookie, "name=x").await.status(), StatusCode::SEE_OTHER);
    }
    assert_eq!(fixture.credentials.tokens().await.unwrap(), []);
    // Neither a token of a client nor the token of an administrator itself is a session.
    let (_, client) = fixture.credentials.create_token(NewToken::new("okta"), Utc::now()).await.unwrap();
    let (_, admin) = fixture.credentials.create_admin_token(NewToken::new("ida"), Utc::now()).await.unwrap();
    for token in [client.expose(), admin.expose()] {
        let response = fixture.get("/", &format!("scim_admin={token}")).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
    }
    let refused = fixture.post("/login", "", &format!("token={}", client.expose())).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(!refused.headers().contains_key(SET_COOKIE));
}

#[tokio::test]
async fn every_response_has_the_headers_that_protect_it() {
    let fixture = Fixture::new(|options| options).await;
    let cookie = fixture.sign_in(NewToken::new("ida")).await;
    for path in ["/", "/login", "/console.js", "/unknown", "/requests/99999999999999999999"] {
        let headers = fixture.get(path, &cookie).await.headers().clone();
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(headers["x-frame-options"], "DENY");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert!(headers.contains_key("cache-control"), "{path}");
    }
    let head = Request::head("/").header(HOST, "localhost:9090").header(COOKIE, &cookie);
    let head = fixture.console.handle(head.body(String::new()).unwrap()).await;
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(text(head).await, "");
    let page = text(fixture.get("/", &cookie).await).await;
    let has_inline = page.contains("<style") || page.contains(" style=") || page.contains(" onclick=");
    assert!(!has_inline && page.matches("<script").count() == page.matches("<script src=").count());
}

#[tokio::test]
async fn requests_of_other_sites_are_refused() {
    let fixture = Fixture::new(|options| options).await;
    let cookie = fixture.sign_in(NewToken::new("ida")).await;
    for (host, origin, expected) in [
        ("localhost:9090", Some("http://localhost:9090"), 200),
        ("localhost:9090", Some("http://evil.example"), 403),
        ("localhost:9090", None, 403),
        ("evil.example", Some("http://evil.example"), 421),
    ] {
        let mut request = Request::post("/connections").header(HOST, host).header(COOKIE, &cookie);
        if let Some(origin) = origin {
            request = request.header(ORIGIN, origin);
        }
        let request = request.body("name=okta&kind=token".to_owned()).unwrap();
        assert_eq!(fixture.console.handle(request).await.status(), expected, "{host} {origin:?}");
    }
    assert_eq!(fixture.credentials.tokens().await.unwrap().len(), 1);
    let request = Request::put("/connections").header(HOST, "localhost").header(ORIGIN, "http://localhost");
    let response = fixture.console.handle(request.body(String::new()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    let large = format!("name={}", "x".repeat(20_000));
    assert_eq!(fixture.post("/connections", &cookie, &large).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_session_over_plain_http_begins_only_on_this_machine() {
    let fixture = Fixture::new(|options| options.secure_cookies().host("admin.example.com")).await;
    let (_, token) = fixture.credentials.create_admin_token(NewToken::new("ida"), Utc::now()).await.unwrap();
    for (origin, expected) in [
        ("http://admin.example.com", 403),
        ("http://192.0.2.7", 403),
        ("https://admin.example.com", 303),
        ("http://localhost:9090", 303),
    ] {
        let host = origin.split_once("://").unwrap().1;
        let request = Request::post("/login").header(HOST, host).header(ORIGIN, origin);
        let request = request.body(format!("token={}", token.expose())).unwrap();
        let response = fixture.console.handle(request).await;
        assert_eq!(response.status(), expected, "{origin}");
        if expected == 303 {
            let cookie = response.headers()[SET_COOKIE].to_str().unwrap();
            assert!(cookie.starts_with("__Host-scim_admin=") && cookie.ends_with("; Secure"), "{cookie}");
        }
    }
}

#[tokio::test]
async fn a_tenant_sees_its_own_requests_and_a_stream_of_them() {
    let fixture = Fixture::new(|options| options.tenants().mounted_at("/admin")).await;
    let cookie = fixture.sign_in(NewToken::new("cora").in_tenant("contoso")).await;
    fixture.record("fabrikam", "/Users/of-fabrikam").await;
    fixture.record("contoso", "/Users/of-contoso").await;
    let page = text(fixture.get("/admin/?tenant=fabrikam", &cookie).await).await;
    assert!(page.contains("/admin/requests/2") && !page.contains("/admin/requests/1"));
    assert_eq!(fixture.get("/admin/requests/1", &cookie).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(fixture.get("/admin/requests/2", &cookie).await.status(), StatusCode::OK);

    let stream = fixture.get("/admin/events?after=0&tenant=fabrikam", &cookie).await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    fixture.record("fabrikam", "/Users/new").await;
    fixture.record("contoso", "/Users/new").await;
    let events = text_until(stream, "/admin/requests/4").await;
    assert!(events.contains("/admin/requests/2") && !events.contains("/admin/requests/3"), "{events}");
    // A browser that was disconnected continues behind the last event.
    let request = Request::get("/admin/events?after=0").header(HOST, "localhost").header(COOKIE, &cookie);
    let request = request.header("last-event-id", "2").body(String::new()).unwrap();
    let events = text_until(fixture.console.handle(request).await, "/admin/requests/4").await;
    assert!(!events.contains("/admin/requests/2"), "{events}");
}

#[tokio::test]
async fn values_cannot_add_events_or_elements() {
    let fixture = Fixture::new(|options| options).await;
    let cookie = fixture.sign_in(NewToken::new("ida")).await;
    let name = "x\r\rdata: injected\n\nevent: rows\n<b>bold</b>&\"'";
    let (parts, ()) = Request::get("/Users").body(()).unwrap().into_parts();
    let mut entry = fixture.log.begin(&parts).unwrap();
    entry.set_identity(&Identity::new(name));
    fixture.log.record(entry, StatusCode::OK, Duration::ZERO);
    fixture.log.flush().await;
    let events = text_until(fixture.get("/events?after=0", &cookie).await, "</tr>").await;
    assert!(!events.contains("<b>") && events.contains("&#60;b&#62;bold"), "{events}");
    assert_eq!(
        events.matches("event: ").count(),
        events.matches("\nevent: rows\n").count() + events.matches("data: event: ").count(),
        "{events}"
    );
    let lines = events.split('\n').filter(|line| !line.is_empty());
    let known = ["data: ", "id: ", "event: rows", "retry: "];
    assert!(lines.clone().all(|line| known.iter().any(|start| line.starts_with(start))), "{events}");
    assert!(!events.contains('\r'));
}

#[tokio::test]
async fn forms_create_what_the_administrator_may_create() {
    let fixture = Fixture::new(|options| options.tenants()).await;
    let all = fixture.sign_in(NewToken::new("ida")).await;
    let own = fixture.sign_in(NewToken::new("cora").in_tenant("contoso")).await;
    let reader = fixture.sign_in(NewToken::new("rita").with_scopes(Scopes::read_only())).await;
    for (cookie, form, expected) in [
        (&all, "name=okta&kind=token", 400),
        (&all, "name=&tenant=a&kind=token", 400),
        (&all, "name=okta&tenant=a&kind=token&days=0", 400),
        (&all, "name=okta&tenant=a&kind=token&days=30d", 400),
        (&all, "name=okta&tenant=a&kind=client&days=99999999999999999999999", 400),
        (&all, "name=okta&tenant=a&kind=token&days=30&scopes=read", 200),
        (&own, "name=entra&tenant=fabrikam&kind=client", 200),
        (&reader, "name=okta&tenant=a&kind=token", 403),
    ] {
        assert_eq!(fixture.post("/connections", cookie, form).await.status(), expected, "{form}");
    }
    let tokens = fixture.credentials.tokens().await.unwrap();
    let [token] = tokens.as_slice() else { panic!("{tokens:?}") };
    assert_eq!((token.tenant.as_deref(), token.scopes.may_write()), (Some("a"), false));
    let days = (token.expires.unwrap() - Utc::now()).num_days();
    assert!((29..=30).contains(&days), "{days}");
    let clients = fixture.credentials.clients().await.unwrap();
    let [client] = clients.as_slice() else { panic!("{clients:?}") };
    assert_eq!((client.tenant.as_deref(), client.secrets.len()), (Some("contoso"), 1));

    // Credentials of another connection are not touched.
    let token_of = |form: &str| format!("{form}&action=revoke-token&id={}", token.id);
    for (cookie, form, expected) in [
        (&own, token_of("tenant=a&name=okta"), 404),
        (&own, token_of("tenant=contoso&name=entra"), 400),
        (&reader, token_of("tenant=a&name=okta"), 403),
        (&all, token_of("tenant=a&name=okta"), 303),
    ] {
        assert_eq!(fixture.post("/connection", cookie, &form).await.status(), expected, "{form}");
    }
    assert_eq!(fixture.credentials.tokens().await.unwrap(), []);
}

#[tokio::test]
async fn a_form_creates_a_credential_once() {
    let fixture = Fixture::new(|options| options).await;
    let cookie = fixture.sign_in(NewToken::new("ida")).await;
    let page = text(fixture.get("/connections", &cookie).await).await;
    let (_, id) = page.split_once("name=\"form\" value=\"").unwrap();
    let form = format!("name=okta&kind=token&form={}", id.split('"').next().unwrap());
    assert_eq!(fixture.post("/connections", &cookie, &form).await.status(), StatusCode::OK);
    // The browser sends the form again when its page is reloaded.
    let again = fixture.post("/connections", &cookie, &form).await;
    assert_eq!(again.status(), StatusCode::BAD_REQUEST);
    assert!(text(again).await.contains("This form was sent before"));
    assert_eq!(fixture.credentials.tokens().await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_checklist_begins_anew_with_a_new_connection() {
    let fixture = Fixture::new(|options| options).await;
    let cookie = fixture.sign_in(NewToken::new("ida")).await;
    let ticks = async || {
        let page = text(fixture.get("/connection?name=okta", &cookie).await).await;
        page.matches("class=\"done\"").count()
    };
    let create_user = async || {
        let service = scim_core::ScimService::builder().base_url("https://app.example.com/scim/v2");
        let service = service.users(scim_core::MemoryProvider::new()).build().unwrap();
        let mut request = Request::post("/Users").body(()).unwrap();
        request.extensions_mut().insert(Identity::new("okta"));
        let (parts, ()) = request.into_parts();
        let user = br#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"bea"}"#;
        let mut entry = fixture.log.begin(&parts).unwrap();
        entry.set_identity(&Identity::new("okta"));
        entry.set_operation(&service.parse(&parts, user).unwrap());
        fixture.log.record(entry, StatusCode::CREATED, Duration::ZERO);
        fixture.log.flush().await;
    };
    for _ in 0..2 {
        assert_eq!(
            fixture.post("/connections", &cookie, "name=okta&kind=token").await.status(),
            StatusCode::OK
        );
        assert_eq!(ticks().await, 0);
        create_user().await;
        assert_eq!(ticks().await, 2);
        let id = fixture.credentials.tokens().await.unwrap().first().unwrap().id.clone();
        let revoke = format!("name=okta&action=revoke-token&id={id}");
        let response = fixture.post("/connection", &cookie, &revoke).await;
        assert_eq!(response.headers()[LOCATION], "/connections");
        assert_eq!(fixture.get("/connection?name=okta", &cookie).await.status(), StatusCode::NOT_FOUND);
    }
    // A token that was revoked elsewhere leaves a connection without credentials, which can be deleted.
    create_user().await;
    assert_eq!(ticks().await, 2);
    assert_eq!(
        fixture.post("/connection", &cookie, "name=okta&action=forget").await.status(),
        StatusCode::SEE_OTHER
    );
    assert_eq!(fixture.get("/connection?name=okta", &cookie).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_credential_fits_the_tenants_of_the_service() {
    for (fixture, form, expected) in [
        (Fixture::new(|options| options).await, "name=okta&kind=token&tenant=a", 400),
        (Fixture::new(|options| options.tenants()).await, "name=okta&kind=token&tenant=a+b", 200),
    ] {
        let cookie = fixture.sign_in(NewToken::new("ida")).await;
        assert_eq!(fixture.post("/connections", &cookie, form).await.status(), expected, "{form}");
    }
    // What was recorded before the service had tenants has none, and gets no credentials.
    let fixture = Fixture::new(|options| options.tenants()).await;
    let cookie = fixture.sign_in(NewToken::new("ida")).await;
    fixture.credentials.create_token(NewToken::new("old"), Utc::now()).await.unwrap();
    let create = "name=old&tenant=&action=create&kind=token";
    assert_eq!(fixture.post("/connection", &cookie, create).await.status(), StatusCode::BAD_REQUEST);
    assert!(!text(fixture.get("/connection?name=old", &cookie).await).await.contains("Create a token"));
    assert_eq!(fixture.credentials.tokens().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_stream_ends_with_the_session() {
    let fixture = Fixture::new(|options| options).await;
    let cookie = fixture.sign_in(NewToken::new("ida")).await;
    let stream = fixture.get("/events?after=0", &cookie).await;
    let id = fixture.credentials.admin_tokens().await.unwrap().first().unwrap().id.clone();
    fixture.credentials.revoke_admin_token(&id).await.unwrap();
    fixture.record("contoso", "/Users/after-the-end").await;
    // The stream ends; otherwise this would wait for minutes.
    let events = tokio::time::timeout(Duration::from_secs(20), text(stream)).await.unwrap();
    assert!(!events.contains("after-the-end"), "{events}");
}
