//! The states of a user, the actions, and who may do what when. One table.

use std::fmt;

use catalogue::ProjectType;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Where a user stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserState {
    /// Discovered; no target user is known.
    NoMatch,
    /// Paired with a target user.
    Matched,
    /// Prepare is running.
    Preparing,
    /// Prepare failed.
    PrepareError,
    /// Prepared.
    Prepared,
    /// A sync is running.
    Syncing,
    /// The last sync failed.
    SyncError,
    /// Synced.
    Synced,
    /// Cutover is running.
    Finalizing,
    /// Cutover waits at a gate.
    WaitingForUser,
    /// Cutover failed.
    CutoverError,
    /// A stop was asked for; the step in hand is ending.
    Stopping,
    /// Stopped.
    Stopped,
    /// Cut over.
    Complete,
}

impl UserState {
    /// All states, in the order of the specification.
    pub const ALL: [Self; 14] = [
        Self::NoMatch,
        Self::Matched,
        Self::Preparing,
        Self::PrepareError,
        Self::Prepared,
        Self::Syncing,
        Self::SyncError,
        Self::Synced,
        Self::Finalizing,
        Self::WaitingForUser,
        Self::CutoverError,
        Self::Stopping,
        Self::Stopped,
        Self::Complete,
    ];

    /// Whether the state says that a job is in flight.
    pub fn is_busy(self) -> bool {
        matches!(
            self,
            Self::Preparing
                | Self::Syncing
                | Self::Finalizing
                | Self::WaitingForUser
                | Self::Stopping
        )
    }

    /// Whether the state is the end of a job that failed.
    pub fn is_error(self) -> bool {
        matches!(self, Self::PrepareError | Self::SyncError | Self::CutoverError)
    }

    /// The name as it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoMatch => "no_match",
            Self::Matched => "matched",
            Self::Preparing => "preparing",
            Self::PrepareError => "prepare_error",
            Self::Prepared => "prepared",
            Self::Syncing => "syncing",
            Self::SyncError => "sync_error",
            Self::Synced => "synced",
            Self::Finalizing => "finalizing",
            Self::WaitingForUser => "waiting_for_user",
            Self::CutoverError => "cutover_error",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Complete => "complete",
        }
    }
}

impl fmt::Display for UserState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What an operator applies to users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Pair source users with target users (MAT-2).
    Match,
    /// Prepare the target (PRE).
    Prepare,
    /// Copy content; the first time with the steps SYN-I1 to SYN-I5 (SYN).
    Sync,
    /// Cut over (CUT).
    Cutover,
    /// End at the next safe point (CUT-4).
    Stop,
    /// Change the state only.
    Reset,
    /// Send S7's notification again (CUT-2).
    SendCutoverEmail,
    /// Invite a prepared guest (PRE-6).
    SendGuestInvite,
    /// Compare source and target content (SYN-4).
    Verify,
    /// Take a cutover back (CUT-8).
    UndoCutover,
}

impl Action {
    /// All actions, in the order of the specification.
    pub const ALL: [Self; 10] = [
        Self::Match,
        Self::Prepare,
        Self::Sync,
        Self::Cutover,
        Self::Stop,
        Self::Reset,
        Self::SendCutoverEmail,
        Self::SendGuestInvite,
        Self::UndoCutover,
        Self::Verify,
    ];

