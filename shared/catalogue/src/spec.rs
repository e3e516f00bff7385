//! The rows of the catalogue.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Step;

/// A project's type: what Crosswave does for its users, and what must exist already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProjectType {
    /// Content only; user, licence and mailbox exist in the target (PRE-1).
    Basic,
    /// As basic, with the advanced options of sync.
    Advanced,
    /// Premium Integration: Crosswave prepares the users and routes their mail.
    Premium,
}

/// The phase that a step belongs to; also its crate under `functions/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Prepare.
    Prepare,
    /// The first sync.
    InitialSync,
    /// Every later sync.
    DeltaSync,
    /// Cutover.
    Cutover,
    /// Steps that are actions of their own.
    OnDemand,
}

/// The tenant that a step acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The tenant that people leave.
    Source,
    /// The tenant that people join.
    Target,
    /// Reads one and writes the other.
    Both,
}

/// What a step may use. A step gets nothing else, so its cloud role is known to be minimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// Writes users, licences or group memberships through Graph.
    DirectoryWrite,
    /// Reads recipients through Exchange.
    ExchangeRead,
    /// Writes recipients through Exchange.
    ExchangeWrite,
    /// Runs a customer's script.
    Script,
    /// Copies or compares mailbox and drive content.
    Content,
    /// Sends mail.
    Mail,
}

/// What is counted when a step is done, once per user and effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Meter {
    /// A user prepared.
    Prepared,
    /// A user's first sync.
    Synced,
    /// A user cut over.
    CutOver,
}

/// Everything that is known about a step before it runs.
#[derive(Clone, Copy, Debug)]
pub struct StepSpec {
    /// The step.
    pub step: Step,
    /// Its id in the specification.
    pub spec: &'static str,
    /// Wire name, Lambda Handler, docs anchor: `phase.name`.
    pub id: &'static str,
    /// What a person reads.
    pub title: &'static str,
    /// Its phase.
    pub phase: Phase,
    /// The tenant that it acts on.
    pub side: Side,
    /// Whether basic and advanced projects record it as "not in this project type".
    pub premium_only: bool,
    /// What it may use.
    pub needs: &'static [Need],
    /// How long it may wait in all (replication, a join, a gate) before the user is parked.
    pub wait_limit: Duration,
    /// How long one invocation may take; the lease outlasts it.
    pub timeout: Duration,
    /// What its completion counts as.
    pub meter: Option<Meter>,
}

impl StepSpec {
    /// The name without the phase, for instance `hide_contact`.
    pub fn name(&self) -> &'static str {
        self.id.split_once('.').map_or(self.id, |(_, name)| name)
    }

    /// The name of the step's queue, for instance `cutover-hide-contact`.
    pub fn queue(&self) -> String {
        self.id.replace(['.', '_'], "-")
    }

    /// Whether a project of this type performs the step.
    pub fn applies_to(&self, project_type: ProjectType) -> bool {
        !self.premium_only || project_type == ProjectType::Premium
    }
}

