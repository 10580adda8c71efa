//! Checks of queries: order, pages, sorting and filters.

use std::collections::BTreeSet;

use scim_schema::{AttributeRef, Type};
use serde_json::Value;

use crate::testing::client::{Client, Reply};
use crate::testing::environment::Environment;
use crate::testing::query_model;
use crate::testing::random::Random;
use crate::testing::random_filter::random_filter;
use crate::testing::reference_ids::ReferenceIds;
use crate::testing::verdict::{Verdict, ensure};

/// The number of resources in the tenant that is queried.
const RESOURCES: usize = 60;
/// The number of random filters.
const FILTERS: usize = 400;

/// Creates a tenant with random resources. The ids are those of the resources that others refer to.
async fn fill_tenant<'a>(env: &'a Environment, seed: u64) -> Result<(Client<'a>, ReferenceIds), String> {
    let client = env.client();
    let ids = env.create_referenced(&client).await?;
    let mut random = Random::new(seed);
    for number in ids.of_tested_type.len()..RESOURCES {
        let body = env.tested.random_body(&ids, &mut random, number);
        client.create(&env.tested.resource_type, &Value::Object(body)).await?;
    }
    Ok((client, ids))
}

pub(super) async fn order(env: &Environment) -> Verdict {
    let (client, _) = fill_tenant(env, 1).await?;
    let all = client.query(&env.tested.resource_type, &[]).await.expect(200, "query of all resources")?;
    ensure(all.total() == Some(RESOURCES as u64), || {
        format!("sent a query of all resources, expected totalResults {RESOURCES}, got {:?}", all.total())
    })?;
    let second = client.query(&env.tested.resource_type, &[]).await;
    ensure(all.ids() == second.ids(), || {
        format!("sent the same query twice, expected the same order {:?}, got {:?}", all.ids(), second.ids())
    })?;
    for resource in all.resources().iter().take(5) {
        let id = resource.get("id").and_then(Value::as_str).unwrap_or_default();
        let read = client.get(&format!("{}/{id}", env.tested.resource_type.endpoint())).await;
        ensure(read.body == *resource, || {
            format!("sent GET of a resource, expected it as in the list {resource}, got {}", read.body)
        })?;
    }
    Ok(())
}

pub(super) async fn index_paging(env: &Environment) -> Verdict {
    let (client, _) = fill_tenant(env, 2).await?;
    let all = client.query(&env.tested.resource_type, &[]).await.ids();
    let mut paged = Vec::new();
    for start in (1..=RESOURCES).step_by(7) {
        let page = client
            .query(&env.tested.resource_type, &[("startIndex", &start.to_string()), ("count", "7")])
            .await;
        ensure(page.total() == Some(RESOURCES as u64), || {
            format!(
                "sent startIndex={start} and count=7, expected totalResults {RESOURCES}, got {:?}",
                page.total()
            )
        })?;
        paged.extend(page.ids());
    }
    ensure(paged == all, || {
        format!("read all pages of 7 resources, expected the ids {all:?}, got {paged:?}")
    })?;
    let beyond = client
        .query(&env.tested.resource_type, &[("startIndex", "1000000")])
        .await
        .expect(200, "query with startIndex=1000000")?;
    ensure_empty_page(&beyond, "startIndex=1000000")?;
    let none =
        client.query(&env.tested.resource_type, &[("count", "0")]).await.expect(200, "query with count=0")?;
    ensure_empty_page(&none, "count=0")
}

/// Fails unless a page has no resources, and the total of all.
fn ensure_empty_page(page: &Reply, sent: &str) -> Verdict {
    ensure(page.ids().is_empty() && page.total() == Some(RESOURCES as u64), || {
        format!("sent {sent}, expected no resources and totalResults {RESOURCES}, got {}", page.body)
    })
}

