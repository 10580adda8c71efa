//! Checks filters and sorting by every attribute and sub-attribute: every database must return the same resources in the
//! same order as the memory provider, or the same error.

use std::collections::BTreeSet;

use crate::support;
use crate::support::service::{Client, ids, users};
use http::Method;
use scim_core::MemoryProvider;
use scim_core::schema::{Attribute, AttributeRef, Mutability, ResourceType, Schema, Type, standard};
use serde_json::{Map, Value, json};

const USERS: usize = 9;
const CREW: &str = "urn:example:params:scim:schemas:core:2.0:Crew";

/// Another type of groups, whose members have an additional sub-attribute.
fn crews() -> ResourceType {
    let value = Attribute::string("value").with_mutability(Mutability::Immutable);
    let reference = Attribute::reference("$ref", ["User", "Group"]);
    let sub_attributes = [
        value,
        reference,
        Attribute::string("type"),
        Attribute::string("display"),
        Attribute::string("role"),
    ];
    let members = Attribute::complex("members", sub_attributes).multi_valued();
    let schema = Schema::new(CREW, "Crew", [Attribute::string("displayName").required(), members]).unwrap();
    ResourceType::builder("Crew", "/Crews", schema).build().unwrap()
}

fn types() -> [ResourceType; 3] {
    [users(), standard::group_type(), crews()]
}

/// A value of a simple attribute. There are few values, so that some resources have equal ones.
fn simple(attribute: &Attribute, n: usize) -> Value {
    const TEXTS: [&str; 5] = ["Anna", "anna b", "Émile", "it's", "50%_"];
    const TIMES: [&str; 3] = ["2020-01-01T00:00:00Z", "2020-01-01T01:00:00+01:00", "2021-06-01T00:00:00.25Z"];
    match attribute.data_type() {
        Type::Boolean => json!(n.is_multiple_of(2)),
        Type::Integer => json!(n as i64 % 3 - 1),
        Type::Decimal => json!([0.5, -1.5, 2.0][n % 3]),
        Type::DateTime => json!(TIMES[n % 3]),
        Type::Binary => json!(["QUJD", "YWJj", "eHl6"][n % 3]),
        Type::Reference => json!(["https://example.com/b", "https://example.com/A"][n % 2]),
        _ => match attribute.canonical_values() {
            [] => json!(TEXTS[n % 5]),
            canonical => json!(canonical[n % canonical.len().min(2)]),
        },
    }
}

