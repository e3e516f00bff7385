//! How this account is reached: region, credentials, and for a double the address.

use std::{fmt, time::Duration};

use aws_credential_types::Credentials;
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};

/// A connection that is not there after so long will not come.
const CONNECT: Duration = Duration::from_secs(3);
/// One request, reply read: far more than any of ours takes, far less than a function's time-out.
const ATTEMPT: Duration = Duration::from_secs(15);

/// Region, credentials and, for a double, the address of all services.
#[derive(Clone)]
pub struct Access {
    region: String,
    credentials: Credentials,
    endpoint: Option<String>,
    http: SharedHttpClient,
}

impl Access {
    /// Access with credentials as a Lambda function finds them in its environment: they live longer
    /// than the process does, so they are read once.
    pub fn new(region: impl Into<String>, key: &str, secret: &str, session: Option<&str>) -> Self {
        let session = session.map(str::to_owned);
        Self {
            region: region.into(),
            credentials: Credentials::new(key, secret, session, None, "environment"),
            endpoint: None,
            http: Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build_https(),
        }
    }

    /// The same at another address, for instance a double's: `http://127.0.0.1:4566`.
    #[must_use]
    pub fn at(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// The same over another HTTP client, so that a test can stand on the wire.
    #[must_use]
    pub fn over(mut self, http: SharedHttpClient) -> Self {
        self.http = http;
        self
    }

    /// The same with credentials of an assumed role.
    pub(crate) fn with_credentials(mut self, key: &str, secret: &str, session: &str) -> Self {
        let session = Some(session.to_owned());
        self.credentials = Credentials::new(key, secret, session, None, "assumed role");
        self
    }

    pub(crate) fn region(&self) -> &str {
        &self.region
    }

    pub(crate) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Where a service is: the region's own address, or the double's.
    pub(crate) fn address(&self, service: &str) -> String {
        let suffix =
            if self.region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        self.endpoint
            .clone()
            .unwrap_or_else(|| format!("https://{service}.{}.{suffix}", self.region))
    }

    /// A client of DynamoDB that never retries by itself.
    pub fn dynamo(&self) -> aws_sdk_dynamodb::Client {
        let mut config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::v2026_01_12())
            .region(aws_sdk_dynamodb::config::Region::new(self.region.clone()))
            .credentials_provider(self.credentials.clone())
            .http_client(self.http.clone())
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts());
        config.set_endpoint_url(self.endpoint.clone());
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    /// A client of SQS that never retries by itself.
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        let mut config = aws_sdk_sqs::Config::builder()
            .behavior_version(aws_sdk_sqs::config::BehaviorVersion::v2026_01_12())
            .region(aws_sdk_sqs::config::Region::new(self.region.clone()))
            .credentials_provider(self.credentials.clone())
            .http_client(self.http.clone())
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts());
        config.set_endpoint_url(self.endpoint.clone());
        aws_sdk_sqs::Client::from_conf(config.build())
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Access");
        debug.field("region", &self.region).field("endpoint", &self.endpoint);
        debug.finish_non_exhaustive()
    }
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ATTEMPT).build()
}
