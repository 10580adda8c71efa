//! Lets drivers bind a [`BindValue`](crate::BindValue).

#[cfg(feature = "tokio-postgres-0_7")]
mod postgres;
#[cfg(feature = "rusqlite-0_37")]
mod rusqlite;
#[cfg(feature = "sqlx-0_8")]
mod sqlx;
