//! What was acknowledged survives the end of the host, and hosts share a database.

host_common::crash_tests!(env!("CARGO_BIN_EXE_actix-host"));
