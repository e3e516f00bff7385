//! The copy of one user's content: units, in order, each ended by its checkpoint.

use ports::{Clock, Store};
use tenant::TenantClient;

use crate::{
    BadItem, ContentError, CopyMode, CopySettings, CopySummary, Principals, Progress,
    SourcePrincipal, UnitOutcome,
    checkpoint::Stage,
    store::{State, decode},
    unit::{Step, Stop, Unit},
};

/// Whose content is copied, and which parts of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopySubject {
    /// The source user's Entra object id.
    pub source_user: String,
    /// The target user's Entra object id.
    pub target_user: String,
    /// Copy the mailbox, with its side data.
    pub mailbox: bool,
    /// Copy the archive mailbox, where the source has one.
    pub archive: bool,
    /// Copy the OneDrive.
    pub drive: bool,
    /// Copy the permissions on what is copied.
    pub permissions: bool,
}

/// The copy of one user.
///
/// It holds nothing between units: a unit reads its state from the store, works within its budget
/// and commits, so the next may run at any time in any process.
pub struct CopyJob<'a> {
    /// The source tenant; only read.
    pub source: &'a TenantClient,
    /// The target tenant.
    pub target: &'a TenantClient,
    /// Where the state is kept.
    pub store: &'a dyn Store,
    /// What time it is.
    pub clock: &'a dyn Clock,
    /// The store's partition for this user's copy; nothing else may be in it.
    pub partition: String,
    /// Whose content.
    pub subject: CopySubject,
    /// The match table.
    pub principals: &'a dyn Principals,
    /// Limits and switches.
    pub settings: CopySettings,
}

impl CopyJob<'_> {
    /// Runs one unit of a round. `round` is the id of the job that copies: the same id goes on where
    /// the last unit ended, another one begins a new round, a finished one answers
    /// [`UnitOutcome::Finished`] again without asking anybody.
    pub async fn run_unit(&self, mode: CopyMode, round: &str) -> Result<UnitOutcome, ContentError> {
        let mut state = State::load(self.store, &self.partition).await?;
        let checkpoint = &mut state.checkpoint;
        if checkpoint.round != round {
            checkpoint.begin(round, mode, self.clock.now());
        } else if let Some(summary) = &checkpoint.summary {
            return Ok(UnitOutcome::Finished(summary.clone()));
        }
        checkpoint.progress.units += 1;
        // The mode that the round began with: a unit does not change it.
        let mode = checkpoint.mode.unwrap_or(mode);
        let mut unit = Unit::new(self, state, mode);
        let ended = Box::pin(unit.advance()).await;
        let stop = match ended {
            Ok(()) => {
                let summary = unit.state.checkpoint.finish();
                unit.state.commit().await?;
                return Ok(UnitOutcome::Finished(summary));
            }
            Err(stop) => stop,
        };
        // What is in memory is what was done: it is committed however the unit ended, unless another
        // unit has got ahead.
        let committed = match &stop {
            Stop::Failed(ContentError::Superseded | ContentError::Damaged { .. }) => Ok(()),
            _ => unit.state.commit().await,
        };
        match stop {
            Stop::Failed(error) => Err(error),
            Stop::Budget => {
                committed?;
                Ok(UnitOutcome::More(unit.state.checkpoint.progress))
            }
            Stop::Wait { after, why } => {
                committed?;
                Ok(UnitOutcome::Wait { after, why })
            }
            Stop::Pause { doing, error, after } => {
                committed?;
                Ok(UnitOutcome::Wait { after, why: format!("{doing}: {error}") })
            }
        }
    }

    /// Where the last round stands; `None` before the first.
    pub async fn progress(&self) -> Result<Option<Progress>, ContentError> {
        let state = State::load(self.store, &self.partition).await?;
        let begun = !state.checkpoint.round.is_empty();
        Ok(begun.then_some(state.checkpoint.progress))
    }

    /// The id of the last round, and how it ended if it is over; `None` before the first.
    pub async fn last_round(&self) -> Result<Option<(String, Option<CopySummary>)>, ContentError> {
        let checkpoint = State::load(self.store, &self.partition).await?.checkpoint;
        let begun = !checkpoint.round.is_empty();
        Ok(begun.then_some((checkpoint.round, checkpoint.summary)))
    }

    /// The bad items that are open (SYN-5).
    pub async fn bad_items(&self) -> Result<Vec<BadItem>, ContentError> {
        let records = self.store.query_all(&self.partition, "B/").await?;
        records.iter().map(|record| decode(&record.key.sort, &record.value)).collect()
    }
}

impl Unit<'_> {
    /// Goes through the stages until the round is complete.
    async fn advance(&mut self) -> Step {
        loop {
            match &self.state.checkpoint.stage {
                Stage::Regional => self.regional().await?,
                Stage::Mailbox(_) => Box::pin(self.mailbox()).await?,
                Stage::Drive(_) => Box::pin(self.drive()).await?,
                Stage::Permissions(_) => Box::pin(self.permissions()).await?,
                Stage::SideData => Box::pin(self.side_data()).await?,
                Stage::Done => return Ok(()),
            }
        }
    }
}

/// What became of waiting permissions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    /// Granted now.
    pub granted: u32,
    /// Still waiting, for anybody.
    pub waiting: u32,
    /// Those of the principals that were asked about for whom something still waits.
    pub left: Vec<SourcePrincipal>,
}
