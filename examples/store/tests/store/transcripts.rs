//! The transcripts of `testdata`, on every database.

/// The services that transcripts ask for, as they are made for the tests of the core.
#[expect(dead_code, reason = "the service in memory is of no use here")]
#[path = "../../../../scim-core/tests/host/mod.rs"]
mod host;

use crate::support;
use host::{BASE, service_on};
use scim_core::Identity;
use scim_store::Store;
use testdata::transcript::{Anonymous, Transcript};

/// The store as a transcript asks for it.
fn adjusted(mut store: Store, transcript: &Transcript) -> Store {
    if transcript.host["unique_group_names"] != false {
        store = store.unique("Group", "displayName");
    }
    if transcript.host["keep_unknown_members"] == true {
        store = store.keep_unknown_members();
    }
    store
}

#[test]
fn transcripts_hold() {
    let mut transcripts = Transcript::load_all();
    // Some are about a store that does not keep passwords; this one does, as hashes.
    transcripts.retain(|transcript| transcript.host["hash_passwords"] != false);
    assert!(transcripts.len() > 80, "the transcripts are there");
    let runtime = support::runtime();
    for database in support::databases() {
        let store = support::open(&runtime, &database);
        let mut failures = Vec::new();
        for transcript in &transcripts {
            let store = adjusted(store.clone(), transcript);
            let service = service_on(store, &transcript.profile, &transcript.host);
            // Each file starts from an empty store, and so does a new tenant.
            let tenant = support::tenant();
            let result = transcript.run(BASE, &mut |mut request| {
                if request.extensions().get::<Anonymous>().is_none() {
                    request.extensions_mut().insert(Identity::new("tests").in_tenant(&tenant));
                }
                runtime.block_on(service.handle(request))
            });
            failures.extend(result.err());
        }
        println!("{}: {} transcripts", database.url, transcripts.len());
        let (failed, url) = (failures.len(), &database.url);
        assert!(failures.is_empty(), "{failed} transcripts fail on {url}:\n{}", failures.join("\n\n"));
    }
}