/// Every step, in the order of [`Step`].
pub const CATALOGUE: [StepSpec; 31] = [
    StepSpec {
        step: Step::CreateOrUpdateUser,
        spec: "PRE-S1",
        id: "prepare.create_or_update_user",
        title: "Create or update the target user",
        phase: Phase::Prepare,
        side: Side::Target,
        premium_only: true,
        needs: &[Need::DirectoryWrite, Need::ExchangeWrite, Need::Script],
        wait_limit: Duration::from_mins(15),
        timeout: Duration::from_mins(2),
        meter: None,
    },
    StepSpec {
        step: Step::MailEnableUser,
        spec: "PRE-S2",
        id: "prepare.mail_enable_user",
        title: "Make the target user mail-enabled",
        phase: Phase::Prepare,
        side: Side::Target,
        premium_only: true,
        needs: &[Need::ExchangeWrite],
        wait_limit: Duration::from_mins(15),
        timeout: Duration::from_mins(2),
        meter: None,
    },
    StepSpec {
        step: Step::HideUser,
        spec: "PRE-S3",
        id: "prepare.hide_user",
        title: "Hide the target user from the address list",
        phase: Phase::Prepare,
        side: Side::Target,
        premium_only: true,
        needs: &[Need::ExchangeWrite],
        wait_limit: Duration::from_mins(15),
        timeout: Duration::from_mins(2),
        meter: None,
    },
    StepSpec {
        step: Step::CreateContact,
        spec: "PRE-S4",
        id: "prepare.create_contact",
        title: "Create the mail contact that points to the source mailbox",
        phase: Phase::Prepare,
        side: Side::Target,
        premium_only: true,
        needs: &[Need::ExchangeWrite, Need::Script],
        wait_limit: Duration::from_mins(75),
        timeout: Duration::from_mins(2),
        meter: Some(Meter::Prepared),
    },
    StepSpec {
        step: Step::UpdateUser,
        spec: "SYN-I1",
        id: "sync.update_user",
        title: "Update the matched and prepared target user",
        phase: Phase::InitialSync,
        side: Side::Target,
        premium_only: true,
        needs: &[Need::DirectoryWrite, Need::ExchangeWrite, Need::Script],
        wait_limit: Duration::from_mins(15),
        timeout: Duration::from_mins(2),
        meter: None,
    },
    StepSpec {
        step: Step::EnableRemoteMailbox,
        spec: "SYN-I2",
        id: "sync.enable_remote_mailbox",
        title: "Enable the remote mailbox",
        phase: Phase::InitialSync,
        side: Side::Target,
        premium_only: true,
        needs: &[Need::ExchangeRead],
        wait_limit: Duration::from_mins(15),
        timeout: Duration::from_mins(2),
        meter: None,
    },
    StepSpec {
        step: Step::SetForwarding,
        spec: "SYN-I3",
        id: "sync.set_forwarding",
        title: "Forward the target mailbox to the source mailbox",
        phase: Phase::InitialSync,
        side: Side::Target,
        premium_only: true,
        needs: &[Need::ExchangeWrite],
        wait_limit: Duration::from_hours(24),
        timeout: Duration::from_mins(2),
        meter: None,
    },
    StepSpec {
        step: Step::AssignLicenses,
        spec: "SYN-I4",
        id: "sync.assign_licenses",
        title: "Assign licences",
        phase: Phase::InitialSync,
        side: Side::Target,
        premium_only: true,
        needs: &[Need::DirectoryWrite, Need::ExchangeWrite],
        wait_limit: Duration::from_hours(24),
        timeout: Duration::from_mins(2),
        meter: None,
    },
    StepSpec {
        step: Step::CopyContent,
        spec: "SYN-I5",
        id: "sync.copy_content",
        title: "Copy mailbox, archive, OneDrive and permissions",
        phase: Phase::InitialSync,
        side: Side::Both,
        premium_only: false,
        needs: &[Need::Content],
        wait_limit: Duration::from_hours(24),
        timeout: Duration::from_mins(5),
        meter: Some(Meter::Synced),
    },
    StepSpec {
        step: Step::CopyChanges,
        spec: "SYN-D1",
        id: "sync.copy_changes",
        title: "Copy what changed since the last sync",
        phase: Phase::DeltaSync,
        side: Side::Both,
        premium_only: false,
        needs: &[Need::Content],
        wait_limit: Duration::from_hours(24),
        timeout: Duration::from_mins(5),
        meter: None,
    },
    StepSpec {
        step: Step::BeginFirstDelta,
        spec: "CUT-T1",
        id: "cutover.begin_first_delta",
        title: "Begin the first delta sync",
        phase: Phase::Cutover,
        side: Side::Target,
        premium_only: false,
        needs: &[],
        wait_limit: Duration::from_mins(15),
        timeout: Duration::from_mins(1),
        meter: None,
    },
    StepSpec {
        step: Step::UpdateTargetUser,
        spec: "CUT-T2",
        id: "cutover.update_target_user",
        title: "Update the target user",
        phase: Phase::Cutover,
        side: Side::Target,
        premium_only: true,
        needs: &[Need::DirectoryWrite, Need::ExchangeWrite, Need::Script],
        wait_limit: Duration::from_mins(15),
        timeout: Duration::from_mins(2),
        meter: None,
    },
    StepSpec {
        step: Step::UnhideTargetMailbox,
        spec: "CUT-T3",
        id: "cutover.unhide_target_mailbox",
        title: "Show the target mailbox in the address list",
        phase: Phase::Cutover,
        side: Side::Target,
        premium_only: true,
        needs: &[Need::ExchangeWrite],
        wait_limit: Duration::from_mins(15),
        timeout: Duration::from_mins(2),
        meter: None,
    },
    StepSpec {
        step: Step::RemoveForwarding,
        spec: "CUT-T4",
        id: "cutover.remove_forwarding",
        title: "Remove the forwarding from the target mailbox",
        phase: Phase::Cutover,
        side: Side::Target,
        premium_only: true,
        needs: &[Need::ExchangeWrite],
        wait_limit: Duration::from_mins(15),
        timeout: Duration::from_mins(2),
        meter: None,
    },
    StepSpec {
        step: Step::HideContact,
        spec: "CUT-T5",
        id: "cutover.hide_contact",
        title: "Hide the target mail contact",
        phase: Phase::Cutover,
        side: Side::Target,
        premium_only: true,
        needs: &[Need::ExchangeWrite],
        wait_limit: Duration::from_mins(15),
        timeout: Duration::from_mins(2),
        meter: None,
    },
    StepSpec {
        step: Step::ClearContactLegacyDn,
        spec: "CUT-T6",
        id: "cutover.clear_contact_legacy_dn",
        title: "Remove the LegacyExchangeDN of the mail contact",
        phase: Phase::Cutover,
        side: Side::Target,
        premium_only: true,
        needs: &[Need::ExchangeWrite],
        wait_limit: Duration::from_mins(75),
        timeout: Duration::from_mins(2),
        meter: None,
    },
    StepSpec {
        step: Step::StampContactX500,
        spec: "CUT-T7",
        id: "cutover.stamp_contact_x500",
        title: "Stamp the contact's LegacyExchangeDN on the target user as X500",
        phase: Phase::Cutover,
        side: Side::Target,
        premium_only: true,
        needs: &[Need::ExchangeWrite],
        wait_limit: Duration::from_mins(75),
        timeout: Duration::from_mins(2),
        meter: None,
    },
    StepSpec {
        step: Step::StampSourceX500,
        spec: "CUT-T8",
        id: "cutover.stamp_source_x500",
        title: "Stamp the source mailbox's LegacyExchangeDN on the target user as X500",
        phase: Phase::Cutover,
        side: Side::Target,
        premium_only: true,
        needs: &[Need::ExchangeWrite],
        wait_limit: Duration::from_mins(75),
        timeout: Duration::from_mins(2),
        meter: None,
    },
    StepSpec {
        step: Step::CompleteFirstDelta,
        spec: "CUT-T9",
        id: "cutover.complete_first_delta",
        title: "Wait for the first delta sync",
        phase: Phase::Cutover,
        side: Side::Target,
        premium_only: false,
        needs: &[],
        wait_limit: Duration::from_hours(168),
        timeout: Duration::from_mins(1),
        meter: None,
    },
    StepSpec {
        step: Step::AwaitOutlookCutover,
        spec: "CUT-T10",
        id: "cutover.await_outlook_cutover",
        title: "Wait for the user's Outlook cutover",
        phase: Phase::Cutover,
        side: Side::Target,
        premium_only: true,
        needs: &[Need::Script],
        wait_limit: Duration::from_hours(720),
        timeout: Duration::from_mins(1),
        meter: None,
    },
    StepSpec {
        step: Step::BeginSecondDelta,
        spec: "CUT-S1",
        id: "cutover.begin_second_delta",
        title: "Begin the second delta sync",
        phase: Phase::Cutover,
        side: Side::Source,
        premium_only: true,
        needs: &[],
        wait_limit: Duration::from_mins(15),
        timeout: Duration::from_mins(1),
        meter: None,
    },
    StepSpec {
        step: Step::UpdateSourceUser,
        spec: "CUT-S2",
        id: "cutover.update_source_user",
        title: "Update the source user",
        phase: Phase::Cutover,
        side: Side::Source,
        premium_only: true,
        needs: &[Need::DirectoryWrite, Need::ExchangeWrite, Need::Script],
        wait_limit: Duration::from_mins(15),
        timeout: Duration::from_mins(2),
        meter: None,
    },
    StepSpec {
        step: Step::HideSourceMailbox,
        spec: "CUT-S3",
        id: "cutover.hide_source_mailbox",
        title: "Hide the source mailbox from the address list",
        phase: Phase::Cutover,
        side: Side::Source,
        premium_only: true,
        needs: &[Need::ExchangeWrite],
        wait_limit: Duration::from_mins(15),
        timeout: Duration::from_mins(2),
        meter: None,
    },
    StepSpec {
        step: Step::SetStoreAndForward,
        spec: "CUT-S4",
        id: "cutover.set_store_and_forward",
        title: "Keep a copy in the source and forward to the target",
        phase: Phase::Cutover,
        side: Side::Source,
        premium_only: true,
        needs: &[Need::ExchangeWrite],
        wait_limit: Duration::from_mins(15),
        timeout: Duration::from_mins(2),
        meter: None,
    },
    StepSpec {
        step: Step::CreateSourceContact,
        spec: "CUT-S5",
        id: "cutover.create_source_contact",
        title: "Create the contact in the source that points to the target",
        phase: Phase::Cutover,
        side: Side::Source,
        premium_only: true,
        needs: &[Need::ExchangeWrite, Need::Script],
        wait_limit: Duration::from_mins(75),
        timeout: Duration::from_mins(2),
        meter: None,
    },
    StepSpec {
        step: Step::CompleteSecondDelta,
        spec: "CUT-S6",
        id: "cutover.complete_second_delta",
        title: "Wait for the second delta sync",
        phase: Phase::Cutover,
        side: Side::Source,
        premium_only: true,
        needs: &[],
        wait_limit: Duration::from_hours(168),
        timeout: Duration::from_mins(1),
        meter: None,
    },
    StepSpec {
        step: Step::NotifyUser,
        spec: "CUT-S7",
        id: "cutover.notify_user",
        title: "Send the final notification",
        phase: Phase::Cutover,
        side: Side::Source,
        premium_only: false,
        needs: &[Need::Mail, Need::Script],
        wait_limit: Duration::from_hours(24),
        timeout: Duration::from_mins(1),
        meter: None,
    },
    StepSpec {
        step: Step::RemoveAppAccess,
        spec: "CUT-S8",
        id: "cutover.remove_app_access",
        title: "Remove the migration accounts' rights",
        phase: Phase::Cutover,
        side: Side::Source,
        premium_only: false,
        needs: &[Need::DirectoryWrite, Need::ExchangeWrite],
        wait_limit: Duration::from_mins(15),
        timeout: Duration::from_mins(2),
        meter: None,
    },
    StepSpec {
        step: Step::Complete,
        spec: "CUT-S9",
        id: "cutover.complete",
        title: "Complete",
        phase: Phase::Cutover,
        side: Side::Source,
        premium_only: false,
        needs: &[],
        wait_limit: Duration::from_mins(15),
        timeout: Duration::from_mins(1),
        meter: Some(Meter::CutOver),
    },
    StepSpec {
        step: Step::VerifyContent,
        spec: "SYN-4",
        id: "verify.verify_content",
        title: "Compare source and target content",
        phase: Phase::OnDemand,
        side: Side::Both,
        premium_only: false,
        needs: &[Need::Content],
        wait_limit: Duration::from_hours(24),
        timeout: Duration::from_mins(5),
        meter: None,
    },
    StepSpec {
        step: Step::SendGuestInvite,
        spec: "PRE-6",
        id: "guest.send_guest_invite",
        title: "Send the guest invitation",
        phase: Phase::OnDemand,
        side: Side::Target,
        premium_only: true,
        needs: &[Need::DirectoryWrite, Need::Mail],
        wait_limit: Duration::from_mins(15),
        timeout: Duration::from_mins(1),
        meter: None,
    },
];

// One row for each variant, in the same order: otherwise this does not compile.
#[expect(clippy::indexing_slicing, reason = "the loop's condition bounds the index")]
const _: () = {
    let mut index = 0;
    while index < CATALOGUE.len() {
        assert!(CATALOGUE[index].step as usize == index, "the catalogue is out of order");
        index += 1;
    }
    assert!(CATALOGUE.len() == Step::SendGuestInvite as usize + 1, "a step has no row");
};
