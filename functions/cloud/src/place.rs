//! The rehearsal in the cloud: the same as on one machine, started by events.

use std::time::Duration;

use async_trait::async_trait;
use catalogue::Function;
use control::Scope;
use engine::{
    Host,
    records::{Loaded, load_all},
};
use jiff::{SignedDuration, tz::TimeZone};
use model::{Keys, Notification, Project, UserState};
use ports::{Clock, Random};
use rehearsal::{Place, Rehearsed, Scene, Stage, Stretch};
use serde::Serialize;
use serde_json::json;
use system::{OsRandom, SystemClock};

use crate::{Cloud, CloudError, Fault, Figures, Options, cloud::LOOK};

/// The cloud as the place of a rehearsal.
pub struct InTheCloud<'c> {
    cloud: &'c Cloud,
    told: bool,
    kills: Kills,
    figures: Figures,
    start: StartBy,
    faults: Vec<Fault>,
    spared: Vec<(String, Fault)>,
}

/// What starts the wave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum StartBy {
    /// An event on the bus.
    #[default]
    Event,
    /// A schedule of its own.
    Schedule,
}

/// So far ahead is a time that a schedule is given.
const AHEAD: SignedDuration = SignedDuration::from_secs(3);

/// How processes are killed while a rehearsal is played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kills {
    /// So many in all: a unit of copying that is killed again and again never ends.
    pub most: u64,
    /// The mean pause between two.
    pub every: Duration,
}

/// What came of a rehearsal in the cloud.
#[derive(Debug, Serialize)]
pub struct Played {
    /// The same report as on one machine.
    #[serde(flatten)]
    pub rehearsed: Rehearsed,
    /// What it cost.
    pub figures: Figures,
    /// Processes that were started.
    pub processes: u64,
    /// Processes that were killed.
    pub killed: u64,
    /// Requests that a role of the template did not allow.
    pub denied: Vec<String>,
}

/// Rehearses in a cloud of its own, killing processes.
pub async fn rehearse(
    scene: &Scene,
    options: &Options,
    kills: Kills,
) -> Result<Option<Played>, CloudError> {
    let stage = Stage::open(scene, std::sync::Arc::new(SystemClock))?;
    let cloud = Cloud::start(options, &stage).await?;
    let told = scene.told;
    let mut place = InTheCloud { told, kills, ..InTheCloud::new(&cloud) };
    let played = rehearsal::rehearse(scene, &stage, &mut place).await;
    let figures = Figures { peaks: cloud.peaks(), ..std::mem::take(&mut place.figures) };
    let Some(rehearsed) = played? else { return Ok(None) };
    let (processes, killed) = cloud.processes();
    Ok(Some(Played { rehearsed, figures, processes, killed, denied: cloud.denied() }))
}

impl<'c> InTheCloud<'c> {
    /// A place that kills nothing and tells nobody.
    pub fn new(cloud: &'c Cloud) -> Self {
        Self {
            cloud,
            told: false,
            kills: Kills::default(),
            figures: Figures::default(),
            start: StartBy::default(),
            faults: Vec::new(),
            spared: Vec::new(),
        }
    }

    /// The same, where each action is started by a schedule of the wave instead of an event.
    #[must_use]
    pub fn by_schedules(mut self) -> Self {
        self.start = StartBy::Schedule;
        self
    }

    /// The same, where these faults happen in each phase.
    #[must_use]
    pub fn with_faults(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.faults = faults.into_iter().collect();
        self
    }

    /// The faults that did not happen in their phase.
    pub fn spared(&self) -> &[(String, Fault)] {
        &self.spared
    }

    /// The same, where a person is told what goes on.
    #[must_use]
    pub(crate) fn told(mut self) -> Self {
        self.told = true;
        self
    }

    /// What the phases cost that were played.
    pub(crate) fn figures(&self) -> &Figures {
        &self.figures
    }

    /// Discovers, matches, and prepares everybody who can move.
    pub async fn prepare_everybody(&mut self) -> Result<(), CloudError> {
        rehearsal::prepare(self).await
    }
}

