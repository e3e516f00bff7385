//! Which tenant, which application: parsed once, trusted afterwards.

use std::fmt;

use thiserror::Error;
use uuid::Uuid;

/// Why a text names no tenant or no application.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum IdentityError {
    /// Neither a GUID nor a domain name.
    #[error(
        "`{0}` is no tenant: give the directory (tenant) id, a GUID, or one of the tenant's \
         domains, for instance contoso.onmicrosoft.com"
    )]
    Tenant(String),
    /// No GUID.
    #[error(
        "`{0}` is no application (client) id: copy the GUID from the app registration's overview"
    )]
    Client(String),
}

/// A Microsoft Entra tenant: its GUID, or one of its domains. Kept in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(Box<str>);

impl TenantId {
    /// Parses a GUID or a domain name.
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        let trimmed = text.trim();
        if let Ok(id) = Uuid::try_parse(trimmed) {
            return Ok(Self(id.hyphenated().to_string().into()));
        }
        if is_domain(trimmed) {
            return Ok(Self(trimmed.to_ascii_lowercase().into()));
        }
        Err(IdentityError::Tenant(text.to_owned()))
    }

    /// The GUID or domain as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The GUID, if that is how the tenant was named.
    pub fn guid(&self) -> Option<Uuid> {
        Uuid::try_parse(&self.0).ok()
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The application (client) id of an app registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(Uuid);

impl ClientId {
    /// Parses a GUID.
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        let id = Uuid::try_parse(text.trim());
        id.map(Self).map_err(|_not_a_guid| IdentityError::Client(text.to_owned()))
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// A dotted name of letters, digits and hyphens, as DNS allows it (RFC 1123).
fn is_domain(text: &str) -> bool {
    text.len() <= 253
        && text.contains('.')
        && text.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_is_a_guid_or_a_domain() {
        let guid = TenantId::parse(" 3F2504E0-4F89-11D3-9A0C-0305E82C3301 ").unwrap();
        assert_eq!(guid.as_str(), "3f2504e0-4f89-11d3-9a0c-0305e82c3301");
        assert!(guid.guid().is_some());
        let domain = TenantId::parse("Contoso.OnMicrosoft.com").unwrap();
        assert_eq!(domain.as_str(), "contoso.onmicrosoft.com");
        assert!(domain.guid().is_none());
        for wrong in ["", "contoso", "contoso..com", "../x.com", "a b.com", "-a.com", "common/x.y"]
        {
            assert!(TenantId::parse(wrong).is_err(), "{wrong} was taken for a tenant");
        }
    }

    #[test]
    fn an_application_is_a_guid() {
        assert!(ClientId::parse("3f2504e0-4f89-11d3-9a0c-0305e82c3301").is_ok());
        let message = ClientId::parse("my app").unwrap_err().to_string();
        assert!(message.contains("`my app`"), "{message}");
    }
}
