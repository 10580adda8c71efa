//! Queries as a provider gets them, and answering them in memory (RFC 7644 section 3.4.2).

use std::cmp::Ordering;
use std::ops::Range;

use scim_filter::Predicate;
use scim_schema::{Projection, ResourceType, Target};
use serde_json::{Map, Value};

use crate::Resource;

/// A query for resources of one type.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Query {
    /// Which resources; all if there is none.
    pub filter: Option<Predicate>,
    /// In which order; the store's own if there is none.
    pub sort: Option<Sort>,
    /// What of each the response shows; the rest need not be loaded.
    pub projection: Projection,
    /// Where the page begins.
    pub window: Window,
    /// The largest number of resources in the page; 0 if only the total is wanted.
    pub count: usize,
}

/// The order of a query (RFC 7644 section 3.4.2.3).
#[derive(Clone, Debug, PartialEq)]
pub struct Sort {
    /// By which attribute. Resources without it come last when ascending, first when descending;
    /// equal ones are in the order of their ids.
    pub by: Target,
    /// Whether it is the descending order.
    pub descending: bool,
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Window {
    /// At this resource of all that match, counted from 1 (RFC 7644 section 3.4.2.4).
    Start(u64),
    /// At the first, with positions for going on (RFC 9865).
    First,
    /// After a position of an earlier page.
    After(Position),
    /// Before a position of an earlier page: the page that ends there.
    Before(Position),
}

/// Whatever a store needs to go on from a page: for instance the sort value and the id of its last
/// resource. The service seals it into a cursor that clients can neither read nor change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position(pub Vec<u8>);

/// A page of the resources that match.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The resources, in order.
    pub resources: Vec<Resource>,
    /// How many match in all; may be unknown only where the window is not [`Window::Start`].
    pub total: Option<u64>,
    /// Where the next page begins, unless this is the last. Not for [`Window::Start`].
    pub next: Option<Position>,
    /// Where the page before ends, unless this is the first. Not for [`Window::Start`].
    pub previous: Option<Position>,
}

impl Sort {
    /// The order of two resources, the ids included.
    pub fn order(&self, a: &Resource, b: &Resource) -> Ordering {
        self.order_values(self.value_of(a), self.value_of(b)).then_with(|| a.id().cmp(b.id()))
    }

    /// The value that a resource is sorted by.
    pub(crate) fn value_of<'r>(&self, resource: &'r Resource) -> Option<&'r Value> {
        self.by.sort_value(resource.as_map())
    }

    /// The order of two values that resources are sorted by.
    pub(crate) fn order_values(&self, a: Option<&Value>, b: Option<&Value>) -> Ordering {
        let order = match (a, b) {
            (Some(a), Some(b)) => self.by.comparison().order(a, b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        if self.descending { order.reverse() } else { order }
    }
}

impl Window {
    /// The part of a list of so many resources that a page of this size shows; `place` finds the
    /// index of the first resource that is not before a position.
    pub(crate) fn range(
        &self,
        total: usize,
        count: usize,
        place: impl Fn(&Position) -> usize,
    ) -> Range<usize> {
        if let Self::Before(position) = self {
            let end = place(position).min(total);
            return end.saturating_sub(count)..end;
        }
        let begin = match self {
            Self::Start(start) => usize::try_from(start.saturating_sub(1)).unwrap_or(usize::MAX),
            Self::After(position) => place(position),
            _ => 0,
        };
        let begin = begin.min(total);
        begin..begin.saturating_add(count).min(total)
    }
}

impl Query {
    /// The first hundred resources of a type, whole; what else is wanted is set in the fields.
    ///
    /// ```
    /// use scim_core::schema::standard;
    /// use scim_core::{Query, Window};
    ///
    /// let mut query = Query::new(&standard::user_type());
    /// query.window = Window::Start(101);
    /// assert!(query.page([]).resources.is_empty());
    /// ```
    pub fn new(on: &ResourceType) -> Self {
        let projection = Projection::new(on);
        Self { filter: None, sort: None, projection, window: Window::Start(1), count: 100 }
    }

    /// The attributes that the resources are selected and sorted by.
    pub(crate) fn targets(&self) -> impl Iterator<Item = &Target> {
        let filtered = self.filter.iter().flat_map(Predicate::targets);
        filtered.chain(self.sort.iter().map(|sort| &sort.by))
    }

    /// Answers the query from all resources of a type, in the store's own stable order: filters,
    /// sorts and cuts out the page.
    ///
    /// For stores that hold their resources in memory, and for small ones that can load them all.
    pub fn page(&self, all: impl IntoIterator<Item = Resource>) -> Page {
        let matching = all
            .into_iter()
            .filter(|resource| self.filter.as_ref().is_none_or(|filter| filter.is_match(resource.as_map())));
        if self.count == 0 {
            return Page { total: Some(matching.count() as u64), ..Page::default() };
        }
        if self.sort.is_none()
            && let Window::Start(start) = self.window
        {
            // Only the page itself needs to be kept.
            let skip = usize::try_from(start.saturating_sub(1)).unwrap_or(usize::MAX);
            let mut total = 0_usize;
            let mut resources = Vec::new();
            for resource in matching {
                if total >= skip && resources.len() < self.count {
                    resources.push(resource);
                }
                total += 1;
            }
            return Page { resources, total: Some(total as u64), ..Page::default() };
        }
        let mut all: Vec<Resource> = matching.collect();
        all.sort_by(|a, b| self.order(a, b));
        self.cut(all)
    }

    /// The order of sorted pages, and of pages by position, which is by id if there is no other: a
    /// position is good even if the resource that it was made from has gone.
    fn order(&self, a: &Resource, b: &Resource) -> Ordering {
        match &self.sort {
            Some(sort) => sort.order(a, b),
            None => a.id().cmp(b.id()),
        }
    }

    fn cut(&self, mut all: Vec<Resource>) -> Page {
        let total = all.len();
        let range = self.window.range(total, self.count, |position| self.find(&all, position));
        let cursors = !matches!(self.window, Window::Start(_));
        let at = |index: usize| all.get(index).filter(|_| cursors).map(|resource| self.position(resource));
        let next = at(range.end);
        let previous = if range.start > 0 { at(range.start) } else { None };
        all.truncate(range.end);
        let resources = all.split_off(range.start);
        Page { resources, total: Some(total as u64), next, previous }
    }

    /// A position is the sort value and the id of the resource that it stands in front of.
    pub(crate) fn position(&self, resource: &Resource) -> Position {
        let key = self.sort.as_ref().and_then(|sort| sort.value_of(resource));
        Position(serde_json::to_vec(&(key, resource.id())).unwrap_or_default())
    }

    /// A resource that sorts like the one that a position was made from.
    pub(crate) fn probe(&self, position: &Position) -> Option<Resource> {
        let (key, id): (Option<Value>, String) = serde_json::from_slice(&position.0).ok()?;
        let mut probe = Map::from_iter([("id".to_owned(), Value::from(id))]);
        if let (Some(sort), Some(key)) = (&self.sort, key) {
            sort.by.set_sort_value(&mut probe, key);
        }
        Some(Resource::new(probe))
    }

    /// The index of the first resource that is not before a position.
    fn find(&self, all: &[Resource], position: &Position) -> usize {
        let Some(probe) = self.probe(position) else { return all.len() };
        all.partition_point(|resource| self.order(resource, &probe) == Ordering::Less)
    }
}
