//! Checks that the files, settings and commands that the pages name exist.

use std::collections::BTreeSet;

use crate::page::{all_pages, page, read, repository};

#[test]
fn every_link_to_a_file_leads_somewhere() {
    for name in all_pages() {
        let text = page(&name);
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.starts_with("https://") {
                continue;
            }
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() { name.as_str() } else { file };
            let path = repository().join("docs").join(file);
            assert!(path.exists(), "docs/{name}: the link to `{target}` leads nowhere");
            if !heading.is_empty() {
                let headings = anchors(&std::fs::read_to_string(&path).unwrap());
                assert!(
                    headings.contains(heading),
                    "docs/{name}: `{file}` has no heading `#{heading}`: {headings:?}"
                );
            }
        }
    }
}

#[test]
fn every_example_in_json_is_json() {
    let mut examples = 0;
    for name in all_pages() {
        for example in page(&name).split("```json\n").skip(1).filter_map(|rest| rest.split("```").next()) {
            examples += 1;
            if let Err(error) = serde_json::from_str::<serde_json::Value>(example) {
                panic!("docs/{name}: {error}:\n{example}");
            }
        }
    }
    assert!(examples > 15, "only {examples} examples were found in docs/");
}

#[test]
fn every_setting_exists() {
    let readme = read("examples/README.md");
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| `"));
    let settings: BTreeSet<&str> = rows.filter_map(|row| row.split('`').next()).collect();
    assert!(settings.contains("SCIM_GROUP_PATCH") && settings.len() > 20, "the table of options has moved");
    for name in all_pages() {
        for setting in settings_in(&page(&name)) {
            assert!(
                settings.contains(setting.as_str()),
                "docs/{name}: `{setting}` is not in the table of options in examples/README.md"
            );
        }
    }
}

#[test]
fn every_command_exists() {
    let host = read("examples/common/src/commands/arguments.rs");
    let options = read("examples/common/src/settings/options.rs");
    let checker = read("scim-cli/src/commands/mod.rs");
    let mut commands = 0;
    for name in all_pages() {
        for command in commands_in(&page(&name)) {
            commands += 1;
            let mut words = command.split_whitespace();
            let program = words.next().unwrap();
            let words: Vec<&str> = words.collect();
            let subcommands = words
                .iter()
                .take_while(|word| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
            // `token create okta`: the name of the credential is not a command, and follows two or three of them.
            let depth = if words.starts_with(&["client", "secret"]) { 3 } else { 2 };
            for word in subcommands.take_while(|word| !word.starts_with('-')).take(depth) {
                let is_known = match program {
                    "scim" => checker.contains(&format!("    {} {{", capitalized(word))),
                    _ => host.contains(&format!("Command::new(\"{word}\")")),
                };
                assert!(is_known, "docs/{name}: `{program}` has no command `{word}`: `{command}`");
            }
            for option in words.iter().filter_map(|word| word.strip_prefix("--")) {
                let is_known = match program {
                    "scim" => checker.contains(&option.replace('-', "_")),
                    _ => {
                        let variable = format!("SCIM_{}", option.to_ascii_uppercase().replace('-', "_"));
                        host.contains(&format!("\"{option}\""))
                            || options.contains(&format!("\"{variable}\""))
                    }
                };
                assert!(is_known, "docs/{name}: `{program}` has no option `--{option}`: `{command}`");
            }
        }
    }
    assert!(commands > 20, "only {commands} commands were found in docs/");
}

/// The commands of the hosts and of `scim` in the code of a page: in lines of blocks, and in backticks. A line that ends
/// with a backslash goes on.
fn commands_in(text: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut is_block = false;
    let mut begun = String::new();
    for line in text.lines() {
        if line.starts_with("```") {
            is_block = !is_block;
        } else if is_block {
            begun.push_str(line.trim_end_matches('\\'));
            if !line.ends_with('\\') {
                commands.push(std::mem::take(&mut begun));
            }
        } else {
            commands.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    let is_command = |command: &String| {
        let words: Vec<&str> = command.split_whitespace().collect();
        let programs = ["axum-host", "actix-host", "people-host", "scim"];
        words.len() > 1 && programs.contains(&words[0])
    };
    // What follows `#` is a comment.
    let without_comments =
        commands.iter().map(|command| command.split(" #").next().unwrap().trim().to_owned());
    without_comments.filter(is_command).collect()
}

/// The name of the variant of an enum for a command.
fn capitalized(word: &str) -> String {
    let mut characters = word.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

/// The variables in a text whose names begin with `SCIM_`.
fn settings_in(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_uppercase() || c == '_';
    let words = text.split(|c: char| !is_part(c));
    words.filter(|word| word.starts_with("SCIM_")).map(|word| word.trim_end_matches('_').to_owned()).collect()
}

/// The anchors of the headings of a page, as on the usual sites.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings =
        text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let is_kept = |c: &char| c.is_alphanumeric() || *c == ' ' || *c == '-';
    headings
        .map(|heading| heading.to_lowercase().chars().filter(is_kept).collect::<String>().replace(' ', "-"))
        .collect()
}
