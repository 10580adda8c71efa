//! Tests of the table store on SQLite in a file, and the PostgreSQL database in `SCIM_TEST_POSTGRES`.

#[cfg(test)]
mod adoption;
#[cfg(test)]
mod application;
#[cfg(test)]
mod attributes;
#[cfg(test)]
mod client;
#[cfg(test)]
mod declarations;
#[cfg(test)]
mod differential;
#[cfg(test)]
mod events;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod faulty;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod mistakes;
#[cfg(test)]
mod on_write;
#[cfg(test)]
#[path = "../drivers/open.rs"]
mod open;
#[cfg(test)]
mod outside_writes;
#[cfg(test)]
mod passwords;
#[cfg(test)]
mod recommended;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod suite;
#[cfg(test)]
#[path = "../store/support/mod.rs"]
#[expect(dead_code, reason = "these tests need a part of it")]
mod support;
#[cfg(test)]
mod tenants;
