//! Starting hosts and talking to them, over real sockets; for their tests.
//!
//! A program that does not do as it should panics here, with what it said.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails that way"
)]

pub mod crash;
pub mod host;
mod load;
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

/// The memory provider, and a database that is as short-lived.
pub const MEMORY: &str = "memory:";
/// See [`MEMORY`].
pub const SQLITE: &str = "sqlite::memory:";

/// The token that hosts are started with.
const TOKEN: &str = "token-of-the-tests";

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A host that is running; it ends when this is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    /// The base URL that it announced.
    pub base: String,
    /// What else it printed when it was ready, up to the line that was waited for.
    pub greeting: Vec<String>,
}

/// The protocol that a request is sent by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 without TLS, known beforehand.
    Http2,
}

/// A host's program, and the database that it is started on.
#[derive(Clone, Debug)]
pub struct Program {
    path: &'static str,
    database: String,
    directory: Option<PathBuf>,
}

impl Program {
    /// A program on a database. If that is empty, it is the program's own choice.
    pub fn new(path: &'static str, database: impl Into<String>) -> Self {
        Self { path, database: database.into(), directory: None }
    }

    /// The same program, started in that directory.
    #[must_use]
    pub fn within(self, directory: &Path) -> Self {
        Self { directory: Some(directory.to_owned()), ..self }
    }

    /// The command that starts it with these variables, and none of the settings around it.
    fn command(&self, variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(self.path);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("SCIM_") {
                command.env_remove(name);
            }
        }
        command.env("DATABASE_URL", &self.database).envs(variables.iter().copied()).stdin(Stdio::null());
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command
    }
}

impl Running {
    /// Starts a host on a free port, with the token that [`send`](Self::send) sends.
    ///
    /// # Panics
    ///
    /// If it does not get ready.
    pub fn start(program: &Program, variables: &[(&str, &str)]) -> Self {
        let all = [&[("SCIM_LISTEN", "127.0.0.1:0"), ("SCIM_TOKEN", TOKEN)], variables].concat();
        Self::start_with(program, &all, "listening on ")
    }

    /// Starts a host with no variables but these, and reads what it prints up to a line that begins
    /// with `last`.
    ///
    /// # Panics
    ///
    /// If it ends without that line, or does not say where it listens.
    pub fn start_with(program: &Program, variables: &[(&str, &str)], last: &str) -> Self {
        let mut child = program
            .command(variables)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the host's program can be started");
        let stdout = child.stdout.take().expect("its output is piped");
        let mut greeting = Vec::new();
        for line in BufReader::new(stdout).lines() {
            greeting.push(line.expect("it prints UTF-8"));
            if greeting.last().is_some_and(|line| line.starts_with(last)) {
                break;
            }
        }
        let base = greeting.iter().find_map(|line| line.strip_prefix("listening on "));
        let base = base
            .unwrap_or_else(|| panic!("{program:?} ended without getting ready: {greeting:?}"))
            .to_owned();
        Self { child, base, greeting }
    }

    /// Sends a request with the token, unless it has one of its own or is [`Anonymous`].
    ///
    /// # Panics
    ///
    /// If there is no answer.
    pub fn send(&self, request: Request<Vec<u8>>) -> Response<Vec<u8>> {
        self.send_by(Protocol::Http1, request)
    }

    /// Sends a request as [`send`](Self::send) does, by a protocol.
    ///
    /// # Panics
    ///
    /// If there is no answer.
    pub fn send_by(&self, protocol: Protocol, request: Request<Vec<u8>>) -> Response<Vec<u8>> {
        let line = format!("{} {}", request.method(), request.uri());
        self.try_send(protocol, request).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    /// Sends a request as [`send_by`](Self::send_by) does to a host that may be gone.
    ///
    /// # Errors
    ///
    /// If there is no answer.
    pub fn try_send(
        &self,
        protocol: Protocol,
        mut request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, String> {
        if request.extensions().get::<Anonymous>().is_none() && !request.headers().contains_key(AUTHORIZATION)
        {
            let value = format!("Bearer {TOKEN}").parse().expect("the token fits into a header");
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let answer =
            runtime.block_on(async { tokio::time::timeout(PATIENCE, exchange(protocol, request)).await });
        match answer {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err(format!("no answer after {PATIENCE:?}")),
        }
    }

    /// Sends the host a signal, by its name.
    ///
    /// # Panics
    ///
    /// If it is gone.
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        let killed = Command::new("sh").args(["-c", &kill]).status().expect("there is a shell");
        assert!(killed.success(), "{kill}");
    }

    /// Tells the host to stop, by the name of a signal, and gives what it ended with.
    ///
    /// # Panics
    ///
    /// If it goes on.
    pub fn stop(mut self, signal: &str) -> ExitStatus {
        self.signal(signal);
        wait(&mut self.child)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait(child: &mut Child) -> ExitStatus {
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait().expect("it is our child") {
            return status;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("the host did not end within {PATIENCE:?}");
}

/// Starts a host that must refuse its settings, and gives its exit code and what it said.
///
/// # Panics
///
/// If it does not end.
pub fn refused(program: &Program, variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut child = program
        .command(variables)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the host's program can be started");
    let status = Some(wait(&mut child)).and_then(|status| status.code());
    let mut said = String::new();
    child.stderr.take().expect("its output is piped").read_to_string(&mut said).expect("it prints UTF-8");
    (status, said)
}

/// Checks that a response is an error of SCIM with this status.
fn assert_error(response: &Response<Vec<u8>>, status: u16) {
    let body = String::from_utf8_lossy(response.body());
    assert_eq!(response.status(), status, "{body}");
    assert_eq!(response.headers()[CONTENT_TYPE], "application/scim+json");
    assert!(body.contains("urn:ietf:params:scim:api:messages:2.0:Error"), "{body}");
    assert!(body.contains(&format!("\"status\":\"{status}\"")), "{body}");
}

/// One request on a connection of its own.
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
