//! Planted bugs: mistakes that a change could make, so that the simulation proves that it can fail.
//!
//! Each is made where the engine, the steps or the copier meet a port, and has there the effect that
//! the mistake in the code would have; the product's own code stays clean.

pub(crate) mod queue;
pub(crate) mod steps;
pub(crate) mod store;
pub(crate) mod transport;

use crate::fault::FaultKind;

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bug {
    /// The next baton is sent before the commit: what is committed last becomes durable only when
    /// the invocation has sent its batons.
    SendBeforeCommit,
    /// The message is acknowledged before it is handled.
    AcknowledgedFirst,
    /// A baton of an earlier step is acknowledged and nothing is sent again.
    NoResendOnReplay,
    /// The second delta says that it is done and copies nothing: mail that came in before the source
    /// forwards stays behind.
    NoSecondDelta,
    /// The lease is shorter than the step.
    ShortLease,
    /// The copier writes no intent before an import.
    NoIntentOnImport,
    /// The copier's map is committed before the import took effect.
    MapBeforeImport,
    /// The copier's checkpoint is written whatever version is there. Behind a lease that holds nothing
    /// comes of it, so the lease is too short as well ([`Bug::beside`]).
    UnconditionalCheckpoint,
    /// The job is written whatever version is there.
    UnconditionalJob,
    /// The user is written whatever version is there.
    UnconditionalUser,
    /// The source forwards before the target has stopped to.
    ForwardingInWrongOrder,
    /// T4 says that it is done and does nothing.
    ForwardingNotRemoved,
    /// T5 says that it is done and does nothing.
    ContactNotHidden,
    /// T8 says that it is done and does nothing.
    SourceX500NotStamped,
    /// T6 clears the contact's name without remembering it first.
    NameNotRemembered,
    /// The join loses the wake-up of the branch that ends last, and nobody looks again.
    JoinLosesWakeUp,
    /// A notification is sent without noting first that it is being sent.
    NoNotificationRecord,
    /// A notification that is deferred is forgotten.
    DeferredIsForgotten,
    /// The HTTP layer sends a write again whose outcome is not known.
    BlindRetry,
    /// The before-images of writes are not journaled.
    NoBeforeImages,
    /// Usage is counted once a job instead of once a user.
    UsagePerJob,
    /// A stop is not heard by the job in flight.
    StopNotHeard,
    /// A throttled step parks its user.
    ThrottlingParks,
}

impl Bug {
    /// Faults that the mistake needs in order to do harm, with rates in millionths; a run that plants
    /// it has them beside those of its seed.
    pub(crate) fn provoked_by(self) -> &'static [(FaultKind, u32)] {
        match self {
            Self::ShortLease => {
                &[(FaultKind::ShortVisibility, 600_000), (FaultKind::Duplicate, 300_000)]
            }
            Self::NoIntentOnImport | Self::MapBeforeImport | Self::SendBeforeCommit => {
                &[(FaultKind::CrashAfterRequest, 20_000), (FaultKind::CrashBeforeSend, 30_000)]
            }
            Self::UnconditionalCheckpoint | Self::UnconditionalJob => &[
                (FaultKind::ShortVisibility, 400_000),
                (FaultKind::Duplicate, 300_000),
                (FaultKind::Stop, 200_000),
            ],
            // Only a wave is written beside a job; all else that concerns a user goes with the job.
            // The race is between its being read and the end of a job, a few boundaries of thousands.
            Self::UnconditionalUser => &[(FaultKind::WaveMeanwhile, 20_000)],
            Self::NoSecondDelta => &[(FaultKind::Letter, 600_000)],
            Self::BlindRetry => &[(FaultKind::ResetAfter, 60_000)],
            Self::NameNotRemembered | Self::NoNotificationRecord => {
                &[(FaultKind::CrashAfterRequest, 40_000), (FaultKind::ResetAfter, 20_000)]
            }
            Self::JoinLosesWakeUp => &[(FaultKind::NoSweeper, 1_000_000)],
            Self::DeferredIsForgotten => {
                &[(FaultKind::NoSweeper, 1_000_000), (FaultKind::Throttled, 60_000)]
            }
            Self::StopNotHeard => &[(FaultKind::Stop, 300_000)],
            Self::UsagePerJob => &[(FaultKind::Meddling, 200_000)],
            Self::ThrottlingParks => &[(FaultKind::ThrottledWithoutHint, 60_000)],
            _ => &[],
        }
    }

    /// The mistake that this one needs beside itself: a second line of defence shows only where the
    /// first is gone. It counts as found where that mistake alone breaks nothing.
    pub fn beside(self) -> Option<Self> {
        (self == Self::UnconditionalCheckpoint).then_some(Self::ShortLease)
    }

    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::SendBeforeCommit,
        Self::AcknowledgedFirst,
        Self::NoResendOnReplay,
        Self::NoSecondDelta,
        Self::ShortLease,
        Self::NoIntentOnImport,
        Self::MapBeforeImport,
        Self::UnconditionalCheckpoint,
        Self::UnconditionalJob,
        Self::UnconditionalUser,
        Self::ForwardingInWrongOrder,
        Self::ForwardingNotRemoved,
        Self::ContactNotHidden,
        Self::SourceX500NotStamped,
        Self::NameNotRemembered,
        Self::JoinLosesWakeUp,
        Self::NoNotificationRecord,
        Self::DeferredIsForgotten,
        Self::BlindRetry,
        Self::NoBeforeImages,
        Self::UsagePerJob,
        Self::StopNotHeard,
        Self::ThrottlingParks,
    ];
}
