//! The Microsoft 365 client: tokens, Graph, Exchange admin, throttling, paging, batches, and the
//! one table of vendor error codes.
//!
//! It sees the ports [`ports::Transport`], [`ports::Clock`] and [`ports::Random`] and nothing of
//! the migration: no users of a project, no steps. [`ReqwestTransport`] is the transport of real
//! life and the only place that names the HTTP library.
//!
//! Start at [`TenantClient`]: `client.graph()` for Microsoft Graph, `client.exchange()` for
//! Exchange Online's cmdlets. Every call fails with a [`TenantError`], which says *what* happened
//! ([`Class`]) and, separately, whether asking again can help ([`Retry`]).
//!
//! Deliberately absent: a generated SDK, EWS, retries beyond a few seconds (the step is queued
//! again instead), any guess about a write whose reply was lost.

mod client;
mod codes;
mod counted;
mod credential;
mod endpoints;
mod error;
pub mod exchange;
pub mod graph;
mod identity;
mod limits;
mod reach;
mod reqwest_transport;
pub mod roles;
mod secret;
mod sharepoint;
mod sign_in;
mod token;
mod webhook;
mod wire;

pub use client::{TenantClient, TenantConfig};
pub use counted::{Counted, counted, requests_so_far};
pub use credential::{
    AssertionError, AssertionSource, Certificate, Credential, CredentialSource, KeptCredential,
};
pub use endpoints::{Endpoints, Resource, Resources};
pub use error::{Class, Retry, TenantError};
pub use exchange::Exchange;
pub use graph::Graph;
pub use identity::{ClientId, IdentityError, TenantId};
pub use limits::{Held, Lane, LimitSettings, Limits, Rate, sharepoint_tier};
pub use reach::Reach;
pub use reqwest_transport::{BuildTransportError, ReqwestTransport, TransportSettings};
pub use secret::SecretText;
pub use sharepoint::{PERSONAL_SITES_MAX, SharePoint};
pub use token::Claims;
pub use webhook::{Webhook, WebhookError};
pub use wire::{Operation, Reply, Streamed};
