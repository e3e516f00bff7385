//! The request budgets of both tenants, as the project file sets them.

use tenant::{LimitSettings, Limits};

use super::Time;
use crate::project::{Connections, ProjectFile};

/// Fresh budgets.
pub(super) fn budgets(file: &ProjectFile, connections: &Connections, time: &Time) -> Limits {
    let usual = LimitSettings::default();
    let limits = Limits::new(LimitSettings {
        exchange_concurrency: *file.limits.exchange_concurrency.get_ref(),
        // How long a worker may be held up: that is the machine's time.
        wait_max: usual.wait_max * time.speed.get(),
        ..usual
    });
    for (config, facts) in
        [(&connections.source, &file.project.source), (&connections.target, &file.project.target)]
    {
        if let Some(licences) = facts.licences {
            limits.licences(&config.tenant, licences);
        }
    }
    limits
}

#[cfg(test)]
mod tests {
    use std::{
        num::NonZeroU32,
        path::Path,
        pin::pin,
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering},
        },
        task::{Context, Poll, Waker},
        time::Duration,
    };

    use async_trait::async_trait;
    use conformance::reference::{SeededRandom, VirtualClock};
    use http::{HeaderMap, StatusCode};
    use ports::{Clock, HttpRequest, HttpResponse, Transport, TransportError};
    use tenant::{Class, TenantClient};

    use super::*;
    use crate::project::{Template, connections, read, template};

    /// Answers every sign-in and every request for a file, and counts the latter.
    #[derive(Default)]
    struct Files(AtomicU32);

    #[async_trait]
    impl Transport for Files {
        async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
            let sign_in = request.url.path().ends_with("/token");
            let body = if sign_in {
                r#"{"token_type":"Bearer","expires_in":3599,"access_token":"opaque"}"#
            } else {
                self.0.fetch_add(1, Ordering::Relaxed);
                r#"{"id":"a","name":"a.txt","file":{}}"#
            };
            Ok(HttpResponse::of(StatusCode::OK, HeaderMap::new(), body))
        }
    }

    /// How many files the source and the target of a project are asked for in a minute of virtual time, as fast
    /// as they may be asked, one resource unit each.
    fn files_in_a_minute(licences: &str) -> [u32; 2] {
        let text = template(&Template::example()).replace("# licences = 1000", licences);
        let file = read(Path::new("p.toml"), &text).unwrap();
        let connections = connections(&file, |_| Some("a secret".to_owned())).unwrap();
        let clock = VirtualClock::new();
        let time = Time { clock: Arc::new(clock.clone()), speed: NonZeroU32::MIN };
        let limits = Arc::new(budgets(&file, &connections, &time));
        [connections.source, connections.target].map(|tenant| {
            let files = Arc::new(Files::default());
            let client = TenantClient::new(
                tenant,
                Arc::clone(&files) as Arc<dyn Transport>,
                Arc::clone(&time.clock),
                Arc::new(SeededRandom::new(1)),
                Arc::clone(&limits),
            );
            let end = clock.now() + Duration::from_mins(1);
            while clock.now() < end {
                let graph = client.graph();
                let mut call = pin!(graph.drive_item("drive", "a"));
                let asked = loop {
                    match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                        Poll::Ready(asked) => break asked,
                        Poll::Pending => clock.advance_to(clock.next_deadline().unwrap()),
                    }
                };
                match asked.map_err(|error| error.class) {
                    Ok(_) => {}
                    Err(Class::Throttled { retry_after }) => clock.advance(retry_after),
                    Err(other) => panic!("{other:?}"),
                }
            }
            files.0.load(Ordering::Relaxed)
        })
    }

    /// ERR-3: SharePoint gives a tenant of more licences more resource units a minute. What the project file says
    /// of them decides how many requests are sent, for either tenant by itself.
    #[test]
    fn the_licences_of_a_project_file_decide_how_many_files_are_asked_for_in_a_minute() {
        let tiers = [
            ("", 1_200),
            ("licences = 1000", 1_200),
            ("licences = 6000", 3_600),
            ("licences = 60000", 6_000),
        ];
        for (licences, published) in tiers {
            for asked in files_in_a_minute(licences) {
                let near = published * 9 / 10..=published * 11 / 10;
                assert!(near.contains(&asked), "`{licences}`: {asked} of {published}");
            }
        }
    }
}
