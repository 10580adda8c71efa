//! Every path of every type: what can be searched or sorted by is answered rightly, or refused.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use scim_filter::{CompareOp, Filter, Literal};
use scim_schema::{AttrPath, Attribute, Mutability, ResourceType, Returned, Target, Type};
use serde_json::{Map, Number, Value, json};

use super::client::{Client, Reply};
use super::lifecycle::ensure;
use super::shape::put;
use super::{Bench, Verdict, reference};

/// What is found is known by its id.
const ONLY_ID: (&str, &str) = ("attributes", "id");
/// How many resources of each type there are: the first has all that it may have.
const RESOURCES: usize = 8;

pub(super) async fn paths(bench: &Bench) -> Verdict {
    let client = bench.client();
    let mut made: Vec<(String, String)> = Vec::new();
    for on in &bench.types {
        for number in 0..RESOURCES {
            let body = body(bench, on, number, &made);
            made.push((on.name().to_owned(), client.create(on, &body).await?.id()));
        }
    }
    for on in &bench.types {
        let all = client.query(on, &[]).await.expect(200, "a query")?;
        for top in on.all_attributes() {
            for target in top.self_and_sub_attributes() {
                let shown = [top, target]
                    .iter()
                    .all(|part| matches!(part.definition().returned(), Returned::Default | Returned::Always));
                if shown {
                    look(bench, &client, on, (top, target), all.resources()).await?;
                }
            }
        }
    }
    Ok(())
}

/// Searches and sorts by one path.
async fn look(
    bench: &Bench,
    client: &Client<'_>,
    on: &ResourceType,
    (top, target): (&Target, &Target),
    all: &[Value],
) -> Verdict {
    if bench.capabilities.filter() {
        for filter in filters(top, target, all) {
            let reply = client.query(on, &[("filter", &filter.to_string()), ONLY_ID]).await;
            if refused(&reply, "invalidFilter") {
                continue;
            }
            let reply = reply.expect(200, &format!("the filter `{filter}`"))?;
            let matching = all.iter().filter(|resource| reference::matches(on, &filter, resource));
            let expected: BTreeSet<String> = matching.filter_map(id).collect();
            let found: BTreeSet<String> = reply.ids().into_iter().collect();
            ensure(found == expected && reply.total() == Some(expected.len() as u64), || {
                let (name, found, total) = (on.name(), found.len(), reply.total());
                format!("`{filter}` finds {found} ({total:?}) of type {name} instead of {}", expected.len())
            })?;
        }
    }
    if bench.capabilities.sort() {
        for (descending, order) in [(false, "ascending"), (true, "descending")] {
            let path = target.path();
            let reply = client.query(on, &[("sortBy", path.as_str()), ("sortOrder", order), ONLY_ID]).await;
            if refused(&reply, "invalidValue") {
                continue;
            }
            let reply = reply.expect(200, &format!("sorting by `{path}`"))?;
            let (found, expected) = (reply.ids(), reference::sorted(on, path, descending, all));
            ensure(found == expected, || {
                let name = on.name();
                format!("{name} by `{path}`, {order}, is in the order {found:?} instead of {expected:?}")
            })?;
        }
    }
    Ok(())
}

fn refused(reply: &Reply, scim_type: &str) -> bool {
    reply.status == 400 && reply.body.get("scimType").and_then(Value::as_str) == Some(scim_type)
}

fn id(resource: &Value) -> Option<String> {
    Some(resource.get("id")?.as_str()?.to_owned())
}

/// Filters that look at one path: alone, and within one element.
fn filters(top: &Target, target: &Target, all: &[Value]) -> Vec<Filter> {
    let mut filters = leaves(target, target.path(), all);
    if target != top
        && let Ok(sub) = AttrPath::parse(target.definition().name())
    {
        let inside = |filter| Filter::Complex { path: top.path().clone(), filter: Box::new(filter) };
        filters.extend(leaves(target, &sub, all).into_iter().map(inside));
    }
    filters
}

