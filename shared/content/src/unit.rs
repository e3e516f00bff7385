//! One unit in hand: its state, its budget, and the three ways in which it stops early.

use std::{future::Future, time::Duration};

use jiff::{SignedDuration, Timestamp};
use ports::{CommitError, StoreError};
use tenant::{Class, Retry, TenantError};

use crate::{
    BadItem, ContentError, CopyJob, CopyMode, Counts, Workload,
    store::{State, keys},
};

/// The shortest pause when our own budget for a tenant is used up.
const BUDGET_PAUSE: Duration = Duration::from_secs(5);

/// Why a unit ends before the round does.
pub(crate) enum Stop {
    /// The budget is used up. What is in memory is to be committed.
    Budget,
    /// Nothing can be done before so long. What is in memory is to be committed.
    Wait {
        /// How long.
        after: Duration,
        /// In words.
        why: String,
    },
    /// A tenant asks for a pause. What is in memory is to be committed.
    Pause {
        /// What the copy was doing.
        doing: String,
        /// The tenant's words.
        error: Box<TenantError>,
        /// How long to wait.
        after: Duration,
    },
    /// The copy failed.
    Failed(ContentError),
}

/// The result of a part of a unit.
pub(crate) type Step<T = ()> = Result<T, Stop>;

impl From<ContentError> for Stop {
    fn from(error: ContentError) -> Self {
        let pause = |why: &dyn std::fmt::Display| Self::Wait {
            after: Duration::from_secs(2),
            why: format!("the store asks for a pause: {why}"),
        };
        match error {
            ContentError::Commit(busy @ CommitError::Throttled(_)) => pause(&busy),
            ContentError::Store(busy @ StoreError::Throttled(_)) => pause(&busy),
            other => Self::Failed(other),
        }
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        ContentError::from(error).into()
    }
}

/// A unit at work.
pub(crate) struct Unit<'a> {
    pub(crate) job: &'a CopyJob<'a>,
    pub(crate) state: State<'a>,
    pub(crate) mode: CopyMode,
    deadline: Timestamp,
    /// When the budget was looked at last, and the longest time between two looks: so long the next piece
    /// of work may take, too.
    looked: Timestamp,
    longest: SignedDuration,
    requests: u32,
}

/// The end of a unit's time that is kept free for the piece in hand is at most this part of it.
const RESERVE: i32 = 4;

/// So many items that an incomplete listing does not show are asked for between two commits.
pub(crate) const ASKED_AT_ONCE: usize = 100;

impl<'a> Unit<'a> {
    pub(crate) fn new(job: &'a CopyJob<'a>, state: State<'a>, mode: CopyMode) -> Self {
        let time =
            SignedDuration::try_from(job.settings.budget.time).unwrap_or(SignedDuration::MAX);
        let now = job.clock.now();
        let deadline = now.checked_add(time).unwrap_or(Timestamp::MAX);
        let longest = SignedDuration::ZERO;
        Self { job, state, mode, deadline, looked: now, longest, requests: 0 }
    }

    /// Whether nothing has been copied to its end yet.
    pub(crate) fn is_first_copy(&self) -> bool {
        self.mode == CopyMode::Initial || !self.state.checkpoint.completed
    }

    /// Ends the unit if its budget is used up, or has no room for another piece of work like the longest
    /// so far. Called where memory and target agree.
    pub(crate) fn within_budget(&mut self) -> Step {
        let budget = self.job.settings.budget;
        let now = self.job.clock.now();
        self.longest = self.longest.max(now.duration_since(self.looked));
        self.looked = now;
        let time = SignedDuration::try_from(budget.time).unwrap_or(SignedDuration::MAX);
        let ends = now.checked_add(self.longest.min(time / RESERVE)).unwrap_or(Timestamp::MAX);
        let spent = self.requests >= budget.requests || ends >= self.deadline;
        if spent { Err(Stop::Budget) } else { Ok(()) }
    }

    /// Counts requests about to be made.
    pub(crate) fn spend(&mut self, requests: usize) {
        self.spend_batched(requests, requests);
    }

    /// Counts requests that travel together: `inner` of them in `outer` round trips.
    pub(crate) fn spend_batched(&mut self, outer: usize, inner: usize) {
        let outer = u32::try_from(outer).unwrap_or(u32::MAX);
        self.requests = self.requests.saturating_add(outer);
        let progress = &mut self.state.checkpoint.progress;
        progress.requests += u64::from(outer);
        progress.logical_requests += u64::try_from(inner).unwrap_or(u64::MAX);
    }

    /// One request that stands for several; its failure as a whole stops the unit.
    pub(crate) async fn ask_many<T>(
        &mut self,
        doing: &str,
        inner: usize,
        call: impl Future<Output = Result<T, TenantError>>,
    ) -> Step<T> {
        self.spend_batched(1, inner);
        call.await.map_err(|error| judge(doing, error))
    }

    /// One request whose failure stops the unit.
    pub(crate) async fn ask<T>(
        &mut self,
        doing: &str,
        call: impl Future<Output = Result<T, TenantError>>,
    ) -> Step<T> {
        self.spend(1);
        call.await.map_err(|error| judge(doing, error))
    }

