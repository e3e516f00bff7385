//! How many requests a piece of work sends, for the journal's cost.

use std::{cell::Cell, future::Future};

use async_trait::async_trait;
use ports::{HttpRequest, HttpResponse, Transport, TransportError};

tokio::task_local! {
    /// The requests of the piece of work in hand. Steps run side by side, so one counter for all
    /// would give each the others' requests.
    static REQUESTS: Cell<u64>;
}

/// Counts the requests that a piece of work sends through a [`Counted`], apart from all others.
pub fn counted<F: Future>(work: F) -> impl Future<Output = F::Output> {
    REQUESTS.scope(Cell::new(0), work)
}

/// How many requests the piece of work in hand has sent; 0 outside [`counted`].
pub fn requests_so_far() -> u64 {
    REQUESTS.try_with(Cell::get).unwrap_or_default()
}

/// A transport that counts what it sends.
pub struct Counted<T>(pub T);

#[async_trait]
impl<T: Transport> Transport for Counted<T> {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        // What is sent outside any step is in no journal.
        REQUESTS.try_with(|count| count.set(count.get().saturating_add(1))).unwrap_or_default();
        self.0.send(request).await
    }
}
