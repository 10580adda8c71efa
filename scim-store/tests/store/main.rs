//! Tests of the store on SQLite in memory, SQLite in a file, and the PostgreSQL database in `SCIM_TEST_POSTGRES`.

#[cfg(test)]
mod adoption;
#[cfg(test)]
mod cancelled;
#[cfg(feature = "auth")]
#[cfg(test)]
mod credentials;
#[cfg(test)]
mod errors;
#[cfg(unix)]
#[cfg(test)]
mod event_kills;
#[cfg(test)]
mod event_order;
#[cfg(test)]
mod events;
#[cfg(test)]
mod every_path;
#[cfg(unix)]
#[cfg(test)]
mod failover;
#[cfg(feature = "rusqlite-0_37")]
#[cfg(test)]
mod groups;
#[cfg(test)]
mod model;
#[cfg(test)]
mod nesting;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod outages;
#[cfg(test)]
#[path = "../../../scim-core/tests/support/overriding.rs"]
mod overriding;
#[cfg(all(unix, feature = "rusqlite-0_37"))]
#[cfg(test)]
mod permissions;
#[cfg(all(unix, feature = "tokio-postgres-0_7"))]
#[cfg(test)]
mod pgbouncer;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod retention;
#[cfg(test)]
mod rows;
#[cfg(test)]
mod suite;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tenants;
#[cfg(all(unix, feature = "tls"))]
#[cfg(test)]
mod tls;
#[cfg(test)]
mod unique;
