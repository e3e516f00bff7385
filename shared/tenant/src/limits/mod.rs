//! Throttling: budgets before a request, fences after a refusal.
//!
//! A *budget* keeps us below a published limit. A *fence* is a Retry-After that a service sent:
//! nothing goes through its lane until then. A call waits here for a moment at most
//! ([`LimitSettings::wait_max`]); for longer waits it is refused with the time to come back, and
//! the step is queued again, so that waiting costs nothing.

mod budget;
mod memory;

pub use self::memory::Held;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::{Either, select};
use jiff::{SignedDuration, Timestamp};
use ports::{Clock, Random};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::{budget::Budget, memory::Memory};
use crate::TenantId;

/// So many units in so long a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub units: u32,
    /// In how long.
    pub period: Duration,
}

impl Rate {
    /// A rate.
    pub const fn new(units: u32, period: Duration) -> Self {
        Self { units, period }
    }
}

/// The numbers. The defaults are the vendor's published ones for the smallest tenants
/// ("Microsoft Graph throttling limits", "Avoid getting throttled or blocked in SharePoint
/// Online"); where none is published, a careful guess.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitSettings {
    /// How long a call may wait inside before it is refused with `Throttled`.
    pub wait_max: Duration,
    /// Directory reads, in resource units per tenant.
    pub directory_units: Rate,
    /// Directory writes per tenant.
    pub directory_writes: Rate,
    /// Invitations per tenant.
    pub invitations: Rate,
    /// Teams requests per tenant.
    pub teams: Rate,
    /// Requests to one mailbox.
    pub mailbox_requests: Rate,
    /// Kilobytes uploaded to one mailbox.
    pub mailbox_upload_kilobytes: Rate,
    /// Requests to one mailbox at the same time.
    pub mailbox_concurrency: usize,
    /// SharePoint and OneDrive resource units per tenant.
    pub drive_units: Rate,
    /// Exchange cmdlets at the same time per tenant. Not published.
    pub exchange_concurrency: usize,
    /// Bytes of content in memory at the same time, over everybody who copies in this process.
    pub content_bytes: u64,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            wait_max: Duration::from_secs(2),
            directory_units: Rate::new(3_500, Duration::from_secs(10)),
            directory_writes: Rate::new(3_000, Duration::from_secs(150)),
            invitations: Rate::new(150, Duration::from_secs(5)),
            teams: Rate::new(30, Duration::from_secs(1)),
            mailbox_requests: Rate::new(10_000, Duration::from_mins(10)),
            mailbox_upload_kilobytes: Rate::new(150_000, Duration::from_mins(5)),
            mailbox_concurrency: 4,
            drive_units: Rate::new(1_200, Duration::from_mins(1)),
            exchange_concurrency: 8,
            content_bytes: 128 * 1024 * 1024,
        }
    }
}

impl LimitSettings {
    /// The same budgets in shorter time: 60 makes a minute a second. For simulators that scale
    /// their windows likewise.
    #[must_use]
    pub fn faster(mut self, times: u32) -> Self {
        let times = times.max(1);
        for rate in [
            &mut self.directory_units,
            &mut self.directory_writes,
            &mut self.invitations,
            &mut self.teams,
            &mut self.mailbox_requests,
            &mut self.mailbox_upload_kilobytes,
            &mut self.drive_units,
        ] {
            rate.period /= times;
        }
        self
    }
}

/// Which budget a request draws on, and how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lane {
    /// The identity platform.
    Login,
    /// Users, groups, licences: resource units by the vendor's cost table. A write also draws one
    /// write.
    Directory {
        /// Resource units, at least 1.
        units: u32,
    },
    /// Invitations of guests.
    Invitations,
    /// Members of teams.
    Teams,
    /// Content and settings of one mailbox.
    Mailbox {
        /// Any stable name of the mailbox: its id, or the user's.
        mailbox: Box<str>,
    },
    /// SharePoint and OneDrive: 1 unit for reading one item or a delta with token, 2 for lists and
    /// writes, 5 for permissions.
    Drive {
        /// Resource units, at least 1.
        units: u32,
    },
    /// Exchange Online cmdlets.
    Exchange,
}

