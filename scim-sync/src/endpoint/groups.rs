//! Members of groups.

use std::collections::HashSet;

use scim_core::patch::{Op, Operation, PatchRequest};
use serde_json::{Map, Value, json};

use super::client::escape;
use super::{Client, Endpoint, Failure};

/// How many members a PATCH adds, and how many it removes.
const MEMBERS: usize = 100;

/// Changes of the members of a group.
#[derive(Debug, Default)]
pub(crate) struct MemberPatch {
    /// The ids of users, and what they may do.
    pub(crate) added: Vec<(String, Option<String>)>,
    pub(crate) removed: Vec<String>,
}

/// Why the members of a group were not changed, or not all of them.
#[derive(Debug)]
pub(crate) struct MembersFailure {
    pub(crate) failure: Failure,
    /// Whether it is certain that none of them was changed.
    pub(crate) has_changed_nothing: bool,
}

impl MemberPatch {
    /// The PATCH requests. With `access`, that is the sub-attribute for what a member may do.
    fn requests(&self, access: Option<&str>) -> Vec<PatchRequest> {
        let remove = |id: &String| Operation {
            op: Op::Remove,
            path: Some(format!("members[value eq {}]", Value::from(id.as_str()))),
            value: None,
        };
        let member = |(id, level): &(String, Option<String>)| {
            let mut member = Map::from_iter([("value".to_owned(), json!(id))]);
            if let (Some(access), Some(level)) = (access, level) {
                member.insert(access.to_owned(), json!(level));
            }
            Value::Object(member)
        };
        let removals = self.removed.chunks(MEMBERS).map(|ids| ids.iter().map(remove).collect());
        let additions = self.added.chunks(MEMBERS).map(|members| {
            let members = members.iter().map(member).collect();
            vec![Operation {
                op: Op::Add,
                path: Some("members".to_owned()),
                value: Some(Value::Array(members)),
            }]
        });
        removals.chain(additions).map(|operations| PatchRequest { operations }).collect()
    }
}

impl<E: Endpoint> Client<'_, E> {
    /// The id of a group, by its id or its name. `None` if there is none, or several have the name.
    pub(crate) async fn group_id(&self, id_or_name: &str) -> Result<Option<String>, Failure> {
        let filter = format!("displayName eq {}", Value::from(id_or_name));
        if let [group] = self.search("/Groups", &filter, "displayName").await?.as_slice() {
            return Ok(Some(group.id().to_owned()));
        }
        let group = self.get("/Groups", id_or_name, "?attributes=id").await?;
        Ok(group.map(|group| group.id().to_owned()))
    }

    /// The ids of the members of a group.
    pub(crate) async fn members(&self, group: &str) -> Result<HashSet<String>, Failure> {
        let group = self.get("/Groups", group, "?attributes=members.value").await?;
        let members = group.as_ref().and_then(|group| group.get("members")?.as_array());
        let ids = members.into_iter().flatten().filter_map(|member| member.get("value")?.as_str());
        Ok(ids.map(str::to_owned).collect())
    }

    /// The ids of the groups of which a user is a direct member.
    pub(crate) async fn groups_of(&self, user: &str) -> Result<HashSet<String>, Failure> {
        let filter = format!("members.value eq {}", Value::from(user));
        let query = format!("filter={}&attributes=id", escape(&filter));
        let mut groups = HashSet::new();
        self.pages("/Groups", &query, false, |group| {
            groups.insert(group.id().to_owned());
        })
        .await?;
        Ok(groups)
    }

    /// Changes the members of a group. It is no error if a group that members leave is not there.
    pub(crate) async fn patch_members(
        &self,
        group: &str,
        patch: &MemberPatch,
        access: Option<&str>,
    ) -> Result<(), MembersFailure> {
        let path = format!("/Groups/{}", escape(group));
        for (index, request) in patch.requests(access).into_iter().enumerate() {
            match self.patch(&path, &request).await {
                Ok(_) => {}
                Err(failure) if failure.is_not_found() && patch.added.is_empty() => return Ok(()),
                Err(failure) => {
                    let has_changed_nothing =
                        index == 0 && matches!(failure, Failure::Refused { status: 400..500, .. });
                    return Err(MembersFailure { failure, has_changed_nothing });
                }
            }
        }
        Ok(())
    }

    /// The name of a sub-attribute of `members` for what a member may do, if the endpoint's groups have it.
    pub(crate) async fn access_attribute(&self) -> Result<Option<&'static str>, Failure> {
        const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
        const ACCESS: &str = "access";
        let schema = match self.get("/Schemas", GROUP, "").await {
            Ok(schema) => schema,
            // Not every endpoint has discovery.
            Err(Failure::Refused { status: 405 | 501, .. }) => None,
            Err(failure) => return Err(failure),
        };
        let find = |list: Option<&Value>, name: &str| {
            list?.as_array()?.iter().find(|attribute| attribute.get("name") == Some(&json!(name))).cloned()
        };
        let members = schema.and_then(|schema| find(schema.get("attributes"), "members"));
        Ok(members.and_then(|members| find(members.get("subAttributes"), ACCESS)).map(|_| ACCESS))
    }

    /// Whether the endpoint answers, and accepts the credentials.
    pub(crate) async fn check(&self) -> Result<(), Failure> {
        let page = self.search("/Users", "externalId eq \"\"", "id").await;
        match page {
            // It may not like the filter; then it has at least read it.
            Err(Failure::Refused { status: 400, .. }) | Ok(_) => Ok(()),
            Err(failure) => Err(failure),
        }
    }
}

/// What to do about a group that is not found.
pub(crate) fn no_group(group: &str) -> String {
    format!("the endpoint has no group `{group}`, or several; create it, or name its id in `grants`")
}
