//! Starts hosts and sends requests to them over sockets, for their tests.
//!
//! If a host does not behave as expected, these functions panic with its output.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails that way"
)]

pub mod crash;
#[path = "../../../scim-auth/tests/auth/fake_issuer.rs"]
mod fake_issuer;
pub mod host;
mod load;
#[path = "../../../scim-store/tests/store/support/postgres_server.rs"]
#[expect(dead_code, reason = "the tests of the store use the rest")]
mod postgres_server;
pub mod production;
mod protocol_upgrade;
mod transcripts;

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use testdata::transcript::Anonymous;
use tokio::net::TcpStream;

pub(crate) use transcripts::service;
pub use transcripts::transcripts;

/// The URL of the memory provider.
pub const MEMORY: &str = "memory:";
/// The URL of an SQLite database in memory.
pub const SQLITE: &str = "sqlite::memory:";

/// The token of the started hosts.
const TOKEN: &str = "token-of-the-tests";

/// The maximum time for a response, and for the end of a host.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A new directory, which is removed with its content.
pub(crate) struct Directory(pub(crate) PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        let directory = std::env::temp_dir().join(format!("scim-host-{}", scim_core::new_id()));
        std::fs::create_dir(&directory).unwrap();
        Self(directory)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A running host. Dropping it kills the host.
#[derive(Debug)]
pub struct RunningHost {
    child: Child,
    /// The base URL that the host printed.
    pub base: String,
    /// The lines that the host printed when it was ready.
    pub greeting: Vec<String>,
}

/// The protocol of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 without TLS, with prior knowledge.
    Http2,
}

/// The program of a host, and the database that it is started with.
#[derive(Clone, Debug)]
pub struct HostProgram {
    path: &'static str,
    database: String,
    directory: Option<PathBuf>,
    log: Option<PathBuf>,
    arguments: Vec<String>,
}

impl HostProgram {
    /// A program with a `DATABASE_URL`. If it is empty, the program uses its default.
    pub fn new(path: &'static str, database: impl Into<String>) -> Self {
        Self { path, database: database.into(), directory: None, log: None, arguments: Vec::new() }
    }

    /// The same program with another working directory.
    #[must_use]
    pub fn in_directory(self, directory: &Path) -> Self {
        Self { directory: Some(directory.to_owned()), ..self }
    }

    /// The same program with its log in a file, with a line for each request.
    #[must_use]
    pub fn logging_to(self, file: &Path) -> Self {
        Self { log: Some(file.to_owned()), ..self }
    }

    /// The same program with arguments.
    #[must_use]
    pub fn with_arguments(&self, arguments: &[&str]) -> Self {
        Self { arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(), ..self.clone() }
    }

    /// Runs a command such as `token list` to its end, and returns what it printed.
    ///
    /// # Panics
    ///
    /// If it fails.
    pub fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> String {
        let output = self.command(variables).args(arguments).output().expect("the program starts");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).expect("the output is UTF-8")
    }

    /// The command that starts the program with these variables, and without the settings of the environment.
    fn command(&self, variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(self.path);
        command.args(&self.arguments);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("SCIM_") {
                command.env_remove(name);
            }
        }
        // The tests send more than identity providers do, and want to see problems only.
        command.env("SCIM_RATE", "1000000").env("SCIM_FAILURES", "1000000").env("RUST_LOG", "error");
        command.env("DATABASE_URL", &self.database).envs(variables.iter().copied()).stdin(Stdio::null());
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        if let Some(log) = &self.log {
            let log =
                std::fs::File::options().create(true).append(true).open(log).expect("the log can be written");
            command.env("RUST_LOG", "info,scim_core=warn").stderr(log);
        }
        command
    }
}

impl RunningHost {
    /// Starts a host on a free port, with the token that [`send`](Self::send) sends.
    ///
    /// # Panics
    ///
    /// If the host does not start.
    pub fn start(program: &HostProgram, variables: &[(&str, &str)]) -> Self {
        let all = [&[("SCIM_LISTEN", "127.0.0.1:0"), ("SCIM_TOKEN", TOKEN)], variables].concat();
        Self::start_with(program, &all, "listening on ")
    }

    /// Starts a host with these variables only, and reads its output up to a line that begins with `last`.
    ///
    /// # Panics
    ///
    /// If the host ends without printing that line, or does not print its URL.
    pub fn start_with(program: &HostProgram, variables: &[(&str, &str)], last: &str) -> Self {
        let mut child = program
            .command(variables)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program of the host starts");
        let stdout = child.stdout.take().expect("the output is piped");
        let mut greeting = Vec::new();
        for line in BufReader::new(stdout).lines() {
            greeting.push(line.expect("the output is UTF-8"));
            if greeting.last().is_some_and(|line| line.starts_with(last)) {
                break;
            }
        }
        let base = greeting.iter().find_map(|line| line.strip_prefix("listening on "));
        let base =
            base.unwrap_or_else(|| panic!("{program:?} ended before it was ready: {greeting:?}")).to_owned();
        Self { child, base, greeting }
    }

