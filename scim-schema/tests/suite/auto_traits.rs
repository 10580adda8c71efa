//! What a service shares between threads can be shared.

use scim_schema::{
    AttrPath, Attribute, Comparison, Extension, Fired, Instant, InvalidPath, Named, Operand, Projection,
    Quirk, Reading, ResourceType, ResourceTypeBuilder, Schema, SchemaError, ScimType, Target, Text,
    Tolerance, UnknownAttribute, Violation, typed,
};

fn is_send_and_sync<T: Send + Sync>() {}

#[test]
fn public_types_are_send_and_sync() {
    is_send_and_sync::<(AttrPath, Attribute, Comparison, Extension<'_>, Fired, Instant, InvalidPath)>();
    is_send_and_sync::<(Named<'_>, Operand, Projection, Quirk, Reading<'_>, ResourceType)>();
    is_send_and_sync::<(ResourceTypeBuilder, Schema, SchemaError, ScimType, Target, Text, Tolerance)>();
    is_send_and_sync::<(UnknownAttribute, Violation, typed::User, typed::Group, typed::EnterpriseUser)>();
}
