//! Queries: of one type, or of all from the root (RFC 7644 sections 3.4.2 and 3.4.3, RFC 9865).

use chrono::Utc;
use scim_filter::{Filter, Predicate};
use scim_schema::{AttributeRef, ResourceType, Returned, ScimType};

use super::parameters::Parameters;
use super::request::Request;
use crate::cursor::Cursor;
use crate::operation::{OperationKind, SearchOperation, TypeOrder};
use crate::type_index::TypeIndex;
use crate::{Error, Identity, Query, Result, Sort, Window};

impl Request<'_> {
    /// Parses a query of one resource type, or of all of them.
    pub(super) fn search(
        &mut self,
        type_index: Option<TypeIndex>,
        parameters: &Parameters,
    ) -> Result<OperationKind> {
        let setup = self.setup;
        let queried = |index: TypeIndex| type_index.is_none_or(|only| only == index);
        let (indexes, types): (Vec<TypeIndex>, Vec<ResourceType>) = setup
            .registrations()
            .filter(|(index, _)| queried(*index))
            .map(|(index, registration)| (index, registration.resource_type.clone()))
            .unzip();
        let filters = self.filters(&types, parameters.filter.as_deref())?;
        let (sorts, type_order) = self.sorts(&types, parameters)?;
        let mut queries = Vec::with_capacity(types.len());
        for (((index, resource_type), filter), sort) in
            indexes.into_iter().zip(&types).zip(filters).zip(sorts)
        {
            let projection = self.projection(resource_type, parameters)?;
            queries.push((index, Query { filter, sort, projection, window: Window::First, count: 0 }));
        }
        let search = match &parameters.cursor {
            Some(cursor) if setup.capabilities.cursor() => {
                self.search_from_cursor(cursor, parameters, queries, type_order)?
            }
            _ => self.search_from_index(parameters, queries, type_order)?,
        };
        Ok(OperationKind::Search(search))
    }

    /// Index-based pagination (RFC 7644 section 3.4.2.4).
    pub(super) fn search_from_index(
        &self,
        parameters: &Parameters,
        queries: Vec<(TypeIndex, Query)>,
        type_order: TypeOrder,
    ) -> Result<SearchOperation> {
        let count = parameters.count()?.map(|count| usize::try_from(count.max(0)).unwrap_or(usize::MAX));
        let count = count.unwrap_or(self.config().default_page_size).min(self.config().max_page_size);
        let window = Window::Start(parameters.start_index()?.unwrap_or(1));
        Ok(SearchOperation { queries, type_order, first_query: 0, window, count, binding: String::new() })
    }

    /// Cursor-based pagination (RFC 9865 section 2).
    fn search_from_cursor(
        &self,
        text: &str,
        parameters: &Parameters,
        queries: Vec<(TypeIndex, Query)>,
        type_order: TypeOrder,
    ) -> Result<SearchOperation> {
        if parameters.start_index()?.is_some() {
            return Err(Error::from_scim_type(
                ScimType::InvalidValue,
                "`startIndex` and `cursor` cannot be combined; send one of them",
            ));
        }
        let invalid_count = |detail: String| Error::from_scim_type(ScimType::InvalidCount, detail);
        let max = self.config().max_page_size;
        let in_range = |count: i64| usize::try_from(count).ok().filter(|count| *count <= max);
        let out_of_range = || invalid_count(format!("`count` must be from 0 to {max}"));
        let requested =
            parameters.count()?.map(|count| in_range(count).ok_or_else(out_of_range)).transpose()?;
        let binding = self.binding(parameters, &queries, &type_order);
        let cursor = if text.is_empty() {
            let count = requested.unwrap_or(self.config().default_page_size);
            Cursor { query: 0, window: Window::First, count }
        } else {
            self.config().sealer.open(text, &binding, Utc::now())?
        };
        if requested.is_some_and(|requested| requested != cursor.count) {
            return Err(invalid_count("`count` must be the same for every page of a cursor".to_owned()));
        }
        let Cursor { query: first_query, window, count } = cursor;
        Ok(SearchOperation { queries, type_order, first_query, window, count, binding })
    }

    /// Everything that a cursor is valid for: the caller, its tenant, and the query without its page.
    fn binding(
        &self,
        parameters: &Parameters,
        queries: &[(TypeIndex, Query)],
        type_order: &TypeOrder,
    ) -> String {
        // Another token of the same caller may continue, so its scopes are not part of the binding.
        let caller = self.extensions.get::<Identity>().map(|caller| (&caller.principal, &caller.tenant));
        let query: Vec<_> =
            queries.iter().map(|(index, query)| (index, &query.filter, &query.sort)).collect();
        let names = |names: &Option<String>| names.as_deref().map(str::to_ascii_lowercase);
        let (only, except) = (names(&parameters.attributes), names(&parameters.excluded_attributes));
        format!("{caller:?} {query:?} {type_order:?} {only:?} {except:?}")
    }

    fn filters(&mut self, types: &[ResourceType], filter: Option<&str>) -> Result<Vec<Option<Predicate>>> {
        let Some(text) = filter else { return Ok(types.iter().map(|_| None).collect()) };
        if !self.setup.capabilities.filter() {
            return Err(Error::not_implemented("filters are not supported"));
        }
        let filter = Filter::parse(text, &self.config().filter_limits, &mut self.read_context)?;
        match types {
            [resource_type] => Ok(vec![Some(filter.resolve(resource_type, &mut self.read_context)?)]),
            types => {
                let types: Vec<&ResourceType> = types.iter().collect();
                Ok(filter.resolve_among(&types, &mut self.read_context)?.into_iter().map(Some).collect())
            }
        }
    }

    /// The sort of each type, and the order of the types. Among several types, one without the attribute is
    /// not sorted.
    fn sorts(
        &mut self,
        types: &[ResourceType],
        parameters: &Parameters,
    ) -> Result<(Vec<Option<Sort>>, TypeOrder)> {
        let descending = parameters.descending()?;
        let Some(by) = parameters.sort_by.as_deref().filter(|_| self.setup.capabilities.sort()) else {
            return Ok((types.iter().map(|_| None).collect(), TypeOrder::default()));
        };
        let is_among_several = types.len() > 1;
        let mut type_order = TypeOrder { keys: Vec::new(), descending };
        let mut sorts = Vec::with_capacity(types.len());
        for resource_type in types {
            let target = self.sort_target(resource_type, by, is_among_several)?;
            let (sort, key) = target.map(|target| stored_sort(resource_type, target, descending)).unzip();
            type_order.keys.push(key.flatten());
            sorts.push(sort);
        }
        if sorts.iter().all(Option::is_none) {
            return Err(unsortable("no resource type has this attribute"));
        }
        Ok((sorts, type_order))
    }

    fn sort_target(
        &mut self,
        resource_type: &ResourceType,
        by: &str,
        is_among_several: bool,
    ) -> Result<Option<AttributeRef>> {
        let path = by
            .trim()
            .parse()
            .map_err(|_| unsortable("must be the path of an attribute, such as `userName`"))?;
        let target = match resource_type.resolve(&path, &mut self.read_context) {
            Ok(target) => target,
            Err(_) if is_among_several => return Ok(None),
            Err(error) => return Err(unsortable(&error.to_string())),
        };
        let target = match target.is_complex() {
            false => target,
            true => target
                .sub_attribute("value")
                .cloned()
                .ok_or_else(|| unsortable("the attribute is complex; send the path of a sub-attribute"))?,
        };
        // The order of resources would reveal a value that is never returned.
        if [target.attribute(), target.definition()]
            .iter()
            .any(|attribute| attribute.returned() == Returned::Never)
        {
            return Err(Error::sensitive(&target));
        }
        Ok(Some(target))
    }
}

/// A sort by an attribute that stores hold. A derived attribute is sorted by what it is derived from; what all
/// resources of the type have in common is returned as the key of the type.
fn stored_sort(
    resource_type: &ResourceType,
    target: AttributeRef,
    descending: bool,
) -> (Sort, Option<String>) {
    let id = resource_type.attribute("id").filter(|_| target.is_derived());
    let (by, descending, type_key) = match (target.definition().name(), id) {
        // All values are equal, and equal values are in the order of the ids.
        ("resourceType", Some(id)) => (id.clone(), false, Some(resource_type.name().to_owned())),
        ("location", Some(id)) => (id.clone(), descending, Some(format!("{}/", resource_type.endpoint()))),
        (_, Some(_)) => {
            let value = resource_type
                .parent_attribute(&target)
                .and_then(|parent| parent.sub_attribute("value"))
                .cloned();
            (value.unwrap_or(target), descending, None)
        }
        _ => (target, descending, None),
    };
    (Sort { by, descending }, type_key)
}

fn unsortable(reason: &str) -> Error {
    Error::from_scim_type(ScimType::InvalidValue, format!("`sortBy`: {reason}"))
}
