//! The client against a transport that plays a script: exact requests out, the services' literal
//! replies in.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that fails fails its test"
)]

mod codes;
mod exchange;
mod exchange_batch;
mod graph;
mod proxy;
mod real_transport;
mod secrets;
mod sharepoint;
mod support;
mod throttling;
mod token;
mod webhook;
