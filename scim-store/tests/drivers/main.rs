//! Tests of the contract that every driver fulfils: on SQLite in a file by rusqlite, and on the PostgreSQL database in
//! `SCIM_TEST_POSTGRES` by each of its drivers.

#[cfg(test)]
mod cancelled;
#[cfg(test)]
mod driver;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod open;
#[cfg(test)]
mod postgres;
#[cfg(test)]
#[path = "../store/support/mod.rs"]
#[expect(dead_code, reason = "these tests need a part of it")]
mod support;
#[cfg(test)]
mod transactions;
#[cfg(test)]
mod values;
