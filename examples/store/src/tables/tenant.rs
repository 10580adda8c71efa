//! Tenants as they are stored.

use scim_core::Context;

use crate::error::Fault;

/// The longest name of a tenant, in bytes. It is in every index, whose rows PostgreSQL limits.
const MAX_TENANT: usize = 500;

/// A tenant as it is stored. No tenant differs from a tenant with an empty name. It is not stored as an empty
/// text, whose address SQLite leaves dangling, so that comparing it takes many times as long.
pub(crate) fn tenant_key(tenant: Option<&str>) -> String {
    tenant.map_or_else(|| ".".to_owned(), |tenant| format!(":{tenant}"))
}

/// The tenant of a call as it is stored.
pub(crate) fn tenant_of(cx: &Context<'_>) -> Result<String, Fault> {
    match cx.tenant() {
        Some(tenant) if tenant.contains('\0') || tenant.len() > MAX_TENANT => {
            Err(Fault::broken("the tenant's name cannot be stored"))
        }
        tenant => Ok(tenant_key(tenant)),
    }
}
