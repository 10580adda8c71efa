//! Providers that answer filters or sorting by one attribute incorrectly, and the check `paths`, which finds it.

use scim_core::testing::Suite;
use scim_core::{Context, Error, MemoryProvider, Page, Provider, Query, Result, async_trait};

use crate::overriding::{Overrides, Overriding};

/// The memory provider with a fault in queries by one attribute.
struct FaultyQueries {
    inner: MemoryProvider,
    path: &'static str,
    fault: QueryFault,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum QueryFault {
    /// The filter finds nothing.
    FindsNothing,
    /// The filter finds all resources.
    FindsAll,
    /// The filter is refused with the wrong error.
    RefusesWithAnotherError,
    /// The filter is refused with the right error, which is allowed.
    Refuses,
    /// The order is reversed.
    Reverses,
    /// Resources with equal values are not sorted by their ids.
    SwapsEqual,
    /// Sorting is refused with the error for filters.
    RefusesSortAsFilter,
    /// Sorting is refused with the right error, which is allowed.
    RefusesSort,
}

#[async_trait]
impl Overrides for FaultyQueries {
    fn inner(&self) -> &dyn Provider {
        &self.inner
    }

    async fn query(&self, cx: &Context<'_>, query: &Query) -> Result<Page> {
        let filtered = query
            .filter
            .as_ref()
            .is_some_and(|filter| filter.targets().any(|target| target.path().as_str() == self.path));
        let sorted = query.sort.as_ref().is_some_and(|sort| sort.by.path().as_str() == self.path);
        let mut query = query.clone();
        match self.fault {
            QueryFault::FindsNothing if filtered => return Ok(Page { total: Some(0), ..Page::default() }),
            QueryFault::FindsAll if filtered => query.filter = None,
            QueryFault::RefusesWithAnotherError if filtered => return Err(Error::invalid_syntax("what?")),
            QueryFault::Refuses if filtered => return Err(Error::invalid_filter("no")),
            QueryFault::Reverses if sorted => query.sort.as_mut().unwrap().descending ^= true,
            QueryFault::RefusesSortAsFilter if sorted => return Err(Error::invalid_filter("no")),
            QueryFault::RefusesSort if sorted => return Err(Error::invalid_value("sortBy", "no")),
            _ => {}
        }
        let mut page = self.inner.query(cx, &query).await?;
        if sorted && self.fault == QueryFault::SwapsEqual {
            let by = query.sort.unwrap().by;
            for index in 1..page.resources.len() {
                let value = |index: usize| by.sort_value(page.resources.get(index).unwrap().as_map());
                if value(index - 1) == value(index) {
                    page.resources.swap(index - 1, index);
                }
            }
        }
        Ok(page)
    }
}

#[test]
fn a_query_fault_with_a_single_attribute_fails_the_check_paths() {
    let manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value";
    let report = |fault, path| {
        let provider = FaultyQueries { inner: MemoryProvider::new(), path, fault };
        Suite::new(Overriding(provider)).only(["paths"]).report()
    };
    for (fault, path) in [
        (QueryFault::FindsNothing, "emails.type"),
        (QueryFault::FindsNothing, "emails.primary"),
        (QueryFault::FindsNothing, "x509Certificates.value"),
        (QueryFault::FindsAll, "meta.created"),
        (QueryFault::FindsAll, manager),
        (QueryFault::RefusesWithAnotherError, "title"),
        (QueryFault::Reverses, "emails.primary"),
        (QueryFault::Reverses, "groups.value"),
        (QueryFault::Reverses, "members.value"),
        (QueryFault::Reverses, manager),
        (QueryFault::SwapsEqual, "active"),
        (QueryFault::SwapsEqual, "groups.type"),
        (QueryFault::RefusesSortAsFilter, "nickName"),
    ] {
        let report = report(fault, path);
        assert_eq!(report.failed.len(), 1, "{fault:?} at `{path}`: {report}");
    }
    for (fault, path) in [(QueryFault::Refuses, "emails.type"), (QueryFault::RefusesSort, "groups.value")] {
        let report = report(fault, path);
        assert_eq!(report.passed, ["paths"], "{fault:?} at `{path}`: {report}");
    }
}
