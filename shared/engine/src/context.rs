//! What a step sees: its user, the project, the options, both tenants, and what earlier steps
//! have learned.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use catalogue::{Side, Step};
use jiff::Timestamp;
use model::{
    Branch, Cost, Job, JournalEvent, Keys, Lease, Memory, Profile, Project, TargetIdentity, User,
    UserKey, WriteRecord,
};
use ports::CommitError;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    Host, Receipt, StepError, TenantPair, journal,
    outcome::is_kept,
    plan::Overlay,
    records::{Batch, EngineError, Loaded, load_job},
    run::put_job,
    side::TenantSide,
};

/// How much longer a lease lasts than an invocation may take.
const LEASE_SLACK: Duration = Duration::from_secs(30);
/// How much longer it lasts than an invocation whose end is known: as far as two clocks may differ.
const CLOCK_SLACK: Duration = Duration::from_secs(5);

/// What a step sees.
pub struct StepContext<'a> {
    pub(crate) host: &'a Host,
    pub(crate) key: UserKey,
    pub(crate) step: Step,
    pub(crate) project: Project,
    user: Loaded<User>,
    state: Mutex<Changing>,
    tenants: OnceLock<TenantPair>,
    holder: String,
    overlay: Option<&'a Overlay>,
}

/// What changes while the step runs.
struct Changing {
    job: Loaded<Job>,
    memory: Loaded<Memory>,
    target: Option<TargetIdentity>,
}

impl<'a> StepContext<'a> {
    /// A context that writes.
    pub(crate) fn live(
        host: &'a Host,
        key: UserKey,
        step: Step,
        user: Loaded<User>,
        project: Project,
        memory: Loaded<Memory>,
        job: Loaded<Job>,
    ) -> Self {
        let holder = format!("{}/{:016x}", host.identity.incarnation, host.random.next_u64());
        let state = Mutex::new(Changing { job, memory, target: None });
        let tenants = OnceLock::new();
        Self { host, key, step, project, user, state, tenants, holder, overlay: None }
    }

    /// A context that reads for real and keeps its writes to itself (GEN-7).
    pub(crate) fn planning(mut self, overlay: &'a Overlay) -> Self {
        self.overlay = Some(overlay);
        self
    }

    /// The user.
    pub fn user(&self) -> &User {
        &self.user.value
    }

    /// Whose.
    pub fn key(&self) -> &UserKey {
        &self.key
    }

    /// The project.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// The step in hand.
    pub fn step(&self) -> Step {
        self.step
    }

    /// The options, as they were when the job started.
    pub fn profile(&self) -> Profile {
        self.locked().job.value.profile.clone()
    }

    /// The job, as it stands.
    pub fn job(&self) -> Job {
        self.locked().job.value.clone()
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.host.clock.now()
    }

    /// The host, for what a step may use beyond the tenants: scripts, the copier's store.
    pub fn host(&self) -> &Host {
        self.host
    }

    /// Whether writes are only recorded (GEN-7).
    pub fn is_plan(&self) -> bool {
        self.overlay.is_some()
    }

