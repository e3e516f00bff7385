//! NOT-3: webhooks over the transport of real life.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use jiff::Timestamp;
use tenant::{Reach, ReqwestTransport, SecretText, TransportSettings, Webhook, WebhookError};
use url::Url;

fn webhook(url: &str, reach: Reach) -> Webhook {
    let settings = TransportSettings { reach, ..TransportSettings::default() };
    let transport = ReqwestTransport::new(&settings).unwrap();
    let url = Url::parse(url).unwrap();
    Webhook::new(url, SecretText::new("a-shared-secret"), Arc::new(transport))
}

async fn post(webhook: &Webhook) -> Result<(), WebhookError> {
    let at = Timestamp::from_second(1_767_225_600).unwrap();
    webhook.post("N#1", at, Bytes::from_static(br#"{"a":1}"#)).await
}

/// NOT-3: no address of the machine's own network is reached, by number or by name, unless the
/// installation allows it. Nobody even connects.
#[tokio::test]
async fn a_private_address_is_not_reached_by_number_or_name() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    for host in ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"] {
        let webhook = webhook(&format!("http://{host}:{port}/hook"), Reach::PublicOnly);
        let Err(WebhookError::NotNow { text, .. }) = post(&webhook).await else {
            panic!("{host} was reached");
        };
        assert!(text.contains("is not an address of the public internet"), "{text}");
    }
    listener.set_nonblocking(true).unwrap();
    let nobody = listener.accept().unwrap_err();
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock);
}

/// NOT-3: what arrives is the body, its time, and a signature over both.
#[tokio::test]
async fn an_allowed_receiver_gets_body_time_and_signature() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let receiver = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut heard, mut piece) = (Vec::new(), [0; 512]);
        while !heard.ends_with(b"}") {
            let length = stream.read(&mut piece).unwrap();
            heard.extend_from_slice(&piece[..length]);
        }
        let answer =
            b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 90\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer).unwrap();
        String::from_utf8(heard).unwrap()
    });
    let webhook = webhook(&format!("http://127.0.0.1:{port}/hook"), Reach::Anywhere);
    let Err(WebhookError::NotNow { pause, .. }) = post(&webhook).await else {
        panic!("the receiver asks for a pause");
    };
    assert_eq!(pause, Duration::from_secs(90));
    let heard = receiver.join().unwrap();
    let (head, body) = heard.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, r#"{"a":1}"#);
    assert!(head.starts_with("POST /hook HTTP/1.1"), "{head}");
    for line in [
        "x-crosswave-id: N#1",
        "x-crosswave-timestamp: 1767225600",
        "x-crosswave-signature: v1=5ee7f8d8b40b808d54b4cbd97de4cbdc652e6724fc993074bee23e9c9222f580",
        "content-type: application/json; charset=utf-8",
    ] {
        assert!(head.contains(line), "{line} in {head}");
    }
}

/// Neither the address nor the secret stands in a debug form.
#[test]
fn a_webhook_shows_its_host_alone() {
    let shown = format!("{:?}", webhook("https://hooks.example/T0/token", Reach::PublicOnly));
    assert!(shown.contains("hooks.example"), "{shown}");
    assert!(!shown.contains("token") && !shown.contains("secret"), "{shown}");
}
