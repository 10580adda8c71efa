//! Public types can be sent to other threads and shared between them. Hosts rely on it, and a new private field can
//! remove it unnoticed.

use scim_core::filter::Predicate;
use scim_core::patch::{ListDelta, Patch, PatchRequest};
use scim_core::schema::{Projection, ResourceType, Schema, Tolerance};
use scim_core::{
    Access, AppliedUpdate, Authenticate, AuthenticationScheme, BaseUrl, BearerTokens, BodyBuffer, Budget,
    BuildError, Capabilities, Challenge, Context, ContextBuilder, Deleted, ETag, Error, Event, Identity, Me,
    MemoryProvider, Operation, Outcome, Page, Permit, Position, Precondition, Provider, Query, Refusal,
    Resource, ScimService, ScimServiceBuilder, Scopes, Secrets, Update, UpdateOptions, Updated,
};

fn assert_send<T: Send>(_: T) {}
fn assert_send_and_sync<T: Send + Sync>() {}

#[test]
fn public_types_are_send_and_sync() {
    macro_rules! assert_all {
        ($($name:ty),+ $(,)?) => { $(assert_send_and_sync::<$name>();)+ };
    }
    assert_all!(
        ScimService,
        ScimServiceBuilder,
        BuildError,
        Operation,
        Outcome,
        MemoryProvider,
        Box<dyn Provider>,
        Capabilities,
        Context<'_>,
        ContextBuilder,
        Identity,
        Scopes,
        Box<dyn Authenticate>,
        BearerTokens,
        Challenge,
        Refusal,
        BodyBuffer,
        BaseUrl,
        Secrets,
        Resource,
        Query,
        Page,
        Position,
        Update,
        UpdateOptions,
        Updated,
        AppliedUpdate,
        Deleted,
        Precondition,
        ETag,
        Error,
        Access<'_>,
        Permit,
        Event<'_>,
        Me,
        AuthenticationScheme,
        Budget,
        ResourceType,
        Schema,
        Projection,
        Tolerance,
        Predicate,
        Patch,
        PatchRequest,
        ListDelta<'_>,
    );
    #[cfg(feature = "tower")]
    assert_all!(scim_core::tower::Mount, scim_core::tower::ResponseBody);
    #[cfg(feature = "testing")]
    assert_all!(scim_core::testing::Report);
}

#[test]
fn the_future_of_a_request_can_be_sent_to_another_thread() {
    let builder = ScimService::builder().base_url("https://example.com");
    let service = builder.users(MemoryProvider::new()).build().unwrap();
    assert_send(service.handle(http::Request::get("/Users").body(Vec::new()).unwrap()));
}

#[test]
fn errors_can_be_boxed_and_passed_to_other_threads() {
    fn assert_error<T: std::error::Error + Send + Sync + 'static>() {}
    assert_error::<Error>();
    assert_error::<BuildError>();
}
