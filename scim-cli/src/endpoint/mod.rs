//! What an import or export must know about an endpoint.

mod schemas;

use clap::ValueEnum;
use scim_client::{Client, Discovery, ListQuery, RequestError};
use scim_core::schema::{ResourceType, standard};
use serde_json::Value;

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
        let first =
            ListQuery::new(kind.endpoint()).count(1).send(client).await.map_err(|error| match error {
                RequestError::Unanswered(error) => format!("{} does not answer: {error}", client.base_url()),
                RequestError::Refused(refused) => format!("GET {}: {refused}", kind.endpoint()),
                error => {
                    format!("GET {}: {error}; is this the base URL of a SCIM endpoint?", kind.endpoint())
                }
            })?;
        let no_answer = |error| format!("{} does not answer: {error}", client.base_url());
        let discovery = Discovery::read(client).await.map_err(no_answer)?;
        let resource_type = schemas::read(client, kind).await.map_err(no_answer)?;
        Ok(Self { discovery, resource_type, total: first.total, first: first.resources.into_iter().next() })
    }
}
