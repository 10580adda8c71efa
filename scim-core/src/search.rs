//! Queries: of one type, or of all from the root (RFC 7644 sections 3.4.2 and 3.4.3, RFC 9865).

use chrono::Utc;
use scim_filter::{Filter, Predicate};
use scim_schema::{ResourceType, Returned, ScimType, Target};

use crate::cursor::Cursor;
use crate::operation::Request;
use crate::parameters::Parameters;
use crate::{Error, Identity, Query, Result, Sort, Window};

/// A query for each of some types, which are given by the index of their registration.
#[derive(Debug)]
pub(crate) struct Search {
    pub(crate) queries: Vec<(usize, Query)>,
    /// What the types are sorted by before their resources are.
    pub(crate) by_type: ByType,
    /// In which of the types the page begins; with an index it is counted over all of them.
    pub(crate) type_index: usize,
    /// Where the page begins.
    pub(crate) window: Window,
    pub(crate) count: usize,
    /// What the cursors of the page are good for; empty if it has none.
    pub(crate) binding: String,
}

/// The order of types by what all resources of one have in common.
#[derive(Debug, Default)]
pub(crate) struct ByType {
    /// For each type, none for one without the attribute.
    pub(crate) keys: Vec<Option<String>>,
    pub(crate) descending: bool,
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
        let (sorts, by_type) = self.sorts(&types, parameters)?;
        let mut queries = Vec::with_capacity(all.len());
        for (((on, resource_type), filter), sort) in all.into_iter().zip(&types).zip(filters).zip(sorts) {
            let projection = self.projection(resource_type, parameters)?;
            queries.push((on, Query { filter, sort, projection, window: Window::First, count: 0 }));
        }
        if let Some(cursor) = &parameters.cursor
            && self.service.capabilities().cursor()
        {
            return self.begin_at_cursor(cursor, parameters, queries, by_type);
        }
        let count = parameters.count()?.map(|count| usize::try_from(count.max(0)).unwrap_or(usize::MAX));
        let count = count.unwrap_or(self.config.default_page_size).min(self.config.max_page_size);
        let window = Window::Start(parameters.start_index()?.unwrap_or(1));
        Ok(Search { queries, by_type, type_index: 0, window, count, binding: String::new() })
    }

    /// RFC 9865 section 2.
    fn begin_at_cursor(
        &self,
        text: &str,
        parameters: &Parameters,
        queries: Vec<(usize, Query)>,
        by_type: ByType,
    ) -> Result<Search> {
        if parameters.start_index()?.is_some() {
            return Err(Error::of(ScimType::InvalidValue, "`startIndex` and `cursor` exclude each other"));
        }
        let wrong = |detail: String| Error::of(ScimType::InvalidCount, detail);
        let max = self.config.max_page_size;
        let asked =
            parameters.count()?.map(|count| usize::try_from(count).ok().filter(|count| *count <= max));
        let asked = match asked {
            Some(None) => return Err(wrong(format!("`count` must be from 0 to {max}"))),
            Some(count) => count,
            None => None,
        };
        let binding = self.binding(parameters, &queries, &by_type);
        let cursor = if text.is_empty() {
            let count = asked.unwrap_or(self.config.default_page_size);
            Cursor { type_index: 0, window: Window::First, count }
        } else {
            self.config.sealer.open(text, &binding, Utc::now())?
        };
        if asked.is_some_and(|asked| asked != cursor.count) {
            return Err(wrong("`count` must be the same for every page".to_owned()));
        }
        let Cursor { type_index, window, count } = cursor;
        Ok(Search { queries, by_type, type_index, window, count, binding })
    }

    /// What a cursor is bound to: the caller, its tenant, and all of the query but the page.
    fn binding(&self, parameters: &Parameters, queries: &[(usize, Query)], by_type: &ByType) -> String {
        let identity = self.extensions.get::<Identity>();
        let query: Vec<_> = queries.iter().map(|(on, query)| (on, &query.filter, &query.sort)).collect();
        let names = |names: &Option<String>| names.as_deref().map(str::to_ascii_lowercase);
        let (only, except) = (names(&parameters.attributes), names(&parameters.excluded_attributes));
        format!("{identity:?} {query:?} {by_type:?} {only:?} {except:?}")
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

    /// What to sort each type by, and what to sort the types by. Among several, one that lacks the
    /// attribute is not sorted.
    fn sorts(
        &mut self,
        types: &[ResourceType],
        parameters: &Parameters,
    ) -> Result<(Vec<Option<Sort>>, ByType)> {
        let descending = parameters.descending()?;
        let Some(by) = parameters.sort_by.as_deref().filter(|_| self.service.capabilities().sort()) else {
            return Ok((types.iter().map(|_| None).collect(), ByType::default()));
        };
        let among = types.len() > 1;
        let mut by_type = ByType { keys: Vec::new(), descending };
        let mut sorts = Vec::with_capacity(types.len());
        for on in types {
            let target = self.sort_target(on, by, among)?;
            let (sort, key) = target.map(|target| stored(on, target, descending)).unzip();
            by_type.keys.push(key.flatten());
            sorts.push(sort);
        }
        if sorts.iter().all(Option::is_none) {
            return Err(unsortable("no resource type has such an attribute"));
        }
        Ok((sorts, by_type))
    }

    fn sort_target(&mut self, on: &ResourceType, by: &str, among: bool) -> Result<Option<Target>> {
        let path = by.trim().parse().map_err(|_| unsortable("not an attribute name"))?;
        let target = match on.resolve(&path, self.reading) {
            Ok(target) => target,
            Err(_) if among => return Ok(None),
            Err(error) => return Err(unsortable(&error.to_string())),
        };
        let target = match target.is_complex() {
            false => target,
            true => target
                .sub_attribute("value")
                .cloned()
                .ok_or_else(|| unsortable("a complex attribute needs a sub-attribute to sort by"))?,
        };
        // What is never returned must not be found out by sorting either.
        if [target.attribute(), target.definition()].iter().any(|a| a.returned() == Returned::Never) {
            return Err(sensitive(&target));
        }
        Ok(Some(target))
    }
}

/// The order by what a store holds: what the service derives is sorted by what it is derived from. What is
/// in common to all resources of the type is returned beside it.
fn stored(on: &ResourceType, target: Target, descending: bool) -> (Sort, Option<String>) {
    let id = on.attribute("id").filter(|_| target.is_derived());
    let (by, descending, of_type) = match (target.definition().name(), id) {
        // Equal values are in the order of the ids, whatever the direction.
        ("resourceType", Some(id)) => (id.clone(), false, Some(on.name().to_owned())),
        ("location", Some(id)) => (id.clone(), descending, Some(format!("{}/", on.endpoint()))),
        (_, Some(_)) => {
            let value = on.attribute_of(&target).and_then(|parent| parent.sub_attribute("value")).cloned();
            (value.unwrap_or(target), descending, None)
        }
        _ => (target, descending, None),
    };
    (Sort { by, descending }, of_type)
}

fn unsortable(reason: &str) -> Error {
    Error::of(ScimType::InvalidValue, format!("`sortBy`: {reason}"))
}

pub(crate) fn sensitive(target: &Target) -> Error {
    Error::of(ScimType::Sensitive, format!("`{target}` cannot be searched, selected or sorted by"))
}
