//! Finding resources: order, pages, sorting, filters.

use std::collections::BTreeSet;

use scim_filter::{CompareOp, Filter, Literal};
use scim_schema::{AttrPath, Target, Type};
use serde_json::Value;

use super::client::Client;
use super::lifecycle::ensure;
use super::random::Random;
use super::reference;
use super::values::{Ids, is_simple};
use super::{Bench, Verdict};

/// How many resources the queries run over.
const RESOURCES: usize = 60;
/// How many random filters are tried.
const FILTERS: usize = 400;

/// A tenant full of random resources, and those that they may refer to among them.
async fn fill<'a>(bench: &'a Bench, seed: u64) -> Result<(Client<'a>, Ids), String> {
    let client = bench.client();
    let ids = bench.referees(&client).await?;
    let mut random = Random::new(seed);
    for number in ids.of_first.len()..RESOURCES {
        let body = bench.shape.random(&ids, &mut random, number);
        client.create(&bench.shape.on, &Value::Object(body)).await?;
    }
    Ok((client, ids))
}

pub(super) async fn order(bench: &Bench) -> Verdict {
    let (client, _) = fill(bench, 1).await?;
    let all = client.query(&bench.shape.on, &[]).await.expect(200, "a query")?;
    ensure(all.total() == Some(RESOURCES as u64), || {
        format!("the total is {:?}, not {RESOURCES}", all.total())
    })?;
    let again = client.query(&bench.shape.on, &[]).await;
    ensure(all.ids() == again.ids(), || "the same query came back in another order".to_owned())?;
    for resource in all.resources().iter().take(5) {
        let id = resource.get("id").and_then(Value::as_str).unwrap_or_default();
        let read = client.get(&format!("{}/{id}", bench.shape.on.endpoint())).await;
        ensure(read.body == *resource, || format!("a query shows {resource}, reading it {}", read.body))?;
    }
    Ok(())
}

pub(super) async fn index_paging(bench: &Bench) -> Verdict {
    let (client, _) = fill(bench, 2).await?;
    let all = client.query(&bench.shape.on, &[]).await.ids();
    let mut paged = Vec::new();
    for start in (1..=RESOURCES).step_by(7) {
        let page = client.query(&bench.shape.on, &[("startIndex", &start.to_string()), ("count", "7")]).await;
        ensure(page.total() == Some(RESOURCES as u64), || "the total is that of the page".to_owned())?;
        paged.extend(page.ids());
    }
    ensure(paged == all, || "the pages are not the whole list".to_owned())?;
    let beyond =
        client.query(&bench.shape.on, &[("startIndex", "1000000")]).await.expect(200, "a page beyond")?;
    ensure(beyond.ids().is_empty() && beyond.total() == Some(RESOURCES as u64), || {
        "a page beyond the end".to_owned()
    })?;
    let none = client.query(&bench.shape.on, &[("count", "0")]).await.expect(200, "a page of none")?;
    ensure(none.ids().is_empty() && none.total() == Some(RESOURCES as u64), || "a page of none".to_owned())
}