    /// The tenant that people leave.
    pub fn source(&self) -> TenantSide<'_> {
        TenantSide::new(self, Side::Source)
    }

    /// The tenant that people join.
    pub fn target(&self) -> TenantSide<'_> {
        TenantSide::new(self, Side::Target)
    }

    /// The latest receipt of a step, of this job or an earlier one. Of a step whose receipts are not kept,
    /// this does not compile.
    pub fn receipt<R: Receipt>(&self) -> Result<Option<R>, StepError> {
        const { assert!(is_kept(R::STEP), "this step's receipts are not kept") };
        let receipt = self.locked().memory.value.receipts.get(&R::STEP).cloned();
        receipt.map(|value| read(R::STEP.id(), value)).transpose()
    }

    /// What was remembered under a name.
    pub fn remembered<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StepError> {
        let value = self.locked().memory.value.remembered.get(name).cloned();
        value.map(|value| read(name, value)).transpose()
    }

    /// Remembers a value, durably, before an effect destroys it; what was remembered under this name before
    /// is replaced.
    pub async fn remember<T: Serialize>(&self, name: &str, value: &T) -> Result<(), StepError> {
        let value = serde_json::to_value(value)
            .map_err(|error| StepError::retry("remember", error.to_string()))?;
        let (mut memory, before) = {
            let state = self.locked();
            let before = state.memory.value.remembered.get(name).cloned();
            (state.memory.clone(), before)
        };
        if before.is_some_and(|before| before == value) {
            return Ok(());
        }
        memory.value.remembered.insert(name.to_owned(), value.clone());
        if self.is_plan() {
            self.locked().memory = memory;
            return Ok(());
        }
        let mut batch = Batch::new();
        batch.put(Keys::memory(&self.key), &memory.value, memory.version).map_err(internal)?;
        let event = JournalEvent::Remembered { name: name.to_owned(), value };
        self.hold_with(batch, Some(event), None).await?;
        memory.version += 1;
        self.locked().memory = memory;
        Ok(())
    }

    /// How long this invocation may still go on; `None` when nothing ends it.
    pub fn time_left(&self) -> Option<Duration> {
        let left = self.host.identity.until?.duration_since(self.now());
        Some(Duration::try_from(left).unwrap_or_default())
    }

    /// Takes the lease: from now on no other copy of this step runs. For steps whose effects are
    /// not single writes (content).
    pub async fn hold(&self) -> Result<(), StepError> {
        if self.is_plan() {
            return Ok(());
        }
        self.hold_with(Batch::new(), None, None).await
    }

    /// Whether a job's lease is this run's.
    pub(crate) fn holds(&self, job: &Job) -> bool {
        job.lease.as_ref().is_some_and(|lease| lease.holder == self.holder)
    }

    /// Takes the lease and commits the before-images of what is about to be written. A rerun keeps
    /// those of the first run: after a crash behind the write, they are the true ones.
    pub(crate) async fn intend(
        &self,
        intent: &str,
        writes: Vec<WriteRecord>,
    ) -> Result<(), StepError> {
        let (known, held) = {
            let state = self.locked();
            let job = &state.job.value;
            let held = self.holds(job);
            (job.intents.iter().any(|known| known == intent), held)
        };
        if known && held {
            return Ok(());
        }
        let event = (!known).then_some(JournalEvent::Writing { writes });
        self.hold_with(Batch::new(), event, (!known).then_some(intent)).await
    }

    async fn hold_with(
        &self,
        mut batch: Batch,
        event: Option<JournalEvent>,
        intent: Option<&str>,
    ) -> Result<(), StepError> {
        let now = self.now();
        let mut job = self.job();
        if let Some(event) = event {
            journal::append(&mut job, event, now, Cost::default());
        }
        job.intents.extend(intent.map(str::to_owned));
        job.moved_at = now;
        let lasts = match self.time_left() {
            Some(left) => left + CLOCK_SLACK,
            None => self.step.spec().timeout + LEASE_SLACK,
        };
        job.lease =
            Some(Lease { holder: self.holder.clone(), until: crate::run::later(now, lasts) });
        let version = self.job_version();
        put_job(&mut batch, self, &mut job).map_err(internal)?;
        match batch.commit(&*self.host.store).await {
            Ok(()) => {
                self.locked().job = Loaded { value: job, version: version + 1 };
                Ok(())
            }
            Err(CommitError::Conflict { .. }) => {
                Err(StepError::superseded("another copy of this step, or the operator, was first"))
            }
            Err(error) => Err(StepError::retry("store", error.to_string())),
        }
    }

    /// Reserves a value for this user in the whole project; who was first has it, also on a rerun.
    /// `Some` names the user that holds it. `space` is what the value is unique in.
    pub async fn reserve(
        &self,
        space: &str,
        value: &str,
    ) -> Result<Option<model::UserId>, StepError> {
        let refused = crate::unique::reserve(self, &[(space, value)]).await?;
        Ok(refused.map(|(_, holder)| holder))
    }

    /// The user's target account is known from now on.
    pub fn set_target(&self, target: TargetIdentity) {
        self.locked().target = Some(target);
    }

    /// The target account: as set by this step, or as it was.
    pub fn target_identity(&self) -> Option<TargetIdentity> {
        self.locked().target.clone().or_else(|| self.user().target.clone())
    }

    /// A side branch of this job, as it stands.
    pub async fn branch(&self, branch: Branch) -> Result<Option<Job>, StepError> {
        let id = branch.of(&self.job().id).map_err(|error| {
            StepError::park("branch", error.to_string(), "report it: this is a fault of Crosswave")
        })?;
        let job = load_job(&*self.host.store, &self.key, branch).await.map_err(internal)?;
        Ok(job.map(|job| job.value).filter(|job| job.id == id))
    }

    /// The script versions of this job.
    pub fn script_pins(&self) -> BTreeMap<String, String> {
        self.locked().job.value.scripts.clone()
    }

    pub(crate) fn overlay(&self) -> Option<&Overlay> {
        self.overlay
    }

    pub(crate) async fn tenants(&self) -> Result<&TenantPair, StepError> {
        if let Some(pair) = self.tenants.get() {
            return Ok(pair);
        }
        let pair = self.host.tenants.of(&self.project).await?;
        Ok(self.tenants.get_or_init(|| pair))
    }

    pub(crate) fn job_version(&self) -> u64 {
        self.locked().job.version
    }

    pub(crate) fn memory(&self) -> Loaded<Memory> {
        self.locked().memory.clone()
    }

    pub(crate) fn user_with_changes(&self) -> Loaded<User> {
        let mut user = self.user.clone();
        if let Some(target) = self.target_identity() {
            user.value.target = Some(target);
            if user.value.state == model::UserState::NoMatch {
                user.value.state = model::UserState::Matched;
            }
        }
        user
    }

    fn locked(&self) -> MutexGuard<'_, Changing> {
        // A panic elsewhere leaves whole values behind: every change is one assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read<T: DeserializeOwned>(what: &str, value: Value) -> Result<T, StepError> {
    serde_json::from_value(value).map_err(|error| {
        StepError::park(
            "memory",
            format!("what was remembered of {what} cannot be read: {error}"),
            "this version of Crosswave is older than the data; use the newer one",
        )
    })
}

/// A failure of the store inside a step: the step is tried again.
#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
pub(crate) fn internal(error: EngineError) -> StepError {
    StepError::retry("store", error.to_string())
}
