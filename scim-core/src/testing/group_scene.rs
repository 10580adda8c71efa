//! A tenant with users that can be members of groups.

use serde_json::{Value, json};

use super::client::{Client, Reply};
use super::environment::{Environment, Membership};
use super::values::minimal_body;

/// A tenant with resources of the tested type, here called users, which can be members of groups.
pub(super) struct GroupScene<'a> {
    pub(super) client: Client<'a>,
    pub(super) membership: Membership<'a>,
    user_ids: Vec<String>,
}

impl<'a> GroupScene<'a> {
    /// Creates a tenant with this number of users.
    pub(super) async fn new(env: &'a Environment, users: usize) -> Result<Self, String> {
        let membership =
            env.membership().ok_or("none of the resource types has an attribute that lists members")?;
        let client = env.client();
        let mut user_ids = Vec::new();
        for number in 0..users {
            let body = Value::Object(env.tested.minimal_body(&format!("member {number}")));
            user_ids.push(client.create(&env.tested.resource_type, &body).await?.id());
        }
        Ok(Self { client, membership, user_ids })
    }

    /// The name of the attribute that lists members.
    pub(super) fn list_name(&self) -> &str {
        self.membership.list.attribute().name()
    }

    /// Creates a group.
    pub(super) async fn create_group(&self, name: &str, members: &[&str]) -> Result<Reply, String> {
        self.client.create(self.membership.groups, &self.group_body(name, members)).await
    }

    /// The body for a request that creates or replaces a group with these members.
    pub(super) fn group_body(&self, name: &str, members: &[&str]) -> Value {
        let mut body = minimal_body(self.membership.groups, name);
        self.membership.list.set(&mut body, member_elements(members));
        Value::Object(body)
    }

    /// The path of a group, relative to the base URL.
    pub(super) fn path(&self, id: &str) -> String {
        format!("{}/{id}", self.membership.groups.endpoint())
    }

    /// Reads the ids of the members of a group, sorted.
    pub(super) async fn members(&self, id: &str) -> Vec<String> {
        let group = self.client.get(&self.path(id)).await;
        let list = group.body.get(self.list_name()).and_then(Value::as_array).cloned().unwrap_or_default();
        let mut ids: Vec<String> =
            list.iter().filter_map(|e| e.get("value").and_then(Value::as_str)).map(str::to_owned).collect();
        ids.sort();
        ids
    }

    /// The id of a user, by its number.
    pub(super) fn user(&self, number: usize) -> &str {
        self.user_ids.get(number).map(String::as_str).unwrap_or_default()
    }

    /// The ids of some users, sorted.
    pub(super) fn sorted_users(&self, numbers: &[usize]) -> Vec<String> {
        let mut ids: Vec<String> = numbers.iter().map(|number| self.user(*number).to_owned()).collect();
        ids.sort();
        ids
    }
}

/// A list of members with these ids.
pub(super) fn member_elements(ids: &[&str]) -> Value {
    ids.iter().map(|id| json!({ "value": id })).collect()
}
