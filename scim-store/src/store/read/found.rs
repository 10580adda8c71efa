//! The rows that a read returned, and the resources in them.

use scim_core::Resource;
use scim_core::schema::Projection;

use super::memberships::{Lists, if_shown};
use crate::database::{Mode, Rows};
use crate::store::connection::Transaction;
use crate::store::error::StoreError;
use crate::store::tables::{TypeLayout, document, id_and_meta};

/// The transaction that a read needs: a single statement, or several if members or groups are shown and so have to
/// be read as well.
pub(super) fn transaction_mode(layout: &TypeLayout, projection: &Projection) -> Mode {
    let shown = if_shown(&layout.members, projection).or(if_shown(&layout.groups, projection));
    if shown.is_some() { Mode::Read } else { Mode::Single }
}

/// The rows that a read returned. They become resources on the thread of the caller, not on the blocking thread
/// that read them, since memory that one thread allocates is slow to free on another.
#[derive(Default)]
pub(super) struct FoundRows {
    /// The rows of the resources; there may be one more than the page has.
    pub(super) rows: Rows,
    count: usize,
    lists: Lists,
}

impl FoundRows {
    /// Reads the members and groups of the first `max` of these resources.
    pub(super) async fn new(
        tx: &mut Transaction,
        layout: &TypeLayout,
        tenant: &str,
        projection: &Projection,
        rows: Rows,
        max: usize,
    ) -> Result<Self, StoreError> {
        let count = rows.len().min(max);
        let mut resources = Vec::with_capacity(count);
        resources.extend(rows.iter().take(count).filter_map(|row| Some((row.int(0)?, row.text(1)?))));
        let lists = Lists::read(tx, layout, tenant, projection, &resources).await?;
        Ok(Self { count, lists, rows })
    }

    /// The resources with their members and groups.
    pub(super) fn into_resources(self, layout: &TypeLayout) -> Result<Vec<Resource>, StoreError> {
        let rows = || self.rows.iter().take(self.count);
        let mut others = rows().map(id_and_meta).collect::<Result<Vec<_>, _>>()?;
        self.lists.insert_into(layout, &mut others)?;
        let resources =
            rows().zip(others).map(|(row, others)| Ok(Resource::from_stored_json(document(row)?, others)));
        resources.collect()
    }
}
