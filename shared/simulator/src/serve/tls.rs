//! TLS with certificates of the simulator's own making.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    },
    server::TlsStream,
};

/// The names that the certificate is for: this machine's, and Microsoft's for those who come through
/// the proxy.
const NAMES: [&str; 8] = [
    "localhost",
    "127.0.0.1",
    "::1",
    "graph.microsoft.com",
    "login.microsoftonline.com",
    "outlook.office365.com",
    "outlook.office.com",
    "*.sharepoint.com",
];

/// The certificates could not be made.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the simulator's certificate cannot be made: {0}")]
pub struct AuthorityError(String);

/// A certificate authority of one run, and the simulator's certificate that it signed. The keys are
/// nowhere but in memory, so whoever trusts the authority trusts nobody else.
#[derive(Clone)]
pub struct Authority {
    pem: Arc<str>,
    acceptor: TlsAcceptor,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl Authority {
    /// Makes new keys and certificates.
    pub fn new() -> Result<Self, AuthorityError> {
        let made = certificates().map_err(|error| AuthorityError(error.to_string()))?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.key));
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| {
                config.with_no_client_auth().with_single_cert(vec![made.certificate], key)
            })
            .map_err(|error| AuthorityError(error.to_string()))?;
        Ok(Self { pem: made.authority.into(), acceptor: Arc::new(config).into() })
    }

    /// The authority's certificate, PEM: what a client has to trust.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The server's side of a handshake.
    pub(super) async fn accept<S>(&self, stream: S) -> std::io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.acceptor.accept(stream).await
    }
}

struct Made {
    authority: String,
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

fn certificates() -> Result<Made, rcgen::Error> {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    authority.distinguished_name.push(DnType::CommonName, "Crosswave simulator, one run");
    let key = KeyPair::generate()?;
    let pem = pem(authority.self_signed(&key)?.der());
    let issuer = Issuer::new(authority, key);
    let mut own = CertificateParams::new(NAMES.map(str::to_owned))?;
    own.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    own.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    own.use_authority_key_identifier_extension = true;
    own.distinguished_name.push(DnType::CommonName, "Crosswave simulator");
    let key = KeyPair::generate()?;
    let certificate = own.signed_by(&key, &issuer)?.der().clone();
    Ok(Made { authority: pem, certificate, key: key.serialize_der() })
}

fn pem(certificate: &CertificateDer<'_>) -> String {
    let text = STANDARD.encode(certificate);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    let lines = lines.join("\n");
    format!("-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n")
}
