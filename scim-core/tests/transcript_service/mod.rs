//! Builds the service under test from the profile and the switches of a transcript.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use scim_core::filter::FilterLimits;
use scim_core::schema::{Attribute, Mutability, ResourceType, Schema, Tolerance, Uniqueness, standard};
use scim_core::{
    Access, Action, Error, Event, Me, MemoryProvider, Monitor, Permit, Policy, Provider, Result, ScimService,
    ScimServiceBuilder,
};
use serde_json::Value;

/// The base URL of the service.
pub(crate) const BASE_URL: &str = "https://scim.example.com/scim/v2";

/// Users with the enterprise extension and a custom extension.
pub(crate) fn user_type() -> ResourceType {
    let custom = Schema::new(
        "urn:ietf:params:scim:schemas:extension:CustomExtensionName:2.0:User",
        "CustomExtensionName",
        [Attribute::string("tag").with_description("A tag.")],
    )
    .unwrap()
    .with_description("Custom attributes of users");
    ResourceType::builder("User", "/Users", standard::user())
        .description("User account")
        .extension(standard::enterprise_user())
        .extension(custom)
        .build()
        .unwrap()
}

/// Devices, which can be paired: a custom resource type.
pub(crate) fn device_type() -> ResourceType {
    let reference = |name: &str, referenced_type: &str| {
        let value = Attribute::string("value").case_exact(true);
        Attribute::complex(name, [value, Attribute::reference("$ref", [referenced_type])])
    };
    let device = Schema::new(
        "urn:example:params:scim:schemas:core:2.0:Device",
        "Device",
        [
            Attribute::string("displayName").required(),
            Attribute::string("serial")
                .case_exact(true)
                .with_mutability(Mutability::Immutable)
                .with_uniqueness(Uniqueness::Server),
            Attribute::boolean("active").with_default_value(true),
            Attribute::integer("slots"),
            reference("owner", "User"),
            reference("upstream", "Device"),
            // Elements with an immutable `value`, like members, but without a reference.
            Attribute::complex(
                "keys",
                [
                    Attribute::string("value").case_exact(true).with_mutability(Mutability::Immutable),
                    Attribute::string("type"),
                    Attribute::string("display"),
                ],
            )
            .multi_valued(),
            Attribute::complex(
                "contacts",
                [Attribute::string("value"), Attribute::string("type"), Attribute::boolean("primary")],
            )
            .multi_valued()
            .keep_only_type("work"),
        ],
    )
    .unwrap();
    let pairing = Schema::new(
        "urn:example:params:scim:schemas:extension:pairing:2.0:Device",
        "Pairing",
        [reference("partner", "Device").required(), Attribute::date_time("since")],
    )
    .unwrap();
    ResourceType::builder("Device", "/Devices", device)
        .description("A thing on the network")
        .extension(pairing)
        .build()
        .unwrap()
}

/// Builds the service for a transcript on the memory provider.
pub(crate) fn service_in_memory(profile: &str, switches: &Value) -> ScimService {
    let mut store = MemoryProvider::new();
    if switches["unique_group_names"] != false {
        store = store.unique("Group", "displayName");
    }
    if switches["keep_unknown_members"] == true {
        store = store.keep_unknown_members();
    }
    if switches["hash_passwords"] == true {
        store = store.hash_passwords(|password| format!("hash of {}", password.len()));
    }
    service_with_provider(store, profile, switches)
}

/// Builds the service for a transcript on a provider. The caller has already applied the switches that concern the
/// provider.
pub(crate) fn service_with_provider(
    store: impl Provider + Clone + 'static,
    profile: &str,
    switches: &Value,
) -> ScimService {
    let tolerance = match profile {
        "lenient" => Tolerance::lenient(),
        "strict" => Tolerance::strict(),
        "interop" => Tolerance::interop(),
        other => panic!("unknown profile `{other}`"),
    };
    let mut builder = ScimService::builder().base_url(BASE_URL).tolerance(tolerance);
    for (name, value) in switches.as_object().expect("`switches` is an object") {
        builder = apply_switch(name, value, builder);
    }
    builder = builder.resource(user_type(), store.clone()).groups(store.clone());
    if switches["devices"] == true {
        builder = builder.resource(device_type(), store);
    }
    builder.build().unwrap()
}

fn apply_switch(name: &str, value: &Value, builder: ScimServiceBuilder) -> ScimServiceBuilder {
    let number = || usize::try_from(value.as_u64().unwrap()).unwrap();
    match name {
        "unique_group_names" | "keep_unknown_members" | "hash_passwords" | "devices" => builder,
        "bulk_operations" => builder.max_bulk_operations(number()),
        "max_payload" => builder.max_payload(number()),
        "max_work" => builder.max_work(number() as u64),
        "max_text" => builder.max_text(number()),
        "max_operand" => {
            let limits = FilterLimits::default().with_operand(number());
            let patch_limits = scim_core::patch::PatchLimits::default().with_filter(limits);
            builder.filter_limits(limits).patch_limits(patch_limits)
        }
        "page_size" => builder.page_size(number(), number()),
        "cursor_timeout" => builder.cursor_timeout(Duration::from_secs(number() as u64)),
        "require_if_match" => builder.require_if_match(),
        "public_discovery" => builder.public_discovery(),
        "unique_types" => builder.unique_types(),
        "me" => {
            let first_user = FirstUser::default();
            builder.me(me(value, first_user.clone())).monitor(first_user)
        }
        "policy" => builder.policy(JsonPolicy(value.clone())),
        other => panic!("unknown switch `{other}`"),
    }
}

/// Remembers the first user that is created. `/Me` stands for this user in all requests.
#[derive(Clone, Default)]
struct FirstUser(Arc<Mutex<Option<String>>>);

impl Monitor for FirstUser {
    fn changed(&self, event: &Event<'_>) {
        if event.action() == Action::Create && event.resource_type().name() == "User" {
            self.0.lock().unwrap().get_or_insert_with(|| event.id().to_owned());
        }
    }
}

fn me(value: &Value, first_user: FirstUser) -> Me {
    let mut me = Me::new(move |_, _| first_user.0.lock().unwrap().clone().map(|id| ("User".to_owned(), id)));
    if value["redirects"] == true {
        me = me.redirect();
    }
    if let Some(creates) = value["creates"].as_str() {
        me = me.allow_creating(creates);
    }
    for attribute in strings_of(&value["writes"]) {
        me = me.allow_writing(attribute);
    }
    me
}

fn strings_of(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// A policy in JSON. `hides` and `protects` list attributes. `refuses` lists actions that get 403, and `silent` lists
/// actions that get 404.
struct JsonPolicy(Value);

impl Policy for JsonPolicy {
    fn check(&self, access: &Access<'_>) -> Result<Permit> {
        let lists = |name: &str| strings_of(&self.0[name]).any(|action| action == access.action.as_str());
        if lists("refuses") {
            return Err(Error::forbidden("the policy says no"));
        }
        if lists("silent") {
            return Err(Error::not_found(access.id.unwrap_or_default()));
        }
        Ok(Permit::hiding(strings_of(&self.0["hides"])).protecting(strings_of(&self.0["protects"])))
    }
}
