//! `match` (MAT-2).

use crate::{
    cli::Global,
    exit::Exit,
    failure::Failure,
    output::{Output, line},
    session::Session,
};

/// Pairs the chosen source users with target users.
pub(crate) async fn run(global: &Global, out: Output) -> Result<Exit, Failure> {
    let session = Session::open(&global.project).await?;
    let done = control::match_users(&session.host, &session.project, &global.selection()).await?;
    let mut text = format!(
        "{} users looked at: {} matched, {} in doubt, {} without a match\n",
        done.looked_at,
        done.matched.len(),
        done.unclear.len(),
        done.without
    );
    for pair in &done.matched {
        line(&mut text, format_args!("  {} is {} ({})", pair.source, pair.target, pair.by));
    }
    for doubt in &done.unclear {
        line(&mut text, format_args!("  {}: {}", doubt.source, doubt.why));
    }
    if !done.unclear.is_empty() {
        text.push_str(
            "Nothing is guessed: set these in a users file (`crosswave export`, `import`)\n",
        );
    }
    out.data(&done, text)?;
    Ok(if done.unclear.is_empty() { Exit::Done } else { Exit::SomeParked })
}
