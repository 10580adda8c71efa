//! Threads of a service can share the public types.

use scim_patch::{
    AppliedPatch, Budget, ListChanges, ListDelta, Op, Operation, Patch, PatchError, PatchLimits, PatchRequest,
};

fn is_send_and_sync<T: Send + Sync>() {}

#[test]
fn public_types_are_send_and_sync() {
    is_send_and_sync::<(AppliedPatch, Budget, PatchLimits, ListChanges<'_>, ListDelta<'_>, Op)>();
    is_send_and_sync::<(Operation, Patch, PatchError, PatchRequest)>();
}
