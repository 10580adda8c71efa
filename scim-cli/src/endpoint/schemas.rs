//! The schemas of an endpoint.

use scim_client::{Client, ListQuery, RequestError, Unanswered};
use scim_core::schema::{ResourceType, Schema, SchemaError, Type};
use serde_json::Value;

use super::Kind;

/// Reads the resource type and its schemas from an endpoint (RFC 7644 section 4). If it has none, or they cannot be used, it is
/// the standard one.
pub(super) async fn read(client: &Client, kind: Kind) -> Result<ResourceType, Unanswered> {
    let schemas = resources(client, "/Schemas").await?;
    let types = resources(client, "/ResourceTypes").await?;
    let found = resource_type(kind, &types, &schemas).unwrap_or_else(|| kind.standard());
    // How long a text can be is for the endpoint to say.
    Ok(found.to_builder().max_text(usize::MAX).build().unwrap_or(found))
}

async fn resources(client: &Client, endpoint: &str) -> Result<Vec<Value>, Unanswered> {
    match ListQuery::new(endpoint).send(client).await {
        Ok(page) => Ok(page.resources),
        Err(RequestError::Unanswered(error)) => Err(error),
        Err(_) => Ok(Vec::new()),
    }
}

fn resource_type(kind: Kind, types: &[Value], schemas: &[Value]) -> Option<ResourceType> {
    let standard = kind.standard();
    let schema = |uri: &str| {
        let has_id = |schema: &&Value| text(schema, "id").is_some_and(|id| id.eq_ignore_ascii_case(uri));
        Schema::from_value(schemas.iter().find(has_id)?).ok()
    };
    let is_this_one = |entry: &&Value| {
        let last = |endpoint: &str| {
            endpoint.trim_end_matches('/').rsplit('/').next() == Some(kind.endpoint().trim_start_matches('/'))
        };
        text(entry, "endpoint").is_some_and(last)
    };
    let entry = types.iter().find(is_this_one);
    let core = entry.and_then(|entry| text(entry, "schema")).unwrap_or(standard.schema().id());
    let core = adjusted(schema(core)?, kind).ok()?;
    let mut builder = ResourceType::builder(standard.name(), kind.endpoint(), core);
    let extensions: Vec<&str> = match entry {
        Some(entry) => {
            let list = entry.get("schemaExtensions").and_then(Value::as_array);
            list.into_iter().flatten().filter_map(|extension| text(extension, "schema")).collect()
        }
        None => standard.extensions().map(|extension| extension.schema().id()).collect(),
    };
    for extension in extensions.into_iter().filter_map(schema) {
        builder = builder.extension(extension);
    }
    builder.build().ok()
}

/// Compares user names as the RFC says, for which schemas have no keyword.
fn adjusted(schema: Schema, kind: Kind) -> Result<Schema, SchemaError> {
    let is_user_name = |schema: &Schema| {
        let attribute = schema.attribute("userName");
        attribute.is_some_and(|name| name.data_type() == Type::String && !name.is_case_exact())
    };
    match kind {
        Kind::Users if is_user_name(&schema) => {
            schema.adjust("userName", |name| name.compared_as_user_name())
        }
        _ => Ok(schema),
    }
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use scim_core::schema::standard;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_schemas_of_the_endpoint_are_used() {
        let badge = "urn:example:params:scim:schemas:extension:badge:2.0:User";
        let user = json!({ "id": standard::USER, "name": "User", "attributes": [
            { "name": "userName", "type": "string" }, { "name": "badge", "type": "integer" } ] });
        let extension =
            json!({ "id": badge, "name": "Badge", "attributes": [{ "name": "tag", "type": "string" }] });
        let types = [
            json!({ "endpoint": "/Users", "schema": standard::USER, "schemaExtensions": [{ "schema": badge, "required": true }] }),
        ];
        let found = resource_type(Kind::Users, &types, &[extension, user.clone()]).unwrap();
        assert!(found.attribute("badge").is_some() && found.extension(badge).is_some());
        assert!(found.extension(standard::ENTERPRISE_USER).is_none());
        assert!(found.attribute("userName").unwrap().definition().is_compared_as_user_name());
        // Without /ResourceTypes, the enterprise extension belongs to it if the endpoint has its schema.
        let found = resource_type(Kind::Users, &[], &[user]).unwrap();
        assert_eq!(found.extensions().count(), 0);
        assert!(resource_type(Kind::Users, &types, &[]).is_none());
    }
}
