//! What a service shares between threads can be shared.

use scim_patch::{
    Applied, Budget, ListChanges, ListDelta, Op, Operation, Patch, PatchError, PatchLimits, PatchRequest,
};

fn is_send_and_sync<T: Send + Sync>() {}

#[test]
fn public_types_are_send_and_sync() {
    is_send_and_sync::<(Applied, Budget, PatchLimits, ListChanges<'_>, ListDelta<'_>, Op)>();
    is_send_and_sync::<(Operation, Patch, PatchError, PatchRequest)>();
}
