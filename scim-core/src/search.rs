//! Queries: of one type, or of all from the root (RFC 7644 sections 3.4.2 and 3.4.3, RFC 9865).

use chrono::Utc;
use scim_filter::{Filter, Predicate};
use scim_schema::{ResourceType, Returned, ScimType, Target};

use crate::cursor::{Cursor, Place};
use crate::operation::Request;
use crate::parameters::Parameters;
use crate::service::{Answer, Call};
use crate::trace;
use crate::{Action, Error, Identity, Page, Permit, Query, Resource, Result, Sort, Window};

/// A query for each of some types, which are given by the index of their registration.
#[derive(Debug)]
pub(crate) struct Search {
    queries: Vec<(usize, Query)>,
    paging: Paging,
    count: usize,
}

#[derive(Debug)]
enum Paging {
    /// From this resource on, counted from 1.
    Index(u64),
    /// From a cursor on; `binding` says what the next ones are good for.
    Cursor { from: Cursor, binding: String },
}

impl Request<'_, '_> {
    pub(crate) fn search(&mut self, on: Option<usize>, parameters: &Parameters) -> Result<Search> {
        let all: Vec<usize> = match on {
            Some(on) => vec![on],
            None => (0..self.service.registrations().len()).collect(),
        };
        let types: Vec<ResourceType> =
            all.iter().map(|on| Ok(self.registration(*on)?.resource_type.clone())).collect::<Result<_>>()?;
        let filters = self.filters(&types, parameters.filter.as_deref())?;
        let count = parameters.count.unwrap_or(self.config.default_page_size).min(self.config.max_page_size);
        let mut queries = Vec::with_capacity(all.len());
        for ((on, resource_type), filter) in all.into_iter().zip(&types).zip(filters) {
            let sort = match &parameters.sort_by {
                Some(by) if self.service.capabilities().sort() => {
                    self.sort(resource_type, by, parameters.descending, types.len() > 1)?
                }
                _ => None,
            };
            let projection = self.projection(resource_type, parameters)?;
            queries.push((on, Query { filter, sort, projection, window: Window::Start(1), count }));
        }
        if parameters.sort_by.is_some()
            && types.len() > 1
            && queries.iter().all(|(_, query)| query.sort.is_none())
        {
            let sorts = self.service.capabilities().sort();
            if sorts {
                return Err(Error::of(
                    ScimType::InvalidValue,
                    "`sortBy`: no resource type has such an attribute",
                ));
            }
        }
        let paging = match &parameters.cursor {
            Some(cursor) if self.service.capabilities().cursor() => {
                self.cursor(cursor, parameters, &queries)?
            }
            _ => Paging::Index(parameters.start_index.unwrap_or(1)),
        };
        let count = match &paging {
            Paging::Cursor { from, .. } => from.count,
            Paging::Index(_) => count,
        };
        Ok(Search { queries, paging, count })
    }

    /// RFC 9865 section 2.
    fn cursor(&self, text: &str, parameters: &Parameters, queries: &[(usize, Query)]) -> Result<Paging> {
        if parameters.start_index.is_some() {
            return Err(Error::of(ScimType::InvalidValue, "`startIndex` and `cursor` exclude each other"));
        }
        let max = self.config.max_page_size;
        if parameters.negative_count || parameters.count.is_some_and(|count| count > max) {
            return Err(Error::of(ScimType::InvalidCount, format!("`count` must be from 0 to {max}")));
        }
        let binding = self.binding(parameters, queries);
        if text.is_empty() {
            let count = parameters.count.unwrap_or(self.config.default_page_size);
            return Ok(Paging::Cursor {
                from: Cursor { type_index: 0, place: Place::First, count },
                binding,
            });
        }
        let from = self.config.sealer.open(text, &binding, Utc::now())?;
        if parameters.count.is_some_and(|count| count != from.count) {
            return Err(Error::of(ScimType::InvalidCount, "`count` must be the same for every page"));
        }
        Ok(Paging::Cursor { from, binding })
    }

    /// What a cursor is bound to: the caller, its tenant, and all of the query but the page.
    fn binding(&self, parameters: &Parameters, queries: &[(usize, Query)]) -> String {
        let identity = self.extensions.get::<Identity>();
        let query: Vec<_> = queries.iter().map(|(on, query)| (on, &query.filter, &query.sort)).collect();
        let names = |names: &Option<String>| names.as_deref().map(str::to_ascii_lowercase);
        let (only, except) = (names(&parameters.attributes), names(&parameters.excluded_attributes));
        format!("{identity:?} {query:?} {only:?} {except:?}")
    }

