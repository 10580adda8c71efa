//! The names of tenants as the tables store them.

use scim_core::Context;

use crate::store::error::StoreError;

/// The longest name of a tenant, in bytes. Every index contains it, and PostgreSQL limits the size of an index
/// entry.
const MAX_TENANT: usize = 500;

/// The stored name of a tenant: `.` for no tenant, and `:` with the name otherwise, so that no tenant differs from a
/// tenant with an empty name. An empty text would also be slow: comparing it takes SQLite many times as long.
pub(crate) fn tenant_key(tenant: Option<&str>) -> String {
    tenant.map_or_else(|| ".".to_owned(), |tenant| format!(":{tenant}"))
}

/// The tenant with a stored name: the reverse of [`tenant_key`].
pub(crate) fn tenant_name(key: &str) -> Option<String> {
    key.strip_prefix(':').map(str::to_owned)
}

/// The stored name of the tenant of a request.
///
/// # Errors
///
/// An internal error if the host's name for the tenant is too long or contains U+0000.
pub(crate) fn tenant_of(cx: &Context<'_>) -> Result<String, StoreError> {
    match cx.tenant() {
        Some(tenant) if tenant.contains('\0') || tenant.len() > MAX_TENANT => {
            Err(StoreError::internal("the name of the tenant is longer than 500 bytes or contains U+0000"))
        }
        tenant => Ok(tenant_key(tenant)),
    }
}
