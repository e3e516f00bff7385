//! `plan`: the same step code with a client that reads for real and records writes (GEN-7).

mod overlay;

use catalogue::Step;
use model::{Action, JobId, Request, UserKey, WriteRecord, admit};

pub(crate) use overlay::Overlay;

use crate::{
    ApplyError, Host, Outcome, StepContext, StepError, Steps, Wake,
    apply::{job_kind, new_job, profile_of},
    outcome::is_kept,
    records::{Loaded, load_memory, load_project, load_user},
    scripts::pins_of,
};

/// What an action would do for one user.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct UserPlan {
    /// The user.
    pub user: model::UserId,
    /// As a person knows him.
    pub name: String,
    /// The steps in order.
    pub steps: Vec<StepPlan>,
}

/// What a step would do.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct StepPlan {
    /// The step.
    pub step: Step,
    /// What it would answer.
    pub outcome: Planned,
    /// The exact writes, in order.
    pub writes: Vec<WriteRecord>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// What a step would answer.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Planned {
    /// It would be done.
    Done,
    /// It does not apply.
    NotApplicable {
        /// Why.
        cause: String,
    },
    /// It would wait for something that only the steps before it bring about.
    Waits {
        /// For what.
        why: String,
    },
    /// It would park the user; later steps would not run.
    Parks {
        /// The problem.
        message: String,
        /// What to do.
        advice: String,
    },
}

/// Most calls of one step in a plan.
const MOST_CALLS: usize = 10;

/// Runs the steps of an action for one user without writing anything.
pub async fn plan_action(
    host: &Host,
    steps: &dyn Steps,
    key: &UserKey,
    action: Action,
    force: bool,
) -> Result<UserPlan, ApplyError> {
    let project = load_project(&*host.store, key).await?;
    let user = load_user(&*host.store, key).await?;
    let request = Request {
        action,
        state: user.value.state,
        project_type: project.project_type,
        job_in_flight: user.value.job.is_some(),
        force,
    };
    let name = user.value.source.user_principal_name.clone();
    admit(request).map_err(|refusal| ApplyError::Refused { user: name.clone(), refusal })?;
    let mut plan = UserPlan { user: key.user.clone(), name, steps: Vec::new() };
    let Some(kind) = job_kind(action, &user.value) else { return Ok(plan) };
    let profile = profile_of(host, &project, &user.value, key).await?;
    let scripts = pins_of(host, &project, &user.value, key)
        .await
        .map_err(|error| ApplyError::Scripts(error.message))?;
    let overlay = Overlay::default();
    let mut memory = load_memory(&*host.store, key).await?;
    let mut user = user;
    for step in kind.plan() {
        if !step.spec().applies_to(project.project_type) {
            let cause = "not in this project type".to_owned();
            plan.steps.push(StepPlan::of(step, Planned::NotApplicable { cause }));
            continue;
        }
        let mut row = StepPlan::of(step, Planned::Done);
        // A step that has more to do is called again, as the engine would.
        let mut result = Ok(Outcome::Wait(Wake::More));
        for _ in 0..MOST_CALLS {
            if result != Ok(Outcome::Wait(Wake::More)) {
                break;
            }
            let id = JobId::numbered(user.value.jobs + 1);
            let (profile, scripts) = (profile.clone(), scripts.clone());
            let job = new_job(id, kind, &user.value, profile, scripts, host.clock.now());
            let cx = StepContext::live(
                host,
                key.clone(),
                step,
                user.clone(),
                project.clone(),
                memory.clone(),
                Loaded { value: job, version: 0 },
            )
            .planning(&overlay);
            result = steps.run(step, &cx).await;
            row.writes.extend(overlay.take_writes());
            memory = cx.memory();
            user = cx.user_with_changes();
        }
        match result {
            Ok(Outcome::Done { receipt, warnings, .. }) => {
                if is_kept(step) {
                    memory.value.receipts.insert(step, receipt);
                }
                row.warnings = warnings;
            }
            Ok(Outcome::Fork { .. } | Outcome::ForkAndWait { .. } | Outcome::Wait(Wake::More)) => {}
            Ok(Outcome::NotApplicable(cause)) => row.outcome = Planned::NotApplicable { cause },
            Ok(Outcome::Wait(
                Wake::Soon { why } | Wake::After { why, .. } | Wake::Signal { why },
            )) => row.outcome = Planned::Waits { why },
            Err(error) => {
                row.outcome = parks(error);
                plan.steps.push(row);
                break;
            }
        }
        plan.steps.push(row);
    }
    Ok(plan)
}

impl StepPlan {
    fn of(step: Step, outcome: Planned) -> Self {
        Self { step, outcome, writes: Vec::new(), warnings: Vec::new() }
    }
}

fn parks(error: StepError) -> Planned {
    Planned::Parks { message: format!("{}: {}", error.code, error.message), advice: error.advice }
}
