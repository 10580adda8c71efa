//! Whatever attribute is searched or sorted by, every database answers as the provider in memory does: with
//! the same resources in the same order, or with the same error.

use std::collections::BTreeSet;

use crate::support;
use crate::support::service::{Client, ids, users};
use http::Method;
use scim_core::MemoryProvider;
use scim_core::schema::{Attribute, AttributeRef, Mutability, ResourceType, Schema, Type, standard};
use serde_json::{Map, Value, json};

const USERS: usize = 9;
const CREW: &str = "urn:example:params:scim:schemas:core:2.0:Crew";

/// Groups of another type, by name before the others, whose members have something more to say.
fn crews() -> ResourceType {
    let value = Attribute::string("value").with_mutability(Mutability::Immutable);
    let refers = Attribute::reference("$ref", ["User", "Group"]);
    let sub =
        [value, refers, Attribute::string("type"), Attribute::string("display"), Attribute::string("role")];
    let members = Attribute::complex("members", sub).multi_valued();
    let schema = Schema::new(CREW, "Crew", [Attribute::string("displayName").required(), members]).unwrap();
    ResourceType::builder("Crew", "/Crews", schema).build().unwrap()
}

fn types() -> [ResourceType; 3] {
    [users(), standard::group_type(), crews()]
}

/// A value of an attribute that is not complex; there are few, so that some are equal.
fn simple(on: &Attribute, n: usize) -> Value {
    const TEXTS: [&str; 5] = ["Anna", "anna b", "Émile", "it's", "50%_"];
    const TIMES: [&str; 3] = ["2020-01-01T00:00:00Z", "2020-01-01T01:00:00+01:00", "2021-06-01T00:00:00.25Z"];
    match on.data_type() {
        Type::Boolean => json!(n.is_multiple_of(2)),
        Type::Integer => json!(n as i64 % 3 - 1),
        Type::Decimal => json!([0.5, -1.5, 2.0][n % 3]),
        Type::DateTime => json!(TIMES[n % 3]),
        Type::Binary => json!(["QUJD", "YWJj", "eHl6"][n % 3]),
        Type::Reference => json!(["https://example.com/b", "https://example.com/A"][n % 2]),
        _ => match on.canonical_values() {
            [] => json!(TEXTS[n % 5]),
            canonical => json!(canonical[n % canonical.len().min(2)]),
        },
    }
}

/// A value of an attribute: the first user has all there is, and others lack some of it.
fn value(target: &AttributeRef, n: usize, salt: usize) -> Value {
    if !target.is_complex() {
        let one = |n| simple(target.definition(), n);
        return match target.attribute().is_multi_valued() {
            true => (0..=n % 3).map(|k| one(n + k)).collect(),
            false => one(n + salt),
        };
    }
    let element = |n: usize, primary: Option<bool>| {
        let subs = target.sub_attributes().iter().enumerate();
        let given = subs.filter(|(at, sub)| {
            sub.definition().mutability() == Mutability::ReadWrite
                && (n.is_multiple_of(9) || !(n + at).is_multiple_of(4))
        });
        let mut element: Map<String, Value> = given
            .map(|(_, sub)| (sub.definition().name().to_owned(), simple(sub.definition(), n + salt)))
            .collect();
        element.remove("primary");
        if let (Some(primary), Some(_)) = (primary, target.sub_attribute("primary")) {
            element.insert("primary".to_owned(), json!(primary));
        }
        Value::Object(element)
    };
    if !target.attribute().is_multi_valued() {
        return element(n, None);
    }
    // The primary one is the first, or a later one, or there is none; others say so or say nothing.
    let says = |k: usize| match (n + salt) % 4 {
        1 if k == 0 => Some(true),
        2 if k == 1 => Some(true),
        2 => Some(false),
        3 => Some(false),
        _ => None,
    };
    (0..=(n + salt) % 3).map(|k| element(n + k, says(k))).collect()
}

fn put(body: &mut Value, target: &AttributeRef, value: Value) {
    target.set(body.as_object_mut().unwrap(), value);
}

fn user(n: usize, ids: &[String]) -> Value {
    let mut body =
        json!({ "schemas": [standard::USER], "userName": format!("{}{n}", ["b", "A", "c"][n % 3]) });
    for (salt, target) in users().all_attributes().enumerate() {
        let readable = target.attribute().mutability() == Mutability::ReadWrite;
        let skipped = matches!(target.attribute().name(), "userName" | "schemas" | "id" | "meta");
        let given = n == 0 || n + 1 < USERS && !(n + salt).is_multiple_of(3);
        if !readable || skipped || !given {
            continue;
        }
        let value = match target.attribute().name() {
            "manager" if n == 0 => continue,
            "manager" => json!({ "value": ids[n % 2 * (n - 1)] }),
            _ => value(target, n, salt),
        };
        put(&mut body, target, value);
    }
    body
}

