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
    "kept", Nothing, "values that the resource type allows are accepted, and the name is kept", probe::kept;
    "valid", Nothing, "what is returned is valid by its resource type", probe::valid;
    "elements", Nothing, "every element of a list is kept, or the request is refused", probe::elements;
    "create", Nothing, "a created resource is stored as it was sent, with an id, times and a version", lifecycle::create;
    "retrieve", Nothing, "an id that no resource has is answered with 404, whatever its form", lifecycle::retrieve;
    "replace", Nothing, "PUT replaces what it names and clears the rest", lifecycle::replace;
    "patch", Nothing, "PATCH changes what it names and keeps the rest", lifecycle::patch;
    "atomic", Nothing, "an update that fails changes nothing", lifecycle::atomic;
    "no-op", Nothing, "a version changes exactly when the resource does", lifecycle::no_op;
    "precondition", Nothing, "an update or a deletion that expects another version is refused", lifecycle::precondition;
    "uniqueness", Nothing, "a value that must be unique is refused, in any case, on create and on update", lifecycle::uniqueness;
    "delete", Nothing, "a deleted resource is gone, its name is free, and its id is never used again", lifecycle::delete;
    "projection", Nothing, "attributes that are asked for are returned unchanged, whatever else is left out", lifecycle::projection;
    "secrets", Secret, "a writeOnly value is never returned, and writing one changes the version", lifecycle::secrets;
    "hostile", Nothing, "hostile values are stored as they are or refused, and never cause an internal error", lifecycle::hostile;
    "tenants", Tenants, "requests of another tenant neither see nor change a resource", lifecycle::tenants;
    "order", Nothing, "the order of resources is the same in every query", queries::order;
    "index paging", Nothing, "pages by index show each resource once, and the total is exact", queries::index_paging;
    "cursor paging", Cursor, "pages by cursor show each resource once, also when others are created and deleted in between", queries::cursor_paging;
    "sort", Sort, "sorted queries are in order, with resources that have no value last", queries::sort;
    "filter", Filter, "a filter finds exactly the resources that match it", queries::filter;
    "paths", FilterOrSort, "a filter or an order by any attribute is answered correctly or refused", paths::paths;
    "memberships", Memberships, "members are added and removed one by one, by their `value`", memberships::members;
    "unknown members", Memberships, "a member that does not exist is refused, and nothing changes", unknown_members::unknown;
    "repeated members", Memberships, "adding a member that is there already changes nothing, and is answered like any PATCH", group_projections::repeated;
    "listed members", Memberships, "a list shows the members of each group", group_projections::listed;
    "left-out members", Memberships, "the version of a group is the same whatever is shown of it", group_projections::versions;
    "groups", Memberships, "a member's groups follow from the memberships, direct and indirect", memberships::groups;
    "cascade", Memberships, "deleting a member takes it out of its groups and changes their versions", memberships::cascade;
    "circles", Memberships, "a group is never a member of itself, nor of another where groups are flat", memberships::circles;
    threads:
    "race", Nothing, "no update is lost when many come at the same time", races::updates;
    "precondition race", Nothing, "of many updates at the same time that expect the same version, one succeeds", races::preconditions;
    "unique race", Nothing, "of many resources that are created at the same time with the same unique value, one is", races::uniqueness;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_names_every_check() {
        let documentation = include_str!("../mod.rs");
        for check in CHECKS {
            let name = format!("`{}`", check.name);
            assert!(documentation.contains(&name), "{name} is not in the table of the checks");
        }
    }
}
