//! `plan` (GEN-7): the exact writes of an action, and none of them made.

use catalogue::Side;
use clap::{Args, ValueEnum};
use engine::{ApplyError, Planned, UserPlan, plan_action};
use model::Action;
use serde_json::{Value, json};

use crate::{
    cli::Global,
    exit::Exit,
    failure::Failure,
    output::{Output, line},
    session::Session,
};

/// Options of `plan`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The action
    action: Planable,
    /// As `cutover --force`
    #[arg(long)]
    force: bool,
}

/// The actions that write.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Planable {
    Prepare,
    Sync,
    Cutover,
    SendCutoverEmail,
    SendGuestInvite,
    Verify,
}

impl From<Planable> for Action {
    fn from(action: Planable) -> Self {
        match action {
            Planable::Prepare => Self::Prepare,
            Planable::Sync => Self::Sync,
            Planable::Cutover => Self::Cutover,
            Planable::SendCutoverEmail => Self::SendCutoverEmail,
            Planable::SendGuestInvite => Self::SendGuestInvite,
            Planable::Verify => Self::Verify,
        }
    }
}

/// Shows the plan of an action for each chosen user.
pub(crate) async fn run(global: &Global, out: Output, options: &Options) -> Result<Exit, Failure> {
    let session = Session::open(&global.project).await?;
    let scope = session.scope();
    let mut plans = Vec::new();
    let mut refused = Vec::new();
    for user in global.selection().resolve(&session.host, &scope).await? {
        let key = scope.user(&user.value.id);
        let action = options.action.into();
        let steps = dispatch::AllSteps;
        match plan_action(&session.host, &steps, &key, action, options.force).await {
            Ok(plan) => plans.push(plan),
            Err(ApplyError::Engine(error)) => return Err(error.into()),
            Err(error) => refused.push(error.to_string()),
        }
    }
    let mut text = String::new();
    for plan in &plans {
        write_plan(&mut text, plan);
    }
    for refused in &refused {
        line(&mut text, format_args!("{refused}"));
    }
    out.data(&json!({ "plans": plans, "refused": refused }), text)?;
    Ok(if refused.is_empty() { Exit::Done } else { Exit::SomeParked })
}

fn write_plan(text: &mut String, plan: &UserPlan) {
    line(text, format_args!("{}", plan.name));
    for step in &plan.steps {
        let spec = step.step.spec();
        let outcome = match &step.outcome {
            Planned::Done if step.writes.is_empty() => "nothing to write".to_owned(),
            Planned::Done if step.writes.len() == 1 => "1 write".to_owned(),
            Planned::Done => format!("{} writes", step.writes.len()),
            Planned::NotApplicable { cause } => format!("not applicable: {cause}"),
            Planned::Waits { why } => format!("would wait for {why}"),
            Planned::Parks { message, advice } => format!("would park: {message}; {advice}"),
        };
        line(text, format_args!("  {:<7} {}: {outcome}", spec.spec, spec.title));
        for write in &step.writes {
            let side = match write.side {
                Side::Source => "source",
                Side::Target => "target",
                Side::Both => "both",
            };
            line(text, format_args!("            {side}: {} {}", write.operation, write.object));
            for change in &write.changes {
                let (before, after) = (short(&change.before), short(&change.after));
                line(text, format_args!("              {}: {before} -> {after}", change.attribute));
            }
        }
        for warning in &step.warnings {
            line(text, format_args!("            {warning}"));
        }
    }
}

fn short(value: &Value) -> String {
    let text = match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.chars().count() <= 120 {
        return text;
    }
    let mut cut: String = text.chars().take(117).collect();
    cut.push_str("...");
    cut
}
