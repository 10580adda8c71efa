//! A proxy that breaks connections to PostgreSQL.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The moment at which a connection breaks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ConnectionLoss {
    /// The database never receives the COMMIT.
    BeforeCommit,
    /// The database commits, but its answer is lost.
    AfterCommit,
}

/// A proxy between the store and the database that can break a connection at its next COMMIT.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    /// Set until a connection has been broken.
    next_cut: Arc<Mutex<Option<ConnectionLoss>>>,
}

impl Proxy {
    pub(crate) fn start(database: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let next_cut = Arc::new(Mutex::new(None));
        let shared = next_cut.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let server = TcpStream::connect(&database).unwrap();
                let (answers, to_store) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                let mute = Arc::new(AtomicBool::new(false));
                let (is_muted, next_cut) = (mute.clone(), shared.clone());
                std::thread::spawn(move || {
                    forward(answers, to_store, |_| match is_muted.load(Ordering::SeqCst) {
                        true => Action::Discard,
                        false => Action::Forward,
                    });
                });
                std::thread::spawn(move || {
                    let database = server.try_clone().unwrap();
                    forward(client, server, |sent| {
                        let commits = sent.windows(7).any(|bytes| bytes == b"COMMIT\0");
                        let cut = next_cut.lock().unwrap().take_if(|_| commits);
                        if cut == Some(ConnectionLoss::AfterCommit) {
                            mute.store(true, Ordering::SeqCst);
                            (&database).write_all(sent).unwrap();
                            // Gives the database time to commit before the store checks.
                            std::thread::sleep(Duration::from_millis(200));
                        }
                        if cut.is_none() { Action::Forward } else { Action::Disconnect }
                    });
                });
            }
        });
        Self { address, next_cut }
    }

    /// Breaks the connection of the next COMMIT.
    pub(crate) fn cut_next(&self, cut: ConnectionLoss) {
        *self.next_cut.lock().unwrap() = Some(cut);
    }

    /// Whether the connection has been broken.
    pub(crate) fn has_cut(&self) -> bool {
        self.next_cut.lock().unwrap().is_none()
    }
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

fn forward(mut from: TcpStream, mut to: TcpStream, action: impl Fn(&[u8]) -> Action) {
    let mut buffer = vec![0; 65_536];
    loop {
        let length = from.read(&mut buffer).unwrap_or(0);
        let sent = &buffer[..length];
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
