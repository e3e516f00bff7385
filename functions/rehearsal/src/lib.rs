//! A whole wave on two simulated tenants, over real HTTP, and the proof that it worked.
//!
//! The rehearsal knows no host: the one-machine host and the local cloud run the same one and give
//! the same report.

mod mail;
mod project;
mod proof;
mod stage;

use std::{collections::BTreeSet, fmt, num::NonZeroU32, path::PathBuf};

use async_trait::async_trait;
use control::{ControlError, Report, Scope, Selection, waves};
use engine::Host;
use model::{Action, BadId, Project, UserId, WaveId};
use serde::Serialize;

use self::mail::Postman;
pub use self::{
    project::{LICENSES, MATCH_BY, project, sender},
    proof::Proof,
    stage::{Stage, StageError, quick, serve},
};

/// What is rehearsed.
#[derive(Clone, Debug)]
pub struct Scene {
    /// People in the source tenant.
    pub people: usize,
    /// The seed of the tenants.
    pub seed: u64,
    /// A folder of `.eml` files for the first person's inbox.
    pub mail_folder: Option<PathBuf>,
    /// Whether a person is told what goes on.
    pub told: bool,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub struct Rehearsed {
    /// The wave's report.
    pub report: Report,
    /// What was proven.
    pub proof: Vec<Proof>,
    /// How many times faster than the machine's the clock ran: times in the report are by this
    /// clock, as they would be with real tenants.
    pub speed: NonZeroU32,
    /// How long the wave took from the first action to the last, in milliseconds of its own clock.
    pub wave_ms: u64,
    /// How long it took from the start to the first step, in milliseconds of the machine's clock.
    pub first_step_ms: u64,
    /// Steps that were done, or found not to apply.
    pub steps: usize,
    /// Messages that were handled: steps, and their waits and retries.
    pub messages: u64,
}

impl Rehearsed {
    /// Whether everybody moved and everything was proven.
    pub fn all_well(&self) -> bool {
        self.report.all_well() && self.proof.iter().all(|proof| proof.holds)
    }
}

impl fmt::Display for Rehearsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}", self.report)?;
        if self.speed > NonZeroU32::MIN {
            let speed = self.speed;
            writeln!(f, "Times are the tenants' own; here they passed {speed} times as fast.\n")?;
        }
        writeln!(f, "Proof, looked at in the tenants themselves")?;
        for proof in &self.proof {
            let sign = if proof.holds { "yes" } else { "NO " };
            writeln!(f, "  {sign}  {:<64} {}", proof.what, proof.found)?;
            for against in &proof.against {
                writeln!(f, "         {against}")?;
            }
        }
        Ok(())
    }
}

/// One stretch of the rehearsal: an action on the whole wave.
#[derive(Debug)]
pub struct Stretch<'a> {
    /// What a person calls it.
    pub title: &'a str,
    /// The action.
    pub action: Action,
    /// The wave.
    pub wave: &'a WaveId,
    /// Everybody in it.
    pub people: &'a BTreeSet<UserId>,
}

/// Where a rehearsal is played: a host that can be told to act, and works until people are settled.
#[async_trait(?Send)]
pub trait Place {
    /// Why it cannot go on.
    type Failure: From<ControlError> + From<BadId>;

    /// The store, the clock and the tenants that control works on.
    fn host(&self) -> &Host;

    /// The project.
    fn project(&self) -> &Project;

    /// Applies an action to the wave and works until nobody of it has a job that goes on by itself.
    /// `beside` is called now and then meanwhile. Says how many messages were handled; `None` when
    /// a person interrupted it.
    async fn play(
        &mut self,
        stretch: &Stretch<'_>,
        beside: &mut dyn FnMut(),
    ) -> Result<Option<u64>, Self::Failure>;

    /// Tells a person how far it is.
    fn tell(&self, text: String);
}

