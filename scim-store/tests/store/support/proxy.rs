//! A proxy that breaks connections and transactions of PostgreSQL.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the proxy breaks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    /// The database receives the next BEGIN with a syntax error, so no transaction begins.
    Begin,
    /// The connection breaks before the database receives the next COMMIT.
    BeforeCommit,
    /// The database receives the next COMMIT, but its answer is lost.
    AfterCommit,
}

impl Fault {
    /// A part of the message that the proxy waits for.
    fn message(self) -> &'static [u8] {
        match self {
            Self::Begin => b"READ COMMITTED",
            Self::BeforeCommit | Self::AfterCommit => b"COMMIT\0",
        }
    }
}

/// A proxy between the store and the database that can break a connection or a transaction.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    /// Set until something has been broken.
    next: Arc<Mutex<Option<Fault>>>,
}

impl Proxy {
    pub(crate) fn start(database: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let next = Arc::new(Mutex::new(None));
        let shared = next.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let server = TcpStream::connect(&database).unwrap();
                let (answers, to_store) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                let mute = Arc::new(AtomicBool::new(false));
                let (is_muted, next) = (mute.clone(), shared.clone());
                std::thread::spawn(move || {
                    forward(answers, to_store, |_| match is_muted.load(Ordering::SeqCst) {
                        true => Action::Discard,
                        false => Action::Forward,
                    });
                });
                std::thread::spawn(move || {
                    let database = server.try_clone().unwrap();
                    forward(client, server, |sent| {
                        let mut next = next.lock().unwrap();
                        let Some((fault, at)) =
                            next.and_then(|fault: Fault| Some((fault, find(sent, fault.message())?)))
                        else {
                            return Action::Forward;
                        };
                        *next = None;
                        match fault {
                            Fault::Begin => {
                                sent[at] = b'?';
                                return Action::Forward;
                            }
                            Fault::BeforeCommit => {}
                            Fault::AfterCommit => {
                                mute.store(true, Ordering::SeqCst);
                                (&database).write_all(sent).unwrap();
                                // Gives the database time to commit before the store checks.
                                std::thread::sleep(Duration::from_millis(200));
                            }
                        }
                        Action::Disconnect
                    });
                });
            }
        });
        Self { address, next }
    }

    /// Breaks the next transaction, or the connection at its COMMIT.
    pub(crate) fn break_next(&self, fault: Fault) {
        *self.next.lock().unwrap() = Some(fault);
    }

    /// Whether it has been broken.
    pub(crate) fn has_broken(&self) -> bool {
        self.next.lock().unwrap().is_none()
    }
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

/// What the proxy does with the bytes that it receives.
#[derive(Clone, Copy, PartialEq)]
enum Action {
    Forward,
    /// Discards the bytes, but keeps the connection open.
    Discard,
    /// Closes both connections.
    Disconnect,
}

fn forward(mut from: TcpStream, mut to: TcpStream, action: impl Fn(&mut [u8]) -> Action) {
    let mut buffer = vec![0; 65_536];
    loop {
        let length = from.read(&mut buffer).unwrap_or(0);
        let sent = &mut buffer[..length];
        let action = if length == 0 { Action::Disconnect } else { action(sent) };
        if action == Action::Disconnect || action == Action::Forward && to.write_all(sent).is_err() {
            let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
            return;
        }
    }
}

/// The address in a database URL, and the URL with another address.
pub(crate) fn replace_address(url: &str, address: SocketAddr) -> (String, String) {
    let (before, rest) = url.split_once('@').unwrap();
    let (host, database) = rest.split_once('/').unwrap();
    (host.to_owned(), format!("{before}@{address}/{database}"))
}
