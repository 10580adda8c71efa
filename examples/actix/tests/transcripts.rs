//! The transcripts of `testdata`, over a socket.

#[test]
fn transcripts_hold_over_a_socket() {
    host_common::testing::transcripts(env!("CARGO_BIN_EXE_actix-host"));
}
