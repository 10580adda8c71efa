//! Who is accepted and who is refused, and what the OAuth endpoints answer. The cases are in `testdata/auth`.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails that way"
)]

mod access_tokens;
mod assertions;
mod fake_issuer;
mod issued_tokens;
mod issuers;
mod metadata;
mod support;
mod tenants;
mod token_endpoint;
