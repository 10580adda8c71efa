//! Pages of resources, of one type or across several (RFC 7644 section 3.4.2.4, RFC 9865).

use std::cmp::Ordering;

use scim_schema::{ResourceType, Target};
use serde_json::Value;

use crate::access::Reads;
use crate::call::Call;
use crate::cursor::Cursor;
use crate::search::{ByType, Search, sensitive};
use crate::service::{Answer, List};
use crate::trace;
use crate::{Action, Error, Page, Permit, Position, Query, Resource, Result, Window};

/// The query of one type, as its caller is permitted to make it.
struct OfType {
    on: usize,
    query: Query,
    permit: Permit,
    /// Its place among types whose resources are sorted by something that those of each have in common;
    /// the same for all if there is no such thing.
    rank: usize,
}

impl ByType {
    fn rank(&self, types: &mut [OfType]) {
        // Those without it come last, or first if the order descends.
        let key = |key: &'_ Option<String>| (key.is_none(), key.clone());
        for (of, own) in types.iter_mut().zip(&self.keys) {
            let ahead = |other: &&Option<String>| {
                let order = key(other).cmp(&key(own));
                if self.descending { order.is_gt() } else { order.is_lt() }
            };
            of.rank = self.keys.iter().filter(ahead).count();
        }
    }
}

/// A list of which only the page is not there yet.
fn list_of(types: &[OfType], start: Option<u64>) -> List {
    let types = types.iter().map(|of| (of.on, of.query.projection.clone())).collect();
    List { types, start, total: Some(0), ..List::default() }
}

impl Call<'_> {
    pub(crate) async fn search(&self, search: Search) -> Result<Answer> {
        let Search { queries, by_type, type_index, window, count, binding } = search;
        let mut types = Vec::with_capacity(queries.len());
        for (on, mut query) in queries {
            let permit = self.permit(Action::Query, on, None, &[], Reads::Queried(&query))?;
            restrict(&mut query, &permit, self.resource_type(on)?)?;
            types.push(OfType { on, query, permit, rank: 0 });
        }
        by_type.rank(&mut types);
        let merges = types.len() > 1 && types.iter().any(|of| of.query.sort.is_some());
        let list = match window {
            window if merges => self.merged(types, type_index, &window, count, &binding).await?,
            Window::Start(start) => self.by_index(types, start, count).await?,
            window => self.by_cursor(types, Cursor { type_index, window, count }, &binding).await?,
        };
        Ok(list.into())
    }

    async fn page(&self, of: &OfType) -> Result<Page> {
        let cx = self.context(of.on, &of.permit)?;
        let call = self.provider(of.on)?.query(&cx, &of.query);
        let mut page = trace::provider(Action::Query, cx.resource_type, call).await?;
        if page.total.is_none() && matches!(of.query.window, Window::Start(_)) {
            return Err(Error::internal("the provider did not count what it found"));
        }
        page.resources.truncate(of.query.count);
        Ok(page)
    }

    /// A page by index over all types: theirs, one after the other in the order of registration.
    async fn by_index(&self, types: Vec<OfType>, start: u64, count: usize) -> Result<List> {
        let mut list = list_of(&types, Some(start));
        let mut before = 0;
        for (place, mut of) in types.into_iter().enumerate() {
            of.query.window = Window::Start(start.saturating_sub(before).max(1));
            of.query.count = count.saturating_sub(list.resources.len());
            let page = self.page(&of).await?;
            list.add(place, page.resources);
            before = before.saturating_add(page.total.unwrap_or_default());
        }
        list.total = Some(before);
        Ok(list)
    }

    /// A page by position, from type to type; back only within one type.
    async fn by_cursor(&self, types: Vec<OfType>, from: Cursor, binding: &str) -> Result<List> {
        let mut list = list_of(&types, None);
        let mut next = None;
        let mut previous = None;
        for (place, mut of) in types.into_iter().enumerate() {
            let left = from.count.saturating_sub(list.resources.len());
            let turn = place >= from.type_index && next.is_none() && left > 0;
            of.query.count = if turn { left } else { 0 };
            if place == from.type_index {
                of.query.window = from.window.clone();
            }
            let page = self.page(&of).await?;
            list.total = list.total.zip(page.total).map(|(all, of_type)| all.saturating_add(of_type));
            if turn {
                list.add(place, page.resources);
                next = page.next.map(|position| (place, Window::After(position)));
                previous = previous.or(page.previous.filter(|_| place == from.type_index));
            } else if place > from.type_index && next.is_none() && from.count > 0 && page.total != Some(0) {
                // The page was full before the type's turn came.
                next = Some((place, Window::First));
            }
        }
        let seal = |(type_index, window)| self.seal(type_index, window, from.count, binding);
        list.next = next.and_then(seal);
        list.previous = previous.and_then(|position| seal((from.type_index, Window::Before(position))));
        Ok(list)
    }

    fn seal(&self, type_index: usize, window: Window, count: usize, binding: &str) -> Option<String> {
        self.service.config().sealer.seal(&Cursor { type_index, window, count }, binding, self.now)
    }

    /// A sorted page over several types: all candidates, merged by key, then type, then id.
    async fn merged(
        &self,
        mut types: Vec<OfType>,
        type_index: usize,
        window: &Window,
        count: usize,
        binding: &str,
    ) -> Result<List> {
        let all = self.candidates(&mut types).await?;
        let start = if let Window::Start(start) = window { Some(*start) } else { None };
        let mut list = list_of(&types, start);
        let range = window.range(all.len(), count, |position| {
            let probe = types.get(type_index).and_then(|of| of.query.probe(position));
            let probe = probe.map(|probe| (type_index, probe));
            all.partition_point(|one| probe.as_ref().is_some_and(|probe| order(&types, one, probe).is_lt()))
        });
        let cursor = |index: usize, window: fn(Position) -> Window| {
            let (place, resource) = all.get(index).filter(|_| start.is_none() && count > 0)?;
            let position = types.get(*place)?.query.position(resource);
            self.seal(*place, window(position), count, binding)
        };
        list.total = Some(all.len() as u64);
        list.next = cursor(range.end, Window::After);
        list.previous = if range.start > 0 { cursor(range.start, Window::Before) } else { None };
        list.resources = all.get(range).unwrap_or_default().to_vec();
        Ok(list)
    }

    /// All that match, in order, each with the place of its type; they must be few, since they are
    /// sorted here.
    async fn candidates(&self, types: &mut [OfType]) -> Result<Vec<(usize, Resource)>> {
        let max = self.service.config().max_page_size;
        let mut all: Vec<(usize, Resource)> = Vec::new();
        let mut total = 0_u64;
        for (place, of) in types.iter_mut().enumerate() {
            of.query.count = max;
            let mut found = 0;
            loop {
                // A store may give less than it is asked for.
                of.query.window = Window::Start(found + 1);
                let page = self.page(of).await?;
                let of_type = page.total.unwrap_or_default();
                if total.saturating_add(of_type) > max as u64 {
                    let detail =
                        format!("more than {max} resources match; narrow the filter or leave out `sortBy`");
                    return Err(Error::too_many(detail));
                }
                found += page.resources.len() as u64;
                let last = page.resources.is_empty() || found >= of_type;
                all.extend(page.resources.into_iter().map(|resource| (place, resource)));
                if last {
                    total = total.saturating_add(found);
                    break;
                }
            }
        }
        all.sort_by(|a, b| order(types, a, b));
        Ok(all)
    }
}

