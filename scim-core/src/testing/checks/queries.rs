//! Finding resources: order, pages, sorting, filters.

use std::collections::BTreeSet;

use scim_schema::{AttributeRef, Type};
use serde_json::Value;

use crate::testing::client::Client;
use crate::testing::environment::Environment;
use crate::testing::query_model;
use crate::testing::random::Random;
use crate::testing::random_filter::random_filter;
use crate::testing::reference_ids::ReferenceIds;
use crate::testing::verdict::{Verdict, ensure};

/// How many resources the queries run over.
const RESOURCES: usize = 60;
/// How many random filters are tried.
const FILTERS: usize = 400;

/// A tenant full of random resources, and those that they may refer to among them.
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
    let all = client.query(&env.tested.resource_type, &[]).await.expect(200, "a query")?;
    ensure(all.total() == Some(RESOURCES as u64), || {
        format!("the total is {:?}, not {RESOURCES}", all.total())
    })?;
    let again = client.query(&env.tested.resource_type, &[]).await;
    ensure(all.ids() == again.ids(), || "the same query came back in another order".to_owned())?;
    for resource in all.resources().iter().take(5) {
        let id = resource.get("id").and_then(Value::as_str).unwrap_or_default();
        let read = client.get(&format!("{}/{id}", env.tested.resource_type.endpoint())).await;
        ensure(read.body == *resource, || format!("a query shows {resource}, reading it {}", read.body))?;
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
        ensure(page.total() == Some(RESOURCES as u64), || "the total is that of the page".to_owned())?;
        paged.extend(page.ids());
    }
    ensure(paged == all, || "the pages are not the whole list".to_owned())?;
    let beyond = client
        .query(&env.tested.resource_type, &[("startIndex", "1000000")])
        .await
        .expect(200, "a page beyond")?;
    ensure(beyond.ids().is_empty() && beyond.total() == Some(RESOURCES as u64), || {
        "a page beyond the end".to_owned()
    })?;
    let none =
        client.query(&env.tested.resource_type, &[("count", "0")]).await.expect(200, "a page of none")?;
    ensure(none.ids().is_empty() && none.total() == Some(RESOURCES as u64), || "a page of none".to_owned())
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
            let page =
                client.query(&env.tested.resource_type, &parameters).await.expect(200, "a page by cursor")?;
            pages.push(page.ids());
            seen.extend(page.ids());
            // A deletion in between must not disturb the other pages. Resources that others refer to stay: an
            // application may refuse to delete them.
            if pages.len() == 3 {
                let gone = page.ids().into_iter().rev().find(|id| !ids.of_tested_type.contains(id));
                let path = format!("{}/{}", env.tested.resource_type.endpoint(), gone.unwrap_or_default());
                client.delete(&path).await.expect(204, "a DELETE")?;
            }
            match page.body.get("nextCursor").and_then(Value::as_str) {
                Some(next) if pages.len() < 100 => next.clone_into(&mut cursor),
                Some(_) => return Err("the pages never end".to_owned()),
                None => break,
            }
        }
        let once: BTreeSet<String> = seen.iter().cloned().collect();
        ensure(once.len() == seen.len(), || "a resource is on two pages".to_owned())?;
        ensure(once == all, || {
            format!("{} of {} resources are on no page", all.difference(&once).count(), all.len())
        })?;
        if env.single_tenant {
            client.delete_everything().await;
        }
    }
    Ok(())
}

pub(super) async fn sort(env: &Environment) -> Verdict {
    let (client, _) = fill_tenant(env, 4).await?;
    let mut by: Vec<&AttributeRef> = vec![&env.tested.name];
    by.extend(
        env.tested
            .attributes
            .iter()
            .filter(|t| t.attribute().data_type() == Type::String && !t.attribute().is_multi_valued()),
    );
    for target in by.into_iter().take(6) {
        let path = target.path().as_str();
        let fold = |resource: &Value| {
            let text = target.get(resource.as_object()?)?.as_str()?.to_owned();
            Some(if target.attribute().is_case_exact() { text } else { text.to_lowercase() })
        };
        for descending in [false, true] {
            let order = if descending { "descending" } else { "ascending" };
            let reply =
                client.query(&env.tested.resource_type, &[("sortBy", path), ("sortOrder", order)]).await;
            let reply = reply.expect(200, "a sorted query")?;
            ensure(reply.resources().len() == RESOURCES, || format!("sorting by `{path}` loses resources"))?;
            let mut keys: Vec<Option<String>> = reply.resources().iter().map(fold).collect();
            if descending {
                keys.reverse();
            }
            // None is the smallest of its type, but stands last in the ascending order.
            let ordered = keys.windows(2).all(|pair| match pair {
                [Some(a), Some(b)] => a <= b,
                [None, Some(_)] => false,
                _ => true,
            });
            ensure(ordered, || format!("not sorted by `{path}`, {order}: {keys:?}"))?;
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
            format!("`{filter}` finds {} instead of {}; wrong for {misjudged}", found.len(), expected.len())
        })?;
        ensure(reply.total() == Some(expected.len() as u64), || format!("the total of `{filter}` is wrong"))?;
    }
    Ok(())
}
