//! Queries, and how to answer them in memory (RFC 7644 section 3.4.2).

use std::cmp::Ordering;
use std::ops::Range;

use scim_filter::Predicate;
use scim_schema::{AttributeRef, Operand, Projection, ResourceType};
use serde_json::{Map, Value};

use crate::{Context, Error, Resource, Result};

/// A query for resources of one type.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Query {
    /// The filter; `None` selects all resources.
    pub filter: Option<Predicate>,
    /// The order; `None` is the store's own order.
    pub sort: Option<Sort>,
    /// The attributes that the response shows. Other attributes need not be loaded.
    pub projection: Projection,
    /// Where the page begins.
    pub window: Window,
    /// The largest number of resources in the page; 0 if the client wants the total only.
    pub count: usize,
}

/// The order of a query (RFC 7644 section 3.4.2.3).
#[derive(Clone, Debug, PartialEq)]
pub struct Sort {
    /// The attribute to sort by; never a derived one, such as `meta.location`. Resources without it come last in
    /// ascending order and first in descending order. Resources with equal values are in the order of their
    /// ids.
    pub by: AttributeRef,
    /// Whether the order is descending.
    pub descending: bool,
}

/// The attribute, and whether the order is descending: what `Mapping::order` of scim-sql takes.
impl<'a> From<&'a Sort> for (&'a AttributeRef, bool) {
    fn from(sort: &'a Sort) -> Self {
        (&sort.by, sort.descending)
    }
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Window {
    /// At the matching resource with this number, counted from 1 (RFC 7644 section 3.4.2.4).
    Start(u64),
    /// At the first matching resource. The page returns the positions of its neighbours (RFC 9865).
    First,
    /// After the position [`next`](Page::next) of an earlier page.
    After(Position),
    /// Before the position [`previous`](Page::previous) of an earlier page: the page that ends there.
    Before(Position),
}

/// What a store needs to continue from a page, for instance the sort value and the id of the last resource. The
/// service puts it into a cursor that clients can neither forge nor change. A store that supports no cursors pages
/// by [`Window::Start`] only and never makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position(pub Vec<u8>);

/// A page of matching resources.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The resources, in order.
    pub resources: Vec<Resource>,
    /// The number of all matching resources. It may be unknown unless the window is [`Window::Start`].
    pub total: Option<u64>,
    /// Where the next page begins; `None` on the last page and for [`Window::Start`].
    pub next: Option<Position>,
    /// Where the previous page ends; `None` on the first page and for [`Window::Start`].
    pub previous: Option<Position>,
}

impl Sort {
    /// Compares two resources by the attribute, then by their ids.
    pub fn compare(&self, a: &Resource, b: &Resource) -> Ordering {
        self.order_keys(&SortKey::new(Some(self), a), &SortKey::new(Some(self), b))
    }

    /// The value that a resource is sorted by.
    pub(crate) fn value_of<'r>(&self, resource: &'r Resource) -> Option<&'r Value> {
        self.by.sort_value(resource.as_map())
    }

    /// Compares two values of the attribute.
    pub(crate) fn compare_values(&self, a: Option<&Value>, b: Option<&Value>) -> Ordering {
        self.compare_sort_values(&SortValue::new(self, a), &SortValue::new(self, b))
    }

    fn compare_sort_values(&self, a: &SortValue, b: &SortValue) -> Ordering {
        let order = match (a, b) {
            (SortValue::Value(a), SortValue::Value(b)) => a.compare_to(b),
            (a, b) => a.rank().cmp(&b.rank()),
        };
        if self.descending { order.reverse() } else { order }
    }

    fn order_keys(&self, a: &SortKey, b: &SortKey) -> Ordering {
        self.compare_sort_values(&a.value, &b.value).then_with(|| a.id.cmp(&b.id))
    }
}

/// The sort key of a resource, prepared once to be compared often.
pub(crate) struct SortKey {
    value: SortValue,
    id: String,
}

/// The value that a resource is sorted by.
enum SortValue {
    Value(Operand),
    /// A stored value that does not have the type of the attribute.
    Unreadable,
    Absent,
}

