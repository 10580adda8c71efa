//! The rules that give memberships.

use scim_core::filter::{Filter, Predicate};
use scim_core::schema::{ReadContext, ResourceType, Tolerance};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ExternalGroups;

/// A rule: who is in one of the external groups, and satisfies the filter, becomes a member of the group.
///
/// ```
/// let rules: Vec<scim_sync::GrantRule> = serde_json::from_str(r#"[
///     { "group": "Projects", "access": "edit", "external": ["0f6a51c2-0f3e-4b6f-8a52-8e33f6a0a7c1"] },
///     { "group": "Everybody in Berlin", "filter": "addresses.locality eq \"Berlin\" and active eq true" }
/// ]"#)?;
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantRule {
    /// The group of the application: its id or its `displayName`.
    pub group: String,
    /// What members may do there. If several rules give the same group, the first one that applies decides.
    #[serde(default)]
    pub access: Option<String>,
    /// Groups of the directory, best by their ids, which never change. In a run, a text that is not the id of a group may be the
    /// name of exactly one.
    #[serde(default)]
    pub external: Vec<String>,
    /// A filter over the attributes of the user (RFC 7644 section 3.4.2.2).
    #[serde(default)]
    pub filter: Option<String>,
}

/// What a rule gives: a group, and what a member may do there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The group.
    pub group: String,
    /// What the person may do there, if that is said.
    pub access: Option<String>,
}

impl Grant {
    /// A membership in this group.
    pub fn new(group: impl Into<String>, access: Option<&str>) -> Self {
        Self { group: group.into(), access: access.map(str::to_owned) }
    }
}

/// Rules that were checked.
///
/// ```
/// use scim_core::schema::standard;
/// use scim_sync::{ExternalGroups, Grant, GrantRule, Grants};
/// use serde_json::{Map, json};
///
/// let rules: Vec<GrantRule> = serde_json::from_value(json!([
///     { "group": "Projects", "access": "edit", "external": ["g1"] },
///     { "group": "Projects", "access": "read", "external": ["g1", "g2"] },
/// ])).unwrap();
/// let grants = Grants::new(&rules, &standard::user_type()).unwrap();
/// let groups = ExternalGroups::from_claims(&json!({ "oid": "b3", "groups": ["g2", "g7"] })).unwrap();
/// assert_eq!(grants.wanted(&groups, &Map::new()), [Grant::new("Projects", Some("read"))]);
/// ```
#[derive(Debug)]
pub struct Grants(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    grant: Grant,
    external: Vec<String>,
    predicate: Option<Predicate>,
}

impl Grants {
    /// Checks all rules.
    ///
    /// # Errors
    ///
    /// What is wrong with each rule: it names neither external groups nor a filter, or the filter does not fit the type.
    pub fn new(rules: &[GrantRule], user_type: &ResourceType) -> Result<Self, Vec<String>> {
        let check = |(index, rule): (usize, &GrantRule)| {
            Rule::new(rule, user_type).map_err(|error| format!("grants[{index}] (`{}`): {error}", rule.group))
        };
        let (mut checked, mut errors) = (Vec::new(), Vec::new());
        for rule in rules.iter().enumerate().map(check) {
            match rule {
                Ok(rule) => checked.push(rule),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(Self(checked)) } else { Err(errors) }
    }

    /// The groups that the rules name, each once.
    pub fn groups(&self) -> Vec<&str> {
        let mut groups: Vec<&str> = Vec::new();
        for rule in &self.0 {
            if !groups.contains(&rule.grant.group.as_str()) {
                groups.push(&rule.grant.group);
            }
        }
        groups
    }

    /// What the rules give to a person: at most one grant for each group. `user` is the user in canonical form.
    pub fn wanted(&self, external_groups: &ExternalGroups, user: &Map<String, Value>) -> Vec<Grant> {
        let mut wanted: Vec<Grant> = Vec::new();
        for rule in &self.0 {
            let is_new = wanted.iter().all(|grant| grant.group != rule.grant.group);
            if is_new && rule.applies(external_groups, user) {
                wanted.push(rule.grant.clone());
            }
        }
        wanted
    }

    /// The external groups that rules name. No others make a difference.
    pub(crate) fn external(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|rule| &rule.external).map(String::as_str)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a rule names an external group.
    pub(crate) fn need_external_groups(&self) -> bool {
        self.0.iter().any(|rule| !rule.external.is_empty())
    }
}

impl Rule {
    fn new(rule: &GrantRule, user_type: &ResourceType) -> Result<Self, String> {
        if rule.external.is_empty() && rule.filter.is_none() {
            return Err("name `external` groups, or a `filter`".to_owned());
        }
        if rule.group.is_empty() || rule.external.iter().any(String::is_empty) {
            return Err("the id or name of a group is empty".to_owned());
        }
        let resolve = |text: &String| {
            let filter: Filter = text.parse().map_err(|error| format!("filter: {error}"))?;
            let tolerance = Tolerance::strict();
            filter
                .resolve(user_type, &mut ReadContext::new(&tolerance))
                .map_err(|error| format!("filter: {error}"))
        };
        Ok(Self {
            grant: Grant { group: rule.group.clone(), access: rule.access.clone() },
            external: rule.external.clone(),
            predicate: rule.filter.as_ref().map(resolve).transpose()?,
        })
    }

    fn applies(&self, external_groups: &ExternalGroups, user: &Map<String, Value>) -> bool {
        (self.external.is_empty() || self.external.iter().any(|group| external_groups.contains(group)))
            && self.predicate.as_ref().is_none_or(|predicate| predicate.is_match(user))
    }
}
