//! How to build SCIM into an application, in eleven guides.
//!
//! The guides are for an application in Rust with users and perhaps groups in a database of its own, and a customer
//! whose identity provider (Microsoft Entra ID, Okta) should manage them through SCIM. The first three are enough to begin;
//! the others can wait until their subject comes up.
//!
//! | guide | what it answers |
//! |---|---|
//! | [`mount`] | How does a request get into the service, and who authenticates it? |
//! | [`provider`] | What does a provider do, and what must it keep? |
//! | [`database`] | How do filters and PATCH become statements of a database? |
//! | [`blocking`] | What if the driver of the database blocks? |
//! | [`wrapping`] | How does a rule of the application come in front of a provider? |
//! | [`schemas`] | How are attributes and resource types added or left out? |
//! | [`tenants`] | How are the customers of one application kept apart? |
//! | [`authorization`] | How is a caller allowed less than everything? |
//! | [`identity_providers`] | What do real identity providers send, and what is tolerated? |
//! | [`testing`] | How is a provider tested? |
//! | [`production`] | Which limits are there, and what does operation need? |
//!
//! This module contains documentation only.

pub mod mount {
    // The guide uses the feature `tower`, so its examples are compiled only with it.
    #![cfg_attr(any(feature = "tower", not(doctest)), doc = include_str!("mount.md"))]
    //! ```rust,ignore
    #![doc = include_str!("mount_actix.rs")]
    //! ```
    #![doc = include_str!("mount_more.md")]
}

pub mod provider {
    #![doc = include_str!("provider.md")]
    //! ```rust,no_run
    #![doc = include_str!("../../examples/people.rs")]
    //! ```
    #![doc = include_str!("provider_more.md")]
}

pub mod database {
    #![doc = include_str!("database.md")]
}

pub mod blocking {
    #![doc = include_str!("blocking.md")]
}

pub mod wrapping {
    #![doc = include_str!("wrapping.md")]
}

pub mod schemas {
    #![doc = include_str!("schemas.md")]
}

pub mod tenants {
    #![doc = include_str!("tenants.md")]
}

pub mod authorization {
    #![doc = include_str!("authorization.md")]
}

pub mod identity_providers {
    #![doc = include_str!("identity_providers.md")]
}

pub mod testing {
    //! How to test a provider.
    #![cfg_attr(feature = "testing", doc = include_str!("testing.md"))]
    #![cfg_attr(
        not(feature = "testing"),
        doc = "This guide is part of the documentation of the feature `testing`, which it is about."
    )]
}

pub mod production {
    #![doc = include_str!("production.md")]
}
