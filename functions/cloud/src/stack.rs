//! The stack: tables and queues of the committed template, and the tenants' secrets.

use std::{collections::BTreeMap, time::Duration};

use model::Project;
use ports::Clock;
use serde_json::json;
use simulator::{Credentials, Rehearsal};
use system::SystemClock;

use crate::{CloudError, double::Double};

/// The stack's name.
pub(crate) const STACK: &str = "crosswave";

/// The bucket in which a file of users starts a wave.
pub(crate) const WAVE_FILES: &str = "crosswave-files";

/// What the double makes of the template. The rest is the fleet's: functions, mappings, schedules.
const MADE: [&str; 4] =
    ["AWS::DynamoDB::Table", "AWS::Events::EventBus", "AWS::KMS::Key", "AWS::SQS::Queue"];

/// Deploys the template, and waits until it is there.
pub(crate) async fn deploy(double: &Double) -> Result<(), CloudError> {
    committed_is_fresh()?;
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("Action", "CreateStack")
        .append_pair("Version", "2010-05-15")
        .append_pair("StackName", STACK)
        .append_pair("TemplateBody", &infra::only(&MADE))
        .finish();
    double.query("cloudformation", &form).await?;
    let look = format!("Action=DescribeStacks&Version=2010-05-15&StackName={STACK}");
    for _ in 0..600 {
        let stacks = double.query("cloudformation", &look).await?;
        if stacks.contains("CREATE_COMPLETE") {
            return Ok(());
        }
        if stacks.contains("FAILED") || stacks.contains("ROLLBACK") {
            return Err(CloudError::Double(format!("the stack was not made: {stacks}")));
        }
        SystemClock.sleep(Duration::from_millis(100)).await;
    }
    Err(CloudError::Double("the stack is not made within a minute".to_owned()))
}

/// What is deployed here is what lies in the repository.
fn committed_is_fresh() -> Result<(), CloudError> {
    let committed = include_str!("../../../infra/template.yaml");
    if committed == infra::page() {
        return Ok(());
    }
    Err(CloudError::Deployment(
        "infra/template.yaml is stale: run UPDATE=1 cargo test -p crosswave-infra".to_owned(),
    ))
}

/// Puts both tenants' secrets where the functions look for them.
pub(crate) async fn store_secrets(
    double: &Double,
    project: &Project,
    tenants: &Rehearsal,
    base: &str,
) -> Result<(), CloudError> {
    for (side, credentials) in [("source", &tenants.source), ("target", &tenants.target)] {
        let name = format!("{STACK}/{}/{}/{side}", project.customer, project.id);
        let text = secret(base, credentials, &credentials.client_secret).to_string();
        let body = json!({ "Name": name, "SecretString": text });
        double.json("secretsmanager", "secretsmanager.CreateSecret", &body).await?;
    }
    Ok(())
}

/// Changes the client secret that the functions find, as a rotation that went wrong does.
pub(crate) async fn put_secret(
    double: &Double,
    project: &Project,
    (side, base, credentials): (&str, &str, &Credentials),
    client_secret: &str,
) -> Result<(), CloudError> {
    put_text(double, project, side, &secret(base, credentials, client_secret)).await
}

/// Changes the whole secret of a side.
pub(crate) async fn put_text(
    double: &Double,
    project: &Project,
    side: &str,
    text: &serde_json::Value,
) -> Result<(), CloudError> {
    let name = format!("{STACK}/{}/{}/{side}", project.customer, project.id);
    let body = json!({ "SecretId": name, "SecretString": text.to_string() });
    double.json("secretsmanager", "secretsmanager.PutSecretValue", &body).await?;
    Ok(())
}

/// Puts the secret of a project's webhooks where the functions look for it.
pub(crate) async fn put_webhook(
    double: &Double,
    project: &Project,
    url: &str,
    secret: &str,
) -> Result<(), CloudError> {
    let name = format!("{STACK}/{}/{}/webhook", project.customer, project.id);
    let text = json!({ "url": url, "secret": secret }).to_string();
    let body = json!({ "Name": name, "SecretString": text });
    double.json("secretsmanager", "secretsmanager.CreateSecret", &body).await?;
    Ok(())
}

fn secret(base: &str, credentials: &Credentials, client_secret: &str) -> serde_json::Value {
    json!({
        "client_id": credentials.client_id.to_string(),
        "client_secret": client_secret,
        "endpoints": addresses(base, credentials),
    })
}

/// Where a simulated tenant is.
pub(crate) fn addresses(base: &str, credentials: &Credentials) -> BTreeMap<&'static str, String> {
    let label = credentials.initial_domain.split('.').next().unwrap_or_default();
    BTreeMap::from([
        ("login", format!("{base}/login/")),
        ("graph", format!("{base}/graph/")),
        ("exchange", format!("{base}/outlook/")),
        ("sharepoint_admin", format!("{base}/sharepoint/{label}-admin/")),
    ])
}
