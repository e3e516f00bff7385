//! The API behind the HTTP API of the deployment. Whoever calls has signed with an identity of the
//! account; the authorizer has checked it.

use std::collections::BTreeMap;

use control::{Scope, Selection, waves};
use model::{Action, Project, Schedule, WaveId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Deployment, FunctionError, StartWave, dead, files, people, plan, polling, start};

/// Largest body in bytes.
const MOST_BYTES: usize = 64 * 1024;

/// A request, in the form of payload version 2.0.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Request {
    request_context: Context,
    raw_path: String,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Debug, Deserialize)]
struct Context {
    http: Http,
}

#[derive(Debug, Deserialize)]
struct Http {
    method: String,
}

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Response {
    status_code: u16,
    headers: Value,
    body: String,
}

/// What a request asks to be started.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    action: Action,
    #[serde(default)]
    planned: Option<jiff::Timestamp>,
}

/// A wave that is to be made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewWave {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    profile: Option<String>,
}

/// How a project stands.
#[derive(Debug, Serialize)]
struct Standing {
    #[serde(flatten)]
    status: control::Status,
    /// Messages that could not be handled, by queue.
    dead_letters: BTreeMap<String, usize>,
}

enum Refusal {
    Bad(String),
    Missing,
    Failed(FunctionError),
}

impl From<FunctionError> for Refusal {
    fn from(error: FunctionError) -> Self {
        match error {
            FunctionError::Control(control::ControlError::Input(text)) => Self::Bad(text),
            other => Self::Failed(other),
        }
    }
}

impl From<control::ControlError> for Refusal {
    fn from(error: control::ControlError) -> Self {
        FunctionError::from(error).into()
    }
}

impl From<engine::EngineError> for Refusal {
    fn from(error: engine::EngineError) -> Self {
        FunctionError::from(error).into()
    }
}

/// Answers a request.
pub(crate) async fn answer(deployment: &Deployment, request: Request) -> Response {
    let (status_code, body) = match route(deployment, &request).await {
        Ok(body) => (200, body),
        Err(Refusal::Bad(text)) => (400, json!({ "error": text })),
        Err(Refusal::Missing) => (404, json!({ "error": "there is nothing at this address" })),
        Err(Refusal::Failed(error)) => {
            tracing::error!(%error, path = request.raw_path, "a request failed");
            (500, json!({ "error": "the request failed; the function's log says why" }))
        }
    };
    let headers = json!({ "content-type": "application/json" });
    Response { status_code, headers, body: body.to_string() }
}

async fn route(deployment: &Deployment, request: &Request) -> Result<Value, Refusal> {
    let host = &deployment.host;
    let path: Vec<&str> = request.raw_path.trim_matches('/').split('/').collect();
    let method = request.request_context.http.method.as_str();
    match (method, path.as_slice()) {
        ("GET", ["v1", "customers", customer, "projects", project]) => {
            let scope = scope(customer, project)?;
            let status = control::status(host, &scope, &Selection::everybody()).await?;
            let dead_letters = dead::count_dead(host, &scope.customer).await?;
            Ok(json!(Standing { status, dead_letters }))
        }
        ("GET", ["v1", "customers", customer, "projects", project, "files"]) => {
            Ok(json!(files::list(host, &scope(customer, project)?).await?))
        }
        ("GET", ["v1", "customers", customer, "projects", project, of @ .., "report"]) => {
            report(deployment, &scope(customer, project)?, of).await
        }
        ("POST", ["v1", "customers", customer, "projects", project, "actions"]) => {
            Ok(json!(people::act(deployment, &scope(customer, project)?, body(request)?).await?))
        }
        ("POST", ["v1", "customers", customer, "projects", project, "confirm"]) => {
            Ok(json!(people::open(deployment, &scope(customer, project)?, body(request)?).await?))
        }
        ("PUT", ["v1", "customers", customer, "projects", project]) => {
            let scope = scope(customer, project)?;
            let project: Project = body(request)?;
            if Scope::of(&project) != scope {
                return Err(Refusal::Bad("the body is another project's".to_owned()));
            }
            control::store_project(host, &project).await?;
            Ok(json!({ "customer": scope.customer, "project": scope.project }))
        }
        ("PUT", ["v1", "customers", customer, "projects", project, "waves", wave]) => {
            let scope = scope(customer, project)?;
            let NewWave { name, profile } = body(request)?;
            let project = scope.load_project(host).await?;
            waves::create(host, &project, id(wave)?, name, profile).await?;
            Ok(json!({ "wave": wave }))
        }
        ("DELETE", ["v1", "customers", customer, "projects", project, "waves", wave]) => {
            let scope = scope(customer, project)?;
            let wave: WaveId = id(wave)?;
            waves::delete(host, &scope, &wave).await?;
            plan::cancel_all(deployment, &scope, &wave).await?;
            Ok(json!({ "wave": wave }))
        }
        ("POST", ["v1", "customers", customer, "projects", project, "waves", wave, "runs"]) => {
            let scope = scope(customer, project)?;
            let run: Run = body(request)?;
            let request = StartWave {
                customer: scope.customer,
                project: scope.project,
                wave: Some(id(wave)?),
                action: Some(run.action),
                planned: run.planned,
            };
            let started = start::start(deployment, start::StartEvent::Plain(request)).await?;
            Ok(json!(started))
        }
        (
            "PUT" | "DELETE",
            ["v1", "customers", customer, "projects", project, "waves", wave, "schedules", action],
        ) => {
            let scope = scope(customer, project)?;
            let schedule: Option<Schedule> =
                if method == "PUT" { Some(body(request)?) } else { None };
            let action: Action = serde_json::from_value(json!(action)).map_err(bad)?;
            let wave: WaveId = id(wave)?;
            waves::set_schedule(host, &scope, &wave, action, schedule).await?;
            plan::project(deployment, &scope, &wave, action).await?;
            Ok(json!({ "wave": wave, "action": action, "scheduled": method == "PUT" }))
        }
        ("GET", ["v1", "dead-letters"]) => Ok(json!(dead::list_dead(host).await?)),
        ("POST", ["v1", "dead-letters", "redrive"]) => {
            polling::on(deployment).await?;
            Ok(json!(dead::redrive(deployment).await?))
        }
        _ => Err(Refusal::Missing),
    }
}

/// What became of everybody, or of a wave's people (ERR-2).
async fn report(deployment: &Deployment, scope: &Scope, of: &[&str]) -> Result<Value, Refusal> {
    let selection = match of {
        [] => Selection::everybody(),
        ["waves", wave] => Selection { wave: Some(id(wave)?), users: Vec::new() },
        _ => return Err(Refusal::Missing),
    };
    Ok(json!(control::report(&deployment.host, scope, &selection).await?))
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` hands the error over")]
fn bad<E: ToString>(error: E) -> Refusal {
    Refusal::Bad(error.to_string())
}

fn id<T: std::str::FromStr<Err = model::BadId>>(text: &str) -> Result<T, Refusal> {
    text.parse().map_err(bad)
}

fn scope(customer: &str, project: &str) -> Result<Scope, Refusal> {
    Ok(Scope { customer: id(customer)?, project: id(project)? })
}

fn body<T: serde::de::DeserializeOwned>(request: &Request) -> Result<T, Refusal> {
    let text = request.body.as_deref().unwrap_or_default();
    if request.is_base64_encoded || text.len() > MOST_BYTES {
        return Err(Refusal::Bad(format!("a body is JSON text of at most {MOST_BYTES} bytes")));
    }
    serde_json::from_str(text).map_err(bad)
}
