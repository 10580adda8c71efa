//! Tests of groups in groups.

use crate::support;
use crate::support::service::{Client, ids, patch, user};
use http::Method;
use scim_core::schema::{Attribute, Mutability, ResourceType, Schema, standard};
use serde_json::{Value, json};

fn id(resource: &Value) -> &str {
    resource["id"].as_str().unwrap()
}

fn group(name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    json!({ "schemas": [standard::GROUP], "displayName": name, "members": members })
}

#[test]
fn the_depth_of_groups_is_limited_in_both_directions() {
    let runtime = support::runtime();
    for database in support::databases() {
        let client = Client::new(&runtime, &support::open(&runtime, &database));
        let bea = id(&client.create("/Users", user("bea"))).to_owned();
        let mut chain = vec![id(&client.create("/Groups", group("0", &[&bea]))).to_owned()];
        for level in 1..=100 {
            // The first group is also a direct member of every group. The longest path counts, not this shorter one.
            let (below, first) = (chain.last().unwrap().clone(), chain[0].clone());
            let body = group(&level.to_string(), &[&below, &first]);
            chain.push(id(&client.create("/Groups", body)).to_owned());
        }
        let refused = |(status, body): (u16, Value)| {
            assert_eq!((status, body["scimType"].as_str()), (400, Some("invalidValue")), "{body}");
            assert!(body["detail"].as_str().unwrap().contains("100 levels"), "{body}");
        };
        // Refused: one more level above, one more below, and two chains that together would be too long.
        refused(client.send(Method::POST, "/Groups", Some(group("top", &[&chain[100]]))));
        let leaf = id(&client.create("/Groups", group("leaf", &[]))).to_owned();
        let add = |to: &str, member: &str| {
            let operation = json!({ "op": "add", "path": "members", "value": [{ "value": member }] });
            client.send(Method::PATCH, &format!("/Groups/{to}"), patch(operation))
        };
        refused(add(&chain[0], &leaf));
        assert_eq!(add(&chain[1], &leaf).0, 204);
        let other = id(&client.create("/Groups", group("other", &[&leaf]))).to_owned();
        refused(add(&other, &chain[100]));
        assert_eq!(add(&other, &chain[99]).0, 204);

        let (_, shown) = client.send(Method::GET, &format!("/Users/{bea}"), None);
        assert_eq!(shown["groups"].as_array().unwrap().len(), 102, "{}", database.url);
        let (_, page) =
            client.search("/Users", json!({ "filter": format!("groups.value eq \"{}\"", chain[100]) }));
        assert_eq!(ids(&page), [bea.as_str()], "{}", database.url);
    }
}

#[test]
fn groups_of_other_types_can_be_nested() {
    let value = Attribute::string("value").with_mutability(Mutability::Immutable);
    let members = Attribute::complex("members", [value, Attribute::reference("$ref", ["User", "Group"])]);
    let uri = "urn:example:params:scim:schemas:core:2.0:Team";
    let team = Schema::new(uri, "Team", [Attribute::string("displayName"), members.multi_valued()]).unwrap();
    let team = ResourceType::builder("Team", "/Teams", team).build().unwrap();
    let runtime = support::runtime();
    for database in support::databases() {
        let store = support::open(&runtime, &database);
        let client = Client::with_type(&runtime, &store, team.clone());
        let bea = id(&client.create("/Users", user("bea"))).to_owned();
        let body = json!({ "schemas": [uri], "displayName": "Reef", "members": [{ "value": bea }] });
        let team = id(&client.create("/Teams", body)).to_owned();
        let all = id(&client.create("/Groups", group("All", &[&team]))).to_owned();
        for (value, kind) in [(&team, "direct"), (&all, "indirect")] {
            let filter = format!("groups[value eq \"{value}\" and type eq \"{kind}\"]");
            let (status, page) = client.search("/Users", json!({ "filter": filter }));
            assert_eq!((status, ids(&page)), (200, vec![bea.as_str()]), "{}: {filter}", database.url);
        }
        // A circle through both types.
        let operation = json!({ "op": "add", "path": "members", "value": [{ "value": all }] });
        let (status, body) = client.send(Method::PATCH, &format!("/Teams/{team}"), patch(operation));
        assert_eq!((status, body["scimType"].as_str()), (400, Some("invalidValue")), "{}", database.url);
    }
}

#[test]
fn how_others_nest_their_groups_does_not_matter() {
    let runtime = support::runtime();
    for database in support::databases() {
        let store = support::open(&runtime, &database);
        let (client, other_tenant) = (Client::new(&runtime, &store), Client::new(&runtime, &store));
        let bea = id(&client.create("/Users", user("bea"))).to_owned();
        let below = id(&client.create("/Groups", group("below", &[&bea]))).to_owned();
        let above = id(&client.create("/Groups", group("above", &[&below]))).to_owned();
        let find = |client: &Client<'_>| {
            let filter = format!("groups.value eq \"{above}\"");
            client.search("/Users", json!({ "filter": filter })).1["totalResults"].clone()
        };
        assert_eq!([find(&client), find(&other_tenant)], [json!(1), json!(0)], "{}", database.url);

        // A user who is in a group both ways is a direct member, in responses and for filters.
        let indirect = || {
            let filter = format!("groups[value eq \"{above}\" and type eq \"indirect\"]");
            client.search("/Users", json!({ "filter": filter })).1["totalResults"].clone()
        };
        assert_eq!(indirect(), 1, "{}", database.url);
        let operation = json!({ "op": "add", "path": "members", "value": [{ "value": bea }] });
        assert_eq!(client.send(Method::PATCH, &format!("/Groups/{above}"), patch(operation)).0, 204);
        assert_eq!(indirect(), 0, "{}", database.url);
    }
}
