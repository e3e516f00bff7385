//! Proxy addresses: `SMTP:a@b` (the primary), `smtp:a@b`, `X500:/o=...`, and others.

use std::fmt;

/// What an address is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ProxyKind {
    /// The one that mail shows as sender.
    Primary,
    /// Another SMTP address.
    Smtp,
    /// An X.500 name: an old LegacyExchangeDN.
    X500,
    /// SIP, EUM, SPO and the like.
    Other(String),
}

/// One proxy address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proxy {
    pub(crate) kind: ProxyKind,
    pub(crate) value: String,
}

impl Proxy {
    /// Reads `prefix:value`; text without a prefix is an SMTP address.
    pub(crate) fn parse(text: &str) -> Self {
        let (prefix, value) = match text.split_once(':') {
            Some((prefix, value)) if !prefix.contains('@') && !prefix.contains('/') => {
                (prefix, value)
            }
            _ => ("smtp", text),
        };
        let kind = if prefix == "SMTP" {
            ProxyKind::Primary
        } else if prefix.eq_ignore_ascii_case("smtp") {
            ProxyKind::Smtp
        } else if prefix.eq_ignore_ascii_case("x500") {
            ProxyKind::X500
        } else {
            ProxyKind::Other(prefix.to_owned())
        };
        Self { kind, value: value.to_owned() }
    }

    /// A primary SMTP address.
    pub(crate) fn primary(address: &str) -> Self {
        Self { kind: ProxyKind::Primary, value: address.to_owned() }
    }

    /// A secondary SMTP address.
    pub(crate) fn smtp(address: &str) -> Self {
        Self { kind: ProxyKind::Smtp, value: address.to_owned() }
    }

    /// An X500 address.
    pub(crate) fn x500(name: &str) -> Self {
        Self { kind: ProxyKind::X500, value: name.to_owned() }
    }

    pub(crate) fn is_smtp(&self) -> bool {
        matches!(self.kind, ProxyKind::Primary | ProxyKind::Smtp)
    }

    /// What makes two addresses the same one: type and value in lower case.
    pub(crate) fn key(&self) -> String {
        let prefix = match &self.kind {
            ProxyKind::Primary | ProxyKind::Smtp => "smtp",
            ProxyKind::X500 => "x500",
            ProxyKind::Other(prefix) => prefix,
        };
        format!("{prefix}:{}", self.value).to_lowercase()
    }

    /// Whether a text may be this address: a quick look before anything is made to compare in full.
    pub(crate) fn may_be(&self, text: &str) -> bool {
        let value = text.len().checked_sub(self.value.len()).and_then(|start| text.get(start..));
        !self.value.is_ascii() || value.is_some_and(|end| end.eq_ignore_ascii_case(&self.value))
    }

    /// The domain of an SMTP address.
    pub(crate) fn domain(&self) -> Option<&str> {
        if self.is_smtp() { domain_of(&self.value) } else { None }
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = match &self.kind {
            ProxyKind::Primary => "SMTP",
            ProxyKind::Smtp => "smtp",
            ProxyKind::X500 => "X500",
            ProxyKind::Other(prefix) => prefix,
        };
        write!(f, "{prefix}:{}", self.value)
    }
}

/// The part after the last `@`.
pub(crate) fn domain_of(address: &str) -> Option<&str> {
    address.rsplit_once('@').map(|(_, domain)| domain)
}

/// Takes `SMTP:` or `smtp:` off an address.
pub(crate) fn bare(address: &str) -> &str {
    match address.split_at_checked(5) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case("smtp:") => rest,
        _ => address,
    }
}
