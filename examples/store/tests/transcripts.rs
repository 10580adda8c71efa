//! The transcripts of `testdata`, on every database.

mod support;

use scim_core::schema::{Attribute, ResourceType, Schema, Tolerance, standard};
use scim_core::{Identity, ScimService};
use scim_store::Store;
use testdata::transcript::{Anonymous, Transcript};

const BASE: &str = "https://scim.example.com/scim/v2";

fn service(transcript: &Transcript, store: &Store) -> ScimService {
    let mut store = store.clone();
    if transcript.host.get("unique_group_names").and_then(|v| v.as_bool()) != Some(false) {
        store = store.unique("Group", "displayName");
    }
    let custom = Schema::new(
        "urn:ietf:params:scim:schemas:extension:CustomExtensionName:2.0:User",
        "CustomExtensionName",
        [Attribute::string("tag").with_description("A tag.")],
    )
    .unwrap()
    .with_description("Custom attributes of users");
    let user = ResourceType::builder("User", "/Users", standard::user())
        .description("User account")
        .extension(standard::enterprise_user())
        .extension(custom)
        .build()
        .unwrap();
    let tolerance = match transcript.profile.as_str() {
        "lenient" => Tolerance::lenient(),
        "strict" => Tolerance::strict(),
        "interop" => Tolerance::interop(),
        other => panic!("{other} is not a profile"),
    };
    ScimService::builder()
        .base_url(BASE)
        .tolerance(tolerance)
        .resource(user, store.clone())
        .groups(store)
        .build()
        .unwrap()
}

#[test]
fn transcripts_hold() {
    let transcripts = Transcript::load_all();
    let runtime = support::runtime();
    for database in support::databases() {
        let store = support::open(&runtime, &database);
        let mut failures = Vec::new();
        for transcript in &transcripts {
            let service = service(transcript, &store);
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
        let (failed, url) = (failures.len(), &database.url);
        assert!(failures.is_empty(), "{failed} transcripts fail on {url}:\n{}", failures.join("\n\n"));
    }
}
