//! Groups in groups: no group contains itself, and the depth is limited.
//!
//! A change adds groups below the group with `id`. The longest chain through the new memberships has the levels
//! of groups above `id`, `id` itself, and the levels from the added groups downward. Both directions are read
//! level by level, one query for each level, so the limit of the depth also limits the number of queries.

use std::collections::HashSet;

use scim_core::Error;

use crate::database::params;
use crate::store::connection::Transaction;
use crate::store::error::StoreError;
use crate::store::read::memberships::{equals_any, groups_of};

/// How many levels of groups there may be.
const MAX_NESTING: usize = 100;

/// Refuses to add `groups` to the group with this id if it would then contain itself, or be part of a chain of
/// groups that is too long. `list` is the name of the attribute, for the error.
pub(super) async fn check_nesting(
    tx: &mut Transaction,
    list: &str,
    tenant: &str,
    id: &str,
    groups: &[&str],
) -> Result<(), StoreError> {
    // Two transactions that add two groups to each other at the same time would not see each other's rows. So
    // only one transaction of a tenant at a time changes which groups are in which.
    tx.lock_tenant(tenant).await?;
    let (ancestors, levels_above) = levels_above(tx, tenant, id).await?;
    if let Some(group) = groups.iter().find(|group| **group == id || ancestors.contains(**group)) {
        return Err(Error::invalid_member(list, group, "a group cannot be a member of itself").into());
    }
    let added = groups.iter().map(|group| (*group).to_owned()).collect();
    if levels_above + levels_below(tx, tenant, added).await? > MAX_NESTING {
        let reason = format!("groups cannot be nested deeper than {MAX_NESTING} levels");
        return Err(Error::invalid_member(list, id, &reason).into());
    }
    Ok(())
}

/// All groups that contain a resource, directly or through other groups, and the number of their levels on the
/// longest path. Stops counting above [`MAX_NESTING`].
async fn levels_above(
    tx: &mut Transaction,
    tenant: &str,
    id: &str,
) -> Result<(HashSet<String>, usize), StoreError> {
    let (mut ancestors, mut levels) = (HashSet::new(), 0);
    let mut level = HashSet::from([id.to_owned()]);
    while levels <= MAX_NESTING {
        let rows = groups_of(tx, tenant, level.iter().map(String::as_str)).await?;
        level = rows.iter().filter_map(|row| row.text(1)).map(str::to_owned).collect();
        if level.is_empty() {
            break;
        }
        // A group that several paths of different lengths lead to belongs to several levels. So a level is not
        // reduced by the groups that were found before.
        ancestors.extend(level.iter().cloned());
        levels += 1;
    }
    Ok((ancestors, levels))
}

/// The number of levels of groups from these groups downward, the groups themselves included. Stops counting
/// above [`MAX_NESTING`].
async fn levels_below(
    tx: &mut Transaction,
    tenant: &str,
    mut level: Vec<String>,
) -> Result<usize, StoreError> {
    let mut levels = 0;
    while !level.is_empty() && levels <= MAX_NESTING {
        levels += 1;
        let (any, ids) = equals_any(level.iter().map(String::as_str))?;
        let sql = format!(
            "SELECT DISTINCT m.member FROM member m JOIN resource g ON g.tenant = m.tenant AND g.place = m.place \
             WHERE g.tenant = ?1 AND g.id {any} AND m.nested = TRUE"
        );
        let rows = tx.query(sql, params![tenant, ids]).await?;
        level = rows.iter().filter_map(|row| row.text(0)).map(str::to_owned).collect();
    }
    Ok(levels)
}
