//! The checks, and the rules that they prove.

mod group_projections;
mod lifecycle;
mod memberships;
mod paths;
mod queries;
mod races;
mod security;
mod unknown_members;

use super::check::{Check, Requirement, Run};
use super::probe;

/// Lists checks: the name of each, what the provider must announce for it, the function, the rule that it proves, and a
/// hint for the engineer whose provider breaks the rule.
macro_rules! checks {
    (
        futures: $($name:literal, $requirement:ident, $function:path, $rule:literal, $hint:literal;)+
        threads: $($race:literal, $race_requirement:ident, $race_function:path, $race_rule:literal, $race_hint:literal;)+
    ) => {
        pub(super) const CHECKS: &[Check] = &[
            $(Check {
                name: $name,
                rule: $rule,
                hint: $hint,
                requirement: Requirement::$requirement,
                run: Run::Task(|env| Box::pin($function(env))),
            },)+
            $(Check {
                name: $race,
                rule: $race_rule,
                hint: $race_hint,
                requirement: Requirement::$race_requirement,
                run: Run::Threads($race_function),
            },)+
        ];
    };
}

// In the order in which they run.
checks! {
    futures:
    "kept", Nothing, probe::check_kept,
        "the provider accepts all values that the resource type allows, and keeps the name",
        "store every value that the resource type allows, or pass a type without it to `Suite::resource_types`; name \
         attributes that must be the id of a resource with `Suite::references`";
    "valid", Nothing, probe::valid,
        "returned resources are valid by their resource type",
        "return attributes with the names and data types that the schema declares";
    "elements", Nothing, probe::elements,
        "every element of a list is stored, or the request is refused",
        "store all elements, refuse the second one with 400, or declare the list with `Attribute::keep_only_type`";
    "create", Nothing, lifecycle::create,
        "a created resource is stored as it was sent, with an id, timestamps and a version",
        "set the id and `meta` with `Resource::stamp_new`, and store all other attributes unchanged";
    "retrieve", Nothing, lifecycle::retrieve,
        "an id that no resource has is answered with 404, whatever its form",
        "for an unknown id return `None` from `retrieve`, and `Error::not_found` from `update` and `delete`";
    "replace", Nothing, lifecycle::replace,
        "PUT replaces the resource and clears the attributes that it does not contain",
        "store the resource that `Update::apply` returns, and stamp it with `Resource::stamp_changed`";
    "patch", Nothing, lifecycle::patch,
        "PATCH changes the attributes that it names and keeps all others",
        "store the resource that `Update::apply` returns, and stamp it with `Resource::stamp_changed`";
    "atomic", Nothing, lifecycle::atomic,
        "an update that fails changes nothing",
        "apply the update to a copy, and write in one transaction";
    "no-op", Nothing, lifecycle::no_op,
        "the version changes exactly when the resource changes",
        "if `AppliedUpdate::changed` is false, write nothing and return the old version";
    "precondition", Nothing, lifecycle::precondition,
        "an update or a deletion that expects another version is refused with 412",
        "call `Precondition::check` with the stored version before anything is written";
    "uniqueness", Nothing, lifecycle::uniqueness,
        "a unique value that another resource has is refused with 409, regardless of case, on create and on update",
        "compare the values as `AttributeRef::comparison` folds them, and return `Error::uniqueness`";
    "delete", Nothing, lifecycle::delete,
        "a deleted resource is not found any more, its name is free, and its id is never used again",
        "remove the resource from the store and from all indexes, and make ids with `new_id`";
    "projection", Nothing, lifecycle::projection,
        "a projection returns the attributes that it shows unchanged, with the version of the complete resource",
        "return at least what `Projection::shows`, and never compute the version from a part of the resource";
    "secrets", Secret, security::secrets,
        "a writeOnly value is never returned, and writing one changes the version",
        "read secrets from `Context::secrets`, keep them out of the resource, and stamp the resource when one is set";
    "hostile", Nothing, security::hostile,
        "hostile values are stored unchanged or refused, and never cause an internal error",
        "bind values as parameters of a statement, and return `Error::invalid_value` for what the store cannot keep";
    "tenants", Tenants, security::tenants,
        "requests of another tenant neither see nor change a resource",
        "restrict every statement to the tenant of `Context::tenant`";
    "order", Nothing, queries::order,
        "the order of resources is the same in every query",
        "sort by a fixed key, such as a number that is assigned on creation, if the query has no `sort`";
    "index paging", Nothing, queries::index_paging,
        "pages by index show each resource once, and the total is exact",
        "return the resources of `Query::window`, and the number of all matching resources as `Page::total`";
    "cursor paging", Cursor, queries::cursor_paging,
        "pages by cursor show each resource once, even if others are created and deleted in between",
        "begin a page at the `Position` of `Query::window`, not at a number of skipped resources";
    "sort", Sort, queries::sort,
        "sorted queries are in order, with resources without a value last",
        "sort by what `AttributeRef::sort_value` returns, with missing values last if the order is ascending";
    "filter", Filter, queries::filter,
        "a filter finds exactly the resources that match it",
        "evaluate the filter as `Predicate::is_match` does";
    "paths", FilterOrSort, paths::paths,
        "a filter or an order by any attribute is answered correctly or refused",
        "evaluate filters as `Predicate::is_match` does and sort by `AttributeRef::sort_value`, or refuse the attribute \
         with `Error::invalid_filter`, or `Error::invalid_value` for `sortBy`";
    "memberships", Memberships, memberships::members,
        "members are added and removed one by one, by their `value`",
        "store what `ListDelta::changes` returns, and stamp the group only if its members change";
    "unknown members", Memberships, unknown_members::unknown,
        "a member that does not exist is refused, and nothing changes",
        "look up added members in the tenant, and return `Error::invalid_member` before anything is written";
    "repeated members", Memberships, group_projections::repeated,
        "adding a member that is already there changes nothing, and is answered like any other PATCH",
        "write nothing, and return the group with the attributes that `UpdateOptions::returning` shows";
    "listed members", Memberships, group_projections::listed,
        "a list shows the members of each group",
        "load the members of every group of a page, unless `Query::projection` hides them";
    "group versions", Memberships, group_projections::versions,
        "the version of a group does not depend on the projection",
        "return the stored version with every projection";
    "groups", Memberships, memberships::groups,
        "the groups of a resource follow from the memberships, direct and indirect",
        "derive the groups of a resource when it is read, and keep its version when a group changes";
    "cascade", Memberships, memberships::cascade,
        "deleting a member removes it from its groups and changes their versions",
        "when a resource is deleted, remove it from its groups and stamp these, in the same transaction";
    "circles", Memberships, memberships::circles,
        "a group is never a member of itself, nor of any group where groups are flat",
        "return `Error::invalid_member` for a member that is the group itself or contains it, directly or indirectly";
    threads:
    "race", Nothing, races::updates,
        "no update is lost when many are sent at the same time",
        "write only if the stored version is still the one that was read, else read and apply the update again";
    "precondition race", Nothing, races::preconditions,
        "of many simultaneous updates that expect the same version, one succeeds",
        "check the precondition and write in one step, or write only if the stored version is the expected one";
    "unique race", Nothing, races::uniqueness,
        "of many resources that are created at the same time with the same unique value, one is stored",
        "let a unique index of the store refuse the value, or check and write under one lock";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_names_every_check() {
        let documentation = include_str!("../mod.rs");
        for check in CHECKS {
            let name = format!("`{}`", check.name);
            assert!(
                documentation.contains(&name),
                "the table in the documentation of the module `testing` lacks the check {name}"
            );
        }
    }
}
