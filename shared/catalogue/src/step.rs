//! The names of the steps.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::spec::{CATALOGUE, StepSpec};

/// The smallest unit that is run, retried, journaled and deployed on its own.
///
/// The order is the order of the specification; [`CATALOGUE`] is in the same order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// PRE-S1
    CreateOrUpdateUser,
    /// PRE-S2
    MailEnableUser,
    /// PRE-S3
    HideUser,
    /// PRE-S4
    CreateContact,
    /// SYN-I1
    UpdateUser,
    /// SYN-I2
    EnableRemoteMailbox,
    /// SYN-I3
    SetForwarding,
    /// SYN-I4
    AssignLicenses,
    /// SYN-I5
    CopyContent,
    /// SYN-D1
    CopyChanges,
    /// CUT-T1
    BeginFirstDelta,
    /// CUT-T2
    UpdateTargetUser,
    /// CUT-T3
    UnhideTargetMailbox,
    /// CUT-T4
    RemoveForwarding,
    /// CUT-T5
    HideContact,
    /// CUT-T6
    ClearContactLegacyDn,
    /// CUT-T7
    StampContactX500,
    /// CUT-T8
    StampSourceX500,
    /// CUT-T9
    CompleteFirstDelta,
    /// CUT-T10
    AwaitOutlookCutover,
    /// CUT-S1
    BeginSecondDelta,
    /// CUT-S2
    UpdateSourceUser,
    /// CUT-S3
    HideSourceMailbox,
    /// CUT-S4
    SetStoreAndForward,
    /// CUT-S5
    CreateSourceContact,
    /// CUT-S6
    CompleteSecondDelta,
    /// CUT-S7
    NotifyUser,
    /// CUT-S8
    RemoveAppAccess,
    /// CUT-S9
    Complete,
    /// The `verify` action (SYN-4)
    VerifyContent,
    /// The `send-guest-invite` action (PRE-6)
    SendGuestInvite,
}

impl Step {
    /// All steps, in the order of the specification.
    pub fn all() -> impl Iterator<Item = Self> {
        CATALOGUE.iter().map(|row| row.step)
    }

    /// The step's row of the catalogue.
    pub fn spec(self) -> &'static StepSpec {
        #[expect(clippy::indexing_slicing, reason = "a compile-time check keeps one row a variant")]
        &CATALOGUE[self as usize]
    }

    /// The wire name, Handler and docs anchor, for instance `cutover.hide_contact`.
    pub fn id(self) -> &'static str {
        self.spec().id
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// A text that names no step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownStep(pub String);

impl fmt::Display for UnknownStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no step of the catalogue", self.0)
    }
}

impl std::error::Error for UnknownStep {}

impl FromStr for Step {
    type Err = UnknownStep;

    fn from_str(text: &str) -> Result<Self, UnknownStep> {
        CATALOGUE
            .iter()
            .find(|row| row.id == text)
            .map(|row| row.step)
            .ok_or_else(|| UnknownStep(text.to_owned()))
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}
