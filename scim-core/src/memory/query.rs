//! Queries of one resource type.
//!
//! A query that filters or sorts visits many rows. [`Scan`] visits as many as fit between two yields of the
//! [`Budget`], gives up the lock, and goes on from the last row. If the tenant has changed in between, it starts
//! again, so that a page always shows a single state; after a few restarts it keeps the lock until it is done.

use std::ops::Bound;

use scim_filter::{Budget, Predicate};
use scim_schema::{AttributeRef, Projection, ResourceType};

use super::candidates::candidates;
use super::retrieve::full_resource;
use super::table::{Row, Table};
use super::tenant::Tenant;
use crate::query::SortKey;
use crate::related_attributes::{groups_list, members_list};
use crate::{Context, Error, Page, Position, Query, Result};

/// How often a query starts again because the tenant has changed, before it keeps the lock until it is done.
const MAX_RESTARTS: u8 = 3;

/// The state of a query between two steps.
pub(super) struct Scan<'q> {
    query: &'q Query,
    /// The numbers of the rows to visit, in order, if an index can tell. `None` visits all rows.
    numbers: Option<Vec<u64>>,
    /// The row that was visited last.
    last_visited: Option<u64>,
    /// The rows that match, in the order of creation.
    matching: Vec<(Option<SortKey>, u64)>,
    /// The value of [`Tenant::changes`] for which the fields above hold.
    changes: Option<u64>,
    restarts: u8,
}

impl<'q> Scan<'q> {
    pub(super) fn new(query: &'q Query) -> Self {
        Self { query, numbers: None, last_visited: None, matching: Vec::new(), changes: None, restarts: 0 }
    }

    /// Visits rows until the next yield is due. Returns the page when all rows have been visited.
    pub(super) fn step(&mut self, cx: &Context<'_>, tenant: &Tenant) -> Result<Option<Page>> {
        let resource_type = cx.resource_type();
        let Some(table) = tenant.tables.get(resource_type.name()) else {
            return self.query.page(cx, []).map(Some);
        };
        self.restart_if_changed(resource_type, tenant, table);
        if self.query.filter.is_none() && self.query.sort.is_none() {
            // Every row matches, so there is nothing to evaluate.
            let numbers: Vec<u64> = table.rows.keys().copied().collect();
            return Ok(Some(self.page_in_creation_order(cx, tenant, table, &numbers)));
        }
        // Members and groups are stored outside of the resource; they are added only if the query reads them.
        let needed = related_attributes_read(resource_type, self.query);
        let last_visited = self.last_visited;
        let rows: Box<dyn Iterator<Item = (u64, &Row)>> = match &self.numbers {
            Some(numbers) => {
                let start = last_visited.map_or(0, |last| numbers.partition_point(|number| *number <= last));
                let rest = numbers.get(start..).unwrap_or_default().iter();
                Box::new(rest.filter_map(|number| Some((*number, table.rows.get(number)?))))
            }
            None => {
                let start = last_visited.map_or(Bound::Unbounded, Bound::Excluded);
                Box::new(table.rows.range((start, Bound::Unbounded)).map(|(number, row)| (*number, row)))
            }
        };
        let mut visits = 0;
        for (number, row) in rows {
            self.last_visited = Some(number);
            let full = needed.as_ref().map(|needed| full_resource(tenant, resource_type, row, needed));
            visits += full.as_ref().map_or(0, |_| row.members.len());
            let resource = full.as_ref().unwrap_or(&row.resource);
            if self.query.selects(cx, resource, &mut visits)? {
                let key = self.query.sort.as_ref().map(|sort| SortKey::new(Some(sort), resource));
                // Making a sort key takes about as long as visiting two values.
                visits += key.as_ref().map_or(0, |_| 2);
                self.matching.push((key, number));
            }
            if visits >= Budget::visits_per_turn() && self.restarts <= MAX_RESTARTS {
                return Ok(None);
            }
        }
        self.page(cx, tenant, table).map(Some)
    }

    /// Starts from the first row if the tenant has changed since the last step, or if this is the first step.
    fn restart_if_changed(&mut self, resource_type: &ResourceType, tenant: &Tenant, table: &Table) {
        if self.changes == Some(tenant.changes) {
            return;
        }
        self.restarts += u8::from(self.changes.is_some());
        self.changes = Some(tenant.changes);
        let filter = self.query.filter.as_ref();
        self.numbers = filter
            .and_then(|filter| candidates(resource_type, tenant, table, filter))
            .map(|rows| rows.iter().copied().collect());
        self.last_visited = None;
        self.matching.clear();
    }

