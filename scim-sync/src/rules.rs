//! The settings, checked.

use std::fmt;

use scim_core::schema::ResourceType;
use sha2::{Digest, Sha256};

use crate::mapping::Mapping;
use crate::matching::Rule;
use crate::{Grants, Settings};

/// The settings, checked against the type of the users.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) settings: Settings,
    pub(crate) mapping: Mapping,
    pub(crate) match_rules: Vec<Rule>,
    pub(crate) grants: Grants,
    /// A hash of the settings that decide what a user must have.
    pub(crate) fingerprint: String,
    /// A hash of all settings that decide what is read and done. With others, everything is read.
    pub(crate) positions_fingerprint: String,
}

impl Rules {
    /// Checks the settings against the type of the users.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the settings, with what to write instead.
    pub(crate) fn new(settings: Settings, user_type: &ResourceType) -> Result<Self, InvalidSettings> {
        let mut errors = Vec::new();
        let mut collect = |mut new: Vec<String>| errors.append(&mut new);
        let mapping = Mapping::new(&settings.mapping, user_type).map_err(&mut collect).ok();
        let grants = Grants::new(&settings.grants, user_type).map_err(&mut collect).ok();
        let mut match_rules = Vec::new();
        for (index, rule) in settings.match_rules.iter().enumerate() {
            match Rule::new(rule, user_type) {
                Ok(rule) => match_rules.push(rule),
                Err(error) => collect(vec![format!("match[{index}]: {error}")]),
            }
        }
        if settings.guard.percent.is_some_and(|percent| percent > 100) {
            collect(vec!["guard.percent: write a number from 0 to 100".to_owned()]);
        }
        for (name, address) in
            [("copy_to", &settings.notices.copy_to), ("problems_to", &settings.notices.problems_to)]
        {
            if address.as_ref().is_some_and(|address| !address.contains('@')) {
                collect(vec![format!("notices.{name}: write an e-mail address")]);
            }
        }
        for name in ["externalId", "active"] {
            if user_type.attribute(name).is_none() {
                collect(vec![format!("the type of the users has no attribute `{name}`, which is needed")]);
            }
        }
        match (mapping, grants) {
            (Some(mapping), Some(grants)) if errors.is_empty() => {
                let of_users = [
                    format!("{:?}", settings.mapping),
                    format!("{:?}", settings.grants),
                    format!("{:?}", settings.scope),
                ];
                let others = [format!("{:?}", settings.mode), format!("{:?}", settings.match_rules)];
                let positions_fingerprint = hash(of_users.iter().cloned().chain(others));
                Ok(Self {
                    settings,
                    mapping,
                    match_rules,
                    grants,
                    fingerprint: hash(of_users),
                    positions_fingerprint,
                })
            }
            _ => Err(InvalidSettings { errors }),
        }
    }

    /// The names of the fields that the directory has to send.
    pub(crate) fn fields(&self) -> Vec<&str> {
        let in_rules = self.settings.match_rules.iter().flat_map(|rule| rule.source.names());
        let labels = ["userPrincipalName", "mail", "displayName"];
        let mut fields: Vec<_> = self.mapping.fields().chain(in_rules).chain(labels).collect();
        fields.sort_unstable();
        fields.dedup();
        fields
    }

    /// Whether the directory's groups are read.
    pub(crate) fn needs_groups(&self) -> bool {
        self.settings.scope.groups().next().is_some() || self.grants.need_external_groups()
    }
}

/// A hash of texts, short enough to be kept for each person.
pub(crate) fn hash(texts: impl IntoIterator<Item = String>) -> String {
    let mut digest = Sha256::new();
    for text in texts {
        digest.update(text.len().to_le_bytes());
        digest.update(text);
    }
    digest.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

/// Everything that is wrong with settings. `Display` has a line for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSettings {
    errors: Vec<String>,
}

impl InvalidSettings {
    /// What is wrong, each with its place and what to write instead.
    pub fn errors(&self) -> &[String] {
        &self.errors
    }
}

impl fmt::Display for InvalidSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.errors.join("\n"))
    }
}

impl std::error::Error for InvalidSettings {}