/// What a fence stops.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    Login,
    Directory,
    DirectoryWrites,
    Invitations,
    Teams,
    Mailbox(Box<str>),
    MailboxUpload(Box<str>),
    Drive,
    Exchange,
}

type Key = (TenantId, Scope);

/// The state of all budgets and fences. Shared by every client of a process, so that both tenants'
/// workers see each other's refusals.
#[derive(Debug)]
pub struct Limits {
    settings: LimitSettings,
    memory: Memory,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    fences: BTreeMap<Key, Timestamp>,
    budgets: BTreeMap<Key, Budget>,
    concurrency: BTreeMap<Key, Arc<Semaphore>>,
}

/// Leave to send one request; held until the reply is read.
#[derive(Debug)]
pub(crate) struct Permit {
    _slot: Option<OwnedSemaphorePermit>,
}

/// A request that asks for leave.
pub(crate) struct Ask<'a> {
    pub tenant: &'a TenantId,
    pub lane: &'a Lane,
    pub write: bool,
    /// How many requests it stands for.
    pub weight: u32,
    pub upload_bytes: usize,
}

/// Above this many mailboxes, those at rest are forgotten.
const REMEMBERED_MAX: usize = 20_000;

impl Limits {
    /// Fresh budgets.
    pub fn new(settings: LimitSettings) -> Self {
        let memory = Memory::new(settings.content_bytes);
        Self { settings, memory, state: Mutex::default() }
    }

    /// Room for content in memory, if there is some now.
    pub(crate) fn try_hold(&self, bytes: u64) -> Option<Held> {
        self.memory.try_hold(bytes)
    }

    /// Room for content in memory; `None` when nobody made any for as long as a call may wait.
    pub(crate) async fn hold(&self, bytes: u64, clock: &dyn Clock) -> Option<Held> {
        if let Some(held) = self.memory.try_hold(bytes) {
            return Some(held);
        }
        let room = Box::pin(self.memory.hold(bytes));
        match select(room, clock.sleep(self.settings.wait_max)).await {
            Either::Left((held, _sleep)) => held,
            Either::Right(_) => None,
        }
    }

    /// The numbers in use.
    pub fn settings(&self) -> &LimitSettings {
        &self.settings
    }

    /// Waits, briefly, until a request may be sent; `Err` says after how long to come back.
    pub(crate) async fn admit(
        &self,
        ask: &Ask<'_>,
        clock: &dyn Clock,
        random: &dyn Random,
    ) -> Result<Permit, Duration> {
        let deadline = clock.now() + signed(self.settings.wait_max);
        let slot = self.slot(ask, clock, random, deadline).await?;
        loop {
            let now = clock.now();
            let Some(wait) = self.draw(ask, now) else { return Ok(Permit { _slot: slot }) };
            if now + signed(wait) > deadline {
                return Err(wait);
            }
            clock.sleep(wait).await;
        }
    }

    /// Lets nothing through the request's lane until `until`.
    pub(crate) fn fence(&self, tenant: &TenantId, lane: &Lane, until: Timestamp) {
        let key = (tenant.clone(), lane.scope());
        let mut state = self.state();
        let fence = state.fences.entry(key).or_insert(until);
        *fence = until.max(*fence);
    }

    /// One of the places for simultaneous requests, where the lane has such.
    async fn slot(
        &self,
        ask: &Ask<'_>,
        clock: &dyn Clock,
        random: &dyn Random,
        deadline: Timestamp,
    ) -> Result<Option<OwnedSemaphorePermit>, Duration> {
        let places = match ask.lane {
            Lane::Mailbox { .. } => self.settings.mailbox_concurrency,
            Lane::Exchange => self.settings.exchange_concurrency,
            Lane::Login
            | Lane::Directory { .. }
            | Lane::Invitations
            | Lane::Teams
            | Lane::Drive { .. } => return Ok(None),
        };
        let semaphore = {
            let mut state = self.state();
            let key = (ask.tenant.clone(), ask.lane.scope());
            let places = || Arc::new(Semaphore::new(places.max(1)));
            Arc::clone(state.concurrency.entry(key).or_insert_with(places))
        };
        if let Ok(permit) = Arc::clone(&semaphore).try_acquire_owned() {
            return Ok(Some(permit));
        }
        let left = Duration::try_from(deadline.duration_since(clock.now())).unwrap_or_default();
        let acquire = Box::pin(semaphore.acquire_owned());
        match select(acquire, clock.sleep(left)).await {
            Either::Left((Ok(permit), _sleep)) => Ok(Some(permit)),
            // All places are taken: come back after half to once as long, not all at once.
            Either::Left((Err(_), _)) | Either::Right(_) => {
                let half = self.settings.wait_max / 2;
                let most = u64::try_from(half.as_millis()).unwrap_or(u64::MAX).max(1);
                Err(half + Duration::from_millis(random.below(most)))
            }
        }
    }

