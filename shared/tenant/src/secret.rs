//! Text that must not be seen.

use std::fmt;

/// A secret: a client secret, a token, a private key. Its `Debug` form hides it, and it has no
/// `Display` form, so that it cannot get into a message by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Box<str>);

impl SecretText {
    /// Wraps a secret.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Replaces every occurrence of the secret in a text that came from outside.
    pub(crate) fn redact(&self, text: &str) -> String {
        // A very short secret would turn every message into noise, and is none.
        if self.0.len() < 8 { text.to_owned() } else { text.replace(&*self.0, "[redacted]") }
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(redacted)")
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}