fn leaves(target: &Target, path: &AttrPath, all: &[Value]) -> Vec<Filter> {
    use CompareOp::{Co, Eq, Ew, Gt, Le, Ne, Sw};
    let compare = |op, value| Filter::Compare { path: path.clone(), op, value };
    let mut leaves = vec![Filter::Present(path.clone())];
    if target.is_complex() {
        return leaves;
    }
    leaves.push(compare(Eq, Literal::Null));
    leaves.push(compare(Ne, Literal::Null));
    let definition = target.definition();
    let mut literals = vec![simple(definition, 1)];
    let shown = all.iter().filter_map(Value::as_object).flat_map(|resource| target.values(resource));
    let shown: Vec<&Value> = shown.filter(|value| !value.is_array()).collect();
    literals.extend([shown.first(), shown.get(shown.len() / 2)].into_iter().flatten().copied().cloned());
    for value in literals {
        let Some(literal) = literal(&value) else { continue };
        leaves.push(compare(Eq, literal.clone()));
        leaves.push(compare(Ne, literal.clone()));
        leaves.push(Filter::Not(Box::new(compare(Eq, literal.clone()))));
        if definition.data_type() != Type::Boolean {
            leaves.push(compare(Gt, literal.clone()));
            leaves.push(compare(Le, literal.clone()));
        }
        if let Literal::String(text) = &literal {
            let piece = |skip, take| Literal::String(text.chars().skip(skip).take(take).collect());
            leaves.push(compare(Co, piece(1, 3)));
            leaves.push(compare(Sw, piece(0, 2)));
            leaves.push(compare(Ew, piece(text.chars().count().saturating_sub(2), 2)));
        }
    }
    leaves
}

fn literal(value: &Value) -> Option<Literal> {
    match value {
        Value::Bool(flag) => Some(Literal::Bool(*flag)),
        Value::Number(number) => Some(Literal::Number(number.clone())),
        Value::String(text) => Some(Literal::String(text.as_str().into())),
        _ => None,
    }
}

/// A resource with values in most attributes; `made` are those that it may refer to, types and ids.
fn body(bench: &Bench, on: &ResourceType, number: usize, made: &[(String, String)]) -> Value {
    let mut body = Map::new();
    body.insert("schemas".to_owned(), json!([on.schema().id()]));
    for (place, target) in on.all_attributes().enumerate() {
        let attribute = target.attribute();
        let own = matches!(attribute.name(), "schemas" | "id" | "meta");
        let written = matches!(attribute.mutability(), Mutability::ReadWrite | Mutability::Immutable);
        let needed = attribute.is_required() || number == 0;
        if own || !written || attribute.returned() == Returned::Never || !bench.shape.is_usable(target) {
            continue;
        }
        if (needed || !(number + place).is_multiple_of(3))
            && let Some(value) = value(bench, target, number + place, number, made)
        {
            put(&mut body, target, value);
        }
    }
    Value::Object(body)
}

fn value(
    bench: &Bench,
    target: &Target,
    salt: usize,
    number: usize,
    made: &[(String, String)],
) -> Option<Value> {
    let attribute = target.attribute();
    let more = if bench.shape.holds_one(target) { 0 } else { salt % 3 };
    let elements: Vec<Value> = match referred(bench, target) {
        Some(types) => {
            if target.holds_members() && !bench.capabilities.memberships() {
                return None;
            }
            let suits = |(name, _): &&(String, String)| types.contains(&name.as_str());
            let ids: Vec<&String> = made.iter().filter(suits).map(|(_, id)| id).collect();
            let of = |k: usize| ids.get((salt * 5 + k * 3) % ids.len().max(1));
            let mut chosen: Vec<&&String> = (0..=more).filter_map(of).collect();
            chosen.dedup();
            let value = |id| if target.is_complex() { json!({ "value": id }) } else { json!(id) };
            chosen.into_iter().map(value).collect()
        }
        None if target.is_complex() => (0..=more).map(|k| element(bench, target, salt, k)).collect(),
        // What names a resource, or may have to be unique, is different in each.
        None if attribute.data_type() == Type::String
            && (attribute.is_required()
                || bench.shape.is_unique(target)
                || attribute.name() == "externalId")
            && !attribute.is_only_canonical() =>
        {
            vec![json!(shortened(attribute, &format!("{number} {}", text(salt))))]
        }
        None => (0..=more).map(|k| simple(attribute, salt + k)).collect(),
    };
    match attribute.is_multi_valued() {
        true if elements.is_empty() => None,
        true => Some(Value::Array(elements)),
        false => elements.into_iter().next(),
    }
}

