//! What the host adds to the service: its settings, its door, its limits and its end.

host_common::host_tests!(env!("CARGO_BIN_EXE_axum-host"));
