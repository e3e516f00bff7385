//! The specification's state table, over real users.

use catalogue::ProjectType;
use engine::ApplyError;
use model::{Action, JournalEvent, User, UserState};

use super::{
    stage::{heal, refuse_cmdlet},
    support::{discovered, plain, store_user},
};

/// The specification's table: which action from which state, in which type of project, and the state
/// right after it was accepted. `None`: it is refused.
fn allowed(action: Action, from: UserState, project: ProjectType) -> Option<UserState> {
    use UserState::{
        Complete, CutoverError, Finalizing, Matched, NoMatch, PrepareError, Prepared, Preparing,
        Stopped, Stopping, SyncError, Synced, Syncing, WaitingForUser,
    };
    let premium = project == ProjectType::Premium;
    match (action, from) {
        (Action::Match, NoMatch)
        | (Action::SendCutoverEmail, Complete)
        | (Action::Verify, Synced | SyncError | Stopped | CutoverError | Complete) => Some(from),
        (Action::Prepare, NoMatch | Matched | PrepareError | Prepared) => {
            premium.then_some(Preparing)
        }
        (Action::Sync, Prepared) => premium.then_some(Syncing),
        (Action::Sync, Matched) => (!premium).then_some(Syncing),
        (Action::Sync, Synced | SyncError | Stopped) => Some(Syncing),
        (Action::Stop, Syncing | Finalizing | WaitingForUser) => Some(Stopping),
        (Action::Cutover, Synced | Stopped | CutoverError) => Some(Finalizing),
        (Action::Reset, state) if !state.is_busy() => Some(NoMatch),
        (Action::SendGuestInvite, Prepared) => premium.then_some(from),
        _ => None,
    }
}

/// GEN-3, PRE-1, PRE-2, SYN-3, CUT-1, CUT-4: each action from each state in each type of project, as
/// the table says; a refusal says why and writes nothing.
#[tokio::test]
async fn every_cell_of_the_state_table_holds() {
    for project in [ProjectType::Basic, ProjectType::Advanced, ProjectType::Premium] {
        let (world, people) = discovered(plain(1).project_type(project)).await;
        for (number, (state, action)) in cells().enumerate() {
            let user =
                User { id: format!("{number:04}").parse().unwrap(), state, ..people[0].clone() };
            store_user(&world, &user).await;
            let before = world.store.records();
            let answer = world.apply(&user, action).await;
            match (allowed(action, state, project), answer) {
                (Some(expected), Ok(now)) => {
                    assert_eq!(now, expected, "{action} from {state} in {project:?}");
                    assert_eq!(world.user(&user).await.state, expected);
                }
                (None, Err(ApplyError::Refused { refusal, user: named })) => {
                    assert_eq!(named, user.source.user_principal_name);
                    assert!(refusal.to_string().starts_with(action.name()), "{refusal}");
                    assert_eq!(world.store.records(), before, "{action} from {state} wrote");
                }
                (expected, answer) => {
                    panic!("{action} from {state} in {project:?}: {expected:?}, got {answer:?}")
                }
            }
        }
    }
}

fn cells() -> impl Iterator<Item = (UserState, Action)> {
    UserState::ALL
        .into_iter()
        .flat_map(|state| Action::ALL.into_iter().map(move |action| (state, action)))
}

/// GEN-3: a refusal names the states that allow the action.
#[tokio::test]
async fn a_refusal_says_which_states_allow_the_action() {
    let (world, people) = discovered(plain(1)).await;
    let refused = world.apply(&people[0], Action::Cutover).await.unwrap_err();
    let who = &people[0].source.user_principal_name;
    assert_eq!(
        refused.to_string(),
        format!(
            "{who}: cutover is not allowed while the user is no_match; it is allowed from synced, \
             stopped, cutover_error, or with --force"
        )
    );
}

/// States: a person goes through them all the way to `complete`, with an error, a stop and a reset
/// on the way; each is reached by what the table says.
#[tokio::test]
async fn a_person_goes_through_the_states_of_the_table() {
    let (world, people) = discovered(plain(1)).await;
    let anna = &people[0];
    let state = async || world.user(anna).await.state;

    // no_match, prepare_error, prepared
    assert_eq!(state().await, UserState::NoMatch);
    refuse_cmdlet(&world, "New-MailContact");
    assert_eq!(world.apply(anna, Action::Prepare).await.unwrap(), UserState::Preparing);
    world.settle().await;
    assert_eq!(state().await, UserState::PrepareError);
    heal(&world);
    world.perform(std::slice::from_ref(anna), Action::Prepare).await;
    assert_eq!(state().await, UserState::Prepared);

    // syncing, stopping, stopped; sync_error, synced
    assert_eq!(world.apply(anna, Action::Sync).await.unwrap(), UserState::Syncing);
    assert_eq!(world.apply(anna, Action::Stop).await.unwrap(), UserState::Stopping);
    world.settle().await;
    assert_eq!(state().await, UserState::Stopped);
    refuse_cmdlet(&world, "Set-Mailbox");
    world.perform(std::slice::from_ref(anna), Action::Sync).await;
    assert_eq!(state().await, UserState::SyncError);
    heal(&world);
    world.perform(std::slice::from_ref(anna), Action::Sync).await;
    assert_eq!(state().await, UserState::Synced);

    // finalizing, cutover_error, complete
    refuse_cmdlet(&world, "Set-Mailbox");
    assert_eq!(world.apply(anna, Action::Cutover).await.unwrap(), UserState::Finalizing);
    world.settle().await;
    assert_eq!(state().await, UserState::CutoverError);
    heal(&world);
    world.perform(std::slice::from_ref(anna), Action::Cutover).await;
    assert_eq!(state().await, UserState::Complete);
    assert_eq!(world.apply(anna, Action::Reset).await.unwrap(), UserState::NoMatch);

    // The journal has a beginning and an end of every job.
    let journal = world.journal(anna).await;
    let ends: Vec<UserState> = journal
        .iter()
        .filter(|entry| entry.step.is_none())
        .filter_map(|entry| match entry.event {
            JournalEvent::Ended { to } => Some(to),
            _ => None,
        })
        .collect();
    assert_eq!(
        ends,
        [
            UserState::PrepareError,
            UserState::Prepared,
            UserState::Stopped,
            UserState::SyncError,
            UserState::Synced,
            UserState::CutoverError,
            UserState::Complete,
        ],
        "{journal:#?}"
    );
}