    fn filters(&mut self, types: &[ResourceType], filter: Option<&str>) -> Result<Vec<Option<Predicate>>> {
        let Some(text) = filter else { return Ok(types.iter().map(|_| None).collect()) };
        if !self.service.capabilities().filter() {
            return Err(Error::not_implemented("filters are not supported"));
        }
        let filter = Filter::parse(text, &self.config.filter_limits, self.reading)?;
        match types {
            [one] => Ok(vec![Some(filter.resolve(one, self.reading)?)]),
            types => {
                let types: Vec<&ResourceType> = types.iter().collect();
                Ok(filter.resolve_among(&types, self.reading)?.into_iter().map(Some).collect())
            }
        }
    }

    /// What to sort by; among several types one that lacks the attribute is not sorted.
    fn sort(&mut self, on: &ResourceType, by: &str, descending: bool, among: bool) -> Result<Option<Sort>> {
        let wrong = |reason: &str| Error::of(ScimType::InvalidValue, format!("`sortBy`: {reason}"));
        let path = by.trim().parse().map_err(|_| wrong("not an attribute name"))?;
        let target = match on.resolve(&path, self.reading) {
            Ok(target) => target,
            Err(_) if among => return Ok(None),
            Err(error) => return Err(wrong(&error.to_string())),
        };
        let target = match target.is_complex() {
            false => target,
            true => target
                .sub_attribute("value")
                .cloned()
                .ok_or_else(|| wrong("a complex attribute needs a sub-attribute to sort by"))?,
        };
        // What is never returned must not be found out by sorting either.
        if [target.attribute(), target.definition()].iter().any(|a| a.returned() == Returned::Never) {
            return Err(sensitive(&target));
        }
        Ok(Some(Sort { by: target, descending }))
    }
}

fn sensitive(target: &Target) -> Error {
    Error::of(ScimType::Sensitive, format!("`{target}` cannot be used in a query"))
}

/// What the caller may not read must not influence the result (RFC 7644 section 7.5.2).
fn restrict(query: &mut Query, permit: &Permit, on: &ResourceType) -> Result<()> {
    if permit.is_all() {
        return Ok(());
    }
    let filtered = query.filter.iter().flat_map(Predicate::targets);
    if let Some(target) = filtered.chain(query.sort.iter().map(|sort| &sort.by)).find(|t| !permit.may_read(t))
    {
        return Err(sensitive(target));
    }
    permit.restrict(&mut query.projection, on);
    Ok(())
}

