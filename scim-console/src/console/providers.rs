//! What to enter on the side of each provider.

use std::sync::LazyLock;

use serde::Deserialize;

use super::ConsoleOptions;
use super::mapping::{MappingRow, Source, mapping};

/// What `providers.json` says of the providers, in the order in which they are shown.
static PROVIDERS: LazyLock<Option<Providers>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../providers.json")).ok());

#[derive(Debug, Deserialize)]
struct Providers {
    entra: Provider,
    okta: Provider,
    google: Provider,
    jumpcloud: Provider,
    onelogin: Provider,
}

#[derive(Debug, Deserialize)]
struct Provider {
    name: String,
    authentication: Vec<Method>,
    users: Vec<Source>,
    groups: Vec<Source>,
    steps: Vec<String>,
}

/// A way to authenticate.
#[derive(Debug, Deserialize)]
struct Method {
    title: String,
    fields: Vec<Field>,
}

/// A field on the provider's page.
#[derive(Debug, Deserialize)]
struct Field {
    field: String,
    /// `base_url`, `token_url`, `client_id`, `client_secret`, `token`, or the text itself.
    value: String,
    note: Option<String>,
}

/// The values of a connection.
#[derive(Debug)]
pub(super) struct Values {
    base_url: String,
    token_url: String,
    client_ids: Vec<String>,
}

impl Values {
    pub(super) fn new(
        options: &ConsoleOptions,
        tenant: &str,
        client_ids: impl Iterator<Item = String>,
    ) -> Self {
        Self {
            base_url: options.base_url.replace("{tenant}", tenant),
            token_url: options.token_url.replace("{tenant}", tenant),
            client_ids: client_ids.collect(),
        }
    }

    /// The value of a field, and whether it can be pasted.
    fn get(&self, value: &str) -> (String, bool) {
        match value {
            "base_url" => (self.base_url.clone(), true),
            "token_url" => (self.token_url.clone(), true),
            "client_id" => match self.client_ids.as_slice() {
                [] => ("create a client with a secret first".to_owned(), false),
                [id] => (id.clone(), true),
                ids => (ids.join(" or "), false),
            },
            "client_secret" => ("the secret that was shown when it was created".to_owned(), false),
            "token" => ("the token that was shown when it was created".to_owned(), false),
            // A template that nobody wants to type.
            text => (text.to_owned(), text.starts_with('{')),
        }
    }
}

/// What to enter on the side of a provider.
#[derive(Debug)]
pub(super) struct ProviderCard {
    pub(super) name: &'static str,
    pub(super) steps: &'static [String],
    pub(super) methods: Vec<CardMethod>,
    /// The title and the rows of each mapping.
    pub(super) mappings: Vec<(&'static str, Vec<MappingRow>)>,
}

#[derive(Debug)]
pub(super) struct CardMethod {
    pub(super) title: &'static str,
    pub(super) fields: Vec<CardField>,
}

#[derive(Debug)]
pub(super) struct CardField {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) can_be_copied: bool,
    pub(super) note: &'static str,
}

/// The cards of all providers.
pub(super) fn cards(options: &ConsoleOptions, values: &Values) -> Vec<ProviderCard> {
    let Some(Providers { entra, okta, google, jumpcloud, onelogin }) = PROVIDERS.as_ref() else {
        return Vec::new();
    };
    let cards = [entra, okta, google, jumpcloud, onelogin].into_iter().map(|provider| ProviderCard {
        name: &provider.name,
        steps: &provider.steps,
        methods: provider.authentication.iter().map(|method| card_method(method, values)).collect(),
        mappings: mappings(options, provider),
    });
    cards.collect()
}

fn mappings(options: &ConsoleOptions, provider: &Provider) -> Vec<(&'static str, Vec<MappingRow>)> {
    let mappings = [
        ("Attributes of users", mapping(options, "User", &provider.users)),
        ("Attributes of groups", mapping(options, "Group", &provider.groups)),
    ];
    mappings.into_iter().filter(|(_, rows)| !rows.is_empty()).collect()
}

fn card_method(method: &'static Method, values: &Values) -> CardMethod {
    let fields = method.fields.iter().map(|field| {
        let (value, can_be_copied) = values.get(&field.value);
        let note = field.note.as_deref().unwrap_or_default();
        CardField { name: &field.field, value, can_be_copied, note }
    });
    CardMethod { title: &method.title, fields: fields.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_complete() {
        let options = ConsoleOptions::new(
            "https://a.example/{tenant}/scim/v2",
            "https://a.example/{tenant}/oauth/token",
        );
        let cards = cards(&options, &Values::new(&options, "contoso", std::iter::empty()));
        let names: Vec<&str> = cards.iter().map(|card| card.name).collect();
        assert_eq!(names, ["Microsoft Entra ID", "Okta", "Google Workspace", "JumpCloud", "OneLogin"]);
        for card in &cards {
            let fields: Vec<&CardField> = card.methods.iter().flat_map(|method| &method.fields).collect();
            let url = "https://a.example/contoso/scim/v2";
            assert!(fields.iter().any(|field| field.value == url && field.can_be_copied), "{}", card.name);
            assert!(!card.steps.is_empty(), "{}", card.name);
        }
    }
}