    /// Draws on every budget of the request, or on none and says how long to wait.
    fn draw(&self, ask: &Ask<'_>, now: Timestamp) -> Option<Duration> {
        let mut state = self.state();
        let fence = (ask.tenant.clone(), ask.lane.scope());
        if let Some(until) = state.fences.get(&fence).copied() {
            if let Ok(wait) = Duration::try_from(until.duration_since(now))
                && !wait.is_zero()
            {
                return Some(wait);
            }
            state.fences.remove(&fence);
        }
        let draws = self.draws(ask);
        let mut wait = Duration::ZERO;
        for (scope, rate, units) in &draws {
            let key = (ask.tenant.clone(), scope.clone());
            let budget = state.budgets.entry(key).or_insert_with(|| Budget::new(*rate));
            wait = wait.max(budget.wait(*units, now));
        }
        if !wait.is_zero() {
            return Some(wait);
        }
        for (scope, _rate, units) in draws {
            if let Some(budget) = state.budgets.get_mut(&(ask.tenant.clone(), scope)) {
                budget.draw(units, now);
            }
        }
        state.forget_idle(now);
        None
    }

    fn draws(&self, ask: &Ask<'_>) -> Vec<(Scope, Rate, u32)> {
        let settings = &self.settings;
        match ask.lane {
            Lane::Login | Lane::Exchange => vec![],
            Lane::Directory { units } => {
                let mut draws = vec![(Scope::Directory, settings.directory_units, (*units).max(1))];
                if ask.write {
                    draws.push((Scope::DirectoryWrites, settings.directory_writes, ask.weight));
                }
                draws
            }
            Lane::Invitations => vec![(Scope::Invitations, settings.invitations, ask.weight)],
            Lane::Teams => vec![(Scope::Teams, settings.teams, ask.weight)],
            Lane::Drive { units } => vec![(Scope::Drive, settings.drive_units, (*units).max(1))],
            Lane::Mailbox { mailbox } => {
                let mut draws =
                    vec![(Scope::Mailbox(mailbox.clone()), settings.mailbox_requests, ask.weight)];
                if ask.write {
                    let kilobytes = ask.upload_bytes.div_ceil(1_000);
                    let kilobytes = u32::try_from(kilobytes).unwrap_or(u32::MAX);
                    let scope = Scope::MailboxUpload(mailbox.clone());
                    draws.push((scope, settings.mailbox_upload_kilobytes, kilobytes));
                }
                draws
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the lock is held; were it so, the numbers are still usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget_idle(&mut self, now: Timestamp) {
        if self.budgets.len() > REMEMBERED_MAX {
            self.budgets.retain(|_, budget| !budget.is_idle(now));
            self.concurrency.retain(|_, semaphore| Arc::strong_count(semaphore) > 1);
            self.fences.retain(|_, until| *until > now);
        }
    }
}

impl Lane {
    fn scope(&self) -> Scope {
        match self {
            Self::Login => Scope::Login,
            Self::Directory { .. } => Scope::Directory,
            Self::Invitations => Scope::Invitations,
            Self::Teams => Scope::Teams,
            Self::Mailbox { mailbox } => Scope::Mailbox(mailbox.clone()),
            Self::Drive { .. } => Scope::Drive,
            Self::Exchange => Scope::Exchange,
        }
    }
}

/// A duration for timestamp arithmetic; the longest one when it does not fit.
pub(crate) fn signed(duration: Duration) -> SignedDuration {
    // A year is far beyond any wait of ours, and keeps timestamps in range.
    let bounded = duration.min(Duration::from_hours(24 * 365));
    SignedDuration::try_from(bounded).unwrap_or(SignedDuration::ZERO)
}
