//! Microsoft Graph: people, groups, and photos of a directory.

mod client;
mod pages;
mod photos;

use futures_util::StreamExt;
use futures_util::stream;
use scim_sync::{
    Directory, DirectoryError, DirectoryPage, GroupChange, Next, Person, PersonChange, async_trait,
};
use serde_json::{Map, Value};

use crate::config::Provider;
use client::Client;
use pages::{DeltaGroup, DeltaPage, DeltaUser};

/// How many people are read at once.
const CONCURRENCY: usize = 8;

/// A directory in Microsoft Entra ID.
///
/// People and groups are read by delta queries: without a position all of them, else what has changed. The position is the
/// link that Graph returns.
#[derive(Debug)]
pub struct Graph {
    client: Client,
    /// The fields of people, for `$select`.
    select: String,
}

impl Graph {
    /// A directory whose people have these fields. Nothing is read yet.
    ///
    /// # Errors
    ///
    /// If the root certificates of the system cannot be used.
    pub fn new(provider: &Provider, fields: &[&str]) -> Result<Self, DirectoryError> {
        let mut names: Vec<_> = fields.iter().filter_map(|field| field.split('.').next()).collect();
        names.push("id");
        names.sort_unstable();
        names.dedup();
        Ok(Self { client: Client::new(provider)?, select: names.join(",") })
    }

    /// Checks that the credentials are accepted, that people and, if they are needed, groups can be read, and that each of these
    /// groups exists, by id or name. Returns what is wrong.
    pub async fn check(&mut self, needs_groups: bool, groups: &[String]) -> Vec<String> {
        let path = format!("/users?$top=1&$select={}", self.select);
        if let Err(error) = self.client.get::<Value>(&path).await {
            return vec![error.to_string()];
        }
        if !needs_groups {
            return Vec::new();
        }
        if let Err(error) = self.client.get::<Value>("/groups?$top=1&$select=id").await {
            return vec![error.to_string()];
        }
        let mut errors = Vec::new();
        for group in groups.iter().map(|group| group.trim()).filter(|group| !group.is_empty()) {
            match self.count_groups(group).await {
                Ok(1) => {}
                Ok(count) => errors.push(format!(
                    "the directory has {count} groups `{group}`; correct `provider.user_filter.memberOf`, or name an id there"
                )),
                Err(error) => errors.push(error.to_string()),
            }
        }
        errors
    }

    /// How many groups have this id or name.
    async fn count_groups(&self, group: &str) -> Result<usize, DirectoryError> {
        let path = format!("/groups/{}?$select=id", client::escape(group));
        // Graph answers 400 if the text cannot be an id.
        if let Ok(Some(_)) = self.client.get::<Value>(&path).await {
            return Ok(1);
        }
        let filter = format!("displayName eq '{}'", group.replace('\'', "''"));
        let path = format!("/groups?$filter={}&$select=id", client::escape(&filter));
        let found: Option<Value> = self.client.get(&path).await?;
        Ok(found.and_then(|found| Some(found.get("value")?.as_array()?.len())).unwrap_or_default())
    }

    /// The fields of a person; `None` if there is none.
    async fn person(&self, id: &str) -> Result<Option<Map<String, Value>>, DirectoryError> {
        self.client.get(&format!("/users/{}?$select={}", client::escape(id), self.select)).await
    }

    /// A page of a delta query, from its begin or from a link.
    async fn delta<T: serde::de::DeserializeOwned>(
        &self,
        begin: &str,
        from: Option<&str>,
    ) -> Result<(Vec<T>, Next), DirectoryError> {
        let page: Option<DeltaPage<T>> = self.client.get(from.unwrap_or(begin)).await?;
        let page = page.ok_or_else(|| DirectoryError::Failed("Graph knows no delta queries".to_owned()))?;
        let next = match (page.next_link, page.delta_link) {
            (Some(next), _) => Next::Page(next),
            (None, Some(position)) => Next::Position(position),
            (None, None) => {
                return Err(DirectoryError::Failed("a page of Graph has no link to the next one".to_owned()));
            }
        };
        Ok((page.value, next))
    }
}

#[async_trait]
impl Directory for Graph {
    async fn people(&mut self, from: Option<&str>) -> Result<DirectoryPage<PersonChange>, DirectoryError> {
        let begin = format!("/users/delta?$select={}", self.select);
        let (users, next) = self.delta::<DeltaUser>(&begin, from).await?;
        let change = |user: DeltaUser| match user.removed {
            Some(_) => PersonChange::Removed(user.id),
            None => {
                let mut fields = user.fields;
                fields.insert("id".to_owned(), Value::from(user.id.as_str()));
                PersonChange::Present(Person { id: user.id, fields })
            }
        };
        Ok(DirectoryPage { changes: users.into_iter().map(change).collect(), next })
    }

    async fn groups(&mut self, from: Option<&str>) -> Result<DirectoryPage<GroupChange>, DirectoryError> {
        let begin = "/groups/delta?$select=displayName,members";
        let (groups, next) = self.delta::<DeltaGroup>(begin, from).await?;
        let change = |group: DeltaGroup| {
            let (removed, added): (Vec<_>, Vec<_>) =
                group.members.into_iter().partition(|member| member.removed.is_some());
            GroupChange {
                id: group.id,
                name: group.name,
                added: added.into_iter().map(|member| member.id).collect(),
                removed: removed.into_iter().map(|member| member.id).collect(),
                deleted: group.removed.is_some(),
            }
        };
        Ok(DirectoryPage { changes: groups.into_iter().map(change).collect(), next })
    }

    async fn find(&mut self, ids: &[String]) -> Result<Vec<Person>, DirectoryError> {
        let reads: Vec<_> = ids.iter().map(|id| self.person(id)).collect();
        let read: Vec<_> = stream::iter(reads).buffered(CONCURRENCY).collect().await;
        let mut people = Vec::new();
        for (id, fields) in ids.iter().zip(read) {
            people.extend(fields?.map(|fields| Person { id: id.clone(), fields }));
        }
        Ok(people)
    }
}
