// The README uses the feature `tower`, so its examples are compiled only with it.
#![cfg_attr(any(feature = "tower", not(doctest)), doc = include_str!("../README.md"))]

// - `auth`: what a host uses: it authenticates requests, and answers the OAuth endpoints.
// - `credentials`: creating, listing and revoking tokens and clients.
// - `store`: where credentials are kept; `memory` is one in memory.
// - `jwt`, `issuer`: JWTs, the keys that verify them, and whose are trusted.
// - `access_tokens`: the tokens that the token endpoint issues.
// - `token_endpoint`, `metadata`, `development`: the endpoints; `tower` serves them.
mod access_tokens;
mod auth;
mod credentials;
mod development;
mod error;
mod issuer;
mod json_response;
mod jwt;
mod memory;
mod metadata;
mod secret;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod token_endpoint;
#[cfg(feature = "tower")]
pub mod tower;
mod trace;
mod urls;

pub use access_tokens::{InvalidSealingKey, SealingKey};
pub use auth::{Auth, AuthBuilder};
pub use credentials::{
    Client, ClientSecret, ClientTrust, Credentials, NewClient, NewSecret, NewToken, NewTrust, Token,
};
pub use error::{Error, ErrorKind};
pub use issuer::TrustedIssuer;
pub use jwt::{FetchKeys, KeyCache};
pub use memory::MemoryCredentials;
pub use secret::Secret;
pub use store::{Collection, CredentialStore, StoredCredential};
pub use token_endpoint::{TokenEndpoint, claimed_client_id};
pub use urls::fits_path;

pub use scim_core::async_trait;
