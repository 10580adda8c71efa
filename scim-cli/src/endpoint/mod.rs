//! What an import or export must know about an endpoint.

mod schemas;

use clap::ValueEnum;
use scim_client::{Client, Discovery, ListQuery, RequestError};
use scim_core::schema::{ReadContext, ResourceType, Tolerance, standard};
use serde_json::{Map, Value};

/// Which resources are imported or exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    Users,
    Groups,
}

impl Kind {
    /// The endpoint below the base URL.
    pub(crate) fn endpoint(self) -> &'static str {
        match self {
            Self::Users => "/Users",
            Self::Groups => "/Groups",
        }
    }

    /// The attribute by which people know the resources.
    pub(crate) fn name_attribute(self) -> &'static str {
        match self {
            Self::Users => "userName",
            Self::Groups => "displayName",
        }
    }

    fn standard(self) -> ResourceType {
        match self {
            Self::Users => standard::user_type(),
            Self::Groups => standard::group_type(),
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Users => "users",
            Self::Groups => "groups",
        })
    }
}

/// An endpoint that was asked what it can do.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) discovery: Discovery,
    pub(crate) resource_type: ResourceType,
    /// How many resources it has, if it says so.
    pub(crate) total: Option<u64>,
    /// One of them.
    pub(crate) first: Option<Value>,
}

impl Endpoint {
    /// Asks an endpoint for its features and schemas. An error is for the person at the terminal.
    pub(crate) async fn open(client: &Client, kind: Kind) -> Result<Self, String> {
        // A wrong token or URL is said before anything else.
        let first = ListQuery::new(kind.endpoint()).count(1).send(client).await;
        let first = first.map_err(|error| wrong(client, kind, &error))?;
        let no_answer = |error| format!("{} does not answer: {error}", client.base_url());
        let discovery = Discovery::read(client).await.map_err(no_answer)?;
        let resource_type = schemas::read(client, kind).await.map_err(no_answer)?;
        Ok(Self { discovery, resource_type, total: first.total, first: first.resources.into_iter().next() })
    }
}

/// What is wrong with the URL or the token, and what to do.
fn wrong(client: &Client, kind: Kind, error: &RequestError) -> String {
    let base_url = client.base_url();
    if let RequestError::Unanswered(error) = error {
        return format!("{base_url} does not answer: {error}");
    }
    let hint = match error.status().map(|status| status.as_u16()) {
        Some(401) => "; is the right token in SCIM_TOKEN, or in the file of --token-file?",
        Some(404) | None => "; is this the base URL of a SCIM endpoint? Many end with /scim/v2",
        Some(_) => "",
    };
    format!("GET {base_url}{}: {error}{hint}", kind.endpoint())
}

/// A resource of an endpoint in canonical form; as it is if it has none.
pub(crate) fn canonical(resource: &Map<String, Value>, resource_type: &ResourceType) -> Map<String, Value> {
    let tolerance = Tolerance::lenient();
    let mut canonical = resource.clone();
    match resource_type.normalize(&mut canonical, &mut ReadContext::new(&tolerance)) {
        Ok(()) => canonical,
        Err(_) => resource.clone(),
    }
}