pub(super) async fn cursor_paging(env: &Environment) -> Verdict {
    let sorts: &[Option<&str>] = if env.capabilities.sort() { &[None, Some("name")] } else { &[None] };
    for sort in sorts {
        let (client, ids) = fill_tenant(env, 3).await?;
        let sort = sort.map(|_| env.tested.name.path().as_str());
        let all: BTreeSet<String> =
            client.query(&env.tested.resource_type, &[]).await.ids().into_iter().collect();
        let (mut seen, mut pages, mut cursor) = (Vec::new(), Vec::new(), String::new());
        loop {
            let mut parameters = vec![("cursor", cursor.as_str()), ("count", "7")];
            parameters.extend(sort.map(|by| ("sortBy", by)));
            let page = client
                .query(&env.tested.resource_type, &parameters)
                .await
                .expect(200, "query with `cursor`")?;
            pages.push(page.ids());
            seen.extend(page.ids());
            // The other pages must not change if a resource is deleted in between. This deletes none that others
            // refer to, since an application may refuse that.
            if pages.len() == 3 {
                let id = page.ids().into_iter().rev().find(|id| !ids.of_tested_type.contains(id));
                let path = format!("{}/{}", env.tested.resource_type.endpoint(), id.unwrap_or_default());
                client.delete(&path).await.expect(204, "DELETE")?;
            }
            match page.body.get("nextCursor").and_then(Value::as_str) {
                Some(next) if pages.len() < 100 => next.clone_into(&mut cursor),
                Some(_) => {
                    return Err(format!(
                        "followed nextCursor, expected about {} pages, got more than 100",
                        RESOURCES / 7 + 1
                    ));
                }
                None => break,
            }
        }
        let distinct: BTreeSet<String> = seen.iter().cloned().collect();
        ensure(distinct.len() == seen.len(), || {
            format!("followed nextCursor, expected each resource once, got some on two pages: {pages:?}")
        })?;
        ensure(distinct == all, || {
            let missing: Vec<&String> = all.difference(&distinct).collect();
            format!("followed nextCursor, expected {} resources, got all but {missing:?}", all.len())
        })?;
        if env.single_tenant {
            client.delete_all().await;
        }
    }
    Ok(())
}

pub(super) async fn sort(env: &Environment) -> Verdict {
    let (client, _) = fill_tenant(env, 4).await?;
    let mut attributes: Vec<&AttributeRef> = vec![&env.tested.name];
    attributes.extend(
        env.tested
            .attributes
            .iter()
            .filter(|t| t.attribute().data_type() == Type::String && !t.attribute().is_multi_valued()),
    );
    for target in attributes.into_iter().take(6) {
        let path = target.path().as_str();
        let fold = |resource: &Value| {
            let text = target.get(resource.as_object()?)?.as_str()?.to_owned();
            Some(if target.attribute().is_case_exact() { text } else { text.to_lowercase() })
        };
        for descending in [false, true] {
            let order = if descending { "descending" } else { "ascending" };
            let reply =
                client.query(&env.tested.resource_type, &[("sortBy", path), ("sortOrder", order)]).await;
            let reply = reply.expect(200, &format!("query with sortBy={path}"))?;
            ensure(reply.resources().len() == RESOURCES, || {
                let count = reply.resources().len();
                format!("sent sortBy={path}, expected {RESOURCES} resources, got {count}")
            })?;
            let mut keys: Vec<Option<String>> = reply.resources().iter().map(fold).collect();
            if descending {
                keys.reverse();
            }
            // Resources without a value come last in the ascending order.
            let is_sorted = keys.windows(2).all(|pair| match pair {
                [Some(a), Some(b)] => a <= b,
                [None, Some(_)] => false,
                _ => true,
            });
            ensure(is_sorted, || {
                format!("sent sortBy={path} and sortOrder={order}, expected sorted values, got {keys:?}")
            })?;
        }
    }
    Ok(())
}

pub(super) async fn filter(env: &Environment) -> Verdict {
    let (client, ids) = fill_tenant(env, 5).await?;
    let all = client.query(&env.tested.resource_type, &[]).await;
    let mut random = Random::new(6);
    for _ in 0..FILTERS {
        let filter = random_filter(&env.tested, &ids, &mut random, 3);
        let reply = client.query(&env.tested.resource_type, &[("filter", &filter.to_string())]).await;
        let reply = reply.expect(200, &format!("the filter `{filter}`"))?;
        let matching = all
            .resources()
            .iter()
            .filter(|resource| query_model::matches(&env.tested.resource_type, &filter, resource));
        let expected: BTreeSet<&str> = matching.filter_map(|r| r.get("id").and_then(Value::as_str)).collect();
        let found = reply.ids();
        let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
        ensure(found == expected, || {
            let misjudged = all.resources().iter().find(|r| {
                let id = r.get("id").and_then(Value::as_str).unwrap_or_default();
                found.contains(id) != expected.contains(id)
            });
            let misjudged = misjudged.map(Value::to_string).unwrap_or_default();
            format!(
                "sent the filter `{filter}`, expected {} resources, got {}; one that differs is {misjudged}",
                expected.len(),
                found.len()
            )
        })?;
        ensure(reply.total() == Some(expected.len() as u64), || {
            format!(
                "sent the filter `{filter}`, expected totalResults {}, got {:?}",
                expected.len(),
                reply.total()
            )
        })?;
    }
    Ok(())
}
