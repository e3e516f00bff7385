//! Files in buckets: how they are asked for, and what a refusal means.

use std::sync::Arc;

use aws::{Access, AwsError, Object, Objects};

use crate::{
    account::{Answer, Line, caller},
    support::Impatient,
};

fn objects(line: &Arc<Line>) -> Objects {
    let access = Access::new("eu-central-1", "test", "test", None);
    Objects::new(caller(access, line, Arc::new(Impatient::default())))
}

fn object() -> Object {
    Object {
        bucket: "files".to_owned(),
        key: "acme/merger/first/sync/monday morning.csv".to_owned(),
        version: Some("3HL4+kqt".to_owned()),
        tag: Some("b1946ac9".to_owned()),
    }
}

/// The path is as it is signed, the body's hash is in a header, and only what was told is read: this
/// version, if it has not been replaced.
#[tokio::test]
async fn a_file_is_asked_for_by_its_version_and_tag() {
    let line = Line::new();
    line.next([Answer::Reply(503, "<Error><Code>SlowDown</Code></Error>".to_owned())]);
    line.next([Answer::Reply(200, "source\n".to_owned())]);
    assert_eq!(objects(&line).read(&object(), 100).await.unwrap(), "source\n");
    let seen = line.seen.lock().unwrap();
    assert_eq!(seen.len(), 2, "what is busy is asked again");
    assert_eq!(
        seen[1].url.as_str(),
        "https://s3.eu-central-1.amazonaws.com/files/acme/merger/first/sync/monday%20morning.csv\
         ?versionId=3HL4%2Bkqt"
    );
    let header = |name: &str| seen[1].headers.get(name).unwrap().to_str().unwrap();
    assert_eq!(header("if-match"), "\"b1946ac9\"");
    let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(header("x-amz-content-sha256"), nothing);
    let signed = "SignedHeaders=host;if-match;x-amz-content-sha256;x-amz-date";
    assert!(header("authorization").contains(signed), "{}", header("authorization"));
    assert!(header("authorization").contains("/eu-central-1/s3/aws4_request"));
}

/// A file that is gone, that the role may not read, or that is larger than was said: each is refused
/// for good, by its code or in words.
#[tokio::test]
async fn a_refusal_says_which() {
    let line = Line::new();
    for (status, code) in [(404, "NoSuchKey"), (412, "PreconditionFailed"), (403, "AccessDenied")] {
        let body = format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
        line.next([Answer::Reply(status, body)]);
        let refused = objects(&line).read(&object(), 100).await.unwrap_err();
        assert!(refused.is(code), "{refused}");
    }
    line.next([Answer::Reply(200, "x".repeat(101))]);
    let large = objects(&line).read(&object(), 100).await.unwrap_err();
    assert!(matches!(large, AwsError::Refused { .. }), "{large:?}");
    assert_eq!(line.seen.lock().unwrap().len(), 4, "none is asked again");
}
