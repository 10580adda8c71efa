//! The socket of a host.

use std::error::Error;
use std::net::{SocketAddr, TcpListener};

use crate::Settings;

/// How many files a process has open beside its connections.
const OTHER_FILES: u64 = 200;

/// A socket that listens, before a server takes it.
#[derive(Debug)]
pub struct RawListener(TcpListener);

impl RawListener {
    /// Listens on the address of the settings. Raises the number of files that the process may open, since each connection is
    /// one.
    pub(crate) fn bind(settings: &Settings) -> Result<Self, Box<dyn Error>> {
        let wanted = settings.limits.max_connections as u64 + OTHER_FILES;
        if let Ok(limit) = rlimit::increase_nofile_limit(wanted)
            && limit < wanted
        {
            tracing::warn!(limit, "the process may open fewer files than SCIM_MAX_CONNECTIONS needs");
        }
        let listen = settings.listen;
        let listener =
            TcpListener::bind(listen).map_err(|error| format!("cannot listen on {listen}: {error}"))?;
        Ok(Self(listener))
    }

    /// The address, with the port that was free if the settings have port 0.
    ///
    /// # Errors
    ///
    /// If the operating system does not tell it.
    pub fn local_address(&self) -> std::io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// The number of connections that the process can have open.
    #[must_use]
    pub fn max_connections(&self, settings: &Settings) -> usize {
        let files = rlimit::getrlimit(rlimit::Resource::NOFILE).map_or(u64::MAX, |(soft, _)| soft);
        let connections = usize::try_from(files.saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX);
        settings.limits.max_connections.min(connections.max(16))
    }

    /// The socket, for an asynchronous server.
    ///
    /// # Errors
    ///
    /// If it cannot be made non-blocking.
    pub fn into_std(self) -> std::io::Result<TcpListener> {
        self.0.set_nonblocking(true)?;
        Ok(self.0)
    }
}
