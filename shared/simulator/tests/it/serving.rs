//! The same over HTTP, and on one host for all services.

use std::time::Duration;

use conformance::reference::VirtualClock;
use http::Method;
use serde_json::json;
use simulator::{Config, FaultKind, FaultRule, Population, Profile, Simulator};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::bench::{Bench, request, token_form};

#[test]
fn on_one_host_the_first_segment_names_the_service_and_links_follow() {
    let bench = Bench::with(9, Config::default());
    let origin = "http://127.0.0.1:8085";
    let form = token_form(&bench.source, "https://graph.microsoft.com");
    let token = bench.send(&request(
        Method::POST,
        &format!("{origin}/login/contoso.onmicrosoft.com/oauth2/v2.0/token"),
        &[],
        form,
    ));
    let bearer = format!("Bearer {}", token.body["access_token"].as_str().expect("a token"));
    let users = bench.send(&request(
        Method::GET,
        &format!("{origin}/graph/v1.0/users?$top=2"),
        &[("authorization", bearer)],
        "",
    ));
    assert_eq!(users.status, 200);
    let next = users.body["@odata.nextLink"].as_str().expect("a link");
    assert!(next.starts_with(&format!("{origin}/graph/v1.0/users?")), "{next}");
    assert_eq!(
        bench.send(&request(Method::GET, &format!("{origin}/elsewhere"), &[], "")).status,
        404
    );
}

#[test]
fn the_inspection_is_json() {
    let bench = Bench::calm();
    let origin = "http://127.0.0.1:8085/_sim";
    let get = |path: &str| bench.send(&request(Method::GET, &format!("{origin}/{path}"), &[], ""));
    assert_eq!(get("tenants").body.as_array().map(Vec::len), Some(2));
    let gal = get("gal/contoso.example");
    assert!(
        gal.body
            .as_array()
            .expect("entries")
            .iter()
            .any(|entry| entry["address"] == "andreas.meyer@contoso.example")
    );
    assert!(
        gal.body
            .as_array()
            .expect("entries")
            .iter()
            .all(|entry| entry["displayName"] != "Migration service"),
        "hidden"
    );
    let mail =
        json!({ "from": "a@b.example", "to": "andreas.meyer@contoso.example", "subject": "x" });
    let sent = bench.send(&request(Method::POST, &format!("{origin}/mail"), &[], mail.to_string()));
    assert_eq!(sent.body["arrivals"][0]["kind"], "mailbox");
    let trace = get(&format!("trace/{}", sent.body["id"].as_str().expect("an id")));
    assert_eq!(trace.body[0]["address"], "andreas.meyer@contoso.example");
    assert_eq!(
        get("recipient/contoso.example/andreas.meyer@contoso.example").body["kind"],
        "UserMailbox"
    );
    assert_eq!(
        get("free-busy/contoso.example/andreas.meyer@contoso.example").body["kind"],
        "answered"
    );
    assert_eq!(get("counts").body["mail"]["mailbox"], 1);
    assert_eq!(bench.send(&request(Method::POST, &format!("{origin}/mail"), &[], "{")).status, 400);
}

async fn raw(port: u16, text: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a connection");
    stream.write_all(text.as_bytes()).await.expect("sent");
    let mut reply = Vec::new();
    // A broken connection ends the reading; what came until then is the answer.
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut reply)).await;
    assert!(read.is_ok(), "an answer in time");
    reply
}

#[test]
fn it_serves_real_connections_and_breaks_them_when_told() {
    let population = Population { content: false, ..Population::of(2, Profile::Calm) };
    let clock = std::sync::Arc::new(VirtualClock::new());
    let rehearsal = Simulator::rehearsal_with(&population, 1, clock, Config::default());
    let rule = FaultRule {
        path: Some("/login/".to_owned()),
        cmdlet: None,
        method: None,
        from: 1,
        times: Some(1),
        kind: FaultKind::ResetAfter,
    };
    rehearsal.simulator.configure(|config| config.faults.rules = vec![rule]);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let form = token_form(&rehearsal.source, "https://graph.microsoft.com");
        let post = format!("POST /login/contoso.example/oauth2/v2.0/token HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{form}", form.len());
        let client = async {
            let broken = raw(port, &post).await;
            assert!(broken.is_empty(), "{}", String::from_utf8_lossy(&broken));
            let text = String::from_utf8(raw(port, &post).await).expect("text");
            assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
            assert!(text.contains("access_token"));
            let get = format!("GET /_sim/tenants HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n");
            let text = String::from_utf8(raw(port, &get).await).expect("text");
            assert!(text.contains("Contoso"), "{text}");
        };
        tokio::select! {
            _ = simulator::serve(rehearsal.simulator.clone(), listener) => panic!("it serves for ever"),
            () = client => {}
        }
    });
}
