//! The store on every database that is there: SQLite in memory and in a file, and the PostgreSQL that
//! `SCIM_TEST_POSTGRES` names.

#[cfg(test)]
mod dropped;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod model;
#[cfg(test)]
mod nesting;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod paths;
#[cfg(all(unix, feature = "sqlite"))]
#[cfg(test)]
mod permissions;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod rows;
#[cfg(test)]
mod suite;
#[cfg(test)]
mod support;
#[cfg(test)]
mod unique;
