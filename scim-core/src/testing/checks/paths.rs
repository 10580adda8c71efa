//! The check `paths`: a filter or an order by any attribute of any type is answered correctly, or refused.

use std::collections::BTreeSet;

use scim_filter::{CompareOp, Filter, Literal};
use scim_schema::{AttrPath, AttributeRef, ResourceType, Returned, Type};
use serde_json::Value;

use crate::testing::client::{Client, Reply};
use crate::testing::environment::Environment;
use crate::testing::query_model;
use crate::testing::sample_resources::{sample_resource, simple_value};
use crate::testing::verdict::{Verdict, ensure};

/// The parameter for responses with ids only, which is all that this check compares.
const ONLY_ID: (&str, &str) = ("attributes", "id");
/// The number of resources of each type. The first one has a value in every attribute.
const RESOURCES: usize = 8;

pub(super) async fn paths(env: &Environment) -> Verdict {
    let client = env.client();
    let mut created: Vec<(String, String)> = Vec::new();
    for resource_type in &env.resource_types {
        for number in 0..RESOURCES {
            let body = sample_resource(env, resource_type, number, &created);
            created.push((resource_type.name().to_owned(), client.create(resource_type, &body).await?.id()));
        }
    }
    for resource_type in &env.resource_types {
        let all = client.query(resource_type, &[]).await.expect(200, "query of all resources")?;
        for attribute in resource_type.all_attributes() {
            for target in attribute.self_and_sub_attributes() {
                let is_shown = [attribute, target]
                    .iter()
                    .all(|part| matches!(part.definition().returned(), Returned::Default | Returned::Always));
                if is_shown {
                    check_path(env, &client, resource_type, (attribute, target), all.resources()).await?;
                }
            }
        }
    }
    Ok(())
}

/// Filters and sorts by one path.
async fn check_path(
    env: &Environment,
    client: &Client<'_>,
    resource_type: &ResourceType,
    (attribute, target): (&AttributeRef, &AttributeRef),
    all: &[Value],
) -> Verdict {
    if env.capabilities.filter() {
        for filter in filters(env, attribute, target, all) {
            let reply = client.query(resource_type, &[("filter", &filter.to_string()), ONLY_ID]).await;
            if is_refused(&reply, "invalidFilter") {
                continue;
            }
            let reply = reply.expect(200, &format!("the filter `{filter}`"))?;
            let matching =
                all.iter().filter(|resource| query_model::matches(resource_type, &filter, resource));
            let expected: BTreeSet<String> = matching.filter_map(id).collect();
            let found: BTreeSet<String> = reply.ids().into_iter().collect();
            ensure(found == expected && reply.total() == Some(expected.len() as u64), || {
                let (name, found, total) = (resource_type.name(), found.len(), reply.total());
                format!(
                    "sent the filter `{filter}` for the type {name}, expected {} resources, got {found} and \
                     totalResults {total:?}",
                    expected.len()
                )
            })?;
        }
    }
    if env.capabilities.sort() {
        for (descending, order) in [(false, "ascending"), (true, "descending")] {
            let path = target.path();
            let reply = client
                .query(resource_type, &[("sortBy", path.as_str()), ("sortOrder", order), ONLY_ID])
                .await;
            if is_refused(&reply, "invalidValue") {
                continue;
            }
            let reply = reply.expect(200, &format!("query with sortBy={path}"))?;
            let (found, expected) = (reply.ids(), query_model::sorted(resource_type, path, descending, all));
            ensure(found == expected, || {
                let name = resource_type.name();
                format!(
                    "sent sortBy={path} and sortOrder={order} for the type {name}, expected the order {expected:?}, \
                     got {found:?}"
                )
            })?;
        }
    }
    Ok(())
}

fn is_refused(reply: &Reply, scim_type: &str) -> bool {
    reply.status == 400 && reply.body.get("scimType").and_then(Value::as_str) == Some(scim_type)
}

fn id(resource: &Value) -> Option<String> {
    Some(resource.get("id")?.as_str()?.to_owned())
}

/// Filters by one path: directly, and in brackets after the attribute.
fn filters(env: &Environment, attribute: &AttributeRef, target: &AttributeRef, all: &[Value]) -> Vec<Filter> {
    let mut filters = comparisons(env, target, target.path(), all);
    if target != attribute
        && let Ok(sub) = AttrPath::parse(target.definition().name())
    {
        let in_brackets =
            |filter| Filter::Complex { path: attribute.path().clone(), filter: Box::new(filter) };
        filters.extend(comparisons(env, target, &sub, all).into_iter().map(in_brackets));
    }
    filters
}

/// Filters by one attribute or sub-attribute, with values that some resources have.
fn comparisons(env: &Environment, target: &AttributeRef, path: &AttrPath, all: &[Value]) -> Vec<Filter> {
    use CompareOp::{Co, Eq, Ew, Gt, Le, Ne, Sw};
    let compare = |op, value| Filter::Compare { path: path.clone(), op, value };
    let mut filters = vec![Filter::Present(path.clone())];
    if target.is_complex() {
        return filters;
    }
    filters.push(compare(Eq, Literal::Null));
    filters.push(compare(Ne, Literal::Null));
    let definition = target.definition();
    let mut literals = vec![simple_value(env, definition, 1)];
    let present = all.iter().filter_map(Value::as_object).flat_map(|resource| target.values(resource));
    let present: Vec<&Value> = present.filter(|value| !value.is_array()).collect();
    literals
        .extend([present.first(), present.get(present.len() / 2)].into_iter().flatten().copied().cloned());
    for value in literals {
        let Some(literal) = literal(&value) else { continue };
        filters.push(compare(Eq, literal.clone()));
        filters.push(compare(Ne, literal.clone()));
        filters.push(Filter::Not(Box::new(compare(Eq, literal.clone()))));
        if definition.data_type() != Type::Boolean {
            filters.push(compare(Gt, literal.clone()));
            filters.push(compare(Le, literal.clone()));
        }
        if let Literal::String(text) = &literal {
            let piece = |skip, take| Literal::String(text.chars().skip(skip).take(take).collect());
            filters.push(compare(Co, piece(1, 3)));
            filters.push(compare(Sw, piece(0, 2)));
            filters.push(compare(Ew, piece(text.chars().count().saturating_sub(2), 2)));
        }
    }
    filters
}

fn literal(value: &Value) -> Option<Literal> {
    match value {
        Value::Bool(flag) => Some(Literal::Bool(*flag)),
        Value::Number(number) => Some(Literal::Number(number.clone())),
        Value::String(text) => Some(Literal::String(text.as_str().into())),
        _ => None,
    }
}
