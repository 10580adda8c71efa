//! The conversations that come with the program.

use crate::conversation::Conversation;

/// The files, in the order in which they run.
const FILES: [(&str, &str); 11] = [
    ("discovery", include_str!("../../conversations/discovery.json")),
    ("users", include_str!("../../conversations/users.json")),
    ("filters", include_str!("../../conversations/filters.json")),
    ("paging", include_str!("../../conversations/paging.json")),
    ("patch", include_str!("../../conversations/patch.json")),
    ("groups", include_str!("../../conversations/groups.json")),
    ("versions", include_str!("../../conversations/versions.json")),
    ("bulk", include_str!("../../conversations/bulk.json")),
    ("entra", include_str!("../../conversations/entra.json")),
    ("okta", include_str!("../../conversations/okta.json")),
    ("google", include_str!("../../conversations/google.json")),
];

/// The conversations that come with the program.
///
/// # Errors
///
/// If a file is damaged, which a test rules out.
pub(crate) fn built_in() -> Result<Vec<Conversation>, String> {
    let parse =
        |(name, text): (&str, &str)| serde_json::from_str(text).map_err(|error| format!("{name}: {error}"));
    FILES.into_iter().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn the_files_are_valid_and_their_checks_have_names_of_their_own() {
        let conversations = super::built_in().unwrap();
        let mut ids = BTreeSet::new();
        for check in conversations.iter().flat_map(|conversation| &conversation.checks) {
            assert!(ids.insert(&check.id), "{} is there twice", check.id);
            assert!(!check.steps.is_empty(), "{}", check.id);
            for step in &check.steps {
                assert!(step.request.path.starts_with('/'), "{}", check.id);
            }
        }
    }
}
