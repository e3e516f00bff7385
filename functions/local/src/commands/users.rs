//! `users`.

use crate::{
    cli::Global,
    exit::Exit,
    failure::Failure,
    output::{Output, Table},
    session::Session,
};

/// Lists the chosen users.
pub(crate) async fn run(global: &Global, out: Output) -> Result<Exit, Failure> {
    let mut session = Session::open(&global.project).await?;
    let selection = global.selection();
    let users =
        async |open: &Session| Ok(control::users(&open.host, &open.scope(), &selection).await?);
    let users = session.read(users).await?;
    let mut table = Table::new(["source", "target", "wave", "state", "note"]);
    for user in &users {
        let step = user.step.map(|step| step.spec().title.to_owned());
        let blockers = (!user.blockers.is_empty()).then(|| user.blockers.join(", "));
        let notes: Vec<String> =
            [step, user.note.clone(), blockers].into_iter().flatten().collect();
        table.row([
            user.source.clone(),
            user.target.clone().unwrap_or_else(|| "-".to_owned()),
            user.wave.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
            user.state.to_string(),
            notes.join("; "),
        ]);
    }
    out.data(&users, table)?;
    Ok(Exit::Done)
}
