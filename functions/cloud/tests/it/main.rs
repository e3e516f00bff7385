//! The deployment, whole, on this machine: the real artifact behind the Runtime API, the template's
//! tables and queues, the simulated tenants.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails where its set-up fails"
)]

mod bad_days;
mod files;
mod planned;
mod receiver;
mod same_report;
mod sign_in;
mod start_up;

use std::future::Future;

/// Runs a test's future as the local cloud's own program does.
fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}
