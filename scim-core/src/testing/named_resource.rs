//! A resource of the tested type with a name, which the checks of single resources change and read.

use serde_json::Value;

use super::client::{Client, Reply};
use super::environment::Environment;
use super::tested_type::NO_FREE_TEXT;
use crate::Resource;

/// The path of a resource of the tested type.
pub(super) fn path(env: &Environment, id: &str) -> String {
    format!("{}/{id}", env.tested.resource_type.endpoint())
}

/// Creates a resource with a name in a new tenant. Returns the client, the reply and the path of the resource.
pub(super) async fn create_named<'a>(
    env: &'a Environment,
    name: &str,
) -> Result<(Client<'a>, Reply, String), String> {
    let client = env.client();
    let reply =
        client.create(&env.tested.resource_type, &Value::Object(env.tested.minimal_body(name))).await?;
    let path = path(env, &reply.id());
    Ok((client, reply, path))
}

/// The path of an optional text attribute that can have any value.
///
/// # Errors
///
/// If the tested type has none, or the provider keeps none.
pub(super) fn free_text_path(env: &Environment) -> Result<String, String> {
    let texts = env.tested.free_texts();
    texts.first().map(|text| text.path().to_string()).ok_or_else(|| NO_FREE_TEXT.to_owned())
}

/// Reads a response body as a resource, so that attributes can be found by their paths.
pub(super) fn parse_resource(body: &Value) -> Result<Resource, String> {
    Resource::try_from(body.clone())
        .map_err(|error| format!("got a body that is no resource: {error}: {body}"))
}
