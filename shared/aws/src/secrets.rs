//! Secrets of tenants, kept in Secrets Manager and read when they are needed.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;
use tenant::SecretText;
use tokio::sync::Mutex;

use crate::{
    Caller, Operation,
    call::{Ask, AwsError},
};

/// A secret is read again after so long, so that a rotation is noticed before anything fails.
const FRESH: SignedDuration = SignedDuration::from_mins(15);

/// A secret as it was read.
#[derive(Clone, Debug)]
struct Held {
    text: SecretText,
    version: String,
    read_at: Timestamp,
}

/// The secrets of this account, each read once in a quarter of an hour.
pub struct Secrets {
    caller: Caller,
    held: Mutex<BTreeMap<String, Held>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Reply {
    version_id: String,
    secret_string: String,
}

impl Secrets {
    /// The secrets that the caller's role may read.
    pub fn new(caller: Caller) -> Self {
        Self { caller, held: Mutex::new(BTreeMap::new()) }
    }

    /// The current text of a secret, by name or ARN. A service that is down for a while stops
    /// nobody who has read the secret before.
    pub async fn text(&self, id: &str) -> Result<SecretText, AwsError> {
        let mut held = self.held.lock().await;
        let known = held.get(id).cloned();
        let now = self.caller.clock().now();
        if let Some(known) = &known
            && now.duration_since(known.read_at) < FRESH
        {
            return Ok(known.text.clone());
        }
        match (self.read(id).await, known) {
            (Ok(fresh), _) => {
                let text = fresh.text.clone();
                held.insert(id.to_owned(), fresh);
                Ok(text)
            }
            (Err(AwsError::Unavailable(_)), Some(known)) => Ok(known.text),
            (Err(error), _) => Err(error),
        }
    }

    /// Reads a secret anew; its text if there is another version than the one that was known.
    pub async fn renewed(&self, id: &str) -> Result<Option<SecretText>, AwsError> {
        let mut held = self.held.lock().await;
        let fresh = self.read(id).await?;
        let is_new = held.get(id).is_none_or(|known| known.version != fresh.version);
        let text = fresh.text.clone();
        held.insert(id.to_owned(), fresh);
        Ok(is_new.then_some(text))
    }

    async fn read(&self, id: &str) -> Result<Held, AwsError> {
        let body = json!({ "SecretId": id });
        let ask = Ask::json("secretsmanager", Operation::GetSecretValue, "secretsmanager", &body);
        let reply = self.caller.ask(&ask).await.map_err(|error| match error {
            AwsError::Refused { code, text } => {
                AwsError::Refused { code, text: format!("{text}; the secret is `{id}`") }
            }
            busy @ AwsError::Unavailable(_) => busy,
        })?;
        let reply: Reply =
            serde_json::from_str(&reply).map_err(|_may_quote_the_secret| AwsError::Refused {
                code: String::new(),
                text: format!("the secret `{id}` holds bytes, not text; store it as text"),
            })?;
        let read_at = self.caller.clock().now();
        Ok(Held { text: SecretText::from(reply.secret_string), version: reply.version_id, read_at })
    }
}
