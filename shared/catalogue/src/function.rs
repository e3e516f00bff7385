//! Every function of a deployment: one per step, and those that start, tend and report.

use std::time::Duration;

use crate::{CATALOGUE, Need, Phase, Step, plan_of};

/// One function of a deployment. All share one artifact; the Handler says which one it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    /// Runs one step.
    Step(Step),
    /// Starts the users of a wave: by schedule, by event, by command.
    StartWave,
    /// Takes a file of users that was put in the bucket, and starts their wave.
    StartFromFile,
    /// Fires what is due: schedules, long waits; and switches the queues' polling on and off.
    Tick,
    /// Brings back jobs that have not moved for a while.
    Sweep,
    /// Takes dead letters out of their queues and keeps them, with their reasons, where a person
    /// sees them.
    CollectDeadLetters,
    /// Sends notifications.
    Notify,
    /// Closes an hour of usage.
    RollUpUsage,
    /// Publishes changes of users and waves as events.
    PublishChanges,
    /// Answers the API.
    Api,
}

impl Function {
    /// Those that are no step.
    pub const CONTROL: [Self; 9] = [
        Self::StartWave,
        Self::StartFromFile,
        Self::Tick,
        Self::Sweep,
        Self::CollectDeadLetters,
        Self::Notify,
        Self::RollUpUsage,
        Self::PublishChanges,
        Self::Api,
    ];

    /// Every function, the steps first.
    pub fn all() -> impl Iterator<Item = Self> {
        CATALOGUE.iter().map(|row| Self::Step(row.step)).chain(Self::CONTROL)
    }

    /// The Handler setting: for a step its id, for instance `cutover.hide_contact`.
    pub fn handler(self) -> &'static str {
        match self {
            Self::Step(step) => step.spec().id,
            Self::StartWave => "control.start_wave",
            Self::StartFromFile => "control.start_from_file",
            Self::Tick => "control.tick",
            Self::Sweep => "control.sweep",
            Self::CollectDeadLetters => "control.collect_dead_letters",
            Self::Notify => "control.notify",
            Self::RollUpUsage => "control.roll_up_usage",
            Self::PublishChanges => "control.publish_changes",
            Self::Api => "control.api",
        }
    }

    /// The function with this Handler.
    pub fn of_handler(handler: &str) -> Option<Self> {
        Self::all().find(|function| function.handler() == handler)
    }

    /// The queue that it works off, for those that have one.
    pub fn queue(self) -> Option<String> {
        match self {
            Self::Step(step) => Some(step.spec().queue()),
            Self::Notify => Some(NOTIFICATIONS.to_owned()),
            Self::StartWave
            | Self::StartFromFile
            | Self::Tick
            | Self::Sweep
            | Self::CollectDeadLetters
            | Self::RollUpUsage
            | Self::PublishChanges
            | Self::Api => None,
        }
    }

    /// Whether events call it, and nobody waits for its answer: what it cannot handle is tried again,
    /// and then kept as a dead letter.
    pub fn is_called_by_events(self) -> bool {
        matches!(self, Self::StartWave | Self::StartFromFile)
    }

    /// Whether it follows the table's stream: what it cannot handle holds up what comes behind it, so
    /// the stream gives that up after a while, and where it lay is kept as a dead letter.
    pub fn follows_the_stream(self) -> bool {
        self == Self::PublishChanges
    }

    /// Under which name its dead letters are kept: its queue's, or where events or the stream call it,
    /// its own.
    pub fn dead_letters(self) -> Option<String> {
        let own = || self.handler().replace(['.', '_'], "-");
        let called = self.is_called_by_events() || self.follows_the_stream();
        self.queue().or_else(|| called.then(own))
    }

    /// How long one invocation may take.
    pub fn timeout(self) -> Duration {
        match self {
            Self::Step(step) => step.spec().timeout,
            Self::StartWave
            | Self::StartFromFile
            | Self::Sweep
            | Self::CollectDeadLetters
            | Self::RollUpUsage => Duration::from_mins(5),
            Self::Tick | Self::Notify | Self::PublishChanges => Duration::from_mins(1),
            // The HTTP API gives up after 30 s.
            Self::Api => Duration::from_secs(29),
        }
    }

    /// Whether it speaks to the customers' tenants, and so needs their credentials.
    pub fn asks_tenants(self) -> bool {
        match self {
            Self::Step(step) => step.spec().needs.iter().any(|need| *need != Need::Script),
            // The file may say who is whom in the target.
            Self::Notify | Self::StartFromFile => true,
            Self::StartWave
            | Self::Tick
            | Self::Sweep
            | Self::CollectDeadLetters
            | Self::RollUpUsage
            | Self::PublishChanges
            | Self::Api => false,
        }
    }
}

/// The queue of notifications.
pub const NOTIFICATIONS: &str = "control-notifications";

/// The steps whose batons a step may send: its own (there is more to do, a pause), the next one of
/// its phase, and across a cutover's side branch, where branch and job wake each other.
pub fn successors(step: Step) -> Vec<Step> {
    let mut after = vec![step];
    // Steps on demand are jobs of one step.
    for phase in [Phase::Prepare, Phase::InitialSync, Phase::DeltaSync, Phase::Cutover] {
        let plan = plan_of(phase);
        after.extend(
            plan.windows(2)
                .filter_map(|pair| (pair.first() == Some(&step)).then(|| pair.last())?),
        );
    }
    if step.spec().phase == Phase::Cutover {
        after.extend(plan_of(Phase::DeltaSync));
    }
    if step.spec().phase == Phase::DeltaSync {
        after.extend(plan_of(Phase::Cutover));
    }
    after.sort_unstable();
    after.dedup();
    after
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_handler_names_one_function() {
        for function in Function::all() {
            assert_eq!(Function::of_handler(function.handler()), Some(function));
        }
        assert_eq!(Function::all().count(), CATALOGUE.len() + Function::CONTROL.len());
        assert_eq!(Function::of_handler("prepare.no_such_step"), None);
    }

    #[test]
    fn a_step_reaches_itself_its_successor_and_nothing_else() {
        assert_eq!(successors(Step::HideUser), [Step::HideUser, Step::CreateContact]);
        assert_eq!(successors(Step::CreateContact), [Step::CreateContact]);
        assert_eq!(successors(Step::VerifyContent), [Step::VerifyContent]);
        let unhide = successors(Step::UnhideTargetMailbox);
        let expected = [Step::CopyChanges, Step::UnhideTargetMailbox, Step::RemoveForwarding];
        assert_eq!(unhide, expected, "a cutover step and the delta beside it wake each other");
    }
}
