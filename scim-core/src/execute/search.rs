//! Pages of resources, of one type or across several (RFC 7644 section 3.4.2.4, RFC 9865).

use std::cmp::Ordering;

use scim_schema::{AttributeRef, ResourceType};
use serde_json::Value;

use super::execution::Execution;
use crate::cursor::Cursor;
use crate::operation::{SearchOperation, TypeOrder};
use crate::outcome::{Answer, List};
use crate::policy::Reads;
use crate::type_index::TypeIndex;
use crate::{Action, Error, Page, Permit, Position, Query, Resource, Result, Window, trace};

/// The query of one resource type, restricted to what the caller may read.
struct TypedQuery {
    type_index: TypeIndex,
    query: Query,
    permit: Permit,
    /// The position among the types, where these are sorted before their resources; equal for all types
    /// otherwise.
    rank: usize,
}

impl TypeOrder {
    fn set_ranks(&self, types: &mut [TypedQuery]) {
        // Types without the attribute come last, or first if the order is descending.
        let key = |key: &'_ Option<String>| (key.is_none(), key.clone());
        for (of_type, own) in types.iter_mut().zip(&self.keys) {
            let ahead = |other: &&Option<String>| {
                let order = key(other).cmp(&key(own));
                if self.descending { order.is_gt() } else { order.is_lt() }
            };
            of_type.rank = self.keys.iter().filter(ahead).count();
        }
    }
}

/// A list without resources.
fn empty_list(types: &[TypedQuery], start: Option<u64>) -> List {
    let types = types.iter().map(|of_type| (of_type.type_index, of_type.query.projection.clone())).collect();
    List { types, start, total: Some(0), ..List::default() }
}

