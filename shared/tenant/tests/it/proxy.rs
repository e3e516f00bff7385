//! The transport of real life through a proxy and TLS, to the simulator under Microsoft's own names.

use std::{sync::Arc, time::Duration};

use conformance::reference::{SeededRandom, VirtualClock};
use http::{HeaderMap, Method};
use ports::{Clock, HttpRequest, Transport, TransportErrorKind};
use simulator::{Authority, Config, Credentials, Front, Population, Profile, Simulator};
use tenant::{
    ClientId, Credential, LimitSettings, Limits, ReqwestTransport, SecretText, TenantClient,
    TenantConfig, TenantId, TransportSettings,
};
use tokio::net::TcpListener;
use url::Url;

/// A simulator behind a proxy on a free port, while `work` goes on.
async fn beside_a_proxy<F: Future>(
    work: impl FnOnce(Arc<dyn Clock>, Credentials, Url, String) -> F,
) -> F::Output {
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new());
    let population = Population { content: false, ..Population::of(2, Profile::Calm) };
    let rehearsal =
        Simulator::rehearsal_with(&population, 1, Arc::clone(&clock), Config::default());
    let authority = Authority::new().unwrap();
    let pem = authority.pem().to_owned();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let proxy = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let served = simulator::serve_behind(Front::Proxy(authority), rehearsal.simulator, listener);
    tokio::select! {
        ended = served => panic!("it serves for ever: {ended:?}"),
        output = work(clock, rehearsal.source, proxy, pem) => output,
    }
}

fn get(url: &str) -> HttpRequest {
    HttpRequest {
        method: Method::GET,
        url: Url::parse(url).unwrap(),
        headers: HeaderMap::new(),
        body: bytes::Bytes::new(),
        tail: None,
        timeout: Duration::from_secs(20),
    }
}

#[tokio::test]
async fn a_client_reaches_microsofts_own_names_through_a_proxy() {
    beside_a_proxy(async |clock, source, proxy, pem| {
        let settings =
            TransportSettings { proxy: Some(proxy), trusted: Some(pem), ..Default::default() };
        // No endpoints are set: these are the public cloud's.
        let config = TenantConfig::new(
            TenantId::parse(&source.tenant_id.to_string()).unwrap(),
            ClientId::parse(&source.client_id.to_string()).unwrap(),
            Credential::Secret(SecretText::from(source.client_secret)),
        );
        let client = TenantClient::new(
            config,
            Arc::new(ReqwestTransport::new(&settings).unwrap()),
            clock,
            Arc::new(SeededRandom::new(1)),
            Arc::new(Limits::new(LimitSettings::default())),
        );
        let domains = client.graph().domains().await.unwrap();
        assert!(domains.iter().any(|domain| domain.id == "contoso.example"), "{domains:?}");
    })
    .await;
}

#[tokio::test]
async fn a_certificate_of_a_stranger_is_not_trusted() {
    beside_a_proxy(async |_, _, proxy, _| {
        let settings = TransportSettings { proxy: Some(proxy), ..Default::default() };
        let transport = ReqwestTransport::new(&settings).unwrap();
        let error = transport.send(get("https://graph.microsoft.com/v1.0/x?s3cret")).await;
        let error = error.unwrap_err();
        assert_eq!(error.kind, TransportErrorKind::Connect, "{error}");
        assert!(!error.text.contains("s3cret"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn the_proxy_leads_nowhere_but_to_the_simulator() {
    beside_a_proxy(async |_, _, proxy, pem| {
        let settings =
            TransportSettings { proxy: Some(proxy), trusted: Some(pem), ..Default::default() };
        let transport = ReqwestTransport::new(&settings).unwrap();
        let error = transport.send(get("https://example.org/")).await.unwrap_err();
        assert_eq!(error.kind, TransportErrorKind::Connect, "{error}");
    })
    .await;
}

#[tokio::test]
async fn tls_and_plain_http_share_a_port_and_links_keep_the_scheme() {
    beside_a_proxy(async |_, _, address, pem| {
        let settings = TransportSettings { trusted: Some(pem), ..Default::default() };
        let transport = ReqwestTransport::new(&settings).unwrap();
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://127.0.0.1:{}/_sim/tenants", address.port().unwrap());
            let reply = transport.send(get(&url)).await.unwrap();
            assert_eq!(reply.status, 200, "{scheme}");
        }
    })
    .await;
}

#[test]
fn a_file_without_certificates_is_refused_in_words() {
    let settings = TransportSettings { trusted: Some("no pem".to_owned()), ..Default::default() };
    let error = ReqwestTransport::new(&settings).unwrap_err();
    assert!(error.to_string().contains("no PEM certificate"), "{error}");
}
