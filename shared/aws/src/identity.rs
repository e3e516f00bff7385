//! The role's own identity: a token of AWS that the Entra application trusts, so that no secret is
//! stored anywhere ("federated identity credential").

use async_trait::async_trait;
use http::Method;
use tenant::{AssertionError, AssertionSource, SecretText};
use url::form_urlencoded::Serializer;

use crate::{
    Caller, Operation,
    call::{Ask, AwsError, tag},
};

/// The one audience that Entra accepts of an outside token.
const AUDIENCE: &str = "api://AzureADTokenExchange";
/// It is used once, at once.
const SECONDS: &str = "300";

/// The code of an account that gives its roles no outside identity; `Exception` may follow.
const DISABLED: &str = "OutboundWebIdentityFederationDisabled";
const ENABLE: &str =
    "enable outbound identity federation for this AWS account (IAM, account settings)";

/// The outbound web identity of the role that this process runs under.
///
/// The account must have outbound identity federation enabled, and the application a federated
/// credential with the account's issuer, the role's ARN as subject, and the audience
/// `api://AzureADTokenExchange`.
#[derive(Clone)]
pub struct RoleIdentity {
    caller: Caller,
}

impl RoleIdentity {
    /// The identity of the caller's role.
    pub fn new(caller: Caller) -> Self {
        Self { caller }
    }

    async fn token(&self) -> Result<SecretText, AwsError> {
        let body = Serializer::new(String::new())
            .append_pair("Action", Operation::GetWebIdentityToken.name())
            .append_pair("Version", "2011-06-15")
            .append_pair("Audience.member.1", AUDIENCE)
            .append_pair("SigningAlgorithm", "RS256")
            .append_pair("DurationSeconds", SECONDS)
            .finish();
        let ask = Ask {
            service: "sts",
            operation: Operation::GetWebIdentityToken,
            method: Method::POST,
            path: "/".to_owned(),
            headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
            body,
        };
        let reply = self.caller.ask(&ask).await?;
        // A JWT has no character that XML would write otherwise.
        let token = tag(&reply, "WebIdentityToken").ok_or_else(|| AwsError::Refused {
            code: String::new(),
            text: "GetWebIdentityToken of sts: the reply holds no token".to_owned(),
        })?;
        Ok(SecretText::new(token))
    }
}

#[async_trait]
impl AssertionSource for RoleIdentity {
    async fn assertion(&self) -> Result<SecretText, AssertionError> {
        self.token().await.map_err(|error| match error {
            AwsError::Refused { code, text } if code.starts_with(DISABLED) => {
                AssertionError::Refused(format!("{text}; {ENABLE}"))
            }
            error => error.into(),
        })
    }
}