/// The types of the resources whose ids an attribute takes, if it refers to any.
fn referred<'b>(bench: &'b Bench, target: &'b Target) -> Option<Vec<&'b str>> {
    if let Some((_, to)) = bench.references.iter().find(|(known, _)| known == target) {
        return Some(vec![to.name()]);
    }
    let reference = target.sub_attributes().iter().find(|sub| sub.is_derived())?;
    if bench.flat_groups && target.holds_members() {
        return Some(vec![bench.shape.on.name()]);
    }
    Some(reference.definition().reference_types().iter().map(String::as_str).collect())
}

/// An element of a list, or the value of a complex attribute. Some elements are primary, some say that they
/// are not, and others say nothing.
fn element(bench: &Bench, target: &Target, salt: usize, k: usize) -> Value {
    let mut element = Map::new();
    for (place, sub) in target.sub_attributes().iter().enumerate() {
        let definition = sub.definition();
        let written = matches!(definition.mutability(), Mutability::ReadWrite | Mutability::Immutable);
        let left_out = !definition.is_required() && (salt + k + place).is_multiple_of(4);
        if written && !left_out && definition.data_type() != Type::Complex {
            let value = match definition.data_type() {
                Type::String if bench.shape.is_unique(sub) => {
                    let count = bench.shape.count.fetch_add(1, Ordering::Relaxed);
                    json!(shortened(definition, &format!("{count} {}", text(salt))))
                }
                _ => simple(definition, salt + k),
            };
            let value = if definition.is_multi_valued() { json!([value]) } else { value };
            element.insert(definition.name().to_owned(), value);
        }
    }
    if target.sub_attribute("primary").is_some() {
        match (salt % 4, k) {
            (1, 0) | (2, 1) => element.insert("primary".to_owned(), json!(true)),
            (2 | 3, _) => element.insert("primary".to_owned(), json!(false)),
            _ => element.remove("primary"),
        };
    }
    if let Some(kind) = target.attribute().single_type() {
        element.insert("type".to_owned(), Value::from(kind));
    }
    Value::Object(element)
}

/// As much of a text as an attribute takes.
fn shortened(definition: &Attribute, text: &str) -> String {
    let longest = definition.max_length().unwrap_or(usize::MAX);
    text.chars().take(longest).collect::<String>().trim_end().to_owned()
}

fn text(n: usize) -> &'static str {
    const TEXTS: [&str; 6] = ["anna", "Anna b", "100%", "Émile", "it's", "б"];
    TEXTS.get(n % TEXTS.len()).copied().unwrap_or_default()
}

/// A value of what is not complex; there are few, so that some are equal.
fn simple(definition: &Attribute, n: usize) -> Value {
    let pick = |list: [&str; 3]| Value::from(list.get(n % 3).copied().unwrap_or_default());
    match definition.data_type() {
        Type::Boolean => json!(n.is_multiple_of(2)),
        Type::Integer => json!(n % 4),
        Type::Decimal => Number::from_f64([0.5, -1.5, 2.0].get(n % 3).copied().unwrap_or_default()).into(),
        Type::DateTime => {
            pick(["2020-01-01T00:00:00Z", "2020-01-01T01:00:00+01:00", "2021-06-01T00:00:00.25Z"])
        }
        Type::Binary => pick(["QUJD", "YWJj", "eHl6"]),
        Type::Reference => {
            pick(["https://example.com/b", "https://example.com/A", "https://example.com/B/b"])
        }
        _ => match definition.canonical_values() {
            [] => json!(shortened(definition, text(n))),
            canonical => json!(canonical.get(n % canonical.len().min(3))),
        },
    }
}
