//! `status`.

use crate::{
    cli::Global,
    exit::Exit,
    failure::Failure,
    output::{Output, line},
    session::Session,
};

/// Counts the chosen users by state, and those in flight by step.
pub(crate) async fn run(global: &Global, out: Output) -> Result<Exit, Failure> {
    let session = Session::open(&global.project).await?;
    let status = control::status(&session.host, &session.scope(), &global.selection()).await?;
    let mut text = format!("{} people\n", status.people);
    for (state, count) in &status.states {
        line(&mut text, format_args!("  {count:>6}  {state}"));
    }
    if !status.steps.is_empty() {
        text.push_str("In flight\n");
        for (step, count) in &status.steps {
            line(
                &mut text,
                format_args!("  {count:>6}  {} {}", step.spec().spec, step.spec().title),
            );
        }
        text.push_str("`crosswave run` goes on with them\n");
    }
    out.data(&status, text)?;
    Ok(Exit::Done)
}
