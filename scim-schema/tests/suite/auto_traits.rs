//! The public types can be shared between threads.

use scim_schema::{
    AttrPath, Attribute, AttributeRef, Comparison, Extension, Instant, InvalidPath, Operand, Projection,
    Quirk, ReadContext, ResolvedName, ResourceType, ResourceTypeBuilder, Schema, SchemaError, ScimType, Text,
    Tolerance, ToleratedQuirk, UnknownAttribute, Violation, typed,
};

fn is_send_and_sync<T: Send + Sync>() {}

#[test]
fn public_types_are_send_and_sync() {
    is_send_and_sync::<(AttrPath, Attribute, Comparison, Extension<'_>, ToleratedQuirk, Instant, InvalidPath)>(
    );
    is_send_and_sync::<(ResolvedName<'_>, Operand, Projection, Quirk, ReadContext<'_>, ResourceType)>();
    is_send_and_sync::<(ResourceTypeBuilder, Schema, SchemaError, ScimType, AttributeRef, Text, Tolerance)>();
    is_send_and_sync::<(UnknownAttribute, Violation, typed::User, typed::Group, typed::EnterpriseUser)>();
}