pub(super) async fn cursor_paging(bench: &Bench) -> Verdict {
    let sorts: &[Option<&str>] = if bench.capabilities.sort() { &[None, Some("name")] } else { &[None] };
    for sort in sorts {
        let (client, ids) = fill(bench, 3).await?;
        let sort = sort.map(|_| bench.shape.name.path().as_str());
        let all: BTreeSet<String> = client.query(&bench.shape.on, &[]).await.ids().into_iter().collect();
        let (mut seen, mut pages, mut cursor) = (Vec::new(), Vec::new(), String::new());
        loop {
            let mut parameters = vec![("cursor", cursor.as_str()), ("count", "7")];
            parameters.extend(sort.map(|by| ("sortBy", by)));
            let page = client.query(&bench.shape.on, &parameters).await.expect(200, "a page by cursor")?;
            pages.push(page.ids());
            seen.extend(page.ids());
            // What is deleted and created in between must not disturb the others. What others refer to
            // an application may want to keep.
            if pages.len() == 3 {
                let gone = page.ids().into_iter().rev().find(|id| !ids.of_first.contains(id));
                let path = format!("{}/{}", bench.shape.on.endpoint(), gone.unwrap_or_default());
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
        if bench.single_tenant {
            client.delete_everything().await;
        }
    }
    Ok(())
}

pub(super) async fn sort(bench: &Bench) -> Verdict {
    let (client, _) = fill(bench, 4).await?;
    let mut by: Vec<&Target> = vec![&bench.shape.name];
    by.extend(
        bench
            .shape
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
            let reply = client.query(&bench.shape.on, &[("sortBy", path), ("sortOrder", order)]).await;
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

pub(super) async fn filter(bench: &Bench) -> Verdict {
    let (client, ids) = fill(bench, 5).await?;
    let all = client.query(&bench.shape.on, &[]).await;
    let mut random = Random::new(6);
    for _ in 0..FILTERS {
        let filter = random_filter(bench, &ids, &mut random, 3);
        let reply = client.query(&bench.shape.on, &[("filter", &filter.to_string())]).await;
        let reply = reply.expect(200, &format!("the filter `{filter}`"))?;
        let matching =
            all.resources().iter().filter(|resource| reference::matches(&bench.shape.on, &filter, resource));
        let expected: BTreeSet<&str> = matching.filter_map(|r| r.get("id").and_then(Value::as_str)).collect();
        let found = reply.ids();
        let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
        ensure(found == expected, || {
            let wrong = all.resources().iter().find(|r| {
                let id = r.get("id").and_then(Value::as_str).unwrap_or_default();
                found.contains(id) != expected.contains(id)
            });
            let wrong = wrong.map(Value::to_string).unwrap_or_default();
            format!("`{filter}` finds {} instead of {}; wrong for {wrong}", found.len(), expected.len())
        })?;
        ensure(reply.total() == Some(expected.len() as u64), || format!("the total of `{filter}` is wrong"))?;
    }
    Ok(())
}

/// A filter over the attributes that the random resources have.
fn random_filter(bench: &Bench, ids: &Ids, random: &mut Random, depth: usize) -> Filter {
    if depth > 0 && random.one_in(3) {
        let mut terms = || {
            vec![random_filter(bench, ids, random, depth - 1), random_filter(bench, ids, random, depth - 1)]
        };
        let terms = terms();
        return match random.below(3) {
            0 => flat(terms, true),
            1 => flat(terms, false),
            _ => Filter::Not(Box::new(flat(terms, random.one_in(2)))),
        };
    }
    let all = std::iter::once(&bench.shape.name).chain(&bench.shape.attributes);
    let all: Vec<&Target> = all.collect();
    let Some(target) = random.pick(&all).copied() else {
        return Filter::Present(bench.shape.name.path().clone());
    };
    if !target.is_complex() {
        return leaf(bench, ids, target, target.path().clone(), random);
    }
    let subs: Vec<&Target> = target.sub_attributes().iter().filter(|sub| is_simple(sub)).collect();
    if target.attribute().is_multi_valued() && random.one_in(2) {
        let mut inside = Vec::new();
        for _ in 0..=random.below(2) {
            if let Some(sub) = random.pick(&subs)
                && let Ok(path) = AttrPath::parse(sub.definition().name())
            {
                inside.push(leaf(bench, ids, sub, path, random));
            }
        }
        let filter = Box::new(flat(inside, random.one_in(2)));
        return Filter::Complex { path: target.path().clone(), filter };
    }
    match random.pick(&subs) {
        Some(sub) if !random.one_in(8) => leaf(bench, ids, sub, sub.path().clone(), random),
        _ => Filter::Present(target.path().clone()),
    }
}

/// A conjunction or disjunction, without one of its kind directly inside.
fn flat(terms: Vec<Filter>, and: bool) -> Filter {
    let mut all = Vec::new();
    for term in terms {
        match term {
            Filter::And(inner) if and => all.extend(inner),
            Filter::Or(inner) if !and => all.extend(inner),
            term => all.push(term),
        }
    }
    match all.len() {
        1 => all.remove(0),
        _ if and => Filter::And(all),
        _ => Filter::Or(all),
    }
}

fn leaf(bench: &Bench, ids: &Ids, target: &Target, path: AttrPath, random: &mut Random) -> Filter {
    use CompareOp::{Co, Eq, Ew, Ge, Gt, Le, Lt, Ne, Sw};
    if random.one_in(6) {
        return Filter::Present(path);
    }
    if target.definition().data_type() == Type::Boolean {
        let op = if random.one_in(2) { Eq } else { Ne };
        return Filter::Compare { path, op, value: Literal::Bool(random.one_in(2)) };
    }
    let op = random.pick(&[Eq, Eq, Ne, Co, Sw, Ew, Gt, Ge, Lt, Le]).copied().unwrap_or(Eq);
    // Whole words, and pieces of them for the operators that look inside.
    let word = bench.shape.sought(target, ids, random);
    let length = word.chars().count();
    let piece: String = word.chars().skip(random.below(length)).take(1 + random.below(3)).collect();
    let text = if matches!(op, Co | Sw | Ew) && random.one_in(2) { piece } else { word };
    Filter::Compare { path, op, value: Literal::String(text.into()) }
}
