//! Tokens of links: opaque to the client, stateless for the service, useless when edited.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

/// Seals a value into a token.
pub(crate) fn seal(key: &str, value: &impl Serialize) -> String {
    // A struct of plain members always serializes.
    let text = serde_json::to_string(value).unwrap_or_default();
    format!("{}.{}", URL_SAFE_NO_PAD.encode(&text), mark(key, &text))
}

/// Opens a token; `None` when it was not sealed with this key or holds something else.
pub(crate) fn open<T: DeserializeOwned>(key: &str, token: &str) -> Option<T> {
    let (text, seal) = token.split_once('.')?;
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    (mark(key, &text) == seal).then(|| serde_json::from_str(&text).ok()).flatten()
}

fn mark(key: &str, text: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(key);
    hash.update([0]);
    hash.update(text);
    let digest = hash.finalize();
    URL_SAFE_NO_PAD.encode(digest.get(..12).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_with_its_key_and_unedited_only() {
        let token = seal("key", &(1, "text".to_owned()));
        assert_eq!(open::<(i32, String)>("key", &token), Some((1, "text".to_owned())));
        assert_eq!(open::<(i32, String)>("other", &token), None);
        let edited = seal("other", &(2, "text".to_owned()));
        let forged = format!(
            "{}.{}",
            edited.split('.').next().unwrap(),
            token.split('.').next_back().unwrap()
        );
        assert_eq!(open::<(i32, String)>("key", &forged), None);
    }
}