/// A value of an attribute. The first user has all sub-attributes; others lack some.
fn attribute_value(target: &AttributeRef, n: usize, salt: usize) -> Value {
    if !target.is_complex() {
        let simple_value = |n| simple(target.definition(), n);
        return match target.attribute().is_multi_valued() {
            true => (0..=n % 3).map(|k| simple_value(n + k)).collect(),
            false => simple_value(n + salt),
        };
    }
    let element = |n: usize, primary: Option<bool>| {
        let subs = target.sub_attributes().iter().enumerate();
        let assigned = subs.filter(|(index, sub)| {
            sub.definition().mutability() == Mutability::ReadWrite
                && (n.is_multiple_of(9) || !(n + index).is_multiple_of(4))
        });
        let mut element: Map<String, Value> = assigned
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
    // The primary element is the first or the second, or there is none. Others have `primary: false`, or no `primary`.
    let primary = |k: usize| match (n + salt) % 4 {
        1 if k == 0 => Some(true),
        2 if k == 1 => Some(true),
        2 => Some(false),
        3 => Some(false),
        _ => None,
    };
    (0..=(n + salt) % 3).map(|k| element(n + k, primary(k))).collect()
}

fn set(body: &mut Value, target: &AttributeRef, value: Value) {
    target.set(body.as_object_mut().unwrap(), value);
}

/// A user, which may refer to the users with these ids.
fn user(n: usize, ids: &[String]) -> Value {
    let mut body =
        json!({ "schemas": [standard::USER], "userName": format!("{}{n}", ["b", "A", "c"][n % 3]) });
    for (salt, target) in users().all_attributes().enumerate() {
        let is_writable = target.attribute().mutability() == Mutability::ReadWrite;
        let is_skipped = matches!(target.attribute().name(), "userName" | "schemas" | "id" | "meta");
        let is_assigned = n == 0 || n + 1 < USERS && !(n + salt).is_multiple_of(3);
        if !is_writable || is_skipped || !is_assigned {
            continue;
        }
        let value = match target.attribute().name() {
            "manager" if n == 0 => continue,
            "manager" => json!({ "value": ids[n % 2 * (n - 1)] }),
            _ => attribute_value(target, n, salt),
        };
        set(&mut body, target, value);
    }
    body
}

/// Creates all resources, and returns the ids of users, groups and crews.
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

/// All resources of each type, as responses show them.
fn all(client: &Client<'_>) -> Vec<Vec<Value>> {
    let resources = |resource_type: &ResourceType| {
        let (status, page) = client.search(resource_type.endpoint(), json!({ "count": 1000 }));
        assert_eq!(status, 200, "{page}");
        page["Resources"].as_array().unwrap().clone()
    };
    types().iter().map(resources).collect()
}

/// Changes the rows of resources to have the ids, versions and times of the same resources in memory. Each pair has an id
/// in the database, and the resource in memory.
fn copy_ids_and_times(
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
        let scope = format!("tenant = ':{tenant}'");
        for sql in [
            format!("UPDATE resource SET document = replace(document, '{old}', '{id}') WHERE {scope}"),
            format!("UPDATE value SET value = '{id}' WHERE value = '{old}' AND {scope}"),
            format!("UPDATE member SET member = '{id}' WHERE member = '{old}' AND {scope}"),
            format!(
                "UPDATE resource SET id = '{id}', version = '{version}', created = {}, modified = {} \
                 WHERE id = '{old}' AND {scope}",
                time("created"),
                time("lastModified"),
            ),
        ] {
            support::run_sql(runtime, database, &sql);
        }
    }
    if database.is_file() {
        support::run_sql(runtime, database, "DELETE FROM search");
        let fill_search =
            include_str!("../../src/store/tables/migrations/3.sqlite.sql").split_once("INSERT").unwrap().1;
        support::run_sql(runtime, database, &format!("INSERT{fill_search}"));
    }
}

/// All attributes and sub-attributes of a type, each with its top-level attribute.
fn paths(resource_type: &ResourceType) -> impl Iterator<Item = (&AttributeRef, &AttributeRef)> {
    resource_type
        .all_attributes()
        .flat_map(|attribute| attribute.self_and_sub_attributes().map(move |target| (attribute, target)))
}

/// The values of an attribute, or of the sub-attribute `value` of a complex attribute.
fn values(target: &AttributeRef, resources: &[Value]) -> BTreeSet<String> {
    let leaf = if target.is_complex() { target.sub_attribute("value") } else { Some(target) };
    let objects = resources.iter().filter_map(Value::as_object);
    objects
        .flat_map(|object| leaf.into_iter().flat_map(|leaf| leaf.values(object)))
        .flat_map(|value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]))
        .map(|value| value.to_string())
        .collect()
}

/// Filters with every operator on one path, in all forms.
fn filters(attribute: &AttributeRef, target: &AttributeRef, resources: &[Value]) -> Vec<String> {
    let path = target.path().as_str();
    let mut comparisons = vec![" pr".to_owned(), " eq null".to_owned(), " ne null".to_owned()];
    let mut literals: Vec<String> = values(target, resources).into_iter().take(2).collect();
    literals.extend(["\"nothing\"", "true", "1"].map(str::to_owned));
    for literal in &literals {
        for op in ["eq", "ne", "gt", "ge", "lt", "le", "co", "sw", "ew"] {
            comparisons.push(format!(" {op} {literal}"));
        }
    }
    comparisons.extend(literals.iter().filter(|text| text.len() > 5).flat_map(|text| {
        let piece: String = text.chars().skip(2).take(3).collect();
        let end: String = text.trim_matches('"').chars().skip(2).collect();
        [format!(" co {}", json!(piece)), format!(" ew {}", json!(end))]
    }));
    let mut all: Vec<String> = comparisons.iter().map(|comparison| format!("{path}{comparison}")).collect();
    all.extend(comparisons.iter().step_by(3).map(|comparison| format!("not ({path}{comparison})")));
    if attribute.is_complex() && target != attribute {
        let name = target.definition().name();
        all.extend(
            comparisons
                .iter()
                .step_by(2)
                .map(|comparison| format!("{}[{name}{comparison}]", attribute.path())),
        );
        all.extend(
            comparisons
                .iter()
                .step_by(4)
                .map(|comparison| format!("{}[not ({name}{comparison})]", attribute.path())),
        );
    } else if attribute.attribute().is_multi_valued() && target == attribute {
        all.extend(comparisons.iter().map(|comparison| format!("{path}[value{comparison}]")));
    }
    all
}