    /// The name as it is written on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Prepare => "prepare",
            Self::Sync => "sync",
            Self::Cutover => "cutover",
            Self::Stop => "stop",
            Self::Reset => "reset",
            Self::SendCutoverEmail => "send-cutover-email",
            Self::SendGuestInvite => "send-guest-invite",
            Self::Verify => "verify",
            Self::UndoCutover => "undo-cutover",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What `reset` sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetTo {
    /// The user counts as synced.
    Synced,
    /// The user counts as just discovered.
    NoMatch,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct StateRule {
    /// The action.
    pub action: Action,
    /// The states that allow it.
    pub from: &'static [UserState],
    /// The project types that allow it from these states.
    pub types: &'static [ProjectType],
    /// The state while its job runs; `None` for an action that leaves the state alone.
    pub during: Option<UserState>,
    /// The states in which it may end.
    pub to: &'static [UserState],
}

const ANY_TYPE: &[ProjectType] = &[ProjectType::Basic, ProjectType::Advanced, ProjectType::Premium];
const PREMIUM: &[ProjectType] = &[ProjectType::Premium];
const WITHOUT_PREPARE: &[ProjectType] = &[ProjectType::Basic, ProjectType::Advanced];

/// Who may do what when (the specification's "States").
pub const STATE_TABLE: &[StateRule] = {
    use UserState::{
        Complete, CutoverError, Finalizing, Matched, NoMatch, PrepareError, Prepared, Preparing,
        Stopped, Stopping, SyncError, Synced, Syncing, WaitingForUser,
    };
    &[
        StateRule {
            action: Action::Match,
            from: &[NoMatch],
            types: ANY_TYPE,
            during: None,
            to: &[Matched, NoMatch],
        },
        StateRule {
            action: Action::Prepare,
            from: &[NoMatch, Matched, PrepareError, Prepared],
            types: PREMIUM,
            during: Some(Preparing),
            to: &[Prepared, PrepareError],
        },
        StateRule {
            action: Action::Sync,
            from: &[Prepared],
            types: PREMIUM,
            during: Some(Syncing),
            to: &[Synced, SyncError],
        },
        StateRule {
            action: Action::Sync,
            from: &[Matched],
            types: WITHOUT_PREPARE,
            during: Some(Syncing),
            to: &[Synced, SyncError],
        },
        StateRule {
            action: Action::Sync,
            from: &[Synced, SyncError, Stopped],
            types: ANY_TYPE,
            during: Some(Syncing),
            to: &[Synced, SyncError],
        },
        StateRule {
            action: Action::Stop,
            from: &[Syncing, Finalizing, WaitingForUser],
            types: ANY_TYPE,
            during: Some(Stopping),
            to: &[Stopped],
        },
        StateRule {
            action: Action::Cutover,
            from: &[Synced, Stopped, CutoverError],
            types: ANY_TYPE,
            during: Some(Finalizing),
            to: &[Complete, CutoverError],
        },
        StateRule {
            action: Action::Reset,
            from: &[
                NoMatch,
                Matched,
                PrepareError,
                Prepared,
                SyncError,
                Synced,
                CutoverError,
                Stopped,
                Complete,
            ],
            types: ANY_TYPE,
            during: None,
            to: &[Synced, NoMatch],
        },
        StateRule {
            action: Action::SendCutoverEmail,
            from: &[Complete],
            types: ANY_TYPE,
            during: None,
            to: &[Complete],
        },
        StateRule {
            action: Action::SendGuestInvite,
            from: &[Prepared],
            types: PREMIUM,
            during: None,
            to: &[Prepared],
        },
        StateRule {
            action: Action::Verify,
            from: &[Synced, SyncError, Stopped, CutoverError, Complete],
            types: ANY_TYPE,
            during: None,
            to: &[Synced, SyncError, Stopped, CutoverError, Complete],
        },
        StateRule {
            action: Action::UndoCutover,
            from: &[Complete, CutoverError, Stopped],
            types: ANY_TYPE,
            during: Some(Finalizing),
            to: &[Synced, CutoverError],
        },
    ]
};

/// What is asked for one user, and in which situation.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// The action.
    pub action: Action,
    /// The user's state.
    pub state: UserState,
    /// The project's type.
    pub project_type: ProjectType,
    /// Whether a job of the user is in flight (GEN-4).
    pub job_in_flight: bool,
    /// Whether the operator insists; only a cutover can be forced (CUT-1).
    pub force: bool,
}

/// A request that the table allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The state while the job runs; `None` when the action leaves it alone.
    pub during: Option<UserState>,
}

/// Why an action is refused (GEN-3). Nothing was written.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// The project's type has no such action (PRE-1).
    #[error("{action} is not part of a {project_type} project; {advice}")]
    ProjectType {
        /// The action.
        action: Action,
        /// The type's name.
        project_type: &'static str,
        /// What to do instead.
        advice: &'static str,
    },
    /// The state forbids it.
    #[error(
        "{action} is not allowed while the user is {state}; it is allowed from {}{}",
        list(allowed),
        if *force_helps { ", or with --force" } else { "" }
    )]
    State {
        /// The action.
        action: Action,
        /// The user's state.
        state: UserState,
        /// The states that allow it.
        allowed: Vec<UserState>,
        /// Whether `--force` would let it through.
        force_helps: bool,
    },
    /// Another job of the user is in flight (GEN-4).
    #[error("{action} has to wait: another job of this user is running; stop it or let it end")]
    Busy {
        /// The action.
        action: Action,
    },
    /// The action is specified but not built yet.
    #[error("{action} is not available in this version; the journal already holds what it needs")]
    NotYet {
        /// The action.
        action: Action,
    },
}

fn list(states: &[UserState]) -> String {
    states.iter().map(|state| state.name()).collect::<Vec<_>>().join(", ")
}

