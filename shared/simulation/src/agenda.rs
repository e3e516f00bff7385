//! What people and operators do of their own accord.

use control::{Selection, waves};
use engine::{Apply, ApplyError, apply};
use model::{Action, ResetTo, User, UserState, WaveId};
use simulator::Part;

use crate::{
    fault::FaultKind,
    world::{Person, World, drive},
};

/// What people do at a tick.
pub(crate) fn people(world: &World) {
    for person in &world.people {
        let Some(user) = world.user(person) else { continue };
        if let Some(bits) = world.stage.happens(FaultKind::Letter) {
            let new = world.new_mailbox(&user).and_then(|view| primary(&view.addresses));
            let address =
                new.filter(|_| bits.is_multiple_of(3)).unwrap_or_else(|| person.mail.clone());
            world.write_letter(person, &address);
        }
        if let Some(bits) = world.stage.happens(FaultKind::SourceMailbox) {
            work_in_source(world, person, bits);
        }
        if let Some(bits) = world.stage.happens(FaultKind::SourceDrive) {
            work_in_drive(world, person, bits);
        }
        if world.stage.happens(FaultKind::Repaired).is_some() {
            repair(world, person);
        }
        if user.synced_once && world.stage.happens(FaultKind::TargetMailbox).is_some() {
            work_in_target(world, person, &user);
        }
        if let Some(bits) = world.stage.happens(FaultKind::DeltaExpired) {
            let tenant = world.source.tenant_id;
            let part = if bits & 1 == 0 { Part::Primary } else { Part::Archive };
            // Without an archive nothing expires.
            let _mail = world.simulator.expire_mailbox_deltas(tenant, &person.upn, part);
            let _drive = world.simulator.expire_drive_deltas(tenant, &person.upn);
        }
    }
}

fn primary(addresses: &[String]) -> Option<String> {
    addresses.iter().find_map(|held| held.strip_prefix("SMTP:")).map(str::to_owned)
}

fn work_in_source(world: &World, person: &Person, bits: u64) {
    let (tenant, simulator) = (world.source.tenant_id, &world.simulator);
    let part = if person.archive && bits.is_multiple_of(4) { Part::Archive } else { Part::Primary };
    let Ok(before) = simulator.mailbox_view(tenant, &person.upn, part) else { return };
    let changes = 1 + usize::try_from(bits % 9).unwrap_or_default();
    if simulator.touch_mailbox(tenant, &person.upn, part, changes).is_err() {
        return;
    }
    let Ok(after) = simulator.mailbox_view(tenant, &person.upn, part) else { return };
    let now = world.stage.now();
    world.stage.note(&format!("{} works in the old {part:?} mailbox", person.upn));
    world.note(&person.key.user, |ledger| ledger.source_changed(&before, &after, now));
}

/// What could not be read in the old mailbox can be read again.
fn repair(world: &World, person: &Person) {
    let (tenant, simulator) = (world.source.tenant_id, &world.simulator);
    let now = world.stage.now();
    for part in [Part::Primary, Part::Archive] {
        let Ok(before) = simulator.mailbox_view(tenant, &person.upn, part) else { continue };
        world.note(&person.key.user, |ledger| ledger.repaired(&before, now));
        // The mailbox is there: it has just been looked at.
        let _repaired = simulator.repair_items(tenant, &person.upn, part);
    }
    world.stage.note(&format!("{}'s old mailbox is repaired", person.upn));
}

fn work_in_drive(world: &World, person: &Person, bits: u64) {
    let (tenant, simulator) = (world.source.tenant_id, &world.simulator);
    let Ok(before) = simulator.drive_view(tenant, &person.upn) else { return };
    let changes = 1 + usize::try_from(bits % 7).unwrap_or_default();
    if simulator.touch_drive(tenant, &person.upn, changes).is_err() {
        return;
    }
    let Ok(after) = simulator.drive_view(tenant, &person.upn) else { return };
    let now = world.stage.now();
    world.stage.note(&format!("{} works in the old drive", person.upn));
    world.note(&person.key.user, |ledger| ledger.drive_changed(&before, &after, now));
}

fn work_in_target(world: &World, person: &Person, user: &User) {
    let Some(target) = &user.target else { return };
    let (tenant, simulator) = (world.target.tenant_id, &world.simulator);
    let upn = &target.user_principal_name;
    let Ok(before) = simulator.mailbox_view(tenant, upn, Part::Primary) else { return };
    if simulator.touch_mailbox(tenant, upn, Part::Primary, 4).is_err() {
        return;
    }
    let Ok(after) = simulator.mailbox_view(tenant, upn, Part::Primary) else { return };
    world.stage.note(&format!("{upn} works in the new mailbox"));
    world.note(&person.key.user, |ledger| ledger.target_changed(&before, &after));
}

