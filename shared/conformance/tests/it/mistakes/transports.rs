//! Transports with one mistake each.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use conformance::transport;
use futures_util::{FutureExt, StreamExt};
use http::HeaderValue;
use ports::{HttpRequest, HttpResponse, Transport, TransportError, TransportErrorKind};

use crate::plain::PlainTransport;

#[derive(Clone, Copy, Debug)]
enum Mistake {
    FollowsRedirects,
    TriesAgain,
    ReadsTheBodyFirst,
    ForgetsHeaders,
    AsksForCompression,
    EndsBodiesQuietly,
    TellsTheAddress,
}

struct Wrong(Mistake);

#[async_trait]
impl Transport for Wrong {
    async fn send(&self, mut request: HttpRequest) -> Result<HttpResponse, TransportError> {
        match self.0 {
            Mistake::FollowsRedirects => {
                let mut response = PlainTransport.send(request.clone()).await?;
                if let Some(place) = response.headers.get("location") {
                    request.url = request.url.join(place.to_str().unwrap()).unwrap();
                    response = PlainTransport.send(request).await?;
                }
                Ok(response)
            }
            Mistake::TriesAgain => {
                let response = PlainTransport.send(request.clone()).await?;
                if response.status.is_server_error() {
                    return PlainTransport.send(request).await;
                }
                Ok(response)
            }
            Mistake::ReadsTheBodyFirst => {
                let response = PlainTransport.send(request).await?;
                let (status, headers) = (response.status, response.headers.clone());
                Ok(HttpResponse::of(status, headers, response.read(usize::MAX).await?))
            }
            Mistake::ForgetsHeaders => {
                request.headers.remove("prefer");
                PlainTransport.send(request).await
            }
            Mistake::AsksForCompression => {
                request.headers.insert("accept-encoding", HeaderValue::from_static("gzip"));
                PlainTransport.send(request).await
            }
            Mistake::EndsBodiesQuietly => {
                let mut response = PlainTransport.send(request).await?;
                let quiet = response.body.map(|chunk| Ok(chunk.unwrap_or(Bytes::new())));
                response.body = Box::pin(quiet);
                Ok(response)
            }
            Mistake::TellsTheAddress => {
                let place = request.url.to_string();
                PlainTransport
                    .send(request)
                    .await
                    .map_err(|error| TransportError { text: format!("{place}: {error}"), ..error })
            }
        }
    }
}

/// The plain transport blocks, so the suite over it is done at its first poll.
fn breaches(mistake: Mistake) -> Vec<&'static str> {
    let outcome = transport::suite(Arc::new(Wrong(mistake))).now_or_never().unwrap();
    let broken = outcome.expect_err("the mistake breaks the contract");
    broken.breaches.iter().map(|breach| breach.clause).collect()
}

#[test]
fn the_suite_names_the_clause_that_a_transport_breaks() {
    let cases = [
        (Mistake::FollowsRedirects, "a redirect is not followed"),
        (Mistake::TriesAgain, "nothing is sent twice"),
        (Mistake::ReadsTheBodyFirst, "a body that is cut off is `Broken`, after what had come"),
        (Mistake::ForgetsHeaders, "a request arrives as it was given"),
        (Mistake::AsksForCompression, "the adapter adds no wish for compression"),
        (Mistake::EndsBodiesQuietly, "a body that is cut off is `Broken`, after what had come"),
        (Mistake::TellsTheAddress, "an error's words hold no address, header or body"),
    ];
    std::thread::scope(|threads| {
        for (mistake, clause) in cases {
            threads.spawn(move || {
                let broken = breaches(mistake);
                assert!(broken.contains(&clause), "{mistake:?} broke {broken:?}");
            });
        }
    });
}

#[tokio::test]
async fn a_refused_connection_is_told_apart_from_a_broken_one() {
    struct Vague;
    #[async_trait]
    impl Transport for Vague {
        async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
            let kind = TransportErrorKind::Broken;
            PlainTransport.send(request).await.map_err(|error| TransportError { kind, ..error })
        }
    }
    let broken = transport::suite(Arc::new(Vague)).await.expect_err("the kinds are wrong");
    let clauses: Vec<_> = broken.breaches.iter().map(|breach| breach.clause).collect();
    assert_eq!(
        clauses,
        ["no connection is `Connect`", "a head that does not come in time is `Timeout`"]
    );
}
