//! `status`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    cli::Global,
    copying::copying,
    exit::Exit,
    failure::Failure,
    output::{Output, line},
    session::Session,
};

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    status: control::Status,
    /// Whether another crosswave has the project open and works.
    running: bool,
    /// Messages that could not be handled, by queue. Their users go on by the sweep; a person looks
    /// here when one does not.
    dead_letters: BTreeMap<String, u64>,
}

/// People whose copy is shown line by line.
const MOST_PEOPLE: usize = 30;

/// Counts the chosen users by state, and those in flight by step.
pub(crate) async fn run(global: &Global, out: Output) -> Result<Exit, Failure> {
    let mut session = Session::open(&global.project).await?;
    let selection = global.selection();
    let look = async |open: &Session| {
        let status = control::status(&open.host, &open.scope(), &selection).await?;
        let depths = open.place.depths().await?.into_iter();
        let dead = depths.filter(|depth| depth.queue.ends_with("-dead"));
        let dead_letters = dead.map(|depth| (depth.queue, depth.due + depth.waiting)).collect();
        Ok(Shown { status, running: open.place.is_beside(), dead_letters })
    };
    let shown = session.read(look).await?;
    out.data(&shown, text(&shown))?;
    Ok(Exit::Done)
}

fn text(Shown { status, running, dead_letters }: &Shown) -> String {
    let mut text = format!("{} people\n", status.people);
    for (state, count) in &status.states {
        line(&mut text, format_args!("  {count:>6}  {state}"));
    }
    if !status.steps.is_empty() {
        text.push_str("In flight\n");
        for (step, count) in &status.steps {
            let spec = step.spec();
            line(&mut text, format_args!("  {count:>6}  {} {}", spec.spec, spec.title));
        }
        text.push_str(if *running {
            "a running crosswave works on them\n"
        } else {
            "`crosswave run` goes on with them\n"
        });
    }
    let copies = &status.copies;
    if !copies.people.is_empty() {
        text.push_str("Copying\n");
    }
    for (wave, forecast) in &copies.waves {
        let wave = if wave.is_empty() { "without a wave" } else { wave };
        if let Some(far) = copying(forecast) {
            line(&mut text, format_args!("  {wave}: {far}"));
        }
    }
    let (shown, more) = copies.people.split_at(copies.people.len().min(MOST_PEOPLE));
    for person in shown {
        let far = copying(&person.forecast).unwrap_or_else(|| "begins".to_owned());
        line(&mut text, format_args!("    {}, {}: {far}", person.source, person.doing));
    }
    if !more.is_empty() {
        line(&mut text, format_args!("    and {} more people; --json lists all", more.len()));
    }
    for (queue, count) in dead_letters {
        line(&mut text, format_args!("{count} messages in {queue} could not be handled"));
    }
    text
}

#[cfg(test)]
mod tests {
    use content::Forecast;
    use control::PersonCopy;

    use super::*;
    use crate::copying::tests::in_hand;

    /// Who copies what, how far it is, how fast, and when it ends; by wave and by person.
    #[test]
    fn the_text_tells_how_far_each_copy_is_and_when_it_ends() {
        let mut status = control::Status { people: 2, busy: true, ..control::Status::default() };
        for (id, wave, doing, forecast) in [
            ("anna", Some("first"), "mailbox /Inbox", in_hand()),
            ("bert", None, "OneDrive", Forecast::default()),
        ] {
            let wave: Option<model::WaveId> = wave.map(|wave| wave.parse().unwrap());
            let name = wave.as_ref().map(ToString::to_string).unwrap_or_default();
            status.copies.waves.entry(name).or_default().add(&forecast);
            status.copies.people.push(PersonCopy {
                user: id.parse().unwrap(),
                source: format!("{id}@contoso.example"),
                wave,
                doing: doing.to_owned(),
                forecast,
            });
        }
        let shown = Shown { status, running: true, dead_letters: BTreeMap::new() };
        let far = "120 of 1000 items, 1.2 MB of 45 GB, 60 items/min, 20 kB/s, 15 min left, \
                   ends 2026-11-22 14:32 UTC";
        let text = text(&shown);
        assert!(text.contains(&format!("  first: {far}\n")), "{text}");
        assert!(
            text.contains(&format!("    anna@contoso.example, mailbox /Inbox: {far}\n")),
            "{text}"
        );
        assert!(text.contains("    bert@contoso.example, OneDrive: begins\n"), "{text}");
    }
}
