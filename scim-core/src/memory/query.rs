//! Queries of one resource type: looking through the rows a turn at a time.

use std::ops::Bound;

use scim_filter::{Budget, CompareOp, Predicate};
use scim_schema::{AttributeRef, Operand, Projection, ResourceType};

use super::related_attributes::{groups_list, members_list};
use super::retrieve::full_resource;
use super::table::{Row, Table};
use super::tenant::Tenant;
use crate::query::SortKey;
use crate::{Context, Error, Page, Position, Query, Result};

/// How often a query begins again because the store has changed, before it keeps others from changing it.
const RESTARTS: u8 = 3;

/// A query on its way through the rows. Between its steps others use the store; a page is of one moment
/// nevertheless, since a scan begins again if something has changed.
pub(super) struct Scan<'q> {
    query: &'q Query,
    /// The numbers of the rows to look at, in order, if an index tells them; else all rows are looked at.
    numbers: Option<Vec<u64>>,
    /// The row that was looked at last.
    last: Option<u64>,
    /// The rows that match, in the order of creation.
    matching: Vec<(Option<SortKey>, u64)>,
    /// The change of the store that all this holds for.
    change: Option<u64>,
    restarts: u8,
}

impl<'q> Scan<'q> {
    pub(super) fn new(query: &'q Query) -> Self {
        Self { query, numbers: None, last: None, matching: Vec::new(), change: None, restarts: 0 }
    }

    /// Looks at rows for one turn. Returns the page when all have been looked at.
    pub(super) fn step(&mut self, cx: &Context<'_>, tenant: &Tenant) -> Result<Option<Page>> {
        let resource_type = cx.resource_type();
        let Some(table) = tenant.tables.get(resource_type.name()) else {
            return self.query.page(cx, []).map(Some);
        };
        self.begin(resource_type, tenant, table);
        if self.query.filter.is_none() && self.query.sort.is_none() {
            // All rows match, whatever is in them.
            let numbers: Vec<u64> = table.rows.keys().copied().collect();
            return Ok(Some(self.in_order(cx, tenant, table, &numbers)));
        }
        // What is kept elsewhere is put together only if the query looks at it.
        let needs = read_attributes(resource_type, self.query);
        let last = self.last;
        let rows: Box<dyn Iterator<Item = (u64, &Row)>> = match &self.numbers {
            Some(numbers) => {
                let begin = last.map_or(0, |last| numbers.partition_point(|number| *number <= last));
                let rest = numbers.get(begin..).unwrap_or_default().iter();
                Box::new(rest.filter_map(|number| Some((*number, table.rows.get(number)?))))
            }
            None => {
                let begin = last.map_or(Bound::Unbounded, Bound::Excluded);
                Box::new(table.rows.range((begin, Bound::Unbounded)).map(|(number, row)| (*number, row)))
            }
        };
        let mut visits = 0;
        for (number, row) in rows {
            self.last = Some(number);
            let assembled = needs.as_ref().map(|needs| full_resource(tenant, resource_type, row, needs));
            visits += assembled.as_ref().map_or(0, |_| row.members.len());
            let resource = assembled.as_ref().unwrap_or(&row.resource);
            if self.query.selects(cx, resource, &mut visits)? {
                let key = self.query.sort.as_ref().map(|sort| SortKey::new(Some(sort), resource));
                // To make a key takes longer than to look at a value.
                visits += key.as_ref().map_or(0, |_| 2);
                self.matching.push((key, number));
            }
            if visits >= Budget::visits_per_turn() && self.restarts <= RESTARTS {
                return Ok(None);
            }
        }
        self.page(cx, tenant, table).map(Some)
    }

    fn begin(&mut self, resource_type: &ResourceType, tenant: &Tenant, table: &Table) {
        if self.change == Some(tenant.changes) {
            return;
        }
        self.restarts += u8::from(self.change.is_some());
        self.change = Some(tenant.changes);
        let filter = self.query.filter.as_ref();
        self.numbers = filter.and_then(|filter| candidates(resource_type, tenant, table, filter));
        self.last = None;
        self.matching.clear();
    }