impl Execution<'_> {
    pub(super) async fn search(&self, search: SearchOperation) -> Result<Answer> {
        let SearchOperation { queries, type_order, first_query, window, count, binding } = search;
        let mut types = Vec::with_capacity(queries.len());
        for (type_index, mut query) in queries {
            let permit = self.permit(Action::Query, type_index, None, &[], Reads::Queried(&query))?;
            restrict(&mut query, &permit, self.resource_type(type_index)?)?;
            types.push(TypedQuery { type_index, query, permit, rank: 0 });
        }
        type_order.set_ranks(&mut types);
        let merges = types.len() > 1 && types.iter().any(|of_type| of_type.query.sort.is_some());
        let list = match window {
            window if merges => self.merged(types, first_query, &window, count, &binding).await?,
            Window::Start(start) => self.by_index(types, start, count).await?,
            window => self.by_cursor(types, Cursor { query: first_query, window, count }, &binding).await?,
        };
        Ok(Answer::List(list))
    }

    async fn page(&self, of_type: &TypedQuery) -> Result<Page> {
        let cx = self.context(of_type.type_index, &of_type.permit)?;
        let call = self.provider(of_type.type_index)?.query(&cx, &of_type.query);
        let mut page = trace::provider(Action::Query, cx.resource_type, call).await?;
        if page.total.is_none() && matches!(of_type.query.window, Window::Start(_)) {
            return Err(Error::internal(
                "the provider returned no `total` for a page that begins at a `startIndex`",
            ));
        }
        page.resources.truncate(of_type.query.count);
        Ok(page)
    }

    /// A page by index. The resources of each type follow those of the type before it, in the order of registration.
    async fn by_index(&self, types: Vec<TypedQuery>, start: u64, count: usize) -> Result<List> {
        let mut list = empty_list(&types, Some(start));
        let mut before = 0;
        for (index, mut of_type) in types.into_iter().enumerate() {
            of_type.query.window = Window::Start(start.saturating_sub(before).max(1));
            of_type.query.count = count.saturating_sub(list.resources.len());
            let page = self.page(&of_type).await?;
            list.add(index, page.resources);
            before = before.saturating_add(page.total.unwrap_or_default());
        }
        list.total = Some(before);
        Ok(list)
    }

    /// A page by cursor. It may continue with the next type, but going back it ends with its type.
    async fn by_cursor(&self, types: Vec<TypedQuery>, from: Cursor, binding: &str) -> Result<List> {
        let mut list = empty_list(&types, None);
        let mut next = None;
        let mut previous = None;
        for (index, mut of_type) in types.into_iter().enumerate() {
            let left = from.count.saturating_sub(list.resources.len());
            let is_on_page = index >= from.query && next.is_none() && left > 0;
            of_type.query.count = if is_on_page { left } else { 0 };
            if index == from.query {
                of_type.query.window = from.window.clone();
            }
            let page = self.page(&of_type).await?;
            list.total = list.total.zip(page.total).map(|(sum, of_type)| sum.saturating_add(of_type));
            if is_on_page {
                list.add(index, page.resources);
                next = page.next.map(|position| (index, Window::After(position)));
                previous = previous.or(page.previous.filter(|_| index == from.query));
            } else if index > from.query && next.is_none() && from.count > 0 && page.total != Some(0) {
                // The page is full, so the next page begins with this type.
                next = Some((index, Window::First));
            }
        }
        let seal = |(query, window)| self.seal(query, window, from.count, binding);
        list.next = next.and_then(seal);
        list.previous = previous.and_then(|position| seal((from.query, Window::Before(position))));
        Ok(list)
    }

    fn seal(&self, query: usize, window: Window, count: usize, binding: &str) -> Option<String> {
        self.setup().config.sealer.seal(&Cursor { query, window, count }, binding, self.now)
    }

    /// A sorted page over several types: all candidates, merged by key, then type, then id.
    async fn merged(
        &self,
        mut types: Vec<TypedQuery>,
        first_query: usize,
        window: &Window,
        count: usize,
        binding: &str,
    ) -> Result<List> {
        let all = self.candidates(&mut types).await?;
        let start = if let Window::Start(start) = window { Some(*start) } else { None };
        let mut list = empty_list(&types, start);
        let range = window.range(all.len(), count, |position| {
            let probe = types.get(first_query).and_then(|of_type| of_type.query.resource_at(position));
            let probe = probe.map(|probe| (first_query, probe));
            all.partition_point(|found| {
                probe.as_ref().is_some_and(|probe| order(&types, found, probe).is_lt())
            })
        });
        let cursor = |index: usize, window: fn(Position) -> Window| {
            let (index, resource) = all.get(index).filter(|_| start.is_none() && count > 0)?;
            let position = types.get(*index)?.query.position(resource);
            self.seal(*index, window(position), count, binding)
        };
        list.total = Some(all.len() as u64);
        list.next = cursor(range.end, Window::After);
        list.previous = if range.start > 0 { cursor(range.start, Window::Before) } else { None };
        list.resources = all.get(range).unwrap_or_default().to_vec();
        Ok(list)
    }

    /// All matching resources in order, each with the index of its query. They are sorted here, in memory, so
    /// at most one page of them is allowed.
    async fn candidates(&self, types: &mut [TypedQuery]) -> Result<Vec<(usize, Resource)>> {
        let max = self.setup().config.max_page_size;
        let mut all: Vec<(usize, Resource)> = Vec::new();
        let mut total = 0_u64;
        for (index, of_type) in types.iter_mut().enumerate() {
            of_type.query.count = max;
            let mut found = 0;
            loop {
                // A store may return fewer than it was asked for.
                of_type.query.window = Window::Start(found + 1);
                let page = self.page(of_type).await?;
                let matching = page.total.unwrap_or_default();
                if total.saturating_add(matching) > max as u64 {
                    let detail =
                        format!("more than {max} resources match; narrow the filter or leave out `sortBy`");
                    return Err(Error::too_many(detail));
                }
                found += page.resources.len() as u64;
                let last = page.resources.is_empty() || found >= matching;
                all.extend(page.resources.into_iter().map(|resource| (index, resource)));
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
    fn add(&mut self, index: usize, resources: Vec<Resource>) {
        self.resources.extend(resources.into_iter().map(|resource| (index, resource)));
    }
}

/// Compares resources of several types. Types without the sort attribute have no sort. The values of all others
/// are compared by the rule of the first type that has one, since an order needs a single rule.
fn order(types: &[TypedQuery], a: &(usize, Resource), b: &(usize, Resource)) -> Ordering {
    let rule = types.iter().find_map(|of_type| of_type.query.sort.as_ref());
    let rank = |(index, _): &(usize, Resource)| types.get(*index).map(|of_type| of_type.rank);
    let by_value =
        rule.map_or(Ordering::Equal, |rule| rule.compare_values(sort_value(types, a), sort_value(types, b)));
    rank(a).cmp(&rank(b)).then(by_value).then(a.0.cmp(&b.0)).then_with(|| a.1.id().cmp(b.1.id()))
}

fn sort_value<'r>(types: &[TypedQuery], (index, resource): &'r (usize, Resource)) -> Option<&'r Value> {
    types.get(*index)?.query.sort.as_ref()?.value_of(resource)
}

/// Refuses a query by attributes that the caller may not read (RFC 7644 section 7.5.2), and hides these.
fn restrict(query: &mut Query, permit: &Permit, resource_type: &ResourceType) -> Result<()> {
    // A list is sorted by its primary element.
    let primary = |by: &AttributeRef| resource_type.parent_attribute(by)?.sub_attribute("primary");
    let primary = query.sort.as_ref().and_then(|sort| primary(&sort.by));
    if let Some(target) = query.targets().chain(primary).find(|target| !permit.may_read(target)) {
        return Err(Error::sensitive(target));
    }
    permit.restrict(&mut query.projection, resource_type);
    Ok(())
}
