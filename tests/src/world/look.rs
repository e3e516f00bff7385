//! What a story looks at.

use catalogue::Step;
use engine::{load_journal, records::load_all};
use model::{EventKind, Job, JournalEntry, JournalEvent, Keys, Notification, User};
use serde_json::Value;

use super::World;

impl World {
    /// A user's journal, oldest first.
    #[expect(clippy::expect_used, reason = "a story fails where the store fails")]
    pub async fn journal(&self, user: &User) -> Vec<JournalEntry> {
        let entries = load_journal(&*self.host.store, &self.key(user)).await;
        let mut entries = entries.expect("the journal");
        entries.sort_by_key(|entry| entry.at);
        entries
    }

    /// The receipt with which a step was last done.
    pub async fn last_receipt(&self, user: &User, step: Step) -> Option<Value> {
        let journal = self.journal(user).await;
        journal.into_iter().rev().filter(|entry| entry.step == Some(step)).find_map(|entry| {
            match entry.event {
                JournalEvent::Done { receipt, .. } => Some(receipt),
                _ => None,
            }
        })
    }

    /// The delivery records of a kind of event.
    #[expect(clippy::expect_used, reason = "a story fails where the store fails")]
    pub async fn notifications(&self, kind: EventKind) -> Vec<Notification> {
        let partition = Keys::project_partition(&self.project.customer, &self.project.id);
        let all = load_all::<Notification>(&*self.host.store, &partition, Keys::NOTIFICATIONS);
        let all = all.await.expect("the delivery records").into_iter().map(|record| record.value);
        all.filter(|record| record.event.kind == kind).collect()
    }

    /// The steps that a job has finished, done or not applicable, in the order of the journal.
    pub async fn finished_steps(&self, user: &User, job: &str) -> Vec<&'static str> {
        let journal = self.journal(user).await;
        let finished = journal.iter().filter(|entry| {
            entry.job.as_str() == job
                && matches!(
                    entry.event,
                    JournalEvent::Done { .. } | JournalEvent::NotApplicable { .. }
                )
        });
        finished.filter_map(|entry| entry.step).map(|step| step.spec().spec).collect()
    }

    /// A user's jobs that are over, oldest first.
    #[expect(clippy::expect_used, reason = "a story fails where the store fails")]
    pub async fn past_jobs(&self, user: &User) -> Vec<Job> {
        let partition = Keys::user_partition(&self.key(user));
        let jobs = load_all(&*self.host.store, &partition, Keys::PAST_JOBS).await;
        jobs.expect("the jobs").into_iter().map(|job| job.value).collect()
    }
}
