//! The groups of the endpoint that rules give.

use std::collections::{HashMap, HashSet};

/// The groups of the endpoint that rules give.
#[derive(Debug, Default)]
pub(super) struct TargetGroups {
    /// The ids by what the rules call them. A group that does not exist is left out.
    pub(super) ids: HashMap<String, String>,
    /// What the rules call those that do not exist, or that several have the name of.
    pub(super) missing: Vec<String>,
    /// In a full run, the ids of their members by the ids of the groups.
    pub(super) members: Option<HashMap<String, HashSet<String>>>,
    /// The sub-attribute of `members` for what a member may do.
    pub(super) access: Option<&'static str>,
}
