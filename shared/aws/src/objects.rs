//! Files in buckets of S3, read whole.

use bytes::Bytes;
use http::Method;

use crate::{
    Caller, Operation,
    call::{Ask, AwsError},
};

/// One version of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The bucket's name.
    pub bucket: String,
    /// The file's key: its path in the bucket.
    pub key: String,
    /// Which version, where the bucket keeps them.
    pub version: Option<String>,
    /// The entity tag of what is meant: what was put there since is refused.
    pub tag: Option<String>,
}

/// The files that the caller's role may read.
#[derive(Clone)]
pub struct Objects {
    caller: Caller,
}

impl Objects {
    /// Files, read in the caller's name.
    pub fn new(caller: Caller) -> Self {
        Self { caller }
    }

    /// Reads a file of at most so many bytes.
    pub async fn read(&self, object: &Object, most: usize) -> Result<Bytes, AwsError> {
        let mut path = format!("/{}/{}", object.bucket, encoded(&object.key));
        if let Some(version) = &object.version {
            path = format!("{path}?versionId={}", encoded(version));
        }
        let tag = object.tag.as_ref().map(|tag| ("if-match", format!("\"{tag}\"")));
        let ask = Ask {
            service: "s3",
            operation: Operation::GetObject,
            method: Method::GET,
            path,
            headers: tag.into_iter().collect(),
            body: String::new(),
        };
        self.caller.ask_for_bytes(&ask, most).await
    }
}

/// A path as S3 wants it signed: every byte but the unreserved ones and the slash.
fn encoded(path: &str) -> String {
    let part = |byte: u8| match byte {
        b'-' | b'.' | b'_' | b'~' | b'/' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    path.bytes().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_encoded_as_it_is_signed() {
        assert_eq!(encoded("a/b c/d+\u{fc}~.csv"), "a/b%20c/d%2B%C3%BC~.csv");
    }
}
