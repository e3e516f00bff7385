//! Each line of the log says whose it is.

use std::io;

use super::*;
use ports::Change;

/// What was logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn begin(&self) -> tracing::subscriber::DefaultGuard {
        let lines = self.clone();
        let log = tracing_subscriber::fmt().json().with_span_list(true);
        tracing::subscriber::set_default(log.with_writer(move || lines.clone()).finish())
    }

    /// What the spans around the first line that holds this text say under a name.
    fn says(&self, text: &str, name: &str) -> Option<String> {
        let lines = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let line =
            lines.lines().find(|line| line.contains(text)).unwrap_or_else(|| panic!("{lines}"));
        let line: Value = serde_json::from_str(line).unwrap();
        let spans = line["spans"].as_array().unwrap();
        spans.iter().find_map(|span| span.get(name)?.as_str().map(str::to_owned))
    }
}

/// A step's message, a notification's, a start and a customer's turn: the lines name customer and project,
/// and what else there is of user, job, step and wave.
#[tokio::test]
async fn a_line_names_whose_it_is_whatever_the_function() {
    let desk = Desk::with(&["panics"]).await;
    let lines = Lines::default();
    let log = lines.begin();
    desk.start().await;
    desk.deliver().await;
    let failed = "the step panicked";
    for (name, value) in [
        ("customer", "acme"),
        ("project", "merger"),
        ("user", "panics"),
        ("job", "j000001"),
        ("step", "prepare.create_or_update_user"),
    ] {
        assert_eq!(lines.says(failed, name).as_deref(), Some(value), "{name}");
    }
    let body =
        json!({ "v": 1, "user": { "customer": "acme", "project": "merger", "user": "anna" } });
    let record = json!({ "messageId": "m", "receiptHandle": "r", "body": body.to_string() });
    desk.run(Function::Notify, json!({ "Records": [record] })).await;
    for (name, value) in [("customer", "acme"), ("project", "merger"), ("user", "anna")] {
        assert_eq!(lines.says("can never be handled", name).as_deref(), Some(value), "{name}");
    }
    let damage = Change::put(Key::new("C#acme#DUE", "000000000000#x"), vec![1]);
    desk.deployment.host.store.commit(&[damage]).await.unwrap();
    desk.run(Function::Tick, json!({})).await;
    assert_eq!(lines.says("the others go on", "whose").as_deref(), Some("acme"));
    drop(log);
}
