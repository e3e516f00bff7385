//! Which steps an action performs, in which order.

use crate::{Phase, Step, spec::CATALOGUE};

/// The version of the plans. A job stores the steps that it started with, so a user in flight
/// finishes under the catalogue that it began with.
pub const CATALOGUE_VERSION: u32 = 1;

/// The steps of a phase in the order in which they run.
///
/// A cloud-only target makes the mailbox by the licence, so SYN-I4 runs before SYN-I3 there
/// (SYN-I6); the other phases run in the order of the specification.
pub fn plan_of(phase: Phase) -> Vec<Step> {
    let mut steps: Vec<Step> =
        CATALOGUE.iter().filter(|row| row.phase == phase).map(|row| row.step).collect();
    if phase == Phase::InitialSync {
        let rank = |step: &Step| match step {
            Step::AssignLicenses => (Step::SetForwarding, 0),
            Step::SetForwarding => (Step::SetForwarding, 1),
            other => (*other, 0),
        };
        steps.sort_by_key(rank);
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SYN-I6: in a cloud-only target the licence comes before the forwarding.
    #[test]
    fn initial_sync_licenses_before_it_forwards() {
        let plan = plan_of(Phase::InitialSync);
        assert_eq!(
            plan,
            [
                Step::UpdateUser,
                Step::EnableRemoteMailbox,
                Step::AssignLicenses,
                Step::SetForwarding,
                Step::CopyContent
            ]
        );
    }

    /// The specification: 4 steps of prepare, 5 of the initial sync, 10 + 9 of the cutover.
    #[test]
    fn every_phase_has_the_steps_of_the_specification() {
        let counts = [Phase::Prepare, Phase::InitialSync, Phase::DeltaSync, Phase::Cutover]
            .map(|phase| plan_of(phase).len());
        assert_eq!(counts, [4, 5, 1, 19]);
    }

    /// T4 (forwarding away from the target) is before S4 (forwarding to the target): CUT-6.
    #[test]
    fn the_target_stops_forwarding_before_the_source_starts() {
        let plan = plan_of(Phase::Cutover);
        let place = |step| plan.iter().position(|s| *s == step);
        assert!(place(Step::RemoveForwarding) < place(Step::SetStoreAndForward));
        assert!(place(Step::ClearContactLegacyDn) < place(Step::StampContactX500));
    }
}
