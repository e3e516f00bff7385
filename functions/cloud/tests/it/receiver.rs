//! A receiver of webhooks on this machine.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use cloud::Cloud;
use control::scripts::{Draft, publish};
use model::ScriptKind;

const SCRIPT: &str = "// crosswave-api: 1
fn notify(event, user, ctx) {
    if event.kind != \"prepare_done\" { return []; }
    [#{ to: \"owner\", channel: \"webhook\", subject: \"prepared\", body: event.kind }]
}
";

/// What was heard: the message's head, and its body.
type Heard = Arc<Mutex<Vec<(Vec<String>, String)>>>;

/// It accepts everything.
pub(crate) struct Receiver(Heard);

impl Receiver {
    /// Starts one, names it in the project's secret, and publishes a script that tells it who is
    /// prepared.
    pub(crate) async fn start(cloud: &Cloud) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        cloud.put_webhook(&url, "a-shared-secret-of-ours").await.unwrap();
        let draft = Draft::new(ScriptKind::Notifications, "ours.rhai", SCRIPT);
        publish(cloud.host(), cloud.project(), &draft, "anna").await.unwrap();
        let heard = Heard::default();
        let keeping = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let message = hear(&stream.unwrap());
                keeping.lock().unwrap().push(message);
            }
        });
        Self(heard)
    }

    /// So many different messages were heard, each signed.
    pub(crate) fn assert_heard_of(&self, people: usize) {
        let heard = self.0.lock().unwrap();
        let value = |head: &[String], name: &str| {
            let line = head.iter().find(|line| line.to_lowercase().starts_with(name));
            assert!(line.is_some(), "no {name} in {head:?}");
            line.unwrap().clone()
        };
        let ids: BTreeSet<_> =
            heard.iter().map(|(head, _)| value(head, "x-crosswave-id")).collect();
        assert_eq!(ids.len(), people, "{heard:?}");
        for (head, body) in &*heard {
            assert!(value(head, "x-crosswave-signature").contains("v1="), "{head:?}");
            assert!(body.contains("prepare_done"), "{body}");
        }
    }
}

/// Reads one request and accepts it.
fn hear(mut stream: &TcpStream) -> (Vec<String>, String) {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_owned());
    }
    let length = head.iter().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
    });
    let mut body = vec![0; length.unwrap_or_default()];
    reader.read_exact(&mut body).unwrap();
    stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").unwrap();
    (head, String::from_utf8(body).unwrap())
}
