//! Compares the tables of deviations with those that occur in the transcripts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use scim_core::schema::Quirk;
use scim_core::{Event, Identity, MemoryProvider, Monitor, ScimService};
use testdata::transcript::{Anonymous, Transcript};

use crate::page::{PAGES, all_pages, page, section};
use crate::transcript_service::{BASE_URL, user_type};

/// The names of deviations, each with the transcripts in which it occurs.
type Found = BTreeMap<&'static str, BTreeSet<String>>;

#[test]
fn the_tables_of_deviations_are_what_the_transcripts_contain() {
    let transcripts = Transcript::load_all();
    let mut messages = Vec::new();
    for (name, provider) in PAGES {
        let own: Vec<_> = transcripts.iter().filter(|t| is_of(t, provider)).collect();
        assert!(!own.is_empty(), "testdata/idp has no transcript of {provider}");
        let found = deviations(&own);
        let listed: BTreeSet<String> = listed(name).into_iter().collect();
        for (quirk, files) in &found {
            if !listed.contains(*quirk) {
                let files = files.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
                messages
                    .push(format!("add to docs/{name}: | `{quirk}` | .. | .. |   (it occurs in {files})"));
            }
        }
        for quirk in listed.iter().filter(|quirk| !found.contains_key(quirk.as_str())) {
            messages.push(format!(
                "remove from docs/{name} the line of `{quirk}`, or add a transcript to testdata/idp: no transcript of \
                 {provider} contains it"
            ));
        }
    }
    assert!(messages.is_empty(), "\n{}\n", messages.join("\n"));
}

#[test]
fn every_deviation_that_a_table_names_exists() {
    let known: BTreeSet<&str> = Quirk::ALL.iter().map(|quirk| quirk.name()).collect();
    for (name, _) in PAGES {
        for quirk in listed(name) {
            assert!(known.contains(quirk.as_str()), "docs/{name}: there is no deviation `{quirk}`");
        }
    }
    // A name elsewhere in a page has a hyphen and is in backticks, as those of the table.
    for name in all_pages() {
        for word in page(&name).split('`').skip(1).step_by(2).filter(|word| looks_like_a_deviation(word)) {
            assert!(
                known.contains(word),
                "docs/{name}: `{word}` looks like a deviation, and there is none of that name"
            );
        }
    }
}

/// Whether a text is lower-case words with a hyphen between them, as the names of deviations, and not a command, a file or the
/// name of a crate or host.
fn looks_like_a_deviation(text: &str) -> bool {
    let words: Vec<&str> = text.split('-').collect();
    let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    let others = ["axum-host", "actix-host", "people-host", "x-request-id", "content-type"];
    let is_other = others.contains(&text) || ["scim-", "en-"].iter().any(|prefix| text.starts_with(prefix));
    words.len() > 1 && words.iter().all(is_word) && !is_other
}

/// Whether a transcript contains requests of a provider. The name of its file says so.
fn is_of(transcript: &Transcript, provider: &str) -> bool {
    let file = transcript.test_name();
    let name = file.split_once('/').map_or(file.as_str(), |(_, name)| name);
    name == provider || name.starts_with(&format!("{provider}-"))
}

/// The names in the first column of the table of a page.
fn listed(name: &str) -> Vec<String> {
    let rows = section(name, &page(name), "quirks");
    // The first two lines are the head of the table.
    let names = rows.iter().skip(2).map(|row| row.split('`').nth(1).map(str::to_owned));
    let names: Option<Vec<String>> = names.collect();
    let names = names.unwrap_or_else(|| panic!("docs/{name}: a row of the table has no name in backticks"));
    let distinct: BTreeSet<&String> = names.iter().collect();
    assert_eq!(distinct.len(), names.len(), "docs/{name} lists a deviation twice");
    names
}

/// The deviations in transcripts.
fn deviations(transcripts: &[&Transcript]) -> Found {
    let mut found = Found::new();
    for transcript in transcripts {
        let recorder = Recorder::default();
        run(transcript, &recorder).unwrap_or_else(|message| panic!("{message}"));
        for quirk in recorder.quirks() {
            found.entry(quirk).or_default().insert(transcript.file.clone());
        }
    }
    found
}

/// Sends the requests of a transcript to a new service, and notes what is tolerated.
fn run(transcript: &Transcript, recorder: &Recorder) -> Result<usize, String> {
    assert_eq!(transcript.profile, "lenient", "{}", transcript.file);
    let mut store = MemoryProvider::new();
    let switches = transcript.switches.as_object().expect("`switches` is an object");
    match switches.iter().map(|(name, value)| (name.as_str(), value)).collect::<Vec<_>>().as_slice() {
        [] => store = store.unique("Group", "displayName"),
        [("unique_group_names", value)] if **value == false => {}
        _ => panic!("{}: the test of the pages does not know these switches", transcript.file),
    }
    let service = ScimService::builder()
        .base_url(BASE_URL)
        .resource(user_type(), store.clone())
        .groups(store)
        .monitor(recorder.clone())
        .build()
        .unwrap();
    transcript.run(BASE_URL, &mut |request| {
        let (mut parts, body) = request.into_parts();
        if parts.extensions.get::<Anonymous>().is_none() {
            parts.extensions.insert(Identity::new("tests"));
        }
        if let Ok(operation) = service.parse(&parts, &body) {
            operation.tolerated().iter().for_each(|tolerated| recorder.note(tolerated.quirk));
        }
        pollster::block_on(service.handle(http::Request::from_parts(parts, body)))
    })
}

/// Notes the deviations that are tolerated. As a monitor, it notes those inside bulk requests and those that depend on what is
/// stored, too.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<BTreeSet<&'static str>>>);

impl Recorder {
    fn note(&self, quirk: Quirk) {
        self.0.lock().unwrap().insert(quirk.name());
    }

    fn quirks(&self) -> BTreeSet<&'static str> {
        self.0.lock().unwrap().clone()
    }
}

impl Monitor for Recorder {
    fn changed(&self, event: &Event<'_>) {
        event.tolerated().iter().for_each(|tolerated| self.note(tolerated.quirk));
    }
}
