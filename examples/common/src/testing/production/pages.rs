//! The pages of administrators. A browser tests the rest.

use http::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use http::{Method, Request, Response};
use testdata::transcript::Anonymous;

use super::super::{Directory, HostProgram, MEMORY, Protocol, RunningHost};
use super::{printed, program_with_file, send, start, user};

/// The text behind a prefix of a line of the greeting.
fn greeted<'h>(host: &'h RunningHost, prefix: &str) -> Option<&'h str> {
    host.greeting.iter().find_map(|line| line.strip_prefix(prefix))
}

/// The URL of the pages without its last slash.
fn pages(host: &RunningHost) -> &str {
    greeted(host, "pages for administrators: ").unwrap().trim_end_matches('/')
}

/// Sends a request to the pages of a host.
fn ask(host: &RunningHost, method: Method, path: &str, cookie: &str, form: &str) -> Response<Vec<u8>> {
    let pages = pages(host);
    let request = Request::builder()
        .method(method)
        .uri(format!("{pages}{path}"))
        .header(ORIGIN, pages)
        .header(COOKIE, cookie)
        .extension(Anonymous)
        .body(form.as_bytes().to_vec());
    host.send(request.unwrap())
}

/// Signs in, and returns the cookie.
fn sign_in(host: &RunningHost, token: &str) -> String {
    let response = ask(host, Method::POST, "/login", "", &format!("token={token}"));
    assert_eq!(response.status(), 303, "{response:?}");
    response.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned()
}

/// Checks that the pages show what clients do to administrators who have signed in, that commands create and revoke their
/// tokens, and that a token is printed only where nobody else can sign in.
///
/// # Panics
///
/// If the check fails.
pub fn the_pages_of_administrators_need_a_token(path: &'static str) {
    let directory = Directory::new();
    let admin = ("SCIM_ADMIN_LISTEN", "127.0.0.1:0");
    let last = "scimadmin_";

    // Somebody tries the host out: a token is printed, which is good until the host stops.
    for program in [HostProgram::new(path, MEMORY), program_with_file(path, &directory)] {
        let variables = [("SCIM_LISTEN", "127.0.0.1:0"), admin];
        let host = RunningHost::start_with(&program, &variables, last);
        assert_eq!(ask(&host, Method::GET, "/", "", "").headers()[LOCATION], "/login");
        let cookie = sign_in(&host, &format!("{last}{}", greeted(&host, last).unwrap()));
        assert_eq!(ask(&host, Method::GET, "/", &cookie, "").status(), 200);
    }

    // There are credentials, so the host is in use, and only a command creates a token.
    let program = program_with_file(path, &directory);
    let token = program.run(&["token", "create", "okta"], &[]);
    let token = printed(&token, "token");
    let created = program.run(&["admin", "create", "ida"], &[]);
    let (id, administrator) = (printed(&created, "id"), printed(&created, "token"));
    let list = program.run(&["admin", "list"], &[]);
    assert!(list.contains(id) && list.contains("ida") && !list.contains(administrator), "{list}");
    let host = RunningHost::start_with(
        &program,
        &[("SCIM_LISTEN", "127.0.0.1:0"), admin],
        "pages for administrators: ",
    );
    let cookie = sign_in(&host, administrator);
    let url = format!("{}/Users", host.base);
    assert_eq!(send(&host, Method::POST, &url, token, &user("bea")).status(), 201);
    assert_eq!(send(&host, Method::POST, &url, administrator, &user("carl")).status(), 401);
    let shown = || {
        let response = ask(&host, Method::GET, "/", &cookie, "");
        String::from_utf8_lossy(response.body()).into_owned()
    };
    let begun = std::time::Instant::now();
    while !(shown().contains("bea") && shown().contains("401")) {
        assert!(begun.elapsed().as_secs() < 10, "{}", shown());
    }
    // What was recorded is there after a restart.
    assert_eq!(host.stop("TERM").code(), Some(0));
    let host = start(&program, &[admin]);
    program.run(&["admin", "revoke", id], &[]);
    drop(host);
    let host = RunningHost::start_with(
        &program,
        &[("SCIM_LISTEN", "127.0.0.1:0"), admin],
        "Create a token for them with",
    );
    assert_eq!(ask(&host, Method::GET, "/", &cookie, "").status(), 303);
    let metrics = ask(&host, Method::GET, "/metrics", "", "");
    assert!(String::from_utf8_lossy(metrics.body()).contains("scim_unrecorded_requests 0"));
    for path in ["/healthz", "/readyz", "/login", "/console.css"] {
        assert_eq!(ask(&host, Method::GET, path, "", "").status(), 200);
        // A body behind the head would be an error of the protocol.
        let head = Request::head(format!("{}{path}", pages(&host))).body(Vec::new()).unwrap();
        assert_eq!(host.send_with(Protocol::Http2, head).status(), 200, "{path}");
    }
}