    /// Sends a request over HTTP/1.1. Adds the token, unless the request has an `Authorization` header or is
    /// [`Anonymous`].
    ///
    /// # Panics
    ///
    /// If there is no response.
    pub fn send(&self, request: Request<Vec<u8>>) -> Response<Vec<u8>> {
        self.send_with(Protocol::Http1, request)
    }

    /// Sends a request like [`send`](Self::send), with a protocol.
    ///
    /// # Panics
    ///
    /// If there is no response.
    pub fn send_with(&self, protocol: Protocol, request: Request<Vec<u8>>) -> Response<Vec<u8>> {
        let line = format!("{} {}", request.method(), request.uri());
        self.try_send(protocol, request).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    /// Sends a request like [`send_with`](Self::send_with), to a host that may have ended.
    ///
    /// # Errors
    ///
    /// If there is no response.
    pub fn try_send(
        &self,
        protocol: Protocol,
        mut request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, String> {
        if request.extensions().get::<Anonymous>().is_none() && !request.headers().contains_key(AUTHORIZATION)
        {
            let value = format!("Bearer {TOKEN}").parse().expect("the token is a valid header value");
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let response =
            runtime.block_on(async { tokio::time::timeout(TIMEOUT, exchange(protocol, request)).await });
        match response {
            Ok(response) => response.map_err(|error| error.to_string()),
            Err(_) => Err(format!("no response after {TIMEOUT:?}")),
        }
    }

    /// The id of the process.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Sends the signal with this name to the host.
    ///
    /// # Panics
    ///
    /// If the host has ended.
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        let killed = Command::new("sh").args(["-c", &kill]).status().expect("a shell starts");
        assert!(killed.success(), "{kill}");
    }

    /// Stops the host with the signal of this name, and returns its exit status.
    ///
    /// # Panics
    ///
    /// If the host does not end.
    pub fn stop(mut self, signal: &str) -> ExitStatus {
        self.signal(signal);
        wait(&mut self.child)
    }
}

impl Drop for RunningHost {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait(child: &mut Child) -> ExitStatus {
    let start = Instant::now();
    while start.elapsed() < TIMEOUT {
        if let Some(status) = child.try_wait().expect("the host is a child of this process") {
            return status;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("the host did not end within {TIMEOUT:?}");
}

/// Starts a host that must refuse its settings. Returns its exit code and what it wrote to standard error.
///
/// # Panics
///
/// If the host does not end.
pub fn run_until_refused(program: &HostProgram, variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut child = program
        .command(variables)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program of the host starts");
    let status = Some(wait(&mut child)).and_then(|status| status.code());
    let mut error = String::new();
    child
        .stderr
        .take()
        .expect("the output is piped")
        .read_to_string(&mut error)
        .expect("the output is UTF-8");
    (status, error)
}

/// Checks that a response is a SCIM error with this status.
fn assert_error(response: &Response<Vec<u8>>, status: u16) {
    let body = String::from_utf8_lossy(response.body());
    assert_eq!(response.status(), status, "{body}");
    assert_eq!(response.headers()[CONTENT_TYPE], "application/scim+json");
    assert!(body.contains("urn:ietf:params:scim:api:messages:2.0:Error"), "{body}");
    assert!(body.contains(&format!("\"status\":\"{status}\"")), "{body}");
}

/// Sends a request on a new connection.
async fn exchange(
    protocol: Protocol,
    request: Request<Vec<u8>>,
) -> Result<Response<Vec<u8>>, Box<dyn std::error::Error>> {
    let (mut parts, body) = request.into_parts();
    let authority = parts.uri.authority().ok_or("the URL is not absolute")?.clone();
    let address: SocketAddr = authority.as_str().parse()?;
    let stream = TokioIo::new(TcpStream::connect(address).await?);
    let body = Full::new(Bytes::from(body));
    let response: Response<Incoming> = match protocol {
        Protocol::Http1 => {
            parts.headers.insert(HOST, authority.as_str().parse()?);
            parts.uri = parts.uri.path_and_query().map_or("/", |path| path.as_str()).parse()?;
            let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
            tokio::spawn(connection);
            sender.send_request(Request::from_parts(parts, body)).await?
        }
        Protocol::Http2 => {
            let (mut sender, connection) =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await?;
            tokio::spawn(connection);
            sender.send_request(Request::from_parts(parts, body)).await?
        }
    };
    let (parts, body) = response.into_parts();
    Ok(Response::from_parts(parts, body.collect().await?.to_bytes().to_vec()))
}
