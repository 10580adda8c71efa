//! Queries of one resource type.

use scim_filter::{CompareOp, Predicate};
use scim_schema::{Operand, Projection, ResourceType, Target};

use super::table::{Row, Table};
use super::tenant::{Tenant, groups_of, members_of};
use crate::{Error, Page, Position, Query, Result, Window};

impl Tenant {
    pub(super) fn query(&self, on: &ResourceType, query: &Query) -> Page {
        let Some(table) = self.tables.get(on.name()) else { return query.page([]) };
        let places = query.filter.as_ref().and_then(|filter| self.candidates(on, table, filter));
        // What is kept elsewhere is put together for the page only, unless the query looks at it.
        let looks = |target: &Target| {
            let mut related = members_of(on).into_iter().chain(groups_of(on));
            related.any(|related| related.attribute().name() == target.attribute().name())
        };
        if query.targets().any(looks) {
            let all = Projection::new(on);
            return query.page(table.rows_at(places).map(|(_, row)| self.assemble(on, row, &all)));
        }
        if query.sort.is_none() {
            return self.in_order(on, table, query, places);
        }
        let mut page = query.page(table.rows_at(places).map(|(_, row)| row.resource.clone()));
        for resource in &mut page.resources {
            let place = self.ids.get(resource.id()).map(|(_, place)| place);
            if let Some(row) = place.and_then(|place| table.rows.get(place)) {
                *resource = self.assemble(on, row, &query.projection);
            }
        }
        page
    }

    /// A page in the order of creation. A position is a place in it, and good even if nothing is
    /// there any more.
    fn in_order(&self, on: &ResourceType, table: &Table, query: &Query, places: Option<Vec<u64>>) -> Page {
        let is_match =
            |row: &Row| query.filter.as_ref().is_none_or(|filter| filter.is_match(row.resource.as_map()));
        let matching: Vec<u64> =
            table.rows_at(places).filter(|(_, row)| is_match(row)).map(|(place, _)| place).collect();
        let total = Some(matching.len() as u64);
        if query.count == 0 {
            return Page { total, ..Page::default() };
        }
        let index = |position: &Position| {
            let place = position.0.as_slice().try_into().map_or(u64::MAX, u64::from_be_bytes);
            matching.partition_point(|other| *other < place)
        };
        let range = query.window.range(matching.len(), query.count, index);
        let by_index = matches!(query.window, Window::Start(_));
        let position = |index: usize| {
            let place = matching.get(index).filter(|_| !by_index)?;
            Some(Position(place.to_be_bytes().to_vec()))
        };
        let (next, previous) = (position(range.end), position(range.start).filter(|_| range.start > 0));
        let rows = matching.get(range).unwrap_or_default().iter().filter_map(|place| table.rows.get(place));
        let resources = rows.map(|row| self.assemble(on, row, &query.projection)).collect();
        Page { resources, total, next, previous }
    }

    /// The rows that can match a filter, if an index tells; the filter must still be asked.
    fn candidates(&self, on: &ResourceType, table: &Table, filter: &Predicate) -> Option<Vec<u64>> {
        match filter {
            Predicate::And(terms) => terms.iter().find_map(|term| self.candidates(on, table, term)),
            Predicate::Compare { target, op: CompareOp::Eq, operand: Operand::Text(text) }
                if target.path().as_str() == "id" =>
            {
                let found = self.ids.get(text.given()).filter(|(name, _)| name == on.name());
                Some(found.iter().map(|(_, place)| *place).collect())
            }
            _ => table.candidates(filter),
        }
    }
}

/// Refuses a query that looks into members for more than who they are and of which type. Their names are
/// those of other resources, and a store with a table of members keeps what else is said of them to show it,
/// not to search in it; whoever tries things out in memory finds the same.
pub(super) fn refuse(on: &ResourceType, query: &Query) -> Result<()> {
    let unknown = |target: &&Target| {
        let name = target.sub().map(|sub| sub.name());
        let member = members_of(on).is_some_and(|members| on.attribute_of(target) == Some(members));
        member && name.is_some_and(|name| !matches!(name, "value" | "type"))
    };
    let reason = |target: &Target| format!("`{target}` cannot be searched or sorted by");
    if let Some(target) = query.filter.iter().flat_map(Predicate::targets).find(unknown) {
        return Err(Error::invalid_filter(reason(target)));
    }
    match query.sort.as_ref().map(|sort| &sort.by).filter(unknown) {
        Some(target) => Err(Error::invalid_value("sortBy", &reason(target))),
        None => Ok(()),
    }
}
