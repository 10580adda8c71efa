//! Queries as a provider gets them, and answering them in memory (RFC 7644 section 3.4.2).

use std::cmp::Ordering;

use scim_filter::Predicate;
use scim_schema::{Projection, Target};
use serde_json::Value;

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
        Self::order_keys(Some(self), a, Some(self), b).then_with(|| a.id().cmp(b.id()))
    }

    /// The order of the sort values of two resources that may be of different types, where one
    /// whose type lacks the attribute has no sort.
    pub(crate) fn order_keys(
        a_sort: Option<&Self>,
        a: &Resource,
        b_sort: Option<&Self>,
        b: &Resource,
    ) -> Ordering {
        let Some(sort) = a_sort.or(b_sort) else { return Ordering::Equal };
        let a = a_sort.and_then(|sort| sort.by.sort_value(a.as_map()));
        let b = b_sort.and_then(|sort| sort.by.sort_value(b.as_map()));
        let order = match (a, b) {
            (Some(a), Some(b)) => sort.by.comparison().order(a, b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        if sort.descending { order.reverse() } else { order }
    }
}

impl Query {
    /// Answers the query from all resources of a type, in the store's own stable order: filters,
    /// sorts and cuts out the page.
    ///
    /// For stores that hold their resources in memory, and for small ones that can load them all.
    pub fn page(&self, all: impl IntoIterator<Item = Resource>) -> Page {
        let matching = all
            .into_iter()
            .filter(|resource| self.filter.as_ref().is_none_or(|filter| filter.is_match(resource.as_map())));
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
        let clamp = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(total);
        let place = |position: &Position| self.find(&all, position);
        let begin = match &self.window {
            Window::Start(start) => clamp(start.saturating_sub(1)),
            Window::First => 0,
            Window::After(position) => place(position),
            Window::Before(position) => place(position).saturating_sub(self.count),
        };
        let end = match &self.window {
            Window::Before(position) => place(position),
            _ => begin.saturating_add(self.count).min(total),
        };
        let cursors = !matches!(self.window, Window::Start(_));
        let at = |index: usize| all.get(index).map(|resource| self.position(resource));
        let next = if cursors && end < total && end > begin { at(end) } else { None };
        let previous = if cursors && begin > 0 { at(begin) } else { None };
        all.truncate(end);
        let resources = all.split_off(begin.min(all.len()));
        Page { resources, total: Some(total as u64), next, previous }
    }

    /// A position is the sort value and the id of the resource that it stands in front of.
    fn position(&self, resource: &Resource) -> Position {
        let key = self.sort.as_ref().and_then(|sort| sort.by.sort_value(resource.as_map()));
        let id = Value::from(resource.id());
        Position(serde_json::to_vec(&(key, id)).unwrap_or_default())
    }

    /// The index of the first resource that is not before a position.
    fn find(&self, all: &[Resource], position: &Position) -> usize {
        let Ok((key, id)) = serde_json::from_slice::<(Option<Value>, String)>(&position.0) else {
            return all.len();
        };
        let mut probe = serde_json::Map::new();
        probe.insert("id".to_owned(), Value::from(id));
        if let (Some(sort), Some(key)) = (&self.sort, key) {
            sort.by.set_sort_value(&mut probe, key);
        }
        let probe = Resource::new(probe);
        all.partition_point(|resource| self.order(resource, &probe) == Ordering::Less)
    }
}
