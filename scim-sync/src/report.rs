//! What a run would do or has done, and what went wrong.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What happens to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// A user is created for a new person.
    Create,
    /// An existing user was found by the match rules, and belongs to a person from now on.
    Link,
    /// Attributes change.
    Update,
    /// A person is back: their user is active again.
    Restore,
    /// A person is gone: their user is no longer active.
    Deactivate,
    /// A person has been gone for the days that the settings name.
    Delete,
    /// A rule gives a membership.
    AddMember,
    /// A rule no longer gives a membership.
    RemoveMember,
    /// A photo is copied or removed.
    Photo,
}

impl Action {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Create,
        Self::Link,
        Self::Update,
        Self::Restore,
        Self::Deactivate,
        Self::Delete,
        Self::AddMember,
        Self::RemoveMember,
        Self::Photo,
    ];
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Create => "create",
            Self::Link => "link",
            Self::Update => "update",
            Self::Restore => "restore",
            Self::Deactivate => "deactivate",
            Self::Delete => "delete",
            Self::AddMember => "add member",
            Self::RemoveMember => "remove member",
            Self::Photo => "photo",
        })
    }
}

/// A change of a user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Change {
    /// What happens.
    pub action: Action,
    /// The person, as [`Person::label`](crate::Person::label) names them.
    pub person: String,
    /// The paths of the attributes that change, or the group and the access. It contains no values of attributes.
    pub detail: String,
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Nothing has to be done.
    Info,
    /// A person is left out until somebody changes something.
    #[default]
    Warning,
    /// Something failed. The next run tries again, and fails again unless somebody changes what the text says.
    Error,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// Something that went wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Problem {
    /// How bad it is.
    pub level: Level,
    /// The person; empty if it is about the whole run.
    pub person: String,
    /// What went wrong, and what to do.
    pub text: String,
}

/// What a run does: the changes in order, and what it leaves out and why. `Display` shows it as a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The changes.
    pub changes: Vec<Change>,
    /// The problems.
    pub problems: Vec<Problem>,
}

impl Plan {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How many changes are of this kind.
    pub fn count(&self, action: Action) -> usize {
        self.changes.iter().filter(|change| change.action == action).count()
    }

    /// The highest level of its problems.
    pub fn level(&self) -> Option<Level> {
        self.problems.iter().map(|problem| problem.level).max()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() && self.problems.is_empty() {
            return f.write_str("nothing to do\n");
        }
        let people = self.changes.iter().map(|change| &change.person);
        let people = people.chain(self.problems.iter().map(|problem| &problem.person));
        // Longer names only shift their own line.
        let width = people.map(|person| person.chars().count()).max().unwrap_or(0).min(40);
        for Change { action, person, detail } in &self.changes {
            let (person, detail) = (printable(person), printable(detail));
            writeln!(f, "{}", format!("{action:13}  {person:width$}  {detail}").trim_end())?;
        }
        for Problem { level, person, text } in &self.problems {
            writeln!(f, "{level:13}  {:width$}  {}", printable(person), printable(text))?;
        }
        Ok(())
    }
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// When it began.
    pub started: DateTime<Utc>,
    /// Whether everything was read, or only what had changed since the last run.
    pub is_full: bool,
    /// Whether it came to its end. If not, the next run reads the same changes again.
    pub is_complete: bool,
    /// How many people it has read.
    pub people: usize,
    /// How many of them have a user that is as it must be.
    pub unchanged: usize,
    /// What it has done, and what not.
    pub plan: Plan,
    /// Notices that may or may not have been sent: the run that sent them was stopped. They are sent again only on request.
    #[serde(default)]
    pub unknown_notices: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let read = if self.is_full { "everything" } else { "what has changed" };
        writeln!(
            f,
            "{} read {read}: {} people, {} unchanged",
            self.started.format("%Y-%m-%d %H:%M:%S"),
            self.people,
            self.unchanged
        )?;
        for action in Action::ALL {
            match self.plan.count(*action) {
                0 => {}
                count => writeln!(f, "{action}: {count}")?,
            }
        }
        for Problem { level, person, text } in &self.plan.problems {
            let of = if person.is_empty() { String::new() } else { format!("{person}: ") };
            writeln!(f, "{level}: {}", printable(&format!("{of}{text}")))?;
        }
        for notice in &self.unknown_notices {
            writeln!(f, "it is not known whether this notice was sent: {}", printable(notice))?;
        }
        if !self.is_complete {
            writeln!(f, "the run did not come to its end")?;
        }
        Ok(())
    }
}

/// A text without characters that would change how a terminal shows the rest. Names come from the directory.
fn printable(text: &str) -> String {
    text.chars()
        .map(|character| if character.is_control() { char::REPLACEMENT_CHARACTER } else { character })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Action, Change, Plan};

    #[test]
    fn a_name_cannot_forge_a_line() {
        let change = Change {
            action: Action::Create,
            person: "a\ndelete\u{1b}[31m".to_owned(),
            detail: String::new(),
        };
        let plan = Plan { changes: vec![change], problems: Vec::new() };
        assert_eq!(plan.to_string(), "create         a\u{fffd}delete\u{fffd}[31m\n");
    }
}
