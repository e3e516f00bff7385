//! How a project's tenants are signed in to: one secret a side, which says who and with what.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, de::DeserializeOwned};
use tenant::{
    AssertionError, Certificate, ClientId, Credential, CredentialSource, Endpoints, KeptCredential,
    SecretText, TenantConfig, TenantId,
};
use thiserror::Error;
use url::Url;

use crate::{Caller, RoleIdentity, Secrets, call::AwsError};

/// A side of a project cannot be signed in to.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ConnectionError {
    /// Secrets Manager is busy or not reached; later it may work.
    #[error("{0}")]
    Unavailable(String),
    /// The secret is missing, may not be read, or is not as documented; somebody has to mend it.
    #[error("{0}")]
    Unusable(String),
}

impl From<AwsError> for ConnectionError {
    fn from(error: AwsError) -> Self {
        match error {
            AwsError::Unavailable(text) => Self::Unavailable(text),
            AwsError::Refused { text, .. } => Self::Unusable(text),
        }
    }
}

/// The text of a side's secret, JSON:
///
/// | member | value |
/// |---|---|
/// | `client_id` | the application's id |
/// | `client_secret` | its secret, or |
/// | `certificate`, `private_key` | its certificate and RSA key, both PEM, or |
/// | `identity` | `role`: nothing is stored, the AWS role's own identity signs in |
/// | `endpoints` | other addresses than the public cloud's: `login`, `graph`, `exchange`, `sharepoint_admin` |
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TenantSecret {
    client_id: String,
    client_secret: Option<String>,
    certificate: Option<String>,
    private_key: Option<String>,
    identity: Option<Identity>,
    endpoints: Option<Addresses>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Identity {
    Role,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Addresses {
    login: Url,
    graph: Url,
    exchange: Url,
    sharepoint_admin: Option<Url>,
}

/// The text of a project's webhook secret, JSON: the receiver's address, and what messages are signed
/// with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookSecret {
    url: Url,
    secret: String,
}

/// What a secret lets us sign in with.
enum Proof {
    Kept(KeptCredential),
    Role,
}

impl TenantSecret {
    fn parse(name: &str, text: &SecretText) -> Result<Self, ConnectionError> {
        parse(name, text)
    }

    fn proof(&self, name: &str) -> Result<Proof, ConnectionError> {
        match (&self.client_secret, &self.certificate, &self.private_key, &self.identity) {
            (Some(secret), None, None, None) => {
                Ok(Proof::Kept(KeptCredential::Secret(SecretText::new(secret.as_str()))))
            }
            (None, Some(certificate), Some(key), None) => {
                let key = SecretText::new(key.as_str());
                let certificate = Certificate::parse(&key, certificate.as_bytes());
                let certificate = certificate.map_err(|e| unusable(name, &e.to_string()))?;
                Ok(Proof::Kept(KeptCredential::Certificate(certificate)))
            }
            (None, None, None, Some(Identity::Role)) => Ok(Proof::Role),
            _ => Err(unusable(
                name,
                "it needs client_secret, or certificate and private_key, or identity",
            )),
        }
    }
}

fn parse<T: DeserializeOwned>(name: &str, text: &SecretText) -> Result<T, ConnectionError> {
    // The parser's words may quote the secret; where it stopped does not.
    serde_json::from_str(text.expose()).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        unusable(name, &format!("line {line}, column {column} is not as documented"))
    })
}

fn unusable(name: &str, text: &str) -> ConnectionError {
    ConnectionError::Unusable(format!("the secret `{name}` cannot be used: {text}"))
}

/// Reads how tenants are signed in to.
#[derive(Clone)]
pub struct Connections {
    secrets: Arc<Secrets>,
    identity: RoleIdentity,
}

impl Connections {
    /// Connections by the secrets that the caller's role may read.
    pub fn new(caller: Caller) -> Self {
        let secrets = Arc::new(Secrets::new(caller.clone()));
        Self { secrets, identity: RoleIdentity::new(caller) }
    }

    /// The same, where the role of this ARN signs in for projects without a stored secret.
    #[must_use]
    pub fn with_role(mut self, role: impl Into<String>) -> Self {
        self.identity = self.identity.through(role);
        self
    }

    /// How a tenant is signed in to, by the secret of this name. The credential stays behind: a
    /// rotated one is found without asking here again.
    pub async fn config(
        &self,
        name: &str,
        tenant: TenantId,
    ) -> Result<TenantConfig, ConnectionError> {
        let secret = TenantSecret::parse(name, &self.secrets.text(name).await?)?;
        let client = ClientId::parse(&secret.client_id);
        let client = client.map_err(|error| unusable(name, &error.to_string()))?;
        let credential = match secret.proof(name)? {
            Proof::Kept(_) => {
                let secrets = Arc::clone(&self.secrets);
                Credential::Kept(Arc::new(SecretCredential { secrets, name: name.to_owned() }))
            }
            Proof::Role => Credential::Federated(Arc::new(self.identity.clone())),
        };
        let config = TenantConfig::new(tenant, client, credential);
        let Some(addresses) = secret.endpoints else { return Ok(config) };
        let Addresses { login, graph, exchange, sharepoint_admin } = addresses;
        let mut endpoints = Endpoints::new(login, graph, exchange);
        if let Some(admin) = sharepoint_admin {
            endpoints = endpoints.with_sharepoint_admin(admin);
        }
        Ok(config.with_endpoints(endpoints))
    }
}

impl Connections {
    /// Where the secret of this name sends webhooks, and what it signs them with; `None` when there is
    /// no such secret.
    pub async fn webhook(&self, name: &str) -> Result<Option<(Url, SecretText)>, ConnectionError> {
        let text = match self.secrets.text(name).await {
            Err(AwsError::Refused { code, .. }) if code == "ResourceNotFoundException" => {
                return Ok(None);
            }
            text => text?,
        };
        let WebhookSecret { url, secret } = parse(name, &text)?;
        Ok(Some((url, SecretText::from(secret))))
    }
}

/// The credential in a side's secret, as it is now.
struct SecretCredential {
    secrets: Arc<Secrets>,
    name: String,
}

impl SecretCredential {
    fn of(&self, text: &SecretText) -> Result<KeptCredential, AssertionError> {
        let proof = TenantSecret::parse(&self.name, text).and_then(|s| s.proof(&self.name));
        match proof.map_err(|error| AssertionError::Refused(error.to_string()))? {
            Proof::Kept(kept) => Ok(kept),
            Proof::Role => Err(AssertionError::Source(format!(
                "the secret `{}` names the role's identity now; it is used within an hour",
                self.name
            ))),
        }
    }
}

#[async_trait]
impl CredentialSource for SecretCredential {
    async fn credential(&self) -> Result<KeptCredential, AssertionError> {
        self.of(&self.secrets.text(&self.name).await?)
    }

    async fn renewed(&self) -> Result<Option<KeptCredential>, AssertionError> {
        let text = self.secrets.renewed(&self.name).await?;
        text.map(|text| self.of(&text)).transpose()
    }
}
