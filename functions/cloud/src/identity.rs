//! The account's identities: STS as far as a sign-in without a stored secret needs it. MiniStack's own
//! knows no roles of a template and signs with a key that nobody can check.

use std::collections::BTreeMap;

use catalogue::Function;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use ports::{Clock, Random};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use system::{OsRandom, SystemClock};

use crate::{
    CloudError,
    policy::{Denied, Policies},
    serve::{Answer, text},
};

/// The account's issuer of outside identities.
pub(crate) const ISSUER: &str = "https://local.tokens.sts.global.api.aws";
/// The role that speaks for all functions: the template's `TenantIdentityRole`.
pub(crate) const ROLE: &str = "arn:aws:iam::000000000000:role/TenantIdentityRole";
/// The key of whoever has taken that role.
pub(crate) const ASSUMED: &str = "tenant-identity";

/// The double of STS.
pub(crate) struct Identities {
    key: EncodingKey,
    public_key_pem: String,
}

/// Whether a request is one to STS: it is signed for it.
pub(crate) fn is_asked(headers: &http::HeaderMap) -> bool {
    let text = headers.get("authorization").and_then(|value| value.to_str().ok());
    text.is_some_and(|text| text.contains("/sts/aws4_request"))
}

impl Identities {
    /// With a key of its own.
    pub(crate) fn new() -> Result<Self, CloudError> {
        let (private, public_key_pem) = key_pair()?.pems();
        let key = EncodingKey::from_rsa_pem(private.as_bytes()).map_err(|error| failed(&error))?;
        Ok(Self { key, public_key_pem })
    }

    /// The key with which its tokens can be checked, as PEM.
    pub(crate) fn public_key_pem(&self) -> &str {
        &self.public_key_pem
    }

    /// Answers a request; `caller` is a function, or nobody's for the role that it has taken.
    pub(crate) fn answer(
        &self,
        policies: &Policies,
        caller: Option<Function>,
        body: &[u8],
    ) -> Result<Answer, Denied> {
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(body)
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        match (field("Action"), caller) {
            ("AssumeRole", Some(function)) => {
                let asked = json!({ "RoleArn": field("RoleArn") });
                policies.check(function, "sts:AssumeRole", &asked)?;
                Ok(reply(
                    "AssumeRole",
                    &format!(
                        "<Credentials><AccessKeyId>{ASSUMED}</AccessKeyId><SecretAccessKey>local\
                     </SecretAccessKey><SessionToken>local</SessionToken></Credentials>"
                    ),
                ))
            }
            ("GetWebIdentityToken", None) => {
                let seconds: u32 = field("DurationSeconds").parse().unwrap_or(300);
                let audience = field("Audience.member.1");
                policies.check_identity(audience, seconds)?;
                let token = self.token(audience, seconds, SystemClock.now());
                Ok(token.map_or_else(
                    |error| text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
                    |token| {
                        let token = format!("<WebIdentityToken>{token}</WebIdentityToken>");
                        reply("GetWebIdentityToken", &token)
                    },
                ))
            }
            (action, Some(function)) => Err(Denied(format!(
                "User: the role of {} is not authorized to perform: sts:{action}",
                function.handler()
            ))),
            (action, None) => {
                Err(Denied(format!("User: {ROLE} is not authorized to perform: sts:{action}")))
            }
        }
    }

    fn token(
        &self,
        audience: &str,
        seconds: u32,
        now: Timestamp,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let until = now + SignedDuration::from_secs(i64::from(seconds));
        let claims = json!({
            "iss": ISSUER, "sub": ROLE, "aud": audience, "iat": now.as_second(),
            "exp": until.as_second(), "jti": format!("{:032x}", OsRandom.next_u128()),
        });
        encode(&Header::new(Algorithm::RS256), &claims, &self.key)
    }
}

fn reply(action: &str, result: &str) -> Answer {
    let body =
        format!("<{action}Response><{action}Result>{result}</{action}Result></{action}Response>");
    text(StatusCode::OK, body)
}

fn failed(error: &dyn ToString) -> CloudError {
    CloudError::Deployment(error.to_string())
}

fn key_pair() -> Result<Keys, CloudError> {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)
        .map(Keys)
        .map_err(|error| failed(&error))
}

struct Keys(KeyPair);

impl Keys {
    /// Private and public key.
    fn pems(&self) -> (String, String) {
        (self.0.serialize_pem(), self.0.public_key_pem())
    }
}

/// A certificate that an application signs in with.
pub(crate) struct OwnCertificate {
    pub(crate) certificate_pem: String,
    pub(crate) private_key_pem: String,
    pub(crate) public_key_pem: String,
    /// base64url of the SHA-256 of its DER form.
    pub(crate) thumbprint: String,
}

impl OwnCertificate {
    /// A new one.
    pub(crate) fn new() -> Result<Self, CloudError> {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        let keys = key_pair()?;
        let certificate = CertificateParams::new(vec!["crosswave".to_owned()])
            .and_then(|parameters| parameters.self_signed(&keys.0))
            .map_err(|error| failed(&error))?;
        let (private_key_pem, public_key_pem) = keys.pems();
        let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(certificate.der()));
        Ok(Self { certificate_pem: certificate.pem(), private_key_pem, public_key_pem, thumbprint })
    }
}

/// The secret of a side that signs in so.
pub(crate) fn secret(
    client: &str,
    certificate: Option<&OwnCertificate>,
    endpoints: &BTreeMap<&'static str, String>,
) -> Value {
    match certificate {
        Some(own) => json!({
            "client_id": client, "certificate": own.certificate_pem,
            "private_key": own.private_key_pem, "endpoints": endpoints,
        }),
        None => json!({ "client_id": client, "identity": "role", "endpoints": endpoints }),
    }
}
