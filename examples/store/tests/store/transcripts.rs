//! The transcripts of `testdata`, on every database.

use crate::support;
use scim_core::schema::{Attribute, Mutability, ResourceType, Schema, Tolerance, Uniqueness, standard};
use scim_core::{Identity, ScimService};
use scim_store::Store;
use testdata::transcript::{Anonymous, Transcript};

const BASE: &str = "https://scim.example.com/scim/v2";

/// A type that no standard knows, as the transcripts of bulk requests use it.
fn devices() -> ResourceType {
    let reference = |name: &str, to: &str| {
        let value = Attribute::string("value").case_exact(true);
        Attribute::complex(name, [value, Attribute::reference("$ref", [to])])
    };
    let serial = Attribute::string("serial").case_exact(true).with_mutability(Mutability::Immutable);
    let attributes = [
        Attribute::string("displayName").required(),
        serial.with_uniqueness(Uniqueness::Server),
        Attribute::boolean("active").with_default_value(true),
        Attribute::integer("slots"),
        reference("owner", "User"),
        reference("upstream", "Device"),
    ];
    let device =
        Schema::new("urn:example:params:scim:schemas:core:2.0:Device", "Device", attributes).unwrap();
    let pairing = [reference("partner", "Device").required(), Attribute::date_time("since")];
    let pairing =
        Schema::new("urn:example:params:scim:schemas:extension:pairing:2.0:Device", "Pairing", pairing)
            .unwrap();
    ResourceType::builder("Device", "/Devices", device)
        .description("A thing on the network")
        .extension(pairing)
        .build()
        .unwrap()
}

/// The service that a transcript asks for; none if that is not about the store.
fn service(transcript: &Transcript, store: &Store) -> Option<ScimService> {
    let switches = transcript.host.as_object()?;
    let is = |name: &str| switches.get(name).and_then(|value| value.as_bool());
    let mut store = store.clone();
    if is("unique_group_names") != Some(false) {
        store = store.unique("Group", "displayName");
    }
    if is("keep_unknown_members") == Some(true) {
        store = store.keep_unknown_members();
    }
    let tolerance = match transcript.profile.as_str() {
        "lenient" => Tolerance::lenient(),
        "strict" => Tolerance::strict(),
        "interop" => Tolerance::interop(),
        other => panic!("{other} is not a profile"),
    };
    let custom = Schema::new(
        "urn:ietf:params:scim:schemas:extension:CustomExtensionName:2.0:User",
        "CustomExtensionName",
        [Attribute::string("tag").with_description("A tag.")],
    );
    let user = ResourceType::builder("User", "/Users", standard::user())
        .description("User account")
        .extension(standard::enterprise_user())
        .extension(custom.unwrap().with_description("Custom attributes of users"))
        .build()
        .unwrap();
    let mut builder = ScimService::builder().base_url(BASE).tolerance(tolerance);
    for (name, value) in switches {
        let number = || usize::try_from(value.as_u64().unwrap()).unwrap();
        builder = match name.as_str() {
            "unique_group_names" | "keep_unknown_members" | "devices" => builder,
            "bulk_operations" => builder.bulk_operations(number()),
            "max_payload" => builder.max_payload(number()),
            "page_size" => builder.page_size(number(), number()),
            "require_if_match" => builder.require_if_match(),
            "public_discovery" => builder.public_discovery(),
            _ => return None,
        };
    }
    builder = builder.resource(user, store.clone()).groups(store.clone());
    if is("devices") == Some(true) {
        builder = builder.resource(devices(), store);
    }
    Some(builder.build().unwrap())
}

/// Transcripts that the store answers otherwise, and why.
const OTHERWISE: [(&str, &str); 5] = [
    ("cursor-changes", "a position stays behind a resource that is deleted, not before the next one"),
    ("discovery-off", "passwords are kept, as hashes, and so it is announced that they can be changed"),
    ("discovery-rules", "the same"),
    ("entra-discovery", "that group names are unique is the database's rule and not in the schema"),
    ("references-follow", "a manager who is deleted stays named until the identity provider says otherwise"),
];

#[test]
fn transcripts_hold() {
    let transcripts = Transcript::load_all();
    let runtime = support::runtime();
    for database in support::databases() {
        let store = support::open(&runtime, &database);
        let (mut failures, mut run) = (Vec::new(), 0);
        let answered = |transcript: &&Transcript| {
            !OTHERWISE.iter().any(|(name, _)| transcript.file.to_string().contains(name))
        };
        for transcript in transcripts.iter().filter(answered) {
            let Some(service) = service(transcript, &store) else { continue };
            run += 1;
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
        assert!(run > 60, "only {run} transcripts are about the store");
        println!("{}: {run} of {} transcripts", database.url, transcripts.len());
        let (failed, url) = (failures.len(), &database.url);
        assert!(failures.is_empty(), "{failed} transcripts fail on {url}:\n{}", failures.join("\n\n"));
    }
}
