//! Checks what the host adds to the service: settings, authentication, limits and shutdown.

host_common::host_tests!(env!("CARGO_BIN_EXE_axum-host"));