/// Rehearses; `None` when it was interrupted.
pub async fn rehearse<P: Place>(
    scene: &Scene,
    stage: &Stage,
    place: &mut P,
) -> Result<Option<Rehearsed>, P::Failure> {
    let scope = Scope::of(place.project());
    let began = place.host().clock.now();
    let found = control::discover(place.host(), place.project(), None, |_seen| {}).await?;
    place.tell(format!("discover   {} users in {}", found.seen, stage.source().initial_domain));
    let everybody = Selection::everybody();
    let matched = control::match_users(place.host(), place.project(), &everybody).await?;
    place.tell(format!(
        "match      {} have an account in {} already",
        matched.matched.len(),
        stage.target().initial_domain
    ));
    let wave: WaveId = "rehearsal".parse()?;
    let movers = fill_wave(place.host(), place.project(), &wave).await?;
    place.tell(format!("wave       {} people with a mailbox", movers.len()));
    let mut people = proof::people(place.host(), &scope, stage, &movers).await?;
    let mut postman = Postman::new(stage, &people, scene.seed);
    postman.write_to_everybody("before the move");
    let ids: BTreeSet<UserId> = movers.into_iter().collect();
    let wave_began = place.host().clock.now();
    let mut messages = 0;
    for (title, action) in [
        ("prepare", Action::Prepare),
        ("first sync", Action::Sync),
        ("delta sync", Action::Sync),
        ("cutover", Action::Cutover),
    ] {
        let stretch = Stretch { title, action, wave: &wave, people: &ids };
        let played = place.play(&stretch, &mut || postman.write_now_and_then()).await?;
        let Some(handled) = played else { return Ok(None) };
        messages += handled;
        if action == Action::Prepare {
            proof::note_contacts(stage, &mut people);
        }
        postman.write_to_everybody(&format!("after {title}"));
        if action != Action::Cutover {
            stage.people_go_on_working(&people);
        }
    }
    proof::note_targets(place.host(), &scope, stage, &mut people).await?;
    postman.know_new_addresses(&people);
    postman.write_to_everybody("to the new address");
    let selection = Selection { wave: Some(wave), users: Vec::new() };
    let report = control::report(place.host(), &scope, &selection).await?;
    let proof = proof::prove(stage, &people, &postman);
    let since = |from: jiff::Timestamp, to: jiff::Timestamp| {
        u64::try_from(to.duration_since(from).as_millis()).unwrap_or_default()
    };
    let (wave_ms, first_step_ms) = match report.span {
        Some(span) => {
            let first = since(began, span.from) / u64::from(stage.speed().get());
            (since(wave_began, span.to), first)
        }
        None => (0, 0),
    };
    let steps = report.steps.iter().map(|line| line.runs + line.not_applicable).sum();
    let speed = stage.speed();
    Ok(Some(Rehearsed { report, proof, speed, wave_ms, first_step_ms, steps, messages }))
}

/// Discovers, matches, and prepares the wave, as the rehearsal begins; called again it prepares the
/// same wave again.
pub async fn prepare<P: Place>(place: &mut P) -> Result<(), P::Failure> {
    control::discover(place.host(), place.project(), None, |_seen| {}).await?;
    let everybody = Selection::everybody();
    control::match_users(place.host(), place.project(), &everybody).await?;
    let wave: WaveId = "rehearsal".parse()?;
    let scope = Scope::of(place.project());
    let there = scope.waves(place.host()).await?;
    let people = if there.is_empty() {
        fill_wave(place.host(), place.project(), &wave).await?.into_iter().collect()
    } else {
        let users = scope.users(place.host()).await?.into_iter().map(|user| user.value);
        users.filter(|user| user.wave.as_ref() == Some(&wave)).map(|user| user.id).collect()
    };
    let stretch =
        Stretch { title: "prepare", action: Action::Prepare, wave: &wave, people: &people };
    place.play(&stretch, &mut || {}).await?;
    Ok(())
}

/// Puts everybody who can move into a wave: people with a mailbox, no guests.
async fn fill_wave(
    host: &Host,
    project: &Project,
    wave: &WaveId,
) -> Result<Vec<UserId>, ControlError> {
    let scope = Scope::of(project);
    waves::create(host, project, wave.clone(), None, None).await?;
    let mut movers = Vec::new();
    for user in scope.users(host).await? {
        let user = user.value;
        let kind = user.source.mailbox.recipient_type.as_deref();
        let own = &project.default_profile.cutover.app_accounts;
        let moves = kind == Some("UserMailbox")
            && !user.source.guest
            && !own.contains(&user.source.user_principal_name);
        if moves {
            movers.push(user.id);
        }
    }
    let users = movers.iter().map(ToString::to_string).collect();
    waves::assign(host, &scope, &Selection { wave: None, users }, Some(wave)).await?;
    Ok(movers)
}
