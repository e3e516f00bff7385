//! The tenants' clients, with credentials from Secrets Manager.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use engine::{StepError, TenantPair, Tenants};
use http::Method;
use jiff::{SignedDuration, Timestamp};
use model::{Project, TenantFacts};
use ports::{Clock, Random, Transport};
use serde::Deserialize;
use serde_json::json;
use tenant::{
    Certificate, ClientId, Credential, Endpoints, LimitSettings, Limits, SecretText, TenantClient,
    TenantConfig, TenantId,
};
use url::Url;

use crate::signed::{Ask, Signed};

/// So long a secret is used before it is read again: a rotated one is found then.
const FRESH: SignedDuration = SignedDuration::from_mins(15);

/// What a tenant's secret says. Its name is `stack/customer/project/source` or `…/target`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TenantSecret {
    client_id: String,
    #[serde(default)]
    client_secret: Option<String>,
    /// PEM.
    #[serde(default)]
    certificate: Option<String>,
    /// PEM.
    #[serde(default)]
    private_key: Option<String>,
    /// Other addresses than the public cloud's.
    #[serde(default)]
    endpoints: Option<Addresses>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Addresses {
    login: Url,
    graph: Url,
    exchange: Url,
    #[serde(default)]
    sharepoint_admin: Option<Url>,
}

/// The clients of every project that this function has met.
pub(crate) struct SecretTenants {
    pub(crate) signed: Arc<Signed>,
    pub(crate) stack: String,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) known: Mutex<BTreeMap<String, (Timestamp, TenantPair)>>,
}

impl SecretTenants {
    async fn read(&self, project: &Project) -> Result<TenantPair, StepError> {
        let limits = Arc::new(Limits::new(LimitSettings::default()));
        let client = |config| {
            TenantClient::new(
                config,
                Arc::clone(&self.transport),
                Arc::clone(&self.clock),
                Arc::clone(&self.random),
                Arc::clone(&limits),
            )
        };
        let source = self.config(project, "source", &project.source).await?;
        let target = self.config(project, "target", &project.target).await?;
        Ok(TenantPair { source: client(source), target: client(target) })
    }

    async fn config(
        &self,
        project: &Project,
        side: &str,
        facts: &TenantFacts,
    ) -> Result<TenantConfig, StepError> {
        let name = format!("{}/{}/{}/{side}", self.stack, project.customer, project.id);
        let unusable = |text: String| {
            StepError::park(
                "credential",
                format!("the secret {name} cannot be used: {text}"),
                "put the credential of the tenant's application there, then apply the step again",
            )
        };
        let body = json!({ "SecretId": name });
        let reply = self
            .signed
            .ask(Ask {
                service: "secretsmanager",
                method: Method::POST,
                path: "/",
                target: Some("secretsmanager.GetSecretValue"),
                body: &body,
            })
            .await;
        let reply = match reply {
            Ok(reply) => reply,
            // Somebody has to make the secret, or to let this function read it.
            Err(text) if text.contains("NotFound") || text.contains("AccessDenied") => {
                return Err(unusable(text));
            }
            Err(text) => return Err(StepError::retry("credential", text)),
        };
        let text = reply.get("SecretString").and_then(serde_json::Value::as_str);
        let text = text.ok_or_else(|| unusable("it holds no text".to_owned()))?;
        // The parser's words may quote the secret.
        let secret: TenantSecret = serde_json::from_str(text).map_err(|error| {
            unusable(format!(
                "line {} column {} is not as documented",
                error.line(),
                error.column()
            ))
        })?;
        let tenant = TenantId::parse(&facts.tenant_id).map_err(|e| unusable(e.to_string()))?;
        let client = ClientId::parse(&secret.client_id).map_err(|e| unusable(e.to_string()))?;
        let credential = credential(&secret).map_err(unusable)?;
        let config = TenantConfig::new(tenant, client, credential);
        Ok(match secret.endpoints {
            None => config,
            Some(addresses) => config.with_endpoints(endpoints(addresses)),
        })
    }
}

fn credential(secret: &TenantSecret) -> Result<Credential, String> {
    match (&secret.client_secret, &secret.certificate, &secret.private_key) {
        (Some(text), None, None) => Ok(Credential::Secret(SecretText::new(text.clone()))),
        (None, Some(certificate), Some(key)) => {
            let key = SecretText::new(key.clone());
            let parsed = Certificate::parse(&key, certificate.as_bytes());
            parsed.map(Credential::Certificate).map_err(|error| error.to_string())
        }
        _ => Err("it needs client_secret, or certificate and private_key".to_owned()),
    }
}

fn endpoints(addresses: Addresses) -> Endpoints {
    let Addresses { login, graph, exchange, sharepoint_admin } = addresses;
    let endpoints = Endpoints::new(login, graph, exchange);
    match sharepoint_admin {
        Some(admin) => endpoints.with_sharepoint_admin(admin),
        None => endpoints,
    }
}

#[async_trait]
impl Tenants for SecretTenants {
    async fn of(&self, project: &Project) -> Result<TenantPair, StepError> {
        let now = self.clock.now();
        let key = format!("{}/{}", project.customer, project.id);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some((read, pair)) = known
            && now.duration_since(read) < FRESH
        {
            return Ok(pair);
        }
        let pair = self.read(project).await?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(key, (now, pair.clone()));
        Ok(pair)
    }

    fn requests(&self, _project: &Project) -> u64 {
        tenant::requests_so_far()
    }
}
