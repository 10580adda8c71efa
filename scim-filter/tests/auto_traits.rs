//! What a service shares between threads can be shared.

use scim_filter::{
    Budget, BudgetExhausted, CompareOp, Filter, FilterLimits, Literal, ParseError, ParseErrorKind, PatchPath,
    Predicate, ResolveError, ResolveErrorKind,
};

fn is_send_and_sync<T: Send + Sync>() {}

#[test]
fn public_types_are_send_and_sync() {
    is_send_and_sync::<(
        Budget,
        CompareOp,
        BudgetExhausted,
        Filter,
        FilterLimits,
        Literal,
        PatchPath,
        Predicate,
    )>();
    is_send_and_sync::<(ParseError, ParseErrorKind, ResolveError, ResolveErrorKind)>();
}