/// What operators do at a tick that nobody needs.
pub(crate) fn interference(world: &mut World) {
    if world.stage.happens(FaultKind::ScriptChanged).is_some() {
        world.scripts.publish();
    }
    if let Some(bits) = world.stage.happens(FaultKind::ProfileChanged) {
        let profile = &mut world.project.default_profile;
        profile.sync.permissions = bits & 1 == 0;
        profile.cutover.late_delta = false;
        let (host, project) = (world.host.clone(), world.project.clone());
        let clock = world.stage.clock.clone();
        // A conflict is impossible: nobody else writes the project.
        let _stored = drive(&clock, control::store_project(&host, &project));
    }
    for person in &world.people {
        let Some(user) = world.user(person) else { continue };
        if world.stage.happens(FaultKind::Stop).is_some() {
            ask(world, person, Action::Stop, None);
        }
        if let Some(bits) = world.stage.happens(FaultKind::Meddling) {
            let actions = [
                Action::Prepare,
                Action::Sync,
                Action::Cutover,
                Action::Verify,
                Action::SendCutoverEmail,
                Action::SendGuestInvite,
            ];
            let place = usize::try_from(bits % 6).unwrap_or_default();
            if let Some(action) = actions.get(place) {
                ask(world, person, *action, None);
            }
        }
        if world.stage.happens(FaultKind::Undo).is_some() {
            ask(world, person, Action::UndoCutover, None);
        }
        if let Some(bits) = world.stage.happens(FaultKind::SecondWave) {
            second_wave(world, person, bits);
        }
        if user.synced_once && world.stage.happens(FaultKind::Reset).is_some() {
            ask(world, person, Action::Reset, Some(ResetTo::Synced));
        }
    }
}

/// Somebody is put into another wave while an invocation is at work.
pub(crate) fn wave_meanwhile(world: &World) {
    for person in &world.people {
        let Some(bits) = world.stage.happens(FaultKind::WaveMeanwhile) else { continue };
        let name = if bits & 1 == 0 { "two" } else { "three" };
        let Ok(wave) = name.parse::<WaveId>() else { continue };
        let (host, scope) = (world.host.clone(), world.scope());
        let chosen = Selection { wave: None, users: vec![person.upn.clone()] };
        let assigned = drive(&world.stage.clock, async {
            // It may be there from an earlier time.
            let _created = waves::create(&host, &world.project, wave.clone(), None, None).await;
            waves::assign(&host, &scope, &chosen, Some(&wave)).await
        });
        match assigned {
            Ok(_) => world.remember_wave(&person.key.user, &wave),
            Err(error) => world.stage.violated("GEN-1", format!("into wave {wave}: {error}")),
        }
    }
}

/// The person moves into another wave, and something is applied to the whole of that.
fn second_wave(world: &World, person: &Person, bits: u64) {
    let actions = [Action::Prepare, Action::Sync, Action::Cutover];
    let place = usize::try_from(bits % 3).unwrap_or_default();
    let (Some(action), Ok(wave)) = (actions.get(place), "two".parse::<WaveId>()) else { return };
    let (host, scope) = (world.host.clone(), world.scope());
    let chosen = Selection { wave: None, users: vec![person.upn.clone()] };
    let applied = drive(&world.stage.clock, async {
        // It may be there from an earlier time.
        let _created = waves::create(&host, &world.project, wave.clone(), None, None).await;
        waves::assign(&host, &scope, &chosen, Some(&wave)).await?;
        world.remember_wave(&person.key.user, &wave);
        let run = waves::start_run(&host, &scope, &wave, *action, false).await?;
        waves::expand(&host, &scope, &run).await
    });
    match applied {
        Ok(expanded) => {
            let text = format!("{} in wave two: {action} -> {expanded:?}", person.upn);
            world.stage.note(&text);
        }
        Err(error) => world.stage.violated("GEN-1", format!("{action} for wave two: {error}")),
    }
}

/// What the operator wants in the end: everybody cut over.
pub(crate) fn operator(world: &World) {
    for request in wanted(world) {
        if let Some(person) = world.people.iter().find(|person| person.key == request.user) {
            ask(world, person, request.action, request.reset_to);
        }
    }
}

/// At the end the operator has everything verified.
pub(crate) fn verify(world: &World) {
    for person in &world.people {
        ask(world, person, Action::Verify, None);
    }
}

/// The operator's commands of this moment.
pub(crate) fn wanted(world: &World) -> Vec<Apply> {
    let mut wanted: Vec<Apply> = Vec::new();
    for person in &world.people {
        let Some(user) = world.user(person) else { continue };
        if user.job.is_some() || user.state == UserState::Complete {
            continue;
        }
        let action = match user.state {
            UserState::NoMatch | UserState::Matched | UserState::PrepareError => Action::Prepare,
            UserState::Prepared | UserState::SyncError => Action::Sync,
            UserState::Synced
                if user.synced_once && world.stage.happens(FaultKind::SyncAgain).is_some() =>
            {
                Action::Sync
            }
            // Stopped before the first sync was over: a cutover needs one.
            UserState::Stopped | UserState::Synced if !user.synced_once => Action::Sync,
            // A cutover before the first sync does not get far; its advice says what to do.
            UserState::CutoverError if !user.synced_once => Action::Reset,
            _ => Action::Cutover,
        };
        let reset_to = (action == Action::Reset).then_some(ResetTo::Synced);
        wanted.push(Apply { user: person.key.clone(), action, force: false, reset_to });
    }
    wanted
}

fn ask(world: &World, person: &Person, action: Action, reset_to: Option<ResetTo>) {
    let request = Apply { user: person.key.clone(), action, force: false, reset_to };
    let host = world.host.clone();
    let applied = drive(&world.stage.clock, apply(&host, request));
    let answer = match &applied {
        Ok(applied) => applied.state.to_string(),
        Err(ApplyError::Refused { .. }) => "refused".to_owned(),
        Err(error) => {
            world.stage.violated("GEN-3", format!("{action} failed: {error}"));
            error.to_string()
        }
    };
    world.stage.note(&format!("operator: {action} {} -> {answer}", person.upn));
}
