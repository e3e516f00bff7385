//! Throttling: budgets before a request, fences after a refusal.
//!
//! A *budget* keeps us below a published limit, a *gate* below what a service takes at a time. Both
//! adapt: a refusal cuts them, quiet time gives back. A *fence* is a Retry-After that a service sent:
//! nothing goes through its lane until then. A call waits here for a moment at most
//! ([`LimitSettings::wait_max`]); for longer waits it is refused with the time to come back, and
//! the step is queued again, so that waiting costs nothing.
//!
//! Where several processes work on one tenant they share budgets and fences through the store
//! ([`Limits::sharing`]). Gates stay with the process: a mailbox has one worker at a time.

mod budget;
mod gate;
mod memory;
mod scope;
mod settings;
mod shared;

pub(crate) use self::budget::Headroom;
pub use self::{
    memory::Held,
    scope::Lane,
    settings::{LimitSettings, Rate, sharepoint_tier},
};

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::{Either, select};
use jiff::{SignedDuration, Timestamp};
use ports::{Clock, Random, Store};

use self::{
    budget::Budget,
    gate::{Gate, Place},
    memory::Memory,
    scope::{Draw, Scope},
    shared::{Edit, Lease, SharedBudgets, lease_of},
};
use crate::TenantId;

type Key = (TenantId, Scope);

/// The state of all budgets and fences. Shared by every client of a process, so that both tenants'
/// workers see each other's refusals.
#[derive(Debug)]
pub struct Limits {
    settings: LimitSettings,
    memory: Memory,
    shared: Option<SharedBudgets>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    budgets: BTreeMap<Key, Budget>,
    gates: BTreeMap<Key, Arc<Gate>>,
    leases: BTreeMap<Key, Lease>,
    /// Uploads that were paid for before they are sent, in kilobytes.
    credit: BTreeMap<Key, u32>,
    licences: BTreeMap<TenantId, u32>,
    /// What services said and the store does not know yet.
    news: Vec<(Key, Rate, News)>,
}

/// What a service said about a budget.
#[derive(Clone, Copy, Debug)]
enum News {
    Refused { until: Timestamp, at: Timestamp },
    Fenced { until: Timestamp },
    Told { headroom: Headroom, at: Timestamp },
}

impl News {
    fn apply(self, budget: &mut Budget, rate: Rate) {
        match self {
            Self::Refused { until, at } => budget.refused(rate, until, at),
            Self::Fenced { until } => budget.fence(until),
            Self::Told { headroom, at } => budget.told(headroom, at),
        }
    }
}

/// Leave to send one request; held until the reply is read.
#[derive(Debug)]
pub(crate) struct Permit {
    place: Option<Place>,
}

impl Permit {
    /// The service took the request.
    pub(crate) fn taken(&self) {
        if let Some(place) = &self.place {
            place.gate().taken();
        }
    }
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

/// When units were spent by another request of this worker: look again after so long.
const AGAIN: Duration = Duration::from_millis(1);

/// Above this many mailboxes, those at rest are forgotten.
const REMEMBERED_MAX: usize = 20_000;

impl Limits {
    /// Fresh budgets.
    pub fn new(settings: LimitSettings) -> Self {
        let memory = Memory::new(settings.content_bytes);
        Self { settings, memory, shared: None, state: Mutex::default() }
    }

    /// The same budgets as every other process that shares them at this place of the store. Nothing
    /// else may be in the partition.
    #[must_use]
    pub fn sharing(mut self, store: Arc<dyn Store>, partition: impl Into<String>) -> Self {
        self.shared = Some(SharedBudgets { store, partition: partition.into() });
        self
    }

    /// The numbers in use.
    pub fn settings(&self) -> &LimitSettings {
        &self.settings
    }

