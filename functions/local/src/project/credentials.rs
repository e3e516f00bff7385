//! From the project file to the two tenants' clients. The only place that reads secrets.

use std::path::Path;

use tenant::{Certificate, Credential, Endpoints, SecretText, TenantConfig};
use thiserror::Error;

use super::file::{ProjectFile, TenantSection, WebhookKeys};
use crate::reading;

/// How both tenants are reached.
pub(crate) struct Connections {
    /// The tenant that people leave.
    pub(crate) source: TenantConfig,
    /// The tenant that people join.
    pub(crate) target: TenantConfig,
    /// What webhooks are signed with, where the project names a receiver.
    pub(crate) webhook_secret: Option<SecretText>,
}

/// A credential that is not there or cannot be used. Never quotes it.
#[derive(Debug, Error)]
pub(crate) enum CredentialError {
    /// The variable is not set.
    #[error("[{side}] {key}: the environment variable {name} is not set; export it")]
    NoVariable {
        /// The section of the project file.
        side: &'static str,
        /// The key of the project file.
        key: &'static str,
        /// The variable.
        name: String,
    },
    /// A file cannot be read.
    #[error("[{side}] {key}: {path} cannot be read: {text}")]
    Unreadable {
        /// The section of the project file.
        side: &'static str,
        /// The key of the project file.
        key: &'static str,
        /// The file.
        path: String,
        /// The system's words.
        text: String,
    },
    /// The secret is empty.
    #[error("[{side}] the secret is empty")]
    Empty {
        /// The section of the project file.
        side: &'static str,
    },
    /// The certificate cannot be used, or an id is none.
    #[error("[{side}] {text}")]
    Unusable {
        /// The section of the project file.
        side: &'static str,
        /// Why.
        text: String,
    },
}

/// Reads both credentials.
pub(crate) fn connections(
    file: &ProjectFile,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Connections, CredentialError> {
    let folder = file.path.parent().unwrap_or_else(|| Path::new(""));
    let one = |side, section| connection(side, section, folder, &variable);
    Ok(Connections {
        source: one("source", &file.source)?,
        target: one("target", &file.target)?,
        webhook_secret: webhook_secret(&file.webhook, folder, &variable)?,
    })
}

/// Shortest secret of webhooks, in bytes: a shorter one can be guessed from one message.
const LEAST_SECRET: usize = 16;

fn webhook_secret(
    webhook: &WebhookKeys,
    folder: &Path,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<Option<SecretText>, CredentialError> {
    if webhook.webhook.is_none() {
        return Ok(None);
    }
    let side = "notifications";
    let secret = match (&webhook.webhook_secret_env, &webhook.webhook_secret_file) {
        (Some(name), _) => {
            let key = "webhook_secret_env";
            variable(name).ok_or_else(|| CredentialError::NoVariable {
                side,
                key,
                name: name.clone(),
            })?
        }
        (None, Some(path)) => text(&read_bytes(side, "webhook_secret_file", &folder.join(path))?),
        (None, None) => String::new(),
    };
    let secret = secret.trim();
    if secret.len() < LEAST_SECRET {
        let text = format!("the webhook's secret has fewer than {LEAST_SECRET} characters");
        return Err(CredentialError::Unusable { side, text });
    }
    Ok(Some(SecretText::from(secret.to_owned())))
}

fn read_bytes(
    side: &'static str,
    key: &'static str,
    path: &Path,
) -> Result<Vec<u8>, CredentialError> {
    reading::bytes(path).map_err(|error| CredentialError::Unreadable {
        side,
        key,
        path: path.display().to_string(),
        text: error.to_string(),
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

fn connection(
    side: &'static str,
    section: &TenantSection,
    folder: &Path,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<TenantConfig, CredentialError> {
    let unusable = |text: String| CredentialError::Unusable { side, text };
    let tenant = section.tenant().map_err(|error| unusable(error.to_string()))?;
    let client = section.client().map_err(|error| unusable(error.to_string()))?;
    let credential = credential(side, section, folder, variable)?;
    let config = TenantConfig::new(tenant, client, credential);
    let Some(endpoints) = &section.endpoints else { return Ok(config) };
    let mut base = Endpoints::new(
        endpoints.login.clone(),
        endpoints.graph.clone(),
        endpoints.exchange.clone(),
    );
    if let Some(admin) = &endpoints.sharepoint_admin {
        base = base.with_sharepoint_admin(admin.clone());
    }
    Ok(config.with_endpoints(base))
}

fn credential(
    side: &'static str,
    section: &TenantSection,
    folder: &Path,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<Credential, CredentialError> {
    let read = |key: &'static str, path: &Path| read_bytes(side, key, &folder.join(path));
    if let (Some(certificate), Some(key)) = (&section.certificate_file, &section.private_key_file) {
        let key = SecretText::from(text(&read("private_key_file", key)?));
        let certificate = read("certificate_file", certificate)?;
        let unusable = |error: tenant::AssertionError| CredentialError::Unusable {
            side,
            text: error.to_string(),
        };
        return Certificate::parse(&key, &certificate)
            .map(Credential::Certificate)
            .map_err(unusable);
    }
    let secret = match (&section.client_secret_env, &section.client_secret_file) {
        (Some(name), _) => {
            let key = "client_secret_env";
            variable(name).ok_or_else(|| CredentialError::NoVariable {
                side,
                key,
                name: name.clone(),
            })?
        }
        (None, Some(path)) => text(&read("client_secret_file", path)?),
        (None, None) => String::new(),
    };
    if secret.trim().is_empty() {
        return Err(CredentialError::Empty { side });
    }
    Ok(Credential::Secret(SecretText::from(secret.trim().to_owned())))
}
