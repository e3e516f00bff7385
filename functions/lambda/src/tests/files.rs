//! Files of users that are put in the bucket.

use aws::{AwsError, Object};

use super::*;

const BUCKET: &str = "files";
const KEY: &str = "acme/merger/first/prepare/monday.csv";

#[async_trait]
impl Files for Noted {
    fn bucket(&self) -> Option<&str> {
        Some(BUCKET)
    }

    async fn read(&self, object: &Object, _most: usize) -> Result<Vec<u8>, AwsError> {
        assert_eq!(object.bucket, BUCKET);
        let place = (object.key.clone(), object.version.clone().unwrap_or_default());
        match self.files.lock().unwrap().get(&place) {
            Some(Some(text)) => Ok(text.clone().into_bytes()),
            Some(None) => Err(AwsError::Unavailable("GetObject of s3: SlowDown".to_owned())),
            None => {
                Err(AwsError::Refused { code: "NoSuchVersion".to_owned(), text: String::new() })
            }
        }
    }
}

#[async_trait]
impl Calls for Noted {
    async fn call(&self, function: Function, event: &Value) -> Result<(), String> {
        self.calls.lock().unwrap().push((function, event.clone()));
        Ok(())
    }
}

/// What S3 tells of a file.
fn put(bucket: &str, key: &str, version: &str, size: usize) -> Value {
    json!({
        "version": "0", "source": "aws.s3", "detail-type": "Object Created",
        "time": "2026-06-01T08:00:00Z",
        "detail": {
            "version": "0", "bucket": { "name": bucket },
            "object": {
                "key": key, "size": size, "etag": "b1946ac9", "version-id": version,
                "sequencer": "00617F08299329D189",
            },
            "reason": "PutObject",
        },
    })
}

impl Desk {
    /// A desk with two users in no wave.
    async fn with_strangers() -> Self {
        let desk = Self::with(&[]).await;
        let scope = Scope::of(&desk.project);
        for id in ["anna", "ben"] {
            let stranger = User { wave: None, ..user(id) };
            let mut batch = Batch::new();
            batch.put(Keys::user(&scope.user(&stranger.id)), &stranger, 0).unwrap();
            batch.commit(&*desk.deployment.host.store).await.unwrap();
        }
        desk
    }

    fn keep(&self, key: &str, version: &str, text: Option<&str>) {
        let place = (key.to_owned(), version.to_owned());
        self.noted.files.lock().unwrap().insert(place, text.map(str::to_owned));
    }

    /// Puts a file, and delivers what S3 tells of it.
    async fn put_file(&self, key: &str, version: &str, text: &str) -> Value {
        self.keep(key, version, Some(text));
        self.run(Function::StartFromFile, put(BUCKET, key, version, text.len())).await
    }

    async fn in_flight(&self) -> Vec<(String, u64)> {
        let users = Scope::of(&self.project).users(&self.deployment.host).await.unwrap();
        let users = users.into_iter().map(|user| user.value);
        users
            .filter(|user| user.wave.is_some())
            .map(|user| (user.id.to_string(), u64::from(user.jobs)))
            .collect()
    }
}

/// A file of users starts their wave: they are in it, each has one job, somebody polls.
#[tokio::test]
async fn a_file_in_the_bucket_starts_its_users() {
    let desk = Desk::with_strangers().await;
    let taken = desk.put_file(KEY, "v1", "source\nanna\nben\n").await;
    assert_eq!((&taken["state"], &taken["users"]), (&json!("started"), &json!(2)), "{taken}");
    assert_eq!(desk.in_flight().await, [("anna".to_owned(), 1), ("ben".to_owned(), 1)]);
    assert_eq!(desk.receive(FIRST).await.len(), 2);
    assert_eq!(desk.noted.polling.lock().unwrap().last(), Some(&true));
    let path = "/v1/customers/acme/projects/merger/files";
    let (_, files) = desk.ask("GET", path, &Value::Null).await;
    assert_eq!((&files[0]["file"], &files[0]["state"]), (&json!(KEY), &json!("started")));
}

/// The same event, at once and a day later, starts nothing again; a new version of the file does.
#[tokio::test]
async fn each_version_of_a_file_starts_once() {
    let desk = Desk::with_strangers().await;
    let event = put(BUCKET, KEY, "v1", 12);
    desk.keep(KEY, "v1", Some("source\nanna\n"));
    let twice = [
        desk.run(Function::StartFromFile, event.clone()),
        desk.run(Function::StartFromFile, event.clone()),
    ];
    let _both: Vec<Value> = futures_util::future::join_all(twice).await;
    desk.on(86_400);
    desk.run(Function::StartFromFile, event).await;
    assert_eq!(desk.in_flight().await, [("anna".to_owned(), 1)]);
    let again = desk.put_file(KEY, "v2", "source\nanna\nben\n").await;
    assert_eq!((&again["users"], &again["refused"]), (&json!(1), &json!(1)), "{again}");
    assert_eq!(desk.in_flight().await, [("anna".to_owned(), 1), ("ben".to_owned(), 1)]);
    let runs = Keys::project_partition(&desk.project.customer, &desk.project.id);
    let runs = desk.deployment.host.store.query_all(&runs, Keys::WAVE_RUNS).await.unwrap();
    assert_eq!(runs.len(), 2, "one run for each version");
}

