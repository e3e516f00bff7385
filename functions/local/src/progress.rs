//! What a person sees while the work goes on: a bar on a terminal, plain lines elsewhere.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{copying::copying, output::Output, standing::Standing};

/// Shows the standing of one stretch of work.
pub(crate) struct Progress {
    what: String,
    bar: Option<ProgressBar>,
    last: Option<(usize, usize)>,
}

impl Progress {
    /// Begins to show.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        let what = what.into();
        let bar = Output::is_watched().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let template = "{prefix:<12} {bar:32} {pos}/{len}  {msg}  {elapsed}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("━╸─"));
            }
            bar.set_prefix(what.clone());
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        Self { what, bar, last: None }
    }

    /// Shows where the work stands.
    pub(crate) fn show(&mut self, standing: &Standing) {
        let parked = standing.parked;
        let parks = if parked > 0 { format!("{parked} parked, ") } else { String::new() };
        let mut note = format!("{parks}{} messages", standing.handled);
        if let Some(copies) = copying(&standing.copies) {
            note = format!("{note}, {copies}");
        }
        if let Some(bar) = &self.bar {
            bar.set_length(u64::try_from(standing.people).unwrap_or(u64::MAX));
            bar.set_position(u64::try_from(standing.settled).unwrap_or(u64::MAX));
            bar.set_message(note);
            return;
        }
        // A line for each tenth of the people, so that a log stays short.
        let tenth = standing.settled * 10 / standing.people.max(1);
        if self.last != Some((tenth, parked)) {
            self.last = Some((tenth, parked));
            let Standing { settled, people, .. } = standing;
            Output::note(format!("{}: {settled} of {people}, {note}", self.what));
        }
    }

    /// Ends the bar and leaves the screen to what follows.
    pub(crate) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Counts what is worked off without its number being known before.
pub(crate) struct Counter {
    what: &'static str,
    bar: Option<ProgressBar>,
    count: usize,
}

impl Counter {
    /// Lines of a log are so far apart.
    const EVERY: usize = 10_000;

    /// Begins to count.
    pub(crate) fn new(what: &'static str) -> Self {
        let bar = Output::is_watched().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} {msg}  {elapsed}") {
                bar.set_style(style);
            }
            bar.set_message(what);
            bar
        });
        Self { what, bar, count: 0 }
    }

    /// So many more.
    pub(crate) fn add(&mut self, more: usize) {
        self.count += more;
        match &self.bar {
            Some(bar) => bar.set_position(u64::try_from(self.count).unwrap_or(u64::MAX)),
            None if self.count.is_multiple_of(Self::EVERY) => {
                Output::note(format!("{} {}", self.count, self.what));
            }
            None => {}
        }
    }

    /// Leaves the screen to what follows.
    pub(crate) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