    /// One request that may find nothing.
    pub(crate) async fn ask_optional<T>(
        &mut self,
        doing: &str,
        call: impl Future<Output = Result<T, TenantError>>,
    ) -> Step<Option<T>> {
        self.spend(1);
        match call.await {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(judge(doing, error)),
        }
    }

    /// The counters of a workload.
    pub(crate) fn counts(&mut self, workload: Workload) -> &mut Counts {
        self.state.checkpoint.counts(workload)
    }

    /// Adds a note to the report.
    pub(crate) fn note(&mut self, workload: Workload, text: impl Into<String>) {
        self.state.checkpoint.note(workload, text);
    }

    /// Records a bad item with the next commit; `known` when it was one already.
    pub(crate) fn bad(&mut self, group: u32, item: &BadItem, known: bool) -> Step {
        let sort = keys::bad_item(item.workload, group, &item.id);
        self.state.put(&sort, item)?;
        self.counts(item.workload).bad += 1;
        if !known {
            self.state.checkpoint.bad = self.state.checkpoint.bad.saturating_add(1);
        }
        Ok(())
    }

    /// Strikes a bad item from the list with the next commit: it is copied, or gone.
    pub(crate) fn mended(&mut self, workload: Workload, group: u32, id: &str) {
        self.state.delete(keys::bad_item(workload, group, id));
        self.state.checkpoint.bad = self.state.checkpoint.bad.saturating_sub(1);
    }

    /// Fails the job when more items are bad than the profile allows. Called after a commit, so that
    /// the list is there to be read.
    pub(crate) fn within_bad_limit(&self, last: Option<&BadItem>) -> Step {
        let count = self.state.checkpoint.bad;
        let limit = self.job.settings.bad_item_limit;
        match last {
            Some(last) if count > limit => {
                let last = last.line();
                Err(Stop::Failed(ContentError::TooManyBadItems { count, limit, last }))
            }
            _ => Ok(()),
        }
    }

    /// Begins the round, if so far only the one before had to be settled.
    pub(crate) fn begin_if_settled(&mut self) -> Step {
        if !std::mem::take(&mut self.state.checkpoint.unsettled) {
            return Ok(());
        }
        self.state.checkpoint.stage = crate::checkpoint::Stage::Regional;
        Err(Stop::Budget)
    }

    /// The number of the next record of deletions.
    pub(crate) fn next_removal(&mut self) -> u32 {
        let number = self.state.checkpoint.removals;
        self.state.checkpoint.removals = number.saturating_add(1);
        number
    }

    /// Commits the checkpoint with everything that waits.
    pub(crate) async fn commit(&mut self) -> Step {
        Ok(self.state.commit().await?)
    }
}

/// What a tenant's refusal means for the unit: a pause, or failure. Never called for one item's own
/// refusal.
pub(crate) fn judge(doing: &str, error: TenantError) -> Stop {
    match pause(&error) {
        Some(after) => Stop::Pause { doing: doing.to_owned(), error: Box::new(error), after },
        None => Stop::Failed(failure(doing, error)),
    }
}

/// How long to wait before the same call can succeed; `None` when waiting does not help.
pub(crate) fn pause(error: &TenantError) -> Option<Duration> {
    match error.retry() {
        // Our own budget fills up while we wait: a longer pause costs nothing and spares the work of
        // getting ready again for every few requests.
        Retry::Later(after) if &*error.code == "budget" => Some(after.max(BUDGET_PAUSE)),
        Retry::Later(after) => Some(after.max(Duration::from_secs(1))),
        // A lost reply of a call that may be repeated: again in a moment.
        Retry::Now if error.class == Class::UnknownOutcome => Some(Duration::from_secs(1)),
        Retry::Now | Retry::Never => None,
    }
}

/// How often a request waits for our own budget, and for how long at most each time.
const PATIENCE: (u8, Duration) = (4, Duration::from_secs(5));

/// A request that waits for our own budget where it is: the budget fills up meanwhile, where ending the
/// unit would leave it unused. What a tenant refuses ends the unit all the same.
pub(crate) async fn patient<T, F>(
    job: &CopyJob<'_>,
    mut call: impl FnMut() -> F,
) -> Result<T, TenantError>
where
    F: Future<Output = Result<T, TenantError>>,
{
    let (mut tries, longest) = PATIENCE;
    loop {
        match call().await {
            Err(TenantError { class: Class::Throttled { retry_after }, code, .. })
                if &*code == "budget" && tries > 0 && retry_after <= longest =>
            {
                tries -= 1;
                job.clock.sleep(retry_after).await;
            }
            done => return done,
        }
    }
}

/// A refusal that is `by` old: so much of its pause is over.
pub(crate) fn aged(error: TenantError, by: Duration) -> TenantError {
    let class = match error.class {
        Class::Throttled { retry_after } => {
            Class::Throttled { retry_after: retry_after.saturating_sub(by) }
        }
        other => other,
    };
    TenantError { class, ..error }
}

/// The failure of a call.
pub(crate) fn failure(doing: &str, error: TenantError) -> ContentError {
    ContentError::Tenant { doing: doing.to_owned(), source: Box::new(error) }
}