impl SortValue {
    fn new(sort: &Sort, value: Option<&Value>) -> Self {
        match value {
            None => Self::Absent,
            Some(value) => sort.by.comparison().prepare(value).map_or(Self::Unreadable, Self::Value),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Value(_) => 0,
            Self::Unreadable => 1,
            Self::Absent => 2,
        }
    }
}

impl SortKey {
    /// The sort key of a resource; without a sort, resources are in the order of their ids.
    pub(crate) fn new(sort: Option<&Sort>, resource: &Resource) -> Self {
        let value = sort.map_or(SortValue::Absent, |sort| SortValue::new(sort, sort.value_of(resource)));
        Self { value, id: resource.id().to_owned() }
    }
}

impl Window {
    /// The range of the page, of at most `count` resources, in a list of `total` resources. `index_of` finds the
    /// index of the first resource that is not before a position.
    pub(crate) fn range(
        &self,
        total: usize,
        count: usize,
        index_of: impl Fn(&Position) -> usize,
    ) -> Range<usize> {
        if let Self::Before(position) = self {
            let end = index_of(position).min(total);
            return end.saturating_sub(count)..end;
        }
        let begin = match self {
            Self::Start(start) => usize::try_from(start.saturating_sub(1)).unwrap_or(usize::MAX),
            Self::After(position) => index_of(position),
            _ => 0,
        };
        let begin = begin.min(total);
        begin..begin.saturating_add(count).min(total)
    }
}

impl Query {
    /// A query for the first hundred resources of a type. Set the fields to change it.
    ///
    /// ```
    /// use scim_core::schema::standard;
    /// use scim_core::{Query, Window};
    ///
    /// let mut query = Query::new(&standard::user_type());
    /// query.window = Window::Start(101);
    /// assert_eq!(query.count, 100);
    /// ```
    pub fn new(resource_type: &ResourceType) -> Self {
        let projection = Projection::new(resource_type);
        Self { filter: None, sort: None, projection, window: Window::Start(1), count: 100 }
    }

    /// The attributes that the query filters and sorts by.
    pub(crate) fn targets(&self) -> impl Iterator<Item = &AttributeRef> {
        let filtered = self.filter.iter().flat_map(Predicate::targets);
        filtered.chain(self.sort.iter().map(|sort| &sort.by))
    }

    /// Answers the query from all resources of the type, which are in the store's own stable order: filters them,
    /// sorts them and selects the page.
    ///
    /// For stores that keep their resources in memory, or can load all of them.
    ///
    /// # Errors
    ///
    /// `tooMany` if that takes more than the request's [budget](Context::budget).
    ///
    /// ```
    /// use scim_core::schema::standard;
    /// use scim_core::{Context, Query, Resource};
    /// use serde_json::json;
    ///
    /// let users = standard::user_type();
    /// let all = ["ann", "bob"].map(|name| Resource::try_from(json!({ "userName": name })).unwrap());
    /// let page = Query::new(&users).page(&Context::builder(&users).context(), all)?;
    /// assert_eq!(page.total, Some(2));
    /// # Ok::<(), scim_core::Error>(())
    /// ```
    pub fn page(&self, cx: &Context<'_>, all: impl IntoIterator<Item = Resource>) -> Result<Page> {
        let mut total = 0_usize;
        let mut kept = Vec::new();
        let sorted = self.sort.is_some() || !matches!(self.window, Window::Start(_));
        // Without a sort, only the resources of the page are kept.
        let window = self.window.range(usize::MAX, self.count, |_| 0);
        for resource in all {
            if !self.selects(cx, &resource, &mut 0)? {
                continue;
            }
            if self.count > 0 && (sorted || window.contains(&total)) {
                let key = sorted.then(|| SortKey::new(self.sort.as_ref(), &resource));
                kept.push((key, resource));
            }
            total += 1;
        }
        if !sorted || self.count == 0 {
            let resources = kept.into_iter().map(|(_, resource)| resource).collect();
            return Ok(Page { resources, total: Some(total as u64), ..Page::default() });
        }
        let mut kept: Vec<(SortKey, Resource)> =
            kept.into_iter().filter_map(|(key, resource)| Some((key?, resource))).collect();
        let range = self.arrange(cx, &mut kept)?;
        let (next, previous) = self.neighbours(&range, |index| Some(self.position(&kept.get(index)?.1)));
        kept.truncate(range.end);
        let resources = kept.drain(range.start..).map(|(_, resource)| resource).collect();
        Ok(Page { resources, total: Some(total as u64), next, previous })
    }

