//! The checks, in the order in which they run.

use std::future::Future;
use std::pin::Pin;

use super::{Bench, Verdict, lifecycle, paths, queries, race, relations, setup, shown, unknown};

/// A check: its name, the sentence of the contract that it proves, and how.
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) sentence: &'static str,
    pub(super) run: Run,
}

pub(super) enum Run {
    Task(for<'a> fn(&'a Bench) -> Pin<Box<dyn Future<Output = Verdict> + 'a>>),
    Threads(fn(&Bench) -> Verdict),
}

/// Lists the checks, in the order in which they run.
macro_rules! checks {
    ($($name:literal, $sentence:literal, $function:path;)+ threads: $($race:literal, $claim:literal, $many:path;)+) => {
        pub(super) const CHECKS: &[Check] = &[
            $(Check { name: $name, sentence: $sentence, run: Run::Task(|bench| Box::pin($function(bench))) },)+
            $(Check { name: $race, sentence: $claim, run: Run::Threads($many) },)+
        ];
    };
}

checks! {
    "kept", "what a resource type has is taken, and its name is kept", setup::kept;
    "elements", "of a list every element is kept, or the request is refused", setup::elements;
    "create", "a created resource is stored as it was sent, with an id, times and a version", lifecycle::create;
    "retrieve", "a resource that does not exist is none, whatever the id", lifecycle::retrieve;
    "replace", "PUT replaces what it names and clears the rest", lifecycle::replace;
    "patch", "PATCH changes what it names and keeps the rest", lifecycle::patch;
    "atomic", "an update that fails changes nothing", lifecycle::atomic;
    "no-op", "a version changes exactly when the resource does", lifecycle::no_op;
    "precondition", "an update or a deletion that expects another version is refused", lifecycle::precondition;
    "uniqueness", "a value that must be unique is refused, in any case, on create and on update", lifecycle::uniqueness;
    "delete", "a deleted resource is gone, its name is free, and its id is never used again", lifecycle::delete;
    "projection", "what is asked for is returned whole, whatever else is left out", lifecycle::projection;
    "secrets", "a writeOnly value is never returned, and writing one changes the version", lifecycle::secrets;
    "hostile", "hostile values are stored as they are or refused, and never fail the store", lifecycle::hostile;
    "tenants", "whatever belongs to another tenant does not exist", lifecycle::tenants;
    "order", "the order of resources is the same in every query", queries::order;
    "index paging", "pages by index show each resource once, and the total is exact", queries::index_paging;
    "cursor paging", "pages by position show each resource once, also when others come and go", queries::cursor_paging;
    "sort", "sorted queries are in order, those without a value last", queries::sort;
    "filter", "a filter finds exactly what it describes", queries::filter;
    "paths", "whatever is searched or sorted by, the answer is right or a refusal", paths::paths;
    "memberships", "members are kept by value, added and removed one by one", relations::members;
    "unknown members", "a member that does not exist is refused, and nothing changes", unknown::members;
    "repeated members", "adding a member that is there changes nothing, and is answered like any PATCH", shown::repeated;
    "listed members", "a list shows the members that each group has", shown::listed;
    "left-out members", "a version is that of the resource, whatever of it is shown", shown::versions;
    "groups", "a member's groups are filled from memberships, direct and indirect", relations::groups;
    "cascade", "deleting a member takes it out of its groups and moves their versions", relations::cascade;
    "circles", "a group is never a member of itself, nor of another where groups are flat", relations::circles;
    threads:
    "race", "no update is lost, however many come at once", race::updates;
    "precondition race", "of many who expect the same version at once, one gets it", race::preconditions;
    "unique race", "of many who want the same unique value at once, one gets it", race::uniqueness;
}
