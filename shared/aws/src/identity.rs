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
/// The version of STS's interface.
const VERSION: &str = "2011-06-15";
/// It is used once, at once.
const SECONDS: &str = "300";

/// The code of an account that gives its roles no outside identity; `Exception` may follow.
const DISABLED: &str = "OutboundWebIdentityFederationDisabled";
const ENABLE: &str =
    "enable outbound identity federation for this AWS account (IAM, account settings)";

/// The outbound web identity of a role.
///
/// The account must have outbound identity federation enabled, and the application a federated
/// credential with the account's issuer, the role's ARN as subject, and the audience
/// `api://AzureADTokenExchange`.
#[derive(Clone)]
pub struct RoleIdentity {
    caller: Caller,
    role: Option<String>,
}

impl RoleIdentity {
    /// The identity of the role that this process runs under.
    pub fn new(caller: Caller) -> Self {
        Self { caller, role: None }
    }

    /// The identity of the role of this ARN, which the process's own role may assume. An application
    /// of Entra takes at most 20 federated credentials, and each function has a role of its own: so
    /// one role speaks for all.
    #[must_use]
    pub fn through(mut self, role: impl Into<String>) -> Self {
        self.role = Some(role.into());
        self
    }

    async fn token(&self) -> Result<SecretText, AwsError> {
        match &self.role {
            None => token(&self.caller).await,
            Some(role) => token(&self.assumed(role).await?).await,
        }
    }

    /// Requests in the name of another role. Asked for anew each time: a sign-in is needed about once
    /// an hour.
    async fn assumed(&self, role: &str) -> Result<Caller, AwsError> {
        let form = Serializer::new(String::new())
            .append_pair("Action", Operation::AssumeRole.name())
            .append_pair("Version", VERSION)
            .append_pair("RoleArn", role)
            .append_pair("RoleSessionName", "crosswave")
            .append_pair("DurationSeconds", "900")
            .finish();
        let reply = self.caller.ask(&query(Operation::AssumeRole, form)).await?;
        let part = |name| tag(&reply, name).ok_or_else(|| no(Operation::AssumeRole, name));
        let (key, secret) = (part("AccessKeyId")?, part("SecretAccessKey")?);
        Ok(self.caller.in_the_name_of(key, secret, part("SessionToken")?))
    }
}

/// The token of the caller's role.
async fn token(caller: &Caller) -> Result<SecretText, AwsError> {
    let form = Serializer::new(String::new())
        .append_pair("Action", Operation::GetWebIdentityToken.name())
        .append_pair("Version", VERSION)
        .append_pair("Audience.member.1", AUDIENCE)
        .append_pair("SigningAlgorithm", "RS256")
        .append_pair("DurationSeconds", SECONDS)
        .finish();
    let reply = caller.ask(&query(Operation::GetWebIdentityToken, form)).await?;
    // A JWT has no character that XML would write otherwise.
    let token = tag(&reply, "WebIdentityToken");
    Ok(SecretText::new(token.ok_or_else(|| no(Operation::GetWebIdentityToken, "token"))?))
}

/// A request in the form that STS reads.
fn query(operation: Operation, form: String) -> Ask {
    Ask {
        service: "sts",
        operation,
        method: Method::POST,
        path: "/".to_owned(),
        headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
        body: form,
    }
}

fn no(operation: Operation, what: &str) -> AwsError {
    let text = format!("{} of sts: the reply holds no {what}", operation.name());
    AwsError::Refused { code: String::new(), text }
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
