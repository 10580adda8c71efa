//! The transcripts of `testdata/http` and `testdata/idp`, in process.

use scim_core::schema::{Attribute, ResourceType, Schema, Tolerance, standard};
use scim_core::{Identity, MemoryProvider, ScimService};
use testdata::transcript::{Anonymous, Transcript};

const BASE: &str = "https://scim.example.com/scim/v2";

fn service(transcript: &Transcript) -> ScimService {
    let mut store = MemoryProvider::new();
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
fn transcripts_hold_in_process() {
    let transcripts = Transcript::load_all();
    assert!(transcripts.len() > 40, "the transcripts are there");
    let mut steps = 0;
    let mut failures = Vec::new();
    for transcript in &transcripts {
        let service = service(transcript);
        let result = transcript.run(BASE, &mut |mut request| {
            if request.extensions().get::<Anonymous>().is_none() {
                request.extensions_mut().insert(Identity::new("tests"));
            }
            pollster::block_on(service.handle(request))
        });
        match result {
            Ok(count) => steps += count,
            Err(failure) => failures.push(failure),
        }
    }
    assert!(failures.is_empty(), "{} transcripts fail:\n{}", failures.len(), failures.join("\n\n"));
    println!("{steps} steps of {} transcripts", transcripts.len());
}