#[async_trait(?Send)]
impl Place for InTheCloud<'_> {
    type Failure = CloudError;

    fn host(&self) -> &Host {
        self.cloud.host()
    }

    fn project(&self) -> &Project {
        self.cloud.project()
    }

    async fn play(
        &mut self,
        stretch: &Stretch<'_>,
        beside: &mut dyn FnMut(),
    ) -> Result<Option<u64>, CloudError> {
        let scope = Scope::of(self.cloud.project());
        let before = self.cloud.delivered();
        self.faults.iter().for_each(|fault| self.cloud.inject(fault.clone()));
        match self.start {
            StartBy::Event => self.by_event(&scope, stretch).await?,
            StartBy::Schedule => self.by_schedule(&scope, stretch).await?,
        }
        let mut next_kill = self.next_kill();
        loop {
            tokio::select! {
                () = SystemClock.sleep(LOOK) => {}
                interrupted = tokio::signal::ctrl_c() => {
                    drop(interrupted);
                    return Ok(None);
                }
            }
            beside();
            if next_kill.is_some_and(|at| SystemClock.now() >= at) {
                // With none at work the kill is still due at the next look.
                if let Some(function) = self.cloud.kill_one() {
                    self.tell(format!("           killed {}", function.handler()));
                    next_kill = self.next_kill();
                }
            }
            if self.is_settled(&scope, stretch).await? {
                break;
            }
        }
        let left = self.cloud.take_faults().into_iter();
        self.spared.extend(left.map(|fault| (stretch.title.to_owned(), fault)));
        let phase = self.cloud.phase(stretch.title, stretch.people.len());
        self.tell(format!("{:<10} {} invocations", stretch.title, phase.invocations));
        self.figures.phases.push(phase);
        Ok(Some(self.cloud.delivered() - before))
    }

    fn tell(&self, text: String) {
        if self.told {
            use std::io::Write as _;
            drop(writeln!(std::io::stderr().lock(), "{text}"));
        }
    }
}

impl InTheCloud<'_> {
    async fn by_event(&self, scope: &Scope, stretch: &Stretch<'_>) -> Result<(), CloudError> {
        let event = json!({
            "detail-type": "Crosswave Start Wave",
            "time": SystemClock.now(),
            "detail": {
                "customer": scope.customer, "project": scope.project,
                "wave": stretch.wave, "action": stretch.action,
            },
        });
        // A bus delivers at least once; the wave starts once all the same.
        self.cloud.deliver(Function::StartWave, &event).await?;
        self.cloud.deliver(Function::StartWave, &event).await?;
        Ok(())
    }

    /// Gives the wave a schedule by the API, and waits until it has fired.
    async fn by_schedule(&self, scope: &Scope, stretch: &Stretch<'_>) -> Result<(), CloudError> {
        let fired = self.cloud.fired().len();
        let soon = SystemClock.now() + AHEAD;
        let first = soon.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S").to_string();
        let schedule = json!({ "first": first, "zone": "UTC", "repeat": null });
        let path = format!(
            "/v1/customers/{}/projects/{}/waves/{}/schedules/{}",
            scope.customer, scope.project, stretch.wave, stretch.action
        );
        let (status, said) = self.cloud.ask("PUT", &path, &schedule).await?;
        if status != 200 {
            return Err(CloudError::Deployment(format!("the schedule was refused: {said}")));
        }
        while self.cloud.fired().len() == fired {
            SystemClock.sleep(LOOK).await;
        }
        Ok(())
    }

    /// Somewhere between nothing and twice the mean.
    fn next_kill(&self) -> Option<jiff::Timestamp> {
        let (_, killed) = self.cloud.processes();
        if killed >= self.kills.most {
            return None;
        }
        let most =
            u64::try_from(self.kills.every.as_millis()).unwrap_or(u64::MAX).saturating_mul(2);
        let pause = i64::try_from(OsRandom.below(most)).unwrap_or(i64::MAX);
        SystemClock.now().checked_add(SignedDuration::from_millis(pause)).ok()
    }

    /// Whether nobody of the wave has a job that goes on by itself, and everybody was told.
    async fn is_settled(&self, scope: &Scope, stretch: &Stretch<'_>) -> Result<bool, CloudError> {
        let host = self.cloud.host();
        for user in scope.users(host).await? {
            let user = user.value;
            let works = user.job.is_some() && user.state != UserState::WaitingForUser;
            if works && stretch.people.contains(&user.id) {
                return Ok(false);
            }
        }
        let partition = Keys::project_partition(&scope.customer, &scope.project);
        let all: Vec<Loaded<Notification>> =
            load_all(&*host.store, &partition, Keys::NOTIFICATIONS).await?;
        let now = host.clock.now();
        let open = |due: jiff::Timestamp| due <= now;
        Ok(!all.iter().any(|notification| notification.value.due().is_some_and(open)))
    }
}
