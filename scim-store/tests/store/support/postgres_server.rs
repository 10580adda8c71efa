//! PostgreSQL servers of one test, which it can configure and kill.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A server in a temporary directory. Dropping it stops it and removes the directory.
pub(crate) struct PostgresServer {
    directory: PathBuf,
    pub(crate) port: u16,
}

impl PostgresServer {
    /// Starts a new server. `configure` may write files to the directory of the data, and returns lines for
    /// `postgresql.conf`.
    pub(crate) fn start(configure: impl FnOnce(&Path) -> String) -> Self {
        let server = Self::new();
        let data = server.data();
        run(program("initdb").arg("-D").arg(&data).args([
            "-U",
            "scim",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
        ]));
        let settings = configure(&data);
        let file = data.join("postgresql.conf");
        fs::write(&file, format!("{}\n{settings}\n", fs::read_to_string(&file).unwrap())).unwrap();
        give_to_server(&server.directory);
        server.launch();
        run(program("createdb").args([
            "-h",
            "127.0.0.1",
            "-U",
            "scim",
            "-p",
            &server.port.to_string(),
            "scim",
        ]));
        server
    }

    /// Starts a server that follows another one.
    pub(crate) fn replica_of(primary: &Self) -> Self {
        let server = Self::new();
        let port = primary.port.to_string();
        run(program("pg_basebackup").arg("-D").arg(server.data()).args([
            "-R",
            "-X",
            "stream",
            "-c",
            "fast",
            "-h",
            "127.0.0.1",
            "-U",
            "scim",
            "-p",
            &port,
        ]));
        server.launch();
        server
    }

    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("scim-postgres-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir(&directory).unwrap();
        give_to_server(&directory);
        // Another process could take the port before the server does, but that is rare.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { directory, port }
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// Ends the server at once, without waiting for its clients.
    pub(crate) fn stop(&self) {
        let _ = self.pg_ctl().args(["-m", "immediate", "stop"]).output();
    }

    /// Starts the server again.
    pub(crate) fn launch(&self) {
        let directory = self.directory.display();
        let options = format!("-p {} -k {directory} -c listen_addresses=127.0.0.1", self.port);
        run(self.pg_ctl().arg("-l").arg(self.directory.join("log")).args(["-o", &options, "start"]));
    }

    fn pg_ctl(&self) -> Command {
        let mut command = program("pg_ctl");
        command.args(["-s", "-w", "-D"]).arg(self.data());
        command
    }

    /// The URL, with another host and query.
    pub(crate) fn url_with(&self, host: &str, query: &str) -> String {
        format!("postgres://scim@{host}:{}/scim?{query}", self.port)
    }

    /// Writes a file that the user of the server can read, and returns its path.
    pub(crate) fn write_file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.directory.join(name);
        fs::write(&path, content).unwrap();
        give_to_server(&self.directory);
        path
    }

    /// Kills the server with SIGKILL.
    pub(crate) fn kill(&self) {
        let pid = fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        run(Command::new("kill").args(["-9", pid.lines().next().unwrap()]));
    }

    /// Makes a replica the primary.
    pub(crate) fn promote(&self) {
        run(self.pg_ctl().arg("promote"));
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.stop();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// A program of PostgreSQL.
fn program(name: &str) -> Command {
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default();
    versions.sort();
    command_of_server(&versions.last().map_or_else(|| name.into(), |version| version.join("bin").join(name)))
}

/// A program that refuses to run as root, so root runs it as the user of the server.
pub(crate) fn command_of_server(path: &Path) -> Command {
    let mut command = if is_root() { Command::new("runuser") } else { Command::new(path) };
    if is_root() {
        command.args(["-u", server_user(), "--"]).arg(path);
    }
    command.current_dir("/");
    command
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

fn server_user() -> &'static str {
    let users = fs::read_to_string("/etc/passwd").unwrap();
    if users.lines().any(|line| line.starts_with("postgres:")) { "postgres" } else { "nobody" }
}

fn give_to_server(directory: &Path) {
    if is_root() {
        run(Command::new("chown").args(["-R", server_user()]).arg(directory));
    }
}

fn run(command: &mut Command) {
    // Not with the output of the command, since a server would keep it open.
    let status = command.stdout(std::process::Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?}");
}