/// Decides a request by the table: the one place where an illegal action is refused.
pub fn admit(request: Request) -> Result<Admitted, Refusal> {
    let Request { action, state, project_type, job_in_flight, force } = request;
    let rules = || STATE_TABLE.iter().filter(|rule| rule.action == action);
    if action == Action::UndoCutover {
        return Err(Refusal::NotYet { action });
    }
    if rules().all(|rule| !rule.types.contains(&project_type)) {
        return Err(Refusal::ProjectType {
            action,
            project_type: type_name(project_type),
            advice: "there the target user, licence and mailbox must exist already: \
                     use match, then sync",
        });
    }
    let in_type = || rules().filter(|rule| rule.types.contains(&project_type));
    if let Some(rule) = in_type().find(|rule| rule.from.contains(&state)) {
        if job_in_flight && action != Action::Stop {
            return Err(Refusal::Busy { action });
        }
        return Ok(Admitted { during: rule.during });
    }
    if job_in_flight && action != Action::Stop {
        return Err(Refusal::Busy { action });
    }
    let force_helps = action == Action::Cutover && !state.is_busy();
    if force && force_helps {
        return Ok(Admitted { during: Some(UserState::Finalizing) });
    }
    let allowed = in_type().flat_map(|rule| rule.from.iter().copied()).collect();
    Err(Refusal::State { action, state, allowed, force_helps })
}

fn type_name(project_type: ProjectType) -> &'static str {
    match project_type {
        ProjectType::Basic => "basic",
        ProjectType::Advanced => "advanced",
        ProjectType::Premium => "premium",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(
        action: Action,
        state: UserState,
        project_type: ProjectType,
    ) -> Result<Admitted, Refusal> {
        admit(Request { action, state, project_type, job_in_flight: state.is_busy(), force: false })
    }

    /// PRE-1
    #[test]
    fn prepare_is_refused_in_basic_and_advanced_projects() {
        for project_type in [ProjectType::Basic, ProjectType::Advanced] {
            let refusal = ask(Action::Prepare, UserState::NoMatch, project_type).unwrap_err();
            assert!(matches!(refusal, Refusal::ProjectType { .. }), "{refusal}");
        }
    }

    /// PRE-2
    #[test]
    fn prepare_is_allowed_from_exactly_four_states() {
        use UserState::*;
        let allowed: Vec<_> = UserState::ALL
            .into_iter()
            .filter(|state| ask(Action::Prepare, *state, ProjectType::Premium).is_ok())
            .collect();
        assert_eq!(allowed, [NoMatch, Matched, PrepareError, Prepared]);
    }

    /// SYN-3
    #[test]
    fn sync_starts_from_prepared_or_matched_by_project_type() {
        use UserState::*;
        assert!(ask(Action::Sync, Prepared, ProjectType::Premium).is_ok());
        assert!(ask(Action::Sync, Matched, ProjectType::Premium).is_err());
        assert!(ask(Action::Sync, Matched, ProjectType::Basic).is_ok());
        assert!(ask(Action::Sync, Prepared, ProjectType::Advanced).is_err());
        for state in [Synced, SyncError, Stopped] {
            assert!(ask(Action::Sync, state, ProjectType::Basic).is_ok());
        }
    }

    /// CUT-1
    #[test]
    fn cutover_from_other_states_needs_force() {
        use UserState::*;
        for state in UserState::ALL {
            let plain = ask(Action::Cutover, state, ProjectType::Premium);
            assert_eq!(plain.is_ok(), matches!(state, Synced | Stopped | CutoverError), "{state}");
            let forced = admit(Request {
                action: Action::Cutover,
                state,
                project_type: ProjectType::Premium,
                job_in_flight: state.is_busy(),
                force: true,
            });
            assert_eq!(forced.is_ok(), !state.is_busy(), "{state}");
        }
    }

    /// CUT-4
    #[test]
    fn stop_is_accepted_while_a_sync_or_a_cutover_runs() {
        use UserState::*;
        for state in UserState::ALL {
            let admitted = ask(Action::Stop, state, ProjectType::Premium);
            assert_eq!(
                admitted.is_ok(),
                matches!(state, Syncing | Finalizing | WaitingForUser),
                "{state}"
            );
        }
    }

    /// GEN-3: the message names the states that allow the action.
    #[test]
    fn a_refusal_says_which_states_allow_the_action() {
        let refusal = ask(Action::Cutover, UserState::NoMatch, ProjectType::Premium).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "cutover is not allowed while the user is no_match; it is allowed from synced, \
             stopped, cutover_error, or with --force"
        );
    }

    /// GEN-4
    #[test]
    fn a_second_job_is_refused_while_one_is_in_flight() {
        let refusal = admit(Request {
            action: Action::Verify,
            state: UserState::Synced,
            project_type: ProjectType::Basic,
            job_in_flight: true,
            force: false,
        });
        assert_eq!(refusal, Err(Refusal::Busy { action: Action::Verify }));
    }

    /// Reset needs a user at rest, in any resting state.
    #[test]
    fn reset_is_allowed_from_every_resting_state() {
        for state in UserState::ALL {
            let admitted = ask(Action::Reset, state, ProjectType::Basic);
            assert_eq!(admitted.is_ok(), !state.is_busy(), "{state}");
        }
    }
}