    /// How many licences a tenant has: SharePoint's budget grows with them.
    pub fn licences(&self, tenant: &TenantId, count: u32) {
        self.state().licences.insert(tenant.clone(), count);
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

    /// Waits, briefly, until a request may be sent; `Err` says after how long to come back.
    pub(crate) async fn admit(
        &self,
        ask: &Ask<'_>,
        clock: &dyn Clock,
        random: &dyn Random,
    ) -> Result<Permit, Duration> {
        let deadline = clock.now() + signed(self.settings.wait_max);
        let place = self.place(ask, clock, random, deadline).await?;
        let draws = self.draws(ask);
        let admitted = self.wait_for(ask.tenant, &draws, clock, deadline).await;
        if admitted.is_err() {
            self.give_back(ask, &draws);
        }
        admitted.map(|()| Permit { place })
    }

    /// Gives back what a request took of the uploads that were paid for.
    fn give_back(&self, ask: &Ask<'_>, draws: &[Draw]) {
        let upload = |draw: &&Draw| matches!(draw.scope, Scope::MailboxUpload(_));
        let Some(draw) = draws.iter().find(upload) else { return };
        let key = (ask.tenant.clone(), draw.scope.clone());
        let paid = kilobytes(ask).saturating_sub(draw.units);
        let mut state = self.state();
        let credit = state.credit.entry(key).or_default();
        *credit = credit.saturating_add(paid);
    }

    /// Pays for uploads to a mailbox before they are sent, all or none; `Err` says after how long to
    /// come back. What follows draws on what was paid.
    pub(crate) async fn pay_upload(
        &self,
        tenant: &TenantId,
        mailbox: &str,
        bytes: u64,
        clock: &dyn Clock,
    ) -> Result<(), Duration> {
        let scope = Scope::MailboxUpload(mailbox.into());
        let units = u32::try_from(bytes.div_ceil(1_000)).unwrap_or(u32::MAX);
        let deadline = clock.now() + signed(self.settings.wait_max);
        let draw =
            Draw { scope: scope.clone(), rate: self.settings.mailbox_upload_kilobytes, units };
        self.wait_for(tenant, &[draw], clock, deadline).await?;
        let mut state = self.state();
        let credit = state.credit.entry((tenant.clone(), scope)).or_default();
        *credit = credit.saturating_add(units);
        Ok(())
    }

    async fn wait_for(
        &self,
        tenant: &TenantId,
        draws: &[Draw],
        clock: &dyn Clock,
        deadline: Timestamp,
    ) -> Result<(), Duration> {
        loop {
            let now = clock.now();
            let wait = match &self.shared {
                Some(shared) => self.draw_shared(shared, tenant, draws, now).await,
                None => self.draw(tenant, draws, now),
            };
            let Some(wait) = wait else { return Ok(()) };
            if now + signed(wait) > deadline {
                return Err(wait);
            }
            clock.sleep(wait).await;
        }
    }

    /// A service refused a request: nothing goes through its lane until `until`, and less after it.
    pub(crate) fn refused(&self, ask: &Ask<'_>, until: Timestamp, now: Timestamp) {
        let draws = self.draws(ask);
        let mut state = self.state();
        if let Some(gate) = state.gates.get(&(ask.tenant.clone(), ask.lane.scope())) {
            gate.refused(now);
        }
        // The lane as a whole stops; the budget that a write is most likely short of is cut.
        let cut = draws.len().saturating_sub(1);
        for (place, draw) in draws.into_iter().enumerate() {
            let key = (ask.tenant.clone(), draw.scope);
            let news = if place == cut {
                News::Refused { until, at: now }
            } else {
                News::Fenced { until }
            };
            news.apply(state.budgets.entry(key.clone()).or_default(), draw.rate);
            state.leases.remove(&key);
            if self.shared.is_some() {
                state.news.push((key, draw.rate, news));
            }
        }
    }

    /// A service told how much is left of a budget.
    pub(crate) fn told(&self, ask: &Ask<'_>, headroom: Headroom, now: Timestamp) {
        let Some(draw) = self.draws(ask).into_iter().next() else { return };
        let key = (ask.tenant.clone(), draw.scope);
        let news = News::Told { headroom, at: now };
        let mut state = self.state();
        news.apply(state.budgets.entry(key.clone()).or_default(), draw.rate);
        if self.shared.is_some() {
            state.leases.remove(&key);
            state.news.push((key, draw.rate, news));
        }
    }

    /// Tells the other workers what services said.
    pub(crate) async fn share_news(&self) {
        let Some(shared) = &self.shared else { return };
        let news = std::mem::take(&mut self.state().news);
        let mut by_key: BTreeMap<Key, (Rate, Vec<News>)> = BTreeMap::new();
        for (key, rate, one) in news {
            by_key.entry(key).or_insert((rate, Vec::new())).1.push(one);
        }
        for (key, (rate, all)) in by_key {
            let edit = |mut budget: Budget| {
                for one in &all {
                    one.apply(&mut budget, rate);
                }
                Edit::Write(budget)
            };
            if let Some(budget) = shared.update(&name(&key), edit).await {
                self.state().budgets.insert(key, budget);
            }
        }
    }

    /// One of the places for simultaneous requests, where the lane has such.
    async fn place(
        &self,
        ask: &Ask<'_>,
        clock: &dyn Clock,
        random: &dyn Random,
        deadline: Timestamp,
    ) -> Result<Option<Place>, Duration> {
        let Some(most) = self.settings.concurrency(ask.lane) else { return Ok(None) };
        let gate = {
            let key = (ask.tenant.clone(), ask.lane.scope());
            Arc::clone(self.state().gates.entry(key).or_insert_with(|| Gate::new(most)))
        };
        if let Some(place) = gate.try_enter(ask.weight) {
            return Ok(Some(place));
        }
        let left = Duration::try_from(deadline.duration_since(clock.now())).unwrap_or_default();
        let enter = Box::pin(gate.enter(ask.weight));
        match select(enter, clock.sleep(left)).await {
            Either::Left((Some(place), _sleep)) => Ok(Some(place)),
            // All places are taken: come back after half to once as long, not all at once.
            Either::Left((None, _)) | Either::Right(_) => {
                let half = self.settings.wait_max / 2;
                let most = u64::try_from(half.as_millis()).unwrap_or(u64::MAX).max(1);
                Err(half + Duration::from_millis(random.below(most)))
            }
        }
    }

    /// Draws on every budget of the request, or on none and says how long to wait.
    fn draw(&self, tenant: &TenantId, draws: &[Draw], now: Timestamp) -> Option<Duration> {
        let mut state = self.state();
        let mut wait = Duration::ZERO;
        for Draw { scope, rate, units } in draws {
            let budget = state.budgets.entry((tenant.clone(), scope.clone())).or_default();
            self.settings.listen(budget, scope, *rate, now);
            wait = wait.max(budget.wait(*rate, *units, now));
        }
        if !wait.is_zero() {
            return Some(wait);
        }
        for Draw { scope, rate, units } in draws {
            if let Some(budget) = state.budgets.get_mut(&(tenant.clone(), scope.clone())) {
                budget.draw(*rate, *units, now);
            }
        }
        state.forget_idle(now);
        None
    }

    /// The same where others draw too: units are leased from the store.
    async fn draw_shared(
        &self,
        shared: &SharedBudgets,
        tenant: &TenantId,
        draws: &[Draw],
        now: Timestamp,
    ) -> Option<Duration> {
        let mut drawn: Vec<(Key, u32)> = Vec::new();
        for draw in draws {
            let key = (tenant.clone(), draw.scope.clone());
            let leased = self.state().lease(&key, draw, now);
            let wait = match leased {
                Leased::Drawn => None,
                Leased::Fenced(wait) => Some(wait),
                Leased::Short => self.lease(shared, &key, draw, now).await,
            };
            if let Some(wait) = wait {
                // What the request cannot use is there for the next one.
                let mut state = self.state();
                for (key, units) in drawn {
                    if let Some(lease) = state.leases.get_mut(&key) {
                        lease.put_back(units);
                    }
                }
                return Some(wait);
            }
            drawn.push((key, draw.units));
        }
        self.state().forget_idle(now);
        None
    }

    /// Leases units of one budget and spends what is needed; else says how long to wait.
    async fn lease(
        &self,
        shared: &SharedBudgets,
        key: &Key,
        draw: &Draw,
        now: Timestamp,
    ) -> Option<Duration> {
        let Draw { rate, units, .. } = draw.clone();
        let held = self.state().leases.get(key).map_or(0, |lease| lease.left(now));
        let mut leased = Ok(0);
        let edit = |mut budget: Budget| {
            self.settings.listen(&mut budget, &draw.scope, rate, now);
            let many = if held >= units { 0 } else { lease_of(rate, units) };
            let fits = |count: u32| budget.wait(rate, count, now).is_zero();
            let Some(count) = [many, units.min(many)].into_iter().find(|count| fits(*count)) else {
                leased = Err(budget.wait(rate, units.min(many), now));
                return Edit::Leave(budget);
            };
            leased = Ok(count);
            if count == 0 {
                return Edit::Leave(budget);
            }
            budget.draw(rate, count, now);
            Edit::Write(budget)
        };
        let Some(budget) = shared.update(&name(key), edit).await else {
            // Without the store each goes by what it knows itself.
            return self.draw(&key.0, std::slice::from_ref(draw), now);
        };
        let mut state = self.state();
        state.budgets.insert(key.clone(), budget);
        match leased {
            Ok(count) => {
                let lease = state.leases.entry(key.clone()).or_insert_with(|| Lease::none(now));
                lease.renewed(count, now);
                // Another request of this worker may have spent what was held meanwhile.
                (!lease.spend(units, now)).then_some(AGAIN)
            }
            Err(wait) => Some(wait),
        }
    }

    fn draws(&self, ask: &Ask<'_>) -> Vec<Draw> {
        let mut state = self.state();
        let licences = state.licences.get(ask.tenant).copied();
        let known = state.budgets.get(&(ask.tenant.clone(), Scope::Drive));
        let known = known.and_then(Budget::known);
        let mut draws = self.settings.draws(ask.lane, ask.write, ask.weight, licences, known);
        if let Lane::Mailbox { mailbox } = ask.lane
            && ask.write
        {
            let scope = Scope::MailboxUpload(mailbox.clone());
            let kilobytes = kilobytes(ask);
            let credit = state.credit.entry((ask.tenant.clone(), scope.clone())).or_default();
            let paid = kilobytes.min(*credit);
            *credit = credit.saturating_sub(paid);
            let units = kilobytes.saturating_sub(paid);
            draws.push(Draw { scope, rate: self.settings.mailbox_upload_kilobytes, units });
        }
        draws
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the lock is held; were it so, the numbers are still usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn kilobytes(ask: &Ask<'_>) -> u32 {
    u32::try_from(ask.upload_bytes.div_ceil(1_000)).unwrap_or(u32::MAX)
}

/// What a lease gave.
enum Leased {
    Drawn,
    Fenced(Duration),
    Short,
}

impl State {
    /// Draws on a lease, if it is good for that.
    fn lease(&mut self, key: &Key, draw: &Draw, now: Timestamp) -> Leased {
        let fence =
            self.budgets.get(key).map_or(Duration::ZERO, |known| known.wait(draw.rate, 0, now));
        if !fence.is_zero() {
            return Leased::Fenced(fence);
        }
        let lease = self.leases.get_mut(key).filter(|lease| lease.is_fresh(now));
        if lease.is_some_and(|lease| lease.spend(draw.units, now)) {
            Leased::Drawn
        } else {
            Leased::Short
        }
    }

    fn forget_idle(&mut self, now: Timestamp) {
        if self.budgets.len() > REMEMBERED_MAX {
            self.budgets.retain(|_, budget| !budget.is_idle(now));
            self.gates.retain(|_, gate| !gate.is_idle());
            self.leases.retain(|_, lease| lease.left(now) > 0 || lease.is_fresh(now));
            self.credit.retain(|_, left| *left > 0);
        }
    }
}

/// The sort key of a budget's record.
fn name((tenant, scope): &Key) -> String {
    format!("{tenant}/{scope}")
}

/// A duration for timestamp arithmetic; the longest one when it does not fit.
pub(crate) fn signed(duration: Duration) -> SignedDuration {
    // A year is far beyond any wait of ours, and keeps timestamps in range.
    let bounded = duration.min(Duration::from_hours(24 * 365));
    SignedDuration::try_from(bounded).unwrap_or(SignedDuration::ZERO)
}
