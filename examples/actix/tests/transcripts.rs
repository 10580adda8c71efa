//! Runs the transcripts of `testdata` against the host, over a socket.

fn main() -> std::process::ExitCode {
    host_common::testing::transcripts(env!("CARGO_BIN_EXE_actix-host"))
}