/// Creates everything, and returns the ids.
fn load(client: &Client<'_>) -> Vec<Vec<String>> {
    let create = |path: &str, body: Value| client.create(path, body)["id"].as_str().unwrap().to_owned();
    let mut users = Vec::new();
    for n in 0..USERS {
        users.push(create("/Users", user(n, &users)));
    }
    let (mut groups, mut crews) = (Vec::new(), Vec::new());
    let members = |ids: &[&String]| -> Value { ids.iter().map(|id| json!({ "value": id })).collect() };
    let group = |name: &str, members: Value| json!({ "schemas": [standard::GROUP], "displayName": name, "members": members });
    let crew = |name: &str, mut members: Value| {
        for (n, member) in members.as_array_mut().unwrap().iter_mut().enumerate() {
            member["role"] = json!(format!("role {}", n % 2));
        }
        json!({ "schemas": [CREW], "displayName": name, "members": members })
    };
    groups.push(create("/Groups", group("delta", members(&[&users[1], &users[0], &users[2]]))));
    crews.push(create("/Crews", crew("Beta", members(&[&users[0], &users[3], &groups[0]]))));
    groups.push(create("/Groups", group("alpha", members(&[&users[4], &users[0], &crews[0]]))));
    groups.push(create("/Groups", group("Gamma", members(&[&groups[0], &users[3], &users[5]]))));
    crews.push(create("/Crews", crew("alpha", members(&[&groups[2], &users[6], &users[4]]))));
    groups.push(create("/Groups", json!({ "schemas": [standard::GROUP], "displayName": "none" })));
    let mut named = group("named", members(&[&users[7]]));
    named["externalId"] = json!("x");
    named["members"][0]["display"] = json!("somebody else");
    groups.push(create("/Groups", named));
    crews.push(create("/Crews", json!({ "schemas": [CREW], "displayName": "empty" })));
    vec![users, groups, crews]
}

/// All resources of each type, as they are shown.
fn all(client: &Client<'_>) -> Vec<Vec<Value>> {
    let shown = |on: &ResourceType| {
        let (status, page) = client.search(on.endpoint(), json!({ "count": 1000 }));
        assert_eq!(status, 200, "{page}");
        page["Resources"].as_array().unwrap().clone()
    };
    types().iter().map(shown).collect()
}

/// Gives what was created in a database the ids, versions and times that it has in memory.
fn rename(
    runtime: &tokio::runtime::Runtime,
    database: &support::Database,
    tenant: &str,
    pairs: &[(String, Value)],
) {
    for (old, new) in pairs {
        let (id, meta) = (new["id"].as_str().unwrap(), &new["meta"]);
        let version = meta["version"].as_str().unwrap();
        let time = |name: &str| {
            let text = meta[name].as_str().unwrap();
            chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
        };
        let of = format!("tenant = ':{tenant}'");
        for sql in [
            format!("UPDATE resource SET document = replace(document, '{old}', '{id}') WHERE {of}"),
            format!("UPDATE value SET value = '{id}' WHERE value = '{old}' AND {of}"),
            format!("UPDATE member SET member = '{id}' WHERE member = '{old}' AND {of}"),
            format!(
                "UPDATE resource SET id = '{id}', version = '{version}', created = {}, modified = {} \
                 WHERE id = '{old}' AND {of}",
                time("created"),
                time("lastModified"),
            ),
        ] {
            support::raw(runtime, database, &sql);
        }
    }
    if database.is_file() {
        support::raw(runtime, database, "DELETE FROM search");
        let again = include_str!("../../src/tables/migrations/3.sqlite.sql").split_once("INSERT").unwrap().1;
        support::raw(runtime, database, &format!("INSERT{again}"));
    }
}

/// The attributes and sub-attributes of a type.
fn paths(on: &ResourceType) -> impl Iterator<Item = (&AttributeRef, &AttributeRef)> {
    on.all_attributes()
        .flat_map(|attribute| attribute.self_and_sub_attributes().map(move |target| (attribute, target)))
}

/// Values of what is not complex, or of the `value` of what is.
fn values(target: &AttributeRef, resources: &[Value]) -> BTreeSet<String> {
    let of = if target.is_complex() { target.sub_attribute("value") } else { Some(target) };
    let objects = resources.iter().filter_map(Value::as_object);
    objects
        .flat_map(|object| of.into_iter().flat_map(|of| of.values(object)))
        .flat_map(|value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]))
        .map(|value| value.to_string())
        .collect()
}

