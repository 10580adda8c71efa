//! Checks what the host needs in production: credentials, tenants, limits, TLS, logs and an orderly end.

host_common::production_tests!(env!("CARGO_BIN_EXE_axum-host"));

#[test]
fn clients_that_send_nothing_are_cut_off() {
    host_common::testing::production::clients_that_send_nothing_are_cut_off(env!("CARGO_BIN_EXE_axum-host"));
}
