//! The checks.

mod group_projections;
mod lifecycle;
mod memberships;
mod paths;
mod queries;
mod races;
mod unknown_members;

use super::check::{Check, Requirement, Run};
use super::probe;

/// Lists checks: the name of each, what the provider must claim for it, the sentence of the contract that it
/// proves, and the function.
macro_rules! checks {
    (
        $($name:literal, $requirement:ident, $sentence:literal, $function:path;)+
        threads: $($race:literal, $claim:ident, $statement:literal, $many:path;)+
    ) => {
        pub(super) const CHECKS: &[Check] = &[
            $(Check {
                name: $name,
                sentence: $sentence,
                requirement: Requirement::$requirement,
                run: Run::Task(|env| Box::pin($function(env))),
            },)+
            $(Check {
                name: $race,
                sentence: $statement,
                requirement: Requirement::$claim,
                run: Run::Threads($many),
            },)+
        ];
    };
}

// In the order in which they run.
checks! {
    "kept", Nothing, "what a resource type has is taken, and its name is kept", probe::kept;
    "valid", Nothing, "what is returned is valid by its resource type", probe::valid;
    "elements", Nothing, "of a list every element is kept, or the request is refused", probe::elements;
    "create", Nothing, "a created resource is stored as it was sent, with an id, times and a version", lifecycle::create;
    "retrieve", Nothing, "a resource that does not exist is none, whatever the id", lifecycle::retrieve;
    "replace", Nothing, "PUT replaces what it names and clears the rest", lifecycle::replace;
    "patch", Nothing, "PATCH changes what it names and keeps the rest", lifecycle::patch;
    "atomic", Nothing, "an update that fails changes nothing", lifecycle::atomic;
    "no-op", Nothing, "a version changes exactly when the resource does", lifecycle::no_op;
    "precondition", Nothing, "an update or a deletion that expects another version is refused", lifecycle::precondition;
    "uniqueness", Nothing, "a value that must be unique is refused, in any case, on create and on update", lifecycle::uniqueness;
    "delete", Nothing, "a deleted resource is gone, its name is free, and its id is never used again", lifecycle::delete;
    "projection", Nothing, "what is asked for is returned whole, whatever else is left out", lifecycle::projection;
    "secrets", Secret, "a writeOnly value is never returned, and writing one changes the version", lifecycle::secrets;
    "hostile", Nothing, "hostile values are stored as they are or refused, and never fail the store", lifecycle::hostile;
    "tenants", Tenants, "whatever belongs to another tenant does not exist", lifecycle::tenants;
    "order", Nothing, "the order of resources is the same in every query", queries::order;
    "index paging", Nothing, "pages by index show each resource once, and the total is exact", queries::index_paging;
    "cursor paging", Cursor, "pages by position show each resource once, also when others come and go", queries::cursor_paging;
    "sort", Sort, "sorted queries are in order, those without a value last", queries::sort;
    "filter", Filter, "a filter finds exactly what it describes", queries::filter;
    "paths", FilterOrSort, "whatever is searched or sorted by, the answer is right or a refusal", paths::paths;
    "memberships", Memberships, "members are kept by value, added and removed one by one", memberships::members;
    "unknown members", Memberships, "a member that does not exist is refused, and nothing changes", unknown_members::unknown;
    "repeated members", Memberships, "adding a member that is there changes nothing, and is answered like any PATCH", group_projections::repeated;
    "listed members", Memberships, "a list shows the members that each group has", group_projections::listed;
    "left-out members", Memberships, "a version is that of the resource, whatever of it is shown", group_projections::versions;
    "groups", Memberships, "a member's groups are filled from memberships, direct and indirect", memberships::groups;
    "cascade", Memberships, "deleting a member takes it out of its groups and moves their versions", memberships::cascade;
    "circles", Memberships, "a group is never a member of itself, nor of another where groups are flat", memberships::circles;
    threads:
    "race", Nothing, "no update is lost, however many come at once", races::updates;
    "precondition race", Nothing, "of many who expect the same version at once, one gets it", races::preconditions;
    "unique race", Nothing, "of many who want the same unique value at once, one gets it", races::uniqueness;
}
