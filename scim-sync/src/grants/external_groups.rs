//! The groups of a person in the directory.

use std::collections::BTreeSet;

use scim_core::Resource;
use serde_json::Value;

/// The groups of a person in the directory, as rules name them: best by their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExternalGroups(BTreeSet<String>);

impl FromIterator<String> for ExternalGroups {
    fn from_iter<T: IntoIterator<Item = String>>(groups: T) -> Self {
        Self(groups.into_iter().collect())
    }
}

impl ExternalGroups {
    /// The groups in the claims of an ID token: the list `groups`. Without it, the person has none.
    ///
    /// ```
    /// use scim_sync::ExternalGroups;
    /// use serde_json::json;
    ///
    /// assert!(ExternalGroups::from_claims(&json!({ "oid": "b3", "groups": ["g1"] })).unwrap().contains("g1"));
    /// // Entra ID leaves the list out if it is too long for a token.
    /// let too_many = json!({ "oid": "b3", "_claim_names": { "groups": "src1" } });
    /// assert!(ExternalGroups::from_claims(&too_many).is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// If the claims say that the list was left out because it is too long. The person does have groups then, so they must be
    /// asked for elsewhere, and no membership may be taken away.
    pub fn from_claims(claims: &Value) -> Result<Self, GroupsLeftOut> {
        let is_elsewhere = claims.get("_claim_names").is_some_and(|names| names.get("groups").is_some());
        if is_elsewhere || claims.get("hasgroups").is_some_and(|flag| flag != false && flag != "false") {
            return Err(GroupsLeftOut(()));
        }
        Ok(match claims.get("groups") {
            Some(Value::Array(groups)) => {
                groups.iter().filter_map(|group| Some(group.as_str()?.to_owned())).collect()
            }
            Some(Value::String(group)) => Self([group.clone()].into()),
            _ => Self::default(),
        })
    }

    /// The ids of the groups of a user that an identity provider has provisioned, from `groups`. Ask for it after an event that
    /// changed the members of a group.
    ///
    /// ```
    /// use scim_core::Resource;
    /// use scim_sync::ExternalGroups;
    /// use serde_json::json;
    ///
    /// let user = Resource::try_from(json!({ "id": "7", "groups": [{ "value": "31", "display": "Sales" }] }))?;
    /// assert!(ExternalGroups::from_user(&user).contains("31"));
    /// assert!(ExternalGroups::names_from_user(&user).contains("Sales"));
    /// # Ok::<(), scim_core::Error>(())
    /// ```
    pub fn from_user(user: &Resource) -> Self {
        Self::of_user(user, "value")
    }

    /// The names of the groups of a user, for rules that name groups by their names. Whoever may create a group of a name then
    /// has what the rules give to it.
    pub fn names_from_user(user: &Resource) -> Self {
        Self::of_user(user, "display")
    }

    fn of_user(user: &Resource, attribute: &str) -> Self {
        let groups = user.get("groups").and_then(Value::as_array).into_iter().flatten();
        groups.filter_map(|group| Some(group.get(attribute)?.as_str()?.to_owned())).collect()
    }

    /// Whether a group is among them.
    pub fn contains(&self, group: &str) -> bool {
        self.0.contains(group)
    }
}

/// The claims do not contain the groups, because there are too many.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the token does not contain the groups of the person, because there are too many; let the directory send only the groups that are assigned to the application"
)]
pub struct GroupsLeftOut(());