    fn page(&mut self, cx: &Context<'_>, tenant: &Tenant, table: &Table) -> Result<Page> {
        let total = Some(self.matching.len() as u64);
        let matching = std::mem::take(&mut self.matching);
        if self.query.count == 0 {
            return Ok(Page { total, ..Page::default() });
        }
        if self.query.sort.is_none() {
            let numbers: Vec<u64> = matching.into_iter().map(|(_, number)| number).collect();
            return Ok(self.in_order(cx, tenant, table, &numbers));
        }
        let mut sorted: Vec<(SortKey, u64)> =
            matching.into_iter().filter_map(|(key, number)| Some((key?, number))).collect();
        let range = self.query.arrange(cx, &mut sorted)?;
        let resource_type = cx.resource_type();
        let needs = read_attributes(resource_type, self.query);
        let (next, previous) = self.query.neighbours(&range, |index| {
            let row = table.rows.get(&sorted.get(index)?.1)?;
            Some(match &needs {
                Some(needs) => self.query.position(&full_resource(tenant, resource_type, row, needs)),
                None => self.query.position(&row.resource),
            })
        });
        let rows = sorted.get(range).unwrap_or_default().iter().filter_map(|(_, at)| table.rows.get(at));
        let resources =
            rows.map(|row| full_resource(tenant, resource_type, row, &self.query.projection)).collect();
        Ok(Page { resources, total, next, previous })
    }

    /// A page in the order of creation. A position is the number of a row, and good even if
    /// that row is gone.
    fn in_order(&self, cx: &Context<'_>, tenant: &Tenant, table: &Table, numbers: &[u64]) -> Page {
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

/// What a query selects and sorts by, if some of it is kept outside of the resources.
fn read_attributes(resource_type: &ResourceType, query: &Query) -> Option<Projection> {
    let related = |target: &AttributeRef| {
        let mut related = members_list(resource_type).into_iter().chain(groups_list(resource_type));
        related.any(|related| related.attribute().name() == target.attribute().name())
    };
    query.targets().any(related).then(|| Projection::new(resource_type))
}

/// The rows that can match a filter, if an index tells; the filter must still be asked.
fn candidates(
    resource_type: &ResourceType,
    tenant: &Tenant,
    table: &Table,
    filter: &Predicate,
) -> Option<Vec<u64>> {
    match filter {
        Predicate::And(terms) => terms.iter().find_map(|term| candidates(resource_type, tenant, table, term)),
        Predicate::Compare { target, op: CompareOp::Eq, operand: Operand::Text(text) }
            if target.path().as_str() == "id" =>
        {
            let found = tenant.address(resource_type, text.original()).ok();
            Some(found.into_iter().map(|address| address.number).collect())
        }
        _ => table.candidates(filter),
    }
}

/// Refuses a query that looks into members for more than who they are and of which type. Their names are
/// those of other resources, and a store with a table of members keeps what else is said of them to show it,
/// not to search in it; whoever tries things out in memory finds the same.
pub(super) fn refuse(resource_type: &ResourceType, query: &Query) -> Result<()> {
    let unknown = |target: &&AttributeRef| {
        let name = target.sub_attribute_definition().map(|sub| sub.name());
        let member = members_list(resource_type)
            .is_some_and(|members| resource_type.parent_attribute(target) == Some(members));
        member && name.is_some_and(|name| !matches!(name, "value" | "type"))
    };
    let reason = |target: &AttributeRef| format!("`{target}` cannot be searched or sorted by");
    if let Some(target) = query.filter.iter().flat_map(Predicate::targets).find(unknown) {
        return Err(Error::invalid_filter(reason(target)));
    }
    match query.sort.as_ref().map(|sort| &sort.by).filter(unknown) {
        Some(target) => Err(Error::invalid_value("sortBy", &reason(target))),
        None => Ok(()),
    }
}
