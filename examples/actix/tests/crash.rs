//! Checks that acknowledged writes survive a crash of the host, and that several hosts can share a database.

host_common::crash_tests!(env!("CARGO_BIN_EXE_actix-host"));
