//! The rows that the statements of a call returned, and the resources that become of them.

use scim_core::Resource;
use scim_core::schema::Projection;

use super::memberships::{Lists, shown};
use crate::database::{Mode, Rows, Transaction};
use crate::error::Fault;
use crate::tables::{Tables, resource};

/// The transaction for one statement about resources, and for those that read their lists if these are shown.
pub(super) fn mode(tables: &Tables, projection: &Projection) -> Mode {
    let apart = shown(&tables.members, projection).or(shown(&tables.groups, projection));
    if apart.is_some() { Mode::Read } else { Mode::Single }
}

/// What the statements of a call returned. The resources are made on the thread that uses them, since memory
/// that one thread allocates is slow to free on another.
#[derive(Default)]
pub(super) struct Found {
    /// The resources, and maybe one more than is asked for.
    pub(super) rows: Rows,
    count: usize,
    lists: Lists,
}

impl Found {
    /// Reads the lists that go with the first of these rows.
    pub(super) async fn new(
        tx: &mut Transaction,
        tables: &Tables,
        tenant: &str,
        projection: &Projection,
        rows: Rows,
        most: usize,
    ) -> Result<Self, Fault> {
        let count = rows.len().min(most);
        let mut resources = Vec::with_capacity(count);
        resources.extend(rows.iter().take(count).filter_map(|row| Some((row.int(0)?, row.text(1)?))));
        let lists = Lists::read(tx, tables, tenant, projection, &resources).await?;
        Ok(Self { count, lists, rows })
    }

    pub(super) fn into_resources(self, tables: &Tables) -> Result<Vec<Resource>, Fault> {
        let mut stored = Vec::with_capacity(self.count);
        for row in self.rows.iter().take(self.count) {
            stored.push(resource(row)?);
        }
        self.lists.put(tables, &mut stored)?;
        Ok(stored.into_iter().map(|stored| stored.resource).collect())
    }
}