/// The parts of a response that are compared.
fn summary((status, body): (u16, Value)) -> Value {
    match status {
        200 => json!({ "ids": ids(&body), "total": body["totalResults"] }),
        _ => json!({ "status": status, "scimType": body["scimType"], "detail": body["detail"] }),
    }
}

/// The response to a sorted query. Also checks that its pages by cursor have the same resources.
fn sorted(client: &Client<'_>, endpoint: &str, path: &str, order: &str) -> Value {
    let search = json!({ "sortBy": path, "sortOrder": order, "attributes": ["id"], "count": 1000 });
    let response = summary(client.search(endpoint, search.clone()));
    let Some(expected) = response["ids"].as_array() else { return response };
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
    response
}

#[test]
fn every_path_has_the_same_results_as_in_memory() {
    let runtime = support::runtime();
    let memory = Client::with_type(&runtime, &MemoryProvider::new(), crews());
    load(&memory);
    let expected = all(&memory);
    let on_disk = support::databases().into_iter().filter(|database| !database.url.contains(":memory:"));
    for database in on_disk {
        let client = Client::with_type(&runtime, &support::open(&runtime, &database), crews());
        let created = load(&client);
        let pairs = created.into_iter().flatten().zip(expected.iter().flatten().cloned());
        copy_ids_and_times(&runtime, &database, &client.tenant, &pairs.collect::<Vec<_>>());
        let (mut differences, mut queries, mut non_empty) = (Vec::new(), 0, 0);
        let mut compare = |description: String, in_memory: Value, in_tables: Value| {
            queries += 1;
            non_empty += usize::from(in_memory["total"].as_u64() > Some(0));
            if in_memory != in_tables {
                differences
                    .push(format!("{description}\n  in memory: {in_memory}\n  in tables: {in_tables}"));
            }
        };
        for (in_tables, in_memory) in all(&client).iter().flatten().zip(expected.iter().flatten()) {
            compare("a resource".to_owned(), in_memory.clone(), in_tables.clone());
        }
        for (resource_type, resources) in types().iter().zip(&expected) {
            for (attribute, target) in paths(resource_type) {
                for order in ["ascending", "descending"] {
                    let path = target.path().as_str();
                    let [in_memory, in_tables] = [&memory, &client]
                        .map(|client| sorted(client, resource_type.endpoint(), path, order));
                    compare(format!("{} by {path}, {order}", resource_type.name()), in_memory, in_tables);
                }
                for filter in filters(attribute, target, resources) {
                    let search = json!({ "filter": filter, "attributes": ["id"], "count": 1000 });
                    let [in_memory, in_tables] = [&memory, &client]
                        .map(|client| summary(client.search(resource_type.endpoint(), search.clone())));
                    compare(format!("{} with {filter}", resource_type.name()), in_memory, in_tables);
                }
            }
        }
        println!("{}: {queries} queries, of which {non_empty} find resources", database.url);
        let first: Vec<String> = differences.iter().take(40).cloned().collect();
        assert!(
            differences.is_empty(),
            "{}: {} differences:\n{}",
            database.url,
            differences.len(),
            first.join("\n")
        );
        assert!(non_empty > 2_000, "only {non_empty} queries find resources");
    }
}
