//! What an application signs in with.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use base64::{Engine as _, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use uuid::Uuid;

use crate::{ClientId, SecretText};

/// How long a client assertion is valid: the identity platform advises 5 to 10 minutes.
const ASSERTION_SECONDS: i64 = 600;

/// Why no assertion could be made.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AssertionError {
    /// The key is no RSA private key in PEM form.
    #[error("the private key cannot be used: expected an RSA key in PEM form (PKCS#1 or PKCS#8)")]
    Key,
    /// The certificate is neither PEM nor DER.
    #[error("the certificate cannot be read: expected PEM (BEGIN CERTIFICATE) or DER")]
    Certificate,
    /// The outside issuer or store of secrets gave none now; later it may.
    #[error("the outside identity gave no assertion: {0}")]
    Source(String),
    /// The outside issuer or store of secrets refuses until somebody mends the cause.
    #[error("the outside identity gives no assertion: {0}")]
    Refused(String),
}

/// Gives the assertion of an outside identity (workload identity federation), for instance the
/// token that AWS STS issues for a role.
#[async_trait]
pub trait AssertionSource: Send + Sync {
    /// A fresh JWT for the audience `api://AzureADTokenExchange`, signed with RS256.
    async fn assertion(&self) -> Result<SecretText, AssertionError>;
}

/// A certificate and its private key, read and checked.
#[derive(Clone)]
pub struct Certificate {
    key: EncodingKey,
    thumbprint: String,
}

impl Certificate {
    /// Reads a private key (RSA, PEM) and a certificate (PEM or DER).
    pub fn parse(key_pem: &SecretText, certificate: &[u8]) -> Result<Self, AssertionError> {
        let key = EncodingKey::from_rsa_pem(key_pem.expose().as_bytes())
            .map_err(|_may_quote_the_key| AssertionError::Key)?;
        let der = der(certificate).ok_or(AssertionError::Certificate)?;
        Ok(Self { key, thumbprint: BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(der)) })
    }

    /// The certificate's SHA-256 thumbprint in base64url, as in the assertion's `x5t#S256`.
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// A client assertion ("Microsoft identity platform application authentication certificate
    /// credentials"): PS256, `x5t#S256`, valid for ten minutes.
    pub(crate) fn assertion(
        &self,
        client: ClientId,
        token_url: &str,
        now: Timestamp,
        id: Uuid,
    ) -> Result<SecretText, AssertionError> {
        let mut header = Header::new(Algorithm::PS256);
        header.x5t_s256 = Some(self.thumbprint.clone());
        let client = client.to_string();
        let claims = AssertionClaims {
            aud: token_url,
            iss: &client,
            sub: &client,
            jti: id.hyphenated().to_string(),
            nbf: now.as_second(),
            iat: now.as_second(),
            exp: now.as_second().saturating_add(ASSERTION_SECONDS),
        };
        let token = jsonwebtoken::encode(&header, &claims, &self.key)
            .map_err(|_may_quote_the_key| AssertionError::Key)?;
        Ok(SecretText::from(token))
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("thumbprint", &self.thumbprint).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct AssertionClaims<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: String,
    nbf: i64,
    iat: i64,
    exp: i64,
}

/// A credential that is kept outside and may be rotated there.
#[derive(Clone)]
pub enum KeptCredential {
    /// A client secret.
    Secret(SecretText),
    /// A certificate.
    Certificate(Certificate),
}

/// Gives the credential that is kept outside, for instance in a cloud's store of secrets.
#[async_trait]
pub trait CredentialSource: Send + Sync {
    /// The credential as far as is known; asked before every sign-in, so it may be remembered.
    async fn credential(&self) -> Result<KeptCredential, AssertionError>;

    /// Asked when the identity platform refused it: looks again, and gives the credential if it is
    /// another one now.
    async fn renewed(&self) -> Result<Option<KeptCredential>, AssertionError>;
}

/// What an application signs in with.
#[derive(Clone)]
pub enum Credential {
    /// A client secret.
    Secret(SecretText),
    /// A certificate.
    Certificate(Certificate),
    /// An outside identity that the application trusts: no stored secret at all.
    Federated(Arc<dyn AssertionSource>),
    /// A secret or certificate that is kept outside and may be rotated at any time.
    Kept(Arc<dyn CredentialSource>),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(secret) => f.debug_tuple("Secret").field(secret).finish(),
            Self::Certificate(certificate) => {
                f.debug_tuple("Certificate").field(certificate).finish()
            }
            Self::Federated(_) => f.write_str("Federated"),
            Self::Kept(_) => f.write_str("Kept"),
        }
    }
}

/// The first certificate of a PEM text, or the bytes themselves if they are DER.
fn der(certificate: &[u8]) -> Option<Vec<u8>> {
    const SEQUENCE: u8 = 0x30;
    if certificate.first() == Some(&SEQUENCE) {
        return Some(certificate.to_vec());
    }
    let text = std::str::from_utf8(certificate).ok()?;
    let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let compact: String = body.split_ascii_whitespace().collect();
    BASE64_STANDARD.decode(compact).ok().filter(|der| der.first() == Some(&SEQUENCE))
}
