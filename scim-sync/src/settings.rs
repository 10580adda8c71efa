//! What an administrator can set.

use serde::Deserialize;

use crate::grants::GrantRule;
use crate::matching::MatchRule;
use crate::{FieldRule, Level};

/// All settings. In JSON or any other format of serde; a key that does not exist is an error.
///
/// ```
/// let settings: scim_sync::Settings = serde_json::from_str(r#"{
///     "mode": "everything",
///     "scope": { "member_of": ["Staff"], "nested": true },
///     "mapping": [{ "target": "userName", "source": "userPrincipalName", "required": true }],
///     "match": [{ "source": "mail", "target": "emails.value" }],
///     "retention": { "delete_after_days": 30 },
///     "guard": { "deactivations": 20, "percent": 5 },
///     "grants": [{ "group": "Projects", "access": "edit", "external": ["0f6a..."] }],
///     "notices": { "welcome": true, "copy_to": "admin@example.com" }
/// }"#)?;
/// assert!(serde_json::from_str::<scim_sync::Settings>(r#"{ "mapping": [], "guards": {} }"#).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What a run does.
    #[serde(default)]
    pub mode: Mode,
    /// Which people count.
    #[serde(default)]
    pub scope: Scope,
    /// How the attributes of a user are filled.
    pub mapping: Vec<FieldRule>,
    /// How existing users are found, in order.
    #[serde(default, rename = "match")]
    pub match_rules: Vec<MatchRule>,
    /// What becomes of users whose person is gone.
    #[serde(default)]
    pub retention: Retention,
    /// How many users a run may deactivate.
    #[serde(default)]
    pub guard: Guard,
    /// Who becomes a member of which group.
    #[serde(default)]
    pub grants: Vec<GrantRule>,
    /// Who is told of what.
    #[serde(default)]
    pub notices: Notices,
}

/// What a run does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nothing.
    Paused,
    /// It creates users for new people, and leaves all other users alone.
    OnlyNew,
    /// It creates, updates, deactivates, restores and deletes users.
    #[default]
    Everything,
}

/// Which people count: the members of groups, or everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Names or ids of groups of the directory. A member of any of them counts. Without a group, everybody does; an empty
    /// name counts as none.
    #[serde(default)]
    pub member_of: Vec<String>,
    /// Whether members of groups in these groups count, too.
    #[serde(default)]
    pub nested: bool,
}

impl Scope {
    /// The names or ids that are not empty.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &str> {
        self.member_of.iter().map(|group| group.trim()).filter(|group| !group.is_empty())
    }
}

/// What becomes of users whose person is gone from the directory, or no longer in the scope. They are deactivated at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// After how many days such a user is deleted. Until then, a person who comes back has the same user again. Without this,
    /// no user is deleted.
    #[serde(default)]
    pub delete_after_days: Option<u32>,
}

/// How many users a run may deactivate: those whose person is gone, and those whom the mapping deactivates. A run that would
/// deactivate more deactivates none, and does everything else. The next run tries again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// The maximum number.
    #[serde(default)]
    pub deactivations: Option<usize>,
    /// The maximum percentage of all active users that belong to a person. Up to 5 users can always be deactivated, as far
    /// as this is concerned.
    #[serde(default)]
    pub percent: Option<u8>,
}

impl Guard {
    /// Why so many deactivations are too many.
    pub(crate) fn check(&self, deactivations: usize, active: usize) -> Result<(), String> {
        const ALWAYS: usize = 5;
        if let Some(maximum) = self.deactivations.filter(|maximum| deactivations > *maximum) {
            return Err(format!(
                "{deactivations} users would be deactivated, and the guard allows {maximum}"
            ));
        }
        let is_over =
            |percent: &u8| deactivations > ALWAYS && deactivations * 100 > active * usize::from(*percent);
        match self.percent.filter(is_over) {
            Some(percent) => Err(format!(
                "{deactivations} of {active} users would be deactivated, and the guard allows {percent} percent"
            )),
            None => Ok(()),
        }
    }
}

/// Who is told of what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notices {
    /// Whether new users are welcomed, at their `emails`.
    #[serde(default)]
    pub welcome: bool,
    /// Who is told of each new user.
    #[serde(default)]
    pub copy_to: Option<String>,
    /// Who is told of problems.
    #[serde(default)]
    pub problems_to: Option<String>,
    /// From which level on.
    #[serde(default)]
    pub problems_from: Level,
}

#[cfg(test)]
mod tests {
    use super::Guard;

    #[test]
    fn the_guard_counts_users_and_percent() {
        let guard = Guard { deactivations: Some(20), percent: Some(10) };
        for (deactivations, active, is_allowed) in [
            (0, 0, true),
            (5, 6, true),
            (6, 6, false),
            (10, 100, true),
            (11, 100, false),
            (20, 999, true),
            (21, 999, false),
        ] {
            assert_eq!(guard.check(deactivations, active).is_ok(), is_allowed, "{deactivations} of {active}");
        }
        assert!(Guard::default().check(1_000_000, 1).is_ok());
    }
}
