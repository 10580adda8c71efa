//! Checks what the host needs in production: credentials, tenants, limits, TLS, logs and an orderly end.

host_common::production_tests!(env!("CARGO_BIN_EXE_actix-host"));
