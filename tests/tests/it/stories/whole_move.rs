//! Discover, prepare, sync, cutover: everybody ends complete.

use crosswave_tests::world::Setup;
use model::{Action, UserState};

/// GEN-1, PRE, SYN, CUT: a wave of a few people goes through all phases.
#[tokio::test]
async fn everybody_of_a_wave_is_moved() {
    let world = Setup::default().build();
    world.discover().await;
    let users: Vec<_> =
        world.users().await.into_iter().filter(|user| !user.source.licenses.is_empty()).collect();
    for user in &users {
        println!(
            "{} {} {:?} {:?}",
            user.id, user.source.user_principal_name, user.state, user.source.mailbox
        );
    }
    for action in [Action::Prepare, Action::Sync, Action::Sync, Action::Cutover] {
        println!("== {action}");
        world.perform(&users, action).await;
        for user in &users {
            let user = world.user(user).await;
            println!("{} {} {:?}", user.source.user_principal_name, user.state, user.problem);
        }
    }
    for user in &users {
        assert_eq!(world.user(user).await.state, UserState::Complete);
    }
    world.assert_wire_clean();
}
