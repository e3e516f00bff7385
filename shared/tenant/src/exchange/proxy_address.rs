//! Proxy addresses: `SMTP:a@b.c`, `smtp:a@b.c`, `X500:/o=…`.

use std::{fmt, hash};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The kind of an address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressKind {
    /// Mail.
    Smtp,
    /// A LegacyExchangeDN of this or a former object.
    X500,
    /// Telephony and chat.
    Sip,
    /// Voice mail.
    Eum,
    /// SharePoint's.
    Spo,
    /// Another kind, in lower case.
    Other(Box<str>),
}

impl AddressKind {
    fn parse(prefix: &str) -> Self {
        match prefix.to_ascii_lowercase().as_str() {
            "smtp" => Self::Smtp,
            "x500" => Self::X500,
            "sip" => Self::Sip,
            "eum" => Self::Eum,
            "spo" => Self::Spo,
            other => Self::Other(other.into()),
        }
    }
}

/// Why a text is no proxy address.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "`{0}` is no proxy address: expected a prefix, a colon and a value, as in smtp:a@contoso.com"
)]
pub struct ProxyAddressError(String);

/// An address of a recipient.
///
/// Two are equal as Exchange compares them: kind and value without regard to case, and, for mail,
/// both primary or both not. The text is kept as it came, spaces and brackets included.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProxyAddress {
    kind: AddressKind,
    prefix: Box<str>,
    value: Box<str>,
}

impl ProxyAddress {
    /// Parses `prefix:value`.
    pub fn parse(text: &str) -> Result<Self, ProxyAddressError> {
        let refused = || ProxyAddressError(text.to_owned());
        let (prefix, value) = text.split_once(':').ok_or_else(refused)?;
        let legal = !prefix.is_empty()
            && prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !value.trim().is_empty();
        if !legal {
            return Err(refused());
        }
        Ok(Self { kind: AddressKind::parse(prefix), prefix: prefix.into(), value: value.into() })
    }

    /// A primary mail address.
    pub fn primary(address: &str) -> Result<Self, ProxyAddressError> {
        Self::parse(&format!("SMTP:{address}"))
    }

    /// Another mail address.
    pub fn secondary(address: &str) -> Result<Self, ProxyAddressError> {
        Self::parse(&format!("smtp:{address}"))
    }

    /// A LegacyExchangeDN as an address.
    pub fn x500(legacy_exchange_dn: &str) -> Result<Self, ProxyAddressError> {
        Self::parse(&format!("X500:{legacy_exchange_dn}"))
    }

    /// The kind.
    pub fn kind(&self) -> &AddressKind {
        &self.kind
    }

    /// What follows the prefix.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether it is the primary mail address: written in capitals.
    pub fn is_primary(&self) -> bool {
        self.kind == AddressKind::Smtp && self.prefix.bytes().all(|byte| byte.is_ascii_uppercase())
    }

    /// Whether both name the same place, primary or not.
    pub fn is_same_address(&self, other: &Self) -> bool {
        self.kind == other.kind && self.value.to_lowercase() == other.value.to_lowercase()
    }

    /// The domain of a mail address, in lower case.
    pub fn domain(&self) -> Option<String> {
        match self.kind {
            AddressKind::Smtp => {
                self.value.rsplit_once('@').map(|(_, domain)| domain.to_lowercase())
            }
            _ => None,
        }
    }

    fn key(&self) -> (&AddressKind, String, bool) {
        (&self.kind, self.value.to_lowercase(), self.is_primary())
    }
}

impl PartialEq for ProxyAddress {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}
impl Eq for ProxyAddress {}
impl PartialOrd for ProxyAddress {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for ProxyAddress {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}
impl hash::Hash for ProxyAddress {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Display for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.prefix, self.value)
    }
}

impl TryFrom<String> for ProxyAddress {
    type Error = ProxyAddressError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<ProxyAddress> for String {
    fn from(address: ProxyAddress) -> Self {
        address.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> ProxyAddress {
        ProxyAddress::parse(text).unwrap()
    }

    #[test]
    fn capitals_make_a_mail_address_primary_and_nothing_else() {
        assert!(address("SMTP:a@b.c").is_primary());
        assert!(!address("smtp:a@b.c").is_primary());
        assert!(!address("X500:/o=x").is_primary());
        assert_ne!(address("SMTP:a@b.c"), address("smtp:a@b.c"));
        assert!(address("SMTP:a@b.c").is_same_address(&address("smtp:A@B.C")));
        assert_eq!(address("X500:/o=X/cn=a"), address("x500:/O=x/CN=A"));
    }

    #[test]
    fn an_x500_value_keeps_spaces_brackets_and_case() {
        let text = "X500:/o=ExchangeLabs/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=1f-Ann";
        assert_eq!(address(text).to_string(), text);
    }

    #[test]
    fn what_has_no_prefix_or_no_value_is_no_address() {
        for wrong in ["a@b.c", ":a", "smtp:", "smtp: ", "", "a b:c"] {
            assert!(ProxyAddress::parse(wrong).is_err(), "`{wrong}` was parsed");
        }
    }

    #[test]
    fn only_mail_addresses_have_a_domain() {
        assert_eq!(address("smtp:\"a@b\"@C.com").domain().as_deref(), Some("c.com"));
        assert_eq!(address("SIP:a@b.c").domain(), None);
    }
}