    /// Whether the filter selects a resource. Takes its work from the budget, and adds it to `visits`.
    pub(crate) fn selects(&self, cx: &Context<'_>, resource: &Resource, visits: &mut usize) -> Result<bool> {
        let mut taken = 1;
        let filter = self.filter.as_ref();
        let selects = filter.is_none_or(|filter| filter.is_match_with_cost(resource.as_map(), &mut taken));
        *visits += taken;
        cx.budget().take(taken).map_err(|_| too_much())?;
        Ok(selects)
    }

    /// Sorts as much as the page needs: afterwards the resources of the page, and the one after it, are at their
    /// indexes in the order. Returns the range of the page.
    pub(crate) fn arrange<T>(&self, cx: &Context<'_>, all: &mut [(SortKey, T)]) -> Result<Range<usize>> {
        let order = |a: &SortKey, b: &SortKey| match &self.sort {
            Some(sort) => sort.order_keys(a, b),
            // Not by the index in the list: a position stays valid when its resource is deleted.
            None => a.id.cmp(&b.id),
        };
        let before = |position: &Position| {
            let Some(resource) = self.resource_at(position) else { return all.len() };
            let bound = SortKey::new(self.sort.as_ref(), &resource);
            all.iter().filter(|(key, _)| order(key, &bound) == Ordering::Less).count()
        };
        let range = self.window.range(all.len(), self.count, before);
        cx.budget().take(all.len().saturating_mul(COMPARISONS_PER_RESOURCE)).map_err(|_| too_much())?;
        if range.start > 0 && range.start < all.len() {
            all.select_nth_unstable_by(range.start, |a, b| order(&a.0, &b.0));
        }
        let rest = all.get_mut(range.start..).unwrap_or_default();
        let shown = range.len().saturating_add(1);
        if shown < rest.len() {
            rest.select_nth_unstable_by(shown, |a, b| order(&a.0, &b.0));
        }
        let shown = shown.min(rest.len());
        rest.get_mut(..shown).unwrap_or_default().sort_by(|a, b| order(&a.0, &b.0));
        Ok(range)
    }

    /// The positions after the page and before it, if there are resources. None for a page by index.
    pub(crate) fn neighbours(
        &self,
        page: &Range<usize>,
        position: impl Fn(usize) -> Option<Position>,
    ) -> (Option<Position>, Option<Position>) {
        if matches!(self.window, Window::Start(_)) {
            return (None, None);
        }
        (position(page.end), Some(page.start).filter(|start| *start > 0).and_then(position))
    }

    /// The position before a resource: its sort value and its id.
    pub(crate) fn position(&self, resource: &Resource) -> Position {
        let key = self.sort.as_ref().and_then(|sort| sort.value_of(resource));
        Position(serde_json::to_vec(&(key, resource.id())).unwrap_or_default())
    }

    /// A resource that sorts like the one of a position.
    pub(crate) fn resource_at(&self, position: &Position) -> Option<Resource> {
        let (key, id): (Option<Value>, String) = serde_json::from_slice(&position.0).ok()?;
        let mut object = Map::from_iter([("id".to_owned(), Value::from(id))]);
        if let (Some(sort), Some(key)) = (&self.sort, key) {
            scim_schema::internal::set_sort_value(&sort.by, &mut object, key);
        }
        Some(Resource::new(object))
    }
}

/// About how many comparisons per resource it takes to find the resources of a page.
const COMPARISONS_PER_RESOURCE: usize = 4;

fn too_much() -> Error {
    Error::too_many(
        "the query takes more work than a request is allowed; send a filter that selects fewer resources, such \
         as one with `userName eq` or `externalId eq`",
    )
}
