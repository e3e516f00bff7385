//! Work on other threads, while whoever asked for it does something else.

use std::sync::Arc;

use crate::sandbox::{Started, start};

/// Results that are being made, in the order of the items.
#[derive(Debug)]
#[must_use = "what nobody waits for is lost"]
pub struct Underway<R>(Vec<Share<R>>);

#[derive(Debug)]
enum Share<R> {
    Running(Started<Vec<R>>),
    Done(Vec<R>),
}

/// Shares items out among threads; one thread is the caller's own. `work` must not panic: its share
/// would be missing.
pub fn begin<T: Send + Sync + 'static, R: Send + 'static>(
    items: Vec<T>,
    threads: usize,
    work: impl Fn(&[T]) -> Vec<R> + Send + Sync + 'static,
) -> Underway<R> {
    let share = items.len().div_ceil(threads.max(1)).max(1);
    if items.len() <= share {
        return Underway(vec![Share::Done(work(&items))]);
    }
    let (items, work) = (Arc::new(items), Arc::new(work));
    let starts = (0..items.len()).step_by(share);
    Underway(
        starts
            .map(|from| {
                let (items, work) = (Arc::clone(&items), Arc::clone(&work));
                let part = move || {
                    let to = from.saturating_add(share).min(items.len());
                    work(items.get(from..to).unwrap_or_default())
                };
                // A system that gives no thread leaves the work to this one.
                match start(part.clone()) {
                    Ok(running) => Share::Running(running),
                    Err(_) => Share::Done(part()),
                }
            })
            .collect(),
    )
}

impl<R> Underway<R> {
    /// Waits for all of them.
    pub fn wait(self) -> Vec<R> {
        let shares = self.0.into_iter();
        shares
            .flat_map(|share| match share {
                Share::Running(share) => share.wait().unwrap_or_default(),
                Share::Done(results) => results,
            })
            .collect()
    }
}
