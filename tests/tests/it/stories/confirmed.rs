//! GEN-6: what a step has written is confirmed: by the write's reply, or by reading back when the
//! reply does not come.

#![expect(clippy::indexing_slicing, reason = "a story fails where its set-up fails")]

use std::collections::BTreeMap;

use crosswave_tests::world::World;
use model::{Action, User, UserState};
use simulator::{FaultKind, FaultRule};

use super::{
    stage::{aim, rule},
    support::{discovered, plain, written},
};

const MOVE: [Action; 4] = [Action::Prepare, Action::Sync, Action::Sync, Action::Cutover];

/// Moves one person, with a fault; what was written how often, as the tenants counted it.
async fn moved(fault: Option<FaultRule>) -> (World, User, BTreeMap<String, u64>) {
    let mut setup = plain(1);
    let account = setup.clone().build().service_account;
    setup.profile.cutover.app_accounts = vec![account];
    let (world, people) = discovered(setup).await;
    if let Some(fault) = fault {
        aim(&world, fault);
    }
    for action in MOVE {
        world.perform(&people, action).await;
    }
    let mut writes = BTreeMap::new();
    for request in world.simulator.requests() {
        let write = match &request.cmdlet {
            Some(cmdlet) if cmdlet.starts_with("Get-") => continue,
            Some(cmdlet) => cmdlet.clone(),
            None if request.method == "PATCH" => "update user".to_owned(),
            None if request.path.ends_with("/assignLicense") => "assign licences".to_owned(),
            None => continue,
        };
        *writes.entry(write).or_default() += 1;
    }
    let user = world.user(&people[0]).await;
    (world, user, writes)
}

/// GEN-6: each kind of write of a whole move loses its reply once, after it took effect. The step
/// reads, finds what it wanted, and does not write again.
#[tokio::test]
async fn a_write_whose_reply_is_lost_is_confirmed_by_reading_back() {
    let (calm, user, expected) = moved(None).await;
    assert_eq!(user.state, UserState::Complete, "{:?}", user.problem);
    let mut kinds: Vec<String> = expected.keys().cloned().collect();
    assert!(kinds.len() > 10, "{kinds:?}");
    let journaled = written(&calm, &user).await;
    kinds.retain(|kind| journaled.iter().any(|write| write.operation == *kind));
    assert!(kinds.len() > 10, "every kind is a step's own: {kinds:?}");
    for kind in &kinds {
        let lost = rule(FaultKind::ResetAfter);
        let lost = FaultRule { times: Some(1), ..lost };
        let lost = match kind.as_str() {
            "update user" => FaultRule {
                method: Some("PATCH".to_owned()),
                path: Some("/users/".to_owned()),
                ..lost
            },
            "assign licences" => FaultRule { path: Some("/assignLicense".to_owned()), ..lost },
            cmdlet => FaultRule { cmdlet: Some(cmdlet.to_owned()), ..lost },
        };
        let (world, user, writes) = moved(Some(lost)).await;
        assert_eq!(user.state, UserState::Complete, "{kind}: {:?}", user.problem);
        assert_eq!(writes, expected, "{kind} was written again");
        let written = written(&world, &user).await;
        assert_eq!(written.len(), journaled.len(), "{kind}: {written:#?}");
        world.assert_wire_clean();
    }
}
