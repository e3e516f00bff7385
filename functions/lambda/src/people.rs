//! What the API does with people who are named: actions, and the confirmation that a cutover waits for.

use control::{ControlError, Scope, Selection};
use engine::{Apply, ApplyError, apply, open_gate};
use model::{Action, ResetTo, User};
use serde::{Deserialize, Serialize};

use crate::{Deployment, FunctionError, polling};

/// So many people of one request: it is over well before the HTTP API gives up. Whole waves have runs.
const MOST: usize = 100;

/// An action, and for whom.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActOn {
    action: Action,
    users: Vec<String>,
    #[serde(default)]
    force: bool,
    #[serde(default)]
    to: Option<ResetTo>,
}

/// Whose cutover goes on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Confirm {
    users: Vec<String>,
}

/// What became of it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Acted {
    /// People who were started, or changed.
    started: usize,
    /// Those who were refused, in words (GEN-3).
    refused: Vec<String>,
}

/// Applies an action to people (GEN-1).
pub(crate) async fn act(
    deployment: &Deployment,
    scope: &Scope,
    request: ActOn,
) -> Result<Acted, FunctionError> {
    match (request.action, request.to) {
        (Action::Match, _) => {
            return Err(input(
                "people are matched on one machine, or by a file that says who is whom",
            ));
        }
        (Action::Reset, None) => {
            return Err(input("`to` says what a reset sets: `synced` or `no_match`"));
        }
        (Action::Reset, Some(_)) | (_, None) => {}
        (_, Some(_)) => return Err(input("`to` belongs to a reset alone")),
    }
    let mut acted = Acted::default();
    for user in named(deployment, scope, request.users).await? {
        let apply_to = Apply {
            user: scope.user(&user.id),
            action: request.action,
            force: request.force,
            reset_to: request.to,
        };
        match apply(&deployment.host, apply_to).await {
            Ok(_) => acted.started += 1,
            Err(ApplyError::Engine(error)) => return Err(error.into()),
            Err(refused) => acted.refused.push(refused.to_string()),
        }
    }
    Ok(acted)
}

/// Opens the gate of cutovers that wait for a person's word (CUT-T10).
pub(crate) async fn open(
    deployment: &Deployment,
    scope: &Scope,
    request: Confirm,
) -> Result<Acted, FunctionError> {
    let mut acted = Acted::default();
    for user in named(deployment, scope, request.users).await? {
        if open_gate(&deployment.host, &scope.user(&user.id)).await? {
            acted.started += 1;
        } else {
            let who = &user.source.user_principal_name;
            acted.refused.push(format!("{who}: no cutover waits for this user"));
        }
    }
    Ok(acted)
}

/// The people who are meant; a name that fits nobody, or several, is refused before anything is done.
async fn named(
    deployment: &Deployment,
    scope: &Scope,
    users: Vec<String>,
) -> Result<Vec<User>, FunctionError> {
    if users.is_empty() || users.len() > MOST {
        return Err(input(&format!("`users` names one to {MOST} people; a wave has runs")));
    }
    scope.load_project(&deployment.host).await?;
    let selection = Selection { wave: None, users };
    let users = selection.resolve(&deployment.host, scope).await?;
    // Polling first: once a baton is sent, somebody must look.
    polling::on(deployment).await?;
    Ok(users.into_iter().map(|user| user.value).collect())
}

fn input(text: &str) -> FunctionError {
    ControlError::Input(text.to_owned()).into()
}
