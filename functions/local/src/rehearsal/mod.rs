//! A whole wave on two simulated tenants, over real HTTP, and the proof that it worked.

mod mail;
mod proof;
mod stage;

use std::{collections::BTreeSet, path::PathBuf};

use control::{Report, Selection, waves};
use model::{Action, UserId, WaveId};
use serde::Serialize;

pub(crate) use self::stage::{Stage, knobs, project_values, serve};
use self::{
    mail::Postman,
    proof::{Person, Proof},
};
use crate::{
    commands::act::{Request, start, work_beside},
    failure::Failure,
    host::{Ended, Until},
    output::Output,
    session::Session,
};

/// What is rehearsed.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    /// People in the source tenant.
    pub(crate) people: usize,
    /// The seed of the tenants.
    pub(crate) seed: u64,
    /// A folder of `.eml` files for the first person's inbox.
    pub(crate) mail_folder: Option<PathBuf>,
    /// Whether a person is told what goes on.
    pub(crate) told: bool,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub(crate) struct Rehearsed {
    /// The wave's report.
    pub(crate) report: Report,
    /// What was proven.
    pub(crate) proof: Vec<Proof>,
    /// How long the wave took from the first action to the last, in milliseconds.
    pub(crate) wave_ms: u64,
    /// How long it took from the start to the first step, in milliseconds.
    pub(crate) first_step_ms: u64,
    /// Steps that were handled.
    pub(crate) steps: u64,
}

impl Rehearsed {
    /// Whether everybody moved and everything was proven.
    pub(crate) fn all_well(&self) -> bool {
        self.report.all_well() && self.proof.iter().all(|proof| proof.holds)
    }
}

/// Rehearses; `None` when it was interrupted.
pub(crate) async fn rehearse(scene: &Scene) -> Result<Option<Rehearsed>, Failure> {
    let stage = Stage::open(scene)?;
    let session = Session::open(stage.project_file()).await?;
    let began = session.host.clock.now();
    let tell = |text: String| {
        if scene.told {
            Output::note(text);
        }
    };
    let found = control::discover(&session.host, &session.project, None, |_seen| {}).await?;
    tell(format!("discover   {} users in {}", found.seen, stage.source().initial_domain));
    let matched =
        control::match_users(&session.host, &session.project, &Selection::everybody()).await?;
    tell(format!(
        "match      {} have an account in {} already",
        matched.matched.len(),
        stage.target().initial_domain
    ));
    let wave: WaveId = "rehearsal".parse().map_err(Failure::internal)?;
    let movers = fill_wave(&session, &wave).await?;
    tell(format!("wave       {} people with a mailbox", movers.len()));
    let mut people = proof::people(&session, &stage, &movers).await?;
    let mut postman = Postman::new(&stage, &people, scene.seed);
    postman.write_to_everybody("before the move");
    let selection = Selection { wave: Some(wave), users: Vec::new() };
    let ids: BTreeSet<UserId> = movers.into_iter().collect();
    let wave_began = session.host.clock.now();
    let mut steps = 0;
    for (title, action) in [
        ("prepare", Action::Prepare),
        ("first sync", Action::Sync),
        ("delta sync", Action::Sync),
        ("cutover", Action::Cutover),
    ] {
        let request = Request { action, force: false, reset_to: None };
        let (acted, _) = start(&session, &selection, request).await?;
        for refused in &acted.refused {
            tell(format!("{title}: {refused}"));
        }
        let until = Until::Settled(ids.clone());
        let (ended, handled) =
            work_beside(&session, title, &until, || postman.write_to_somebody()).await?;
        steps += handled;
        if ended == Ended::Interrupted {
            return Ok(None);
        }
        if action == Action::Prepare {
            proof::note_contacts(&stage, &mut people);
        }
        postman.write_to_everybody(&format!("after {title}"));
        if action != Action::Cutover {
            stage.people_go_on_working(&people);
        }
    }
    proof::note_targets(&session, &stage, &mut people).await?;
    postman.know_new_addresses(&people);
    postman.write_to_everybody("to the new address");
    let report = control::report(&session.host, &session.scope(), &selection).await?;
    let proof = proof::prove(&stage, &people, &postman);
    let since = |from: jiff::Timestamp, to: jiff::Timestamp| {
        u64::try_from(to.duration_since(from).as_millis()).unwrap_or_default()
    };
    let (wave_ms, first_step_ms) = match report.span {
        Some(span) => (since(wave_began, span.to), since(began, span.from)),
        None => (0, 0),
    };
    Ok(Some(Rehearsed { report, proof, wave_ms, first_step_ms, steps }))
}

/// Puts everybody who can move into a wave: people with a mailbox, no guests.
async fn fill_wave(session: &Session, wave: &WaveId) -> Result<Vec<UserId>, Failure> {
    let (host, scope) = (&session.host, session.scope());
    waves::create(host, &session.project, wave.clone(), None, None).await?;
    let mut movers = Vec::new();
    for user in scope.users(host).await? {
        let user = user.value;
        let kind = user.source.mailbox.recipient_type.as_deref();
        let own = &session.project.default_profile.cutover.app_accounts;
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

impl Person {
    /// The source user's id, for messages.
    fn who(&self) -> &str {
        &self.source_upn
    }
}
