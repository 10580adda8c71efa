//! Spans and events of a request (feature `tracing`). They never contain values of attributes, tokens, ids or query
//! strings, unless a provider puts them into the source of an error. Without the feature these functions do nothing.

#[cfg(feature = "tracing")]
mod enabled {
    use std::error::Error as _;
    use std::time::Instant;

    use http::Response;
    use scim_schema::{Quirk, ResourceType, ToleratedQuirk};
    use tracing::{Instrument, Span, field};

    use crate::{Action, Error, Identity, Result, with_causes};

    /// A span for one request, and an event with its status and duration at the end.
    pub(crate) async fn request(
        method: &http::Method,
        identity: Option<&Identity>,
        work: impl Future<Output = Response<Vec<u8>>>,
    ) -> Response<Vec<u8>> {
        let tenant = identity.and_then(|identity| identity.tenant.as_deref());
        let span = tracing::info_span!("scim.request", %method, tenant, action = field::Empty, resource_type = field::Empty);
        let begun = Instant::now();
        let response = work.instrument(span.clone()).await;
        let milliseconds = begun.elapsed().as_secs_f64() * 1e3;
        tracing::info!(parent: &span, status = response.status().as_u16(), milliseconds, "finished");
        response
    }

    /// A span for one call of a provider, and an event with the source of its error, such as the database's own message.
    /// The client never sees that.
    pub(crate) async fn provider<T>(
        action: Action,
        resource_type: &ResourceType,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        Span::current().record("action", action.as_str()).record("resource_type", resource_type.name());
        let span = tracing::debug_span!(
            "scim.provider",
            action = action.as_str(),
            resource_type = resource_type.name()
        );
        let result = call.instrument(span.clone()).await;
        if let Err(error) = &result
            && let Some(source) = error.source()
        {
            let (status, source) = (error.status().as_u16(), with_causes(source));
            match status {
                500.. => tracing::error!(parent: &span, status, source, "the provider failed"),
                _ => tracing::warn!(parent: &span, status, source, "the provider refused the request"),
            }
        }
        result
    }

    /// An event with the cause of a refusal for which the client is not to blame. The client never sees it.
    pub(crate) fn refusal(error: &Error) {
        if error.status().is_server_error()
            && let Some(source) = error.source()
        {
            let (status, source) = (error.status().as_u16(), with_causes(source));
            tracing::error!(status, source, "authentication is not available");
        }
    }

    /// An event for each deviation of the client that was tolerated.
    pub(crate) fn quirks(tolerated: &[ToleratedQuirk]) {
        for tolerated in tolerated {
            let path = tolerated.path.as_str();
            let path = (!is_client_text(tolerated.quirk)).then_some(path);
            tracing::debug!(
                quirk = tolerated.quirk.name(),
                path,
                operation = tolerated.operation,
                "tolerated"
            );
        }
    }

    /// Whether the path of a quirk may be any text of the client instead of the name of an attribute.
    fn is_client_text(quirk: Quirk) -> bool {
        matches!(quirk, Quirk::UnknownAttribute | Quirk::ForeignMember | Quirk::MemberCase | Quirk::DottedKey)
    }
}

#[cfg(not(feature = "tracing"))]
mod disabled {
    use http::Response;
    use scim_schema::{ResourceType, ToleratedQuirk};

    use crate::{Action, Error, Identity, Result};

    pub(crate) fn refusal(_: &Error) {}

    pub(crate) async fn request(
        _: &http::Method,
        _: Option<&Identity>,
        work: impl Future<Output = Response<Vec<u8>>>,
    ) -> Response<Vec<u8>> {
        work.await
    }

    pub(crate) async fn provider<T>(
        _: Action,
        _: &ResourceType,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        call.await
    }

    pub(crate) fn quirks(_: &[ToleratedQuirk]) {}
}

#[cfg(not(feature = "tracing"))]
pub(crate) use disabled::{provider, quirks, refusal, request};
#[cfg(feature = "tracing")]
pub(crate) use enabled::{provider, quirks, refusal, request};