impl Call<'_> {
    pub(crate) async fn search(&self, mut search: Search) -> Result<Answer> {
        for (on, query) in &mut search.queries {
            let permit = self.permit(Action::Query, *on, None, &[])?;
            restrict(query, &permit, &self.service.registration(*on)?.resource_type)?;
        }
        let sorted = search.queries.iter().any(|(_, query)| query.sort.is_some());
        match (search.queries.len(), search.paging) {
            (1, Paging::Index(start)) => self.one_by_index(search.queries, start).await,
            (_, Paging::Index(start)) if sorted => {
                self.merged(search.queries, start - 1, search.count, None).await
            }
            (_, Paging::Index(start)) => self.all_by_index(search.queries, start, search.count).await,
            (types, Paging::Cursor { from, binding }) if sorted && types > 1 => {
                let skip = if let Place::Offset(skip) = from.place { skip } else { 0 };
                self.merged(search.queries, skip, search.count, Some(&binding)).await
            }
            (_, Paging::Cursor { from, binding }) => self.by_cursor(search.queries, from, &binding).await,
        }
    }

    async fn page(&self, on: usize, query: &Query) -> Result<Page> {
        let cx = self.context(on)?;
        let call = self.provider(on)?.query(&cx, query);
        let mut page = trace::provider(Action::Query, cx.resource_type, call).await?;
        page.resources.truncate(query.count);
        Ok(page)
    }

    async fn one_by_index(&self, queries: Vec<(usize, Query)>, start: u64) -> Result<Answer> {
        let mut answer = Answer::list(Some(start));
        for (on, mut query) in queries {
            query.window = Window::Start(start);
            let page = self.page(on, &query).await?;
            answer.add(on, query, page.resources, page.total);
        }
        Ok(answer.into())
    }

    /// A page over several types: theirs, one after the other in the order of registration.
    async fn all_by_index(&self, queries: Vec<(usize, Query)>, start: u64, count: usize) -> Result<Answer> {
        let mut answer = Answer::list(Some(start));
        let mut left = count;
        for (on, mut query) in queries {
            let before = answer.total.unwrap_or_default();
            query.window = Window::Start(start.saturating_sub(before).max(1));
            query.count = left;
            let mut page = self.page(on, &query).await?;
            // A page that begins after this type's last resource begins in a later type.
            if start > before.saturating_add(page.total.unwrap_or_default()) {
                page.resources.clear();
            }
            left = left.saturating_sub(page.resources.len());
            answer.add(on, query, page.resources, page.total);
        }
        Ok(answer.into())
    }

    /// Pages by position, from type to type; back only within the first.
    async fn by_cursor(&self, queries: Vec<(usize, Query)>, from: Cursor, binding: &str) -> Result<Answer> {
        let mut answer = Answer::list(None);
        let types = queries.len();
        let mut left = from.count;
        let mut next: Option<(usize, Place)> = None;
        let mut previous = None;
        for (index, (on, mut query)) in queries.into_iter().enumerate() {
            let passed = index < from.type_index || next.is_some();
            query.window = match &from.place {
                Place::After(position) if index == from.type_index => Window::After(position.clone()),
                Place::Before(position) if index == from.type_index => Window::Before(position.clone()),
                _ => Window::First,
            };
            query.count = if passed { 0 } else { left };
            let page = self.page(on, &query).await?;
            let any = page.total != Some(0);
            if !passed {
                left = left.saturating_sub(page.resources.len());
                previous = previous.or(page.previous.filter(|_| types == 1));
                next = match page.next {
                    Some(position) => Some((index, Place::After(position))),
                    // The page is full: the next one begins with the next type that has anything.
                    None => None,
                };
                if next.is_none() && left == 0 && index + 1 < types {
                    next = Some((index + 1, Place::First));
                }
            } else if !any && next == Some((index, Place::First)) {
                next = (index + 1 < types).then_some((index + 1, Place::First));
            }
            answer.add(on, query, page.resources, page.total);
        }
        let seal = |(type_index, place)| {
            let cursor = Cursor { type_index, place, count: from.count };
            self.service.config().sealer.seal(&cursor, binding, self.now)
        };
        answer.next = next.and_then(seal);
        answer.previous = previous.and_then(|position| seal((0, Place::Before(position))));
        Ok(answer.into())
    }

    /// A sorted page over several types: all candidates, merged by key, then type, then id.
    async fn merged(
        &self,
        queries: Vec<(usize, Query)>,
        skip: u64,
        count: usize,
        binding: Option<&str>,
    ) -> Result<Answer> {
        let max = self.service.config().max_page_size;
        let mut candidates: Vec<(usize, Query, Resource)> = Vec::new();
        let mut total = 0;
        for (on, mut query) in queries {
            query.count = max;
            let page = self.page(on, &query).await?;
            total += page.total.unwrap_or_default();
            if total > max as u64 {
                let detail =
                    format!("more than {max} resources match; narrow the filter or leave out sortBy");
                return Err(Error::too_many(detail));
            }
            candidates.extend(page.resources.into_iter().map(|resource| (on, query.clone(), resource)));
        }
        candidates.sort_by(|(a_on, a_query, a), (b_on, b_query, b)| {
            Sort::order_keys(a_query.sort.as_ref(), a, b_query.sort.as_ref(), b)
                .then(a_on.cmp(b_on))
                .then_with(|| a.id().cmp(b.id()))
        });
        let start = binding.is_none().then_some(skip + 1);
        let mut answer = Answer::list(start);
        let skipped = usize::try_from(skip).unwrap_or(usize::MAX);
        for (on, query, resource) in candidates.into_iter().skip(skipped).take(count) {
            answer.add(on, query, vec![resource], None);
        }
        answer.total = Some(total);
        if let Some(binding) = binding {
            let end = skip.saturating_add(count as u64);
            let seal = |offset| {
                let cursor = Cursor { type_index: 0, place: Place::Offset(offset), count };
                self.service.config().sealer.seal(&cursor, binding, self.now)
            };
            answer.next = if end < total && count > 0 { seal(end) } else { None };
            answer.previous = if skip > 0 { seal(skip.saturating_sub(count as u64)) } else { None };
        }
        Ok(answer.into())
    }
}
