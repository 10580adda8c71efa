//! Checks `scim-console/src/providers.json`, and that the pages show what is in it.

use std::collections::{BTreeMap, BTreeSet};

use scim_core::patch::{PatchLimits, PatchRequest};
use scim_core::schema::{ReadContext, ResourceType, Tolerance, standard};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::page::{page, read, section};

/// What an administrator sets in one provider.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Provider {
    name: String,
    /// The page in `docs/` about the provider.
    page: String,
    authentication: Vec<Authentication>,
    users: Vec<Mapping>,
    groups: Vec<Mapping>,
    steps: Vec<String>,
}

/// A way in which the provider authenticates, and the fields of its page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Authentication {
    method: String,
    title: String,
    fields: Vec<Field>,
}

/// A field, and what to paste into it: `base_url`, `token`, `token_url`, `client_id`, `client_secret`, or the text itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Field {
    field: String,
    value: String,
    #[serde(default)]
    note: String,
}

/// An attribute, and what the provider sends in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mapping {
    attribute: String,
    source: String,
    /// Whether the provider finds resources by this attribute.
    #[serde(default)]
    matching: bool,
}

fn providers() -> BTreeMap<String, Provider> {
    serde_json::from_str(&read("scim-console/src/providers.json"))
        .unwrap_or_else(|error| panic!("scim-console/src/providers.json: {error}"))
}

#[test]
fn the_pages_show_the_mappings_and_the_fields() {
    let mut messages = Vec::new();
    for provider in providers().values() {
        let text = page(&provider.page);
        let mut tables = vec![("users".to_owned(), mapping_table(&provider.users))];
        if !provider.groups.is_empty() {
            tables.push(("groups".to_owned(), mapping_table(&provider.groups)));
        }
        for way in &provider.authentication {
            tables.push((format!("fields {}", way.method), field_table(&way.fields)));
        }
        for (name, expected) in tables {
            if section(&provider.page, &text, &name) != expected {
                let expected = expected.join("\n");
                messages.push(format!("docs/{}, between `{name}` markers:\n{expected}", provider.page));
            }
        }
    }
    let count = messages.len();
    assert!(
        count == 0,
        "{count} tables differ from scim-console/src/providers.json. They must be:\n\n{}\n",
        messages.join("\n\n")
    );
}

#[test]
fn each_mapped_attribute_exists_and_one_finds_the_resource() {
    for (key, provider) in providers() {
        for (mappings, resource_type) in
            [(&provider.users, standard::user_type()), (&provider.groups, standard::group_type())]
        {
            for mapping in mappings {
                assert!(
                    is_attribute(&resource_type, &mapping.attribute),
                    "scim-console/src/providers.json, {key}: {} has no attribute `{}`",
                    resource_type.name(),
                    mapping.attribute
                );
                assert!(!mapping.source.is_empty(), "{key}: {} has no source", mapping.attribute);
            }
            let distinct: BTreeSet<&str> =
                mappings.iter().map(|mapping| mapping.attribute.as_str()).collect();
            assert_eq!(
                distinct.len(),
                mappings.len(),
                "scim-console/src/providers.json, {key}: an attribute is mapped twice"
            );
            let matching = mappings.iter().filter(|mapping| mapping.matching).count();
            assert!(
                mappings.is_empty() || matching == 1,
                "scim-console/src/providers.json, {key}: one mapping must be `matching`"
            );
        }
    }
}

#[test]
fn each_provider_says_what_to_paste_and_what_to_do() {
    for (key, provider) in providers() {
        assert!(
            !provider.name.is_empty() && provider.steps.len() > 3,
            "scim-console/src/providers.json: {key} has no name or steps"
        );
        for way in &provider.authentication {
            let pastes = |value: &str| way.fields.iter().any(|field| field.value == value);
            let proves = pastes("token") || pastes("client_id") && pastes("token_url");
            assert!(
                pastes("base_url") && proves,
                "scim-console/src/providers.json, {key}: `{}` lacks the base URL or the credential",
                way.title
            );
        }
    }
}

#[test]
fn the_template_is_that_of_the_page_and_has_each_source() {
    let mut templates = 0;
    for (key, provider) in providers() {
        let fields = provider.authentication.iter().flat_map(|way| &way.fields);
        for Field { value, .. } in fields.filter(|field| field.value.starts_with('{')) {
            templates += 1;
            let template: Value = serde_json::from_str(value).unwrap();
            let text = page(&provider.page);
            let examples = text.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next());
            let shown = examples.filter_map(|example| serde_json::from_str::<Value>(example).ok());
            assert!(
                shown.into_iter().any(|example| example == template),
                "docs/{} does not show the template of scim-console/src/providers.json, {key}",
                provider.page
            );
            for mapping in provider.users.iter().filter(|mapping| mapping.source.starts_with("{$")) {
                assert!(value.contains(&mapping.source), "{key}: the template lacks `{}`", mapping.source);
            }
        }
    }
    assert_eq!(templates, 1, "OneLogin has a template");
}

/// Whether a strict service accepts a path with any kind of value.
fn is_attribute(resource_type: &ResourceType, path: &str) -> bool {
    let values = [json!("x"), json!(true), json!({ "value": "x" }), json!([{ "value": "x" }])];
    values.iter().any(|value| resolves(resource_type, path, value))
}

fn resolves(resource_type: &ResourceType, path: &str, value: &Value) -> bool {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "add", "path": path, "value": value }],
    });
    let (tolerance, limits) = (Tolerance::strict(), PatchLimits::default());
    let mut read_context = ReadContext::new(&tolerance);
    let request = PatchRequest::parse(body.to_string().as_bytes(), &limits, &mut read_context);
    request.and_then(|request| request.resolve(resource_type, &limits, &mut read_context)).is_ok()
}

fn mapping_table(mappings: &[Mapping]) -> Vec<String> {
    let mut lines = vec!["| attribute | source |".to_owned(), "|---|---|".to_owned()];
    for Mapping { attribute, source, matching } in mappings {
        let matching = if *matching { ", matching" } else { "" };
        lines.push(format!("| `{attribute}`{matching} | {} |", as_code_if_it_is(source)));
    }
    lines
}

/// In backticks if it is the name of an attribute or an expression, and not a description.
fn as_code_if_it_is(source: &str) -> String {
    let begins = ["Switch(", "Join(", "{$", "!"].iter().any(|begin| source.starts_with(begin));
    if begins || !source.contains(' ') { format!("`{source}`") } else { source.to_owned() }
}

fn field_table(fields: &[Field]) -> Vec<String> {
    let mut lines = vec!["| field | value | |".to_owned(), "|---|---|---|".to_owned()];
    for Field { field, value, note } in fields {
        let value = match value.as_str() {
            "base_url" => "the base URL, `https://app.example.com/scim/v2`",
            "token" => "the token",
            "token_url" => "the token URL, `https://app.example.com/oauth/token`",
            "client_id" => "the client id",
            "client_secret" => "the client secret",
            text if text.starts_with('{') => "the template below",
            text => text,
        };
        lines.push(format!("| {field} | {value} | {note} |"));
    }
    lines
}
