//! Queries as a provider gets them, and answering them in memory (RFC 7644 section 3.4.2).

use std::cmp::Ordering;
use std::ops::Range;

use scim_filter::Predicate;
use scim_schema::{Operand, Projection, ResourceType, Target};
use serde_json::{Map, Value};

use crate::{Context, Error, Resource, Result};

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
    /// By which attribute; never one that is derived, such as `meta.location`. Resources without it come
    /// last when ascending, first when descending; equal ones are in the order of their ids.
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
        self.order_keys(&SortKey::new(Some(self), a), &SortKey::new(Some(self), b))
    }

    /// The value that a resource is sorted by.
    pub(crate) fn value_of<'r>(&self, resource: &'r Resource) -> Option<&'r Value> {
        self.by.sort_value(resource.as_map())
    }

    /// The order of two values that resources are sorted by.
    pub(crate) fn order_values(&self, a: Option<&Value>, b: Option<&Value>) -> Ordering {
        self.order_given(&Given::new(self, a), &Given::new(self, b))
    }

    fn order_given(&self, a: &Given, b: &Given) -> Ordering {
        let order = match (a, b) {
            (Given::Value(a), Given::Value(b)) => a.order(b),
            (a, b) => a.rank().cmp(&b.rank()),
        };
        if self.descending { order.reverse() } else { order }
    }

    fn order_keys(&self, a: &SortKey, b: &SortKey) -> Ordering {
        self.order_given(&a.given, &b.given).then_with(|| a.id.cmp(&b.id))
    }
}

/// What a resource is sorted by, made ready to be compared with many others.
pub(crate) struct SortKey {
    given: Given,
    id: String,
}

/// The value that a resource is sorted by.
enum Given {
    Value(Operand),
    /// A value that is not of the attribute's type, which a store may hold.
    Unreadable,
    Absent,
}

impl Given {
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
    /// The key of a resource in an order; in that of the ids, if there is no other.
    pub(crate) fn new(sort: Option<&Sort>, resource: &Resource) -> Self {
        let given = sort.map_or(Given::Absent, |sort| Given::new(sort, sort.value_of(resource)));
        Self { given, id: resource.id().to_owned() }
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
    /// assert_eq!(query.count, 100);
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
    ///
    /// # Errors
    ///
    /// `tooMany` if it would look at more than the request's [budget](Context::budget) has left.
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
        // If nothing is sorted, only the page itself is kept.
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

    /// Whether the filter selects a resource; what it looks at is taken from the budget, and added to the
    /// visits.
    pub(crate) fn selects(&self, cx: &Context<'_>, resource: &Resource, visits: &mut usize) -> Result<bool> {
        let mut taken = 1;
        let filter = self.filter.as_ref();
        let selects = filter.is_none_or(|filter| filter.is_match_counting(resource.as_map(), &mut taken));
        *visits += taken;
        cx.budget().take(taken).map_err(|_| too_much())?;
        Ok(selects)
    }

    /// Brings the resources of the page to where they are in the order, and returns where that is; the one
    /// after the page is in its place too.
    pub(crate) fn arrange<T>(&self, cx: &Context<'_>, all: &mut [(SortKey, T)]) -> Result<Range<usize>> {
        let order = |a: &SortKey, b: &SortKey| match &self.sort {
            Some(sort) => sort.order_keys(a, b),
            // A position is good even if the resource that it was made from has gone.
            None => a.id.cmp(&b.id),
        };
        let before = |position: &Position| {
            let Some(probe) = self.probe(position) else { return all.len() };
            let probe = SortKey::new(self.sort.as_ref(), &probe);
            all.iter().filter(|(key, _)| order(key, &probe) == Ordering::Less).count()
        };
        let range = self.window.range(all.len(), self.count, before);
        cx.budget().take(all.len().saturating_mul(COMPARISONS)).map_err(|_| too_much())?;
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

    /// The positions after a page and before it, where there are resources; without cursors there are none.
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
            scim_schema::internal::set_sort_value(&sort.by, &mut probe, key);
        }
        Some(Resource::new(probe))
    }
}

/// How many comparisons it takes about, for each resource, to find those of a page.
const COMPARISONS: usize = 4;

fn too_much() -> Error {
    Error::too_many(
        "the query asks for more work than a request may; give a filter that selects fewer resources, such \
         as `userName eq` or `externalId eq`",
    )
}