/// ERR-1: what is wrong with a file is said with line and column, nothing of it is applied, and the
/// event does not come again.
#[tokio::test]
async fn a_file_that_is_wrong_is_refused_with_its_reason_and_starts_nobody() {
    let desk = Desk::with_strangers().await;
    let long = format!("source\n{}", "anna\n".repeat(20_001));
    for (version, text, words) in [
        ("v1", "sorce\nanna\n", "monday.csv:1, column 1: `sorce`: no such column"),
        ("v2", "source,archive\nanna,perhaps\n", "monday.csv:2, column archive: `perhaps`"),
        ("v3", "source\n", "no user stands in the file"),
        ("v4", "source,wave\nanna,second\n", "this file is for wave first"),
        ("v5", "source\nanna\nanna\n", "this user stands in line 2 already"),
        ("v6", &long, "20003 lines; at most 20000 are read; split it"),
    ] {
        let taken = desk.put_file(KEY, version, text).await;
        assert_eq!(taken["state"], "refused", "{taken}");
        assert!(taken["why"].as_str().unwrap().contains(words), "{taken}");
    }
    let huge = desk.run(Function::StartFromFile, put(BUCKET, KEY, "v7", 5_000_000)).await;
    assert!(huge["why"].as_str().unwrap().contains("at most 4194304 are read"), "{huge}");
    let gone = desk.run(Function::StartFromFile, put(BUCKET, KEY, "v8", 10)).await;
    assert!(gone["why"].as_str().unwrap().contains("is not there any more"), "{gone}");
    assert_eq!(desk.in_flight().await, []);
}

/// A customer's files start that customer's waves: what lies elsewhere is nobody's.
#[tokio::test]
async fn a_file_outside_a_customers_own_folder_starts_nothing() {
    let desk = Desk::with_strangers().await;
    for (bucket, key, words) in [
        ("others", KEY, "the bucket `others` is not this deployment's"),
        (BUCKET, "other/merger/first/prepare/a.csv", "there is no project `merger`"),
        (BUCKET, "acme/other/first/prepare/a.csv", "there is no project `other`"),
        (
            BUCKET,
            "first/prepare/a.csv",
            "is not as expected: CUSTOMER/PROJECT/WAVE/ACTION/NAME.csv",
        ),
        (BUCKET, "acme/merger/first/reset/a.csv", "`reset` is none of prepare, sync, cutover"),
        (BUCKET, "acme/merger/first/prepare/a.exe", "NAME.csv"),
        (BUCKET, "acme/mer ger/first/prepare/a.csv", "`mer ger` cannot be a project id"),
    ] {
        desk.keep(key, "v1", Some("source\nanna\n"));
        let taken = desk.run(Function::StartFromFile, put(bucket, key, "v1", 12)).await;
        assert!(taken["refused"].as_str().unwrap().contains(words), "{taken}");
    }
    let key = "acme/merger/ninth/prepare/a.csv";
    let taken = desk.put_file(key, "v1", "source\nanna\n").await;
    assert!(taken["why"].as_str().unwrap().contains("there is no wave `ninth`"), "{taken}");
    let mut forged = put(BUCKET, KEY, "v1", 12);
    forged["source"] = json!("acme.own");
    let taken = desk.run(Function::StartFromFile, forged).await;
    assert!(taken["refused"].is_string(), "{taken}");
    assert_eq!(desk.in_flight().await, []);
}

/// A bucket that cannot be read fails the invocation, so that the event comes again; what Lambda gives
/// up is a dead letter with its reason, and goes back by one request.
#[tokio::test]
async fn an_event_that_is_given_up_is_kept_and_goes_back_to_its_function() {
    let desk = Desk::with_strangers().await;
    desk.keep(KEY, "v1", None);
    let event = put(BUCKET, KEY, "v1", 12);
    let until = Timestamp::MAX;
    let failed = desk.deployment.run(Function::StartFromFile, event.clone(), until).await;
    let why = failed.unwrap_err().to_string();
    assert_eq!(why, "GetObject of s3: SlowDown");
    // As Lambda does after the last try.
    let kept = json!({
        "version": "1.0", "requestContext": { "condition": "RetriesExhausted" },
        "requestPayload": event, "responsePayload": { "errorMessage": why },
    });
    let queue = QueueName::parse("control-start-from-file").unwrap().dead_letter();
    let (body, delay) = (kept.to_string(), Duration::ZERO);
    let message = ports::Outgoing { queue, body, delay, group: String::new() };
    desk.deployment.host.queue.send(&[message]).await.unwrap();
    desk.run(Function::CollectDeadLetters, json!({})).await;
    let (_, letters) = desk.ask("GET", "/v1/dead-letters", &Value::Null).await;
    assert_eq!(letters[0]["why"], why);
    let (_, done) = desk.ask("POST", "/v1/dead-letters/redrive", &json!({})).await;
    assert_eq!(done, json!({ "redriven": 1, "kept": 0 }));
    let calls = desk.noted.calls.lock().unwrap().clone();
    assert_eq!(calls, [(Function::StartFromFile, event.clone())]);
    desk.keep(KEY, "v1", Some("source\nanna\n"));
    let taken = desk.run(Function::StartFromFile, event).await;
    assert_eq!(taken["state"], "started", "{taken}");
}