    /// Sorts the rows that match and makes the page of them.
    fn page(&mut self, cx: &Context<'_>, tenant: &Tenant, table: &Table) -> Result<Page> {
        let total = Some(self.matching.len() as u64);
        let matching = std::mem::take(&mut self.matching);
        if self.query.count == 0 {
            return Ok(Page { total, ..Page::default() });
        }
        if self.query.sort.is_none() {
            let numbers: Vec<u64> = matching.into_iter().map(|(_, number)| number).collect();
            return Ok(self.page_in_creation_order(cx, tenant, table, &numbers));
        }
        let mut sorted: Vec<(SortKey, u64)> =
            matching.into_iter().filter_map(|(key, number)| Some((key?, number))).collect();
        let range = self.query.arrange(cx, &mut sorted)?;
        let resource_type = cx.resource_type();
        let needed = related_attributes_read(resource_type, self.query);
        let (next, previous) = self.query.neighbours(&range, |index| {
            let row = table.rows.get(&sorted.get(index)?.1)?;
            Some(match &needed {
                Some(needed) => self.query.position(&full_resource(tenant, resource_type, row, needed)),
                None => self.query.position(&row.resource),
            })
        });
        let rows =
            sorted.get(range).unwrap_or_default().iter().filter_map(|(_, number)| table.rows.get(number));
        let resources =
            rows.map(|row| full_resource(tenant, resource_type, row, &self.query.projection)).collect();
        Ok(Page { resources, total, next, previous })
    }

    /// Makes a page in the order of creation. A position is the number of a row, and stays valid after that row
    /// has been deleted.
    fn page_in_creation_order(
        &self,
        cx: &Context<'_>,
        tenant: &Tenant,
        table: &Table,
        numbers: &[u64],
    ) -> Page {
        let index = |position: &Position| {
            let number = position.0.as_slice().try_into().map_or(u64::MAX, u64::from_be_bytes);
            numbers.partition_point(|other| *other < number)
        };
        let range = self.query.window.range(numbers.len(), self.query.count, index);
        let position = |index: usize| Some(Position(numbers.get(index)?.to_be_bytes().to_vec()));
        let (next, previous) = self.query.neighbours(&range, position);
        let rows = numbers.get(range).unwrap_or_default().iter().filter_map(|number| table.rows.get(number));
        let resource_type = cx.resource_type();
        let resources =
            rows.map(|row| full_resource(tenant, resource_type, row, &self.query.projection)).collect();
        Page { resources, total: Some(numbers.len() as u64), next, previous }
    }
}

/// The attributes that must be added to a resource before a query can filter and sort by them: members or groups.
/// `None` if the query reads only what is stored in the resource.
fn related_attributes_read(resource_type: &ResourceType, query: &Query) -> Option<Projection> {
    let is_related = |attribute: &AttributeRef| {
        let mut related = members_list(resource_type).into_iter().chain(groups_list(resource_type));
        related.any(|related| related.attribute().name() == attribute.attribute().name())
    };
    query.targets().any(is_related).then(|| Projection::new(resource_type))
}

/// Refuses a query that filters or sorts members by anything but their id and type. The names of members are those of
/// other resources, and a provider with a table of members usually cannot search its other columns. The memory
/// provider refuses the same, so that an application that works with it also works with a database.
pub(super) fn refuse_unsearchable(resource_type: &ResourceType, query: &Query) -> Result<()> {
    let is_unsearchable = |target: &&AttributeRef| {
        let name = target.sub_attribute_definition().map(|sub| sub.name());
        let is_of_member = members_list(resource_type)
            .is_some_and(|members| resource_type.parent_attribute(target) == Some(members));
        is_of_member && name.is_some_and(|name| !matches!(name, "value" | "type"))
    };
    let reason = |target: &AttributeRef| format!("`{target}` cannot be used in a filter or in `sortBy`");
    if let Some(target) = query.filter.iter().flat_map(Predicate::targets).find(is_unsearchable) {
        return Err(Error::invalid_filter(reason(target)));
    }
    match query.sort.as_ref().map(|sort| &sort.by).filter(is_unsearchable) {
        Some(target) => Err(Error::invalid_value("sortBy", &reason(target))),
        None => Ok(()),
    }
}