/// Filters that look at one path in every way.
fn filters(attribute: &AttributeRef, target: &AttributeRef, resources: &[Value]) -> Vec<String> {
    let path = target.path().as_str();
    let mut leaves = vec![" pr".to_owned(), " eq null".to_owned(), " ne null".to_owned()];
    let mut literals: Vec<String> = values(target, resources).into_iter().take(2).collect();
    literals.extend(["\"nothing\"", "true", "1"].map(str::to_owned));
    for literal in &literals {
        for op in ["eq", "ne", "gt", "ge", "lt", "le", "co", "sw", "ew"] {
            leaves.push(format!(" {op} {literal}"));
        }
    }
    leaves.extend(literals.iter().filter(|text| text.len() > 5).flat_map(|text| {
        let piece: String = text.chars().skip(2).take(3).collect();
        let end: String = text.trim_matches('"').chars().skip(2).collect();
        [format!(" co {}", json!(piece)), format!(" ew {}", json!(end))]
    }));
    let mut all: Vec<String> = leaves.iter().map(|leaf| format!("{path}{leaf}")).collect();
    all.extend(leaves.iter().step_by(3).map(|leaf| format!("not ({path}{leaf})")));
    if attribute.is_complex() && target != attribute {
        let name = target.definition().name();
        all.extend(leaves.iter().step_by(2).map(|leaf| format!("{}[{name}{leaf}]", attribute.path())));
        all.extend(leaves.iter().step_by(4).map(|leaf| format!("{}[not ({name}{leaf})]", attribute.path())));
    } else if attribute.attribute().is_multi_valued() && target == attribute {
        all.extend(leaves.iter().map(|leaf| format!("{path}[value{leaf}]")));
    }
    all
}

/// What counts of an answer.
fn answer((status, body): (u16, Value)) -> Value {
    match status {
        200 => json!({ "ids": ids(&body), "total": body["totalResults"] }),
        _ => json!({ "status": status, "scimType": body["scimType"], "detail": body["detail"] }),
    }
}

/// The answer to a sorted query, put together from pages.
fn sorted(client: &Client<'_>, endpoint: &str, path: &str, order: &str) -> Value {
    let search = json!({ "sortBy": path, "sortOrder": order, "attributes": ["id"], "count": 1000 });
    let whole = answer(client.search(endpoint, search.clone()));
    let Some(expected) = whole["ids"].as_array() else { return whole };
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let query = format!("sortBy={path}&sortOrder={order}&attributes=id&count=4&cursor={cursor}");
        let (status, page) = client.send(Method::GET, &format!("{endpoint}?{query}"), None);
        assert_eq!(status, 200, "{path}: {page}");
        found.extend(ids(&page).into_iter().map(Value::from));
        match page["nextCursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(found, *expected, "{endpoint} by cursor, sorted by {path}, {order}");
    whole
}

#[test]
fn every_path_is_answered_as_in_memory() {
    let runtime = support::runtime();
    let memory = Client::with(&runtime, &MemoryProvider::new(), crews());
    load(&memory);
    let expected = all(&memory);
    let on_disk = support::databases().into_iter().filter(|database| !database.url.contains(":memory:"));
    for database in on_disk {
        let client = Client::with(&runtime, &support::open(&runtime, &database), crews());
        let created = load(&client);
        let pairs = created.into_iter().flatten().zip(expected.iter().flatten().cloned());
        rename(&runtime, &database, &client.tenant, &pairs.collect::<Vec<_>>());
        let (mut wrong, mut asked, mut found_some) = (Vec::new(), 0, 0);
        let mut compare = |what: String, ours: Value, theirs: Value| {
            asked += 1;
            found_some += usize::from(ours["total"].as_u64() > Some(0));
            if ours != theirs {
                wrong.push(format!("{what}\n  in memory: {ours}\n  in tables: {theirs}"));
            }
        };
        for (shown, own) in all(&client).iter().flatten().zip(expected.iter().flatten()) {
            compare("what is shown".to_owned(), own.clone(), shown.clone());
        }
        for (on, resources) in types().iter().zip(&expected) {
            for (attribute, target) in paths(on) {
                for order in ["ascending", "descending"] {
                    let path = target.path().as_str();
                    let [ours, theirs] =
                        [&memory, &client].map(|client| sorted(client, on.endpoint(), path, order));
                    compare(format!("{} by {path}, {order}", on.name()), ours, theirs);
                }
                for filter in filters(attribute, target, resources) {
                    let search = json!({ "filter": filter, "attributes": ["id"], "count": 1000 });
                    let [ours, theirs] =
                        [&memory, &client].map(|client| answer(client.search(on.endpoint(), search.clone())));
                    compare(format!("{} with {filter}", on.name()), ours, theirs);
                }
            }
        }
        println!("{}: {asked} questions, of which {found_some} find something", database.url);
        let first: Vec<String> = wrong.iter().take(40).cloned().collect();
        assert!(wrong.is_empty(), "{}: {} differ:\n{}", database.url, wrong.len(), first.join("\n"));
        assert!(found_some > 2_000, "only {found_some}");
    }
}