impl List {
    fn add(&mut self, place: usize, resources: Vec<Resource>) {
        self.resources.extend(resources.into_iter().map(|resource| (place, resource)));
    }
}

/// The order of resources of several types, of which those without the attribute have no sort. All
/// others are compared by the rule of the first of them, since an order needs one rule.
fn order(types: &[OfType], a: &(usize, Resource), b: &(usize, Resource)) -> Ordering {
    let rule = types.iter().find_map(|of| of.query.sort.as_ref());
    let rank = |(place, _): &(usize, Resource)| types.get(*place).map(|of| of.rank);
    let by_value =
        rule.map_or(Ordering::Equal, |rule| rule.order_values(sort_value(types, a), sort_value(types, b)));
    rank(a).cmp(&rank(b)).then(by_value).then(a.0.cmp(&b.0)).then_with(|| a.1.id().cmp(b.1.id()))
}

fn sort_value<'r>(types: &[OfType], (place, resource): &'r (usize, Resource)) -> Option<&'r Value> {
    types.get(*place)?.query.sort.as_ref()?.value_of(resource)
}

/// What the caller may not read must not influence the result (RFC 7644 section 7.5.2).
fn restrict(query: &mut Query, permit: &Permit, on: &ResourceType) -> Result<()> {
    // A list is sorted by its primary element.
    let primary = |by: &Target| on.attribute_of(by)?.sub_attribute("primary");
    let primary = query.sort.as_ref().and_then(|sort| primary(&sort.by));
    if let Some(target) = query.targets().chain(primary).find(|target| !permit.may_read(target)) {
        return Err(sensitive(target));
    }
    permit.restrict(&mut query.projection, on);
    Ok(())
}
