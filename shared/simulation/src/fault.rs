//! What goes wrong, how often, and what of it is let through when a failure is shrunk.

use std::collections::{BTreeMap, BTreeSet};

/// A kind of trouble. Each opportunity for it is numbered; whether it happens there follows from the
/// seed, the kind and the number alone, so that taking one away moves no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// A message is sent twice.
    Duplicate,
    /// A message comes up to a minute late, behind later ones.
    Late,
    /// A message is lost for an hour.
    LostForAnHour,
    /// A send fails and sends nothing.
    SendFails,
    /// A send works, and its reply is lost.
    SendReplyLost,
    /// An acknowledgement or deferral is lost.
    AcknowledgeLost,
    /// The visibility time-out is shorter than the step: two copies run at once.
    ShortVisibility,
    /// A read of the store is throttled.
    ReadThrottled,
    /// A commit is throttled.
    CommitThrottled,
    /// Another writer touches a record between its being read and the commit.
    Conflict,
    /// A commit is applied, and its reply is lost.
    CommitReplyLost,
    /// A commit is not applied, and nobody says so.
    CommitLost,
    /// The process dies before a commit.
    CrashBeforeCommit,
    /// The process dies after a commit.
    CrashAfterCommit,
    /// The process dies before a send.
    CrashBeforeSend,
    /// The process dies after a send.
    CrashAfterSend,
    /// The process dies before a request has its effect.
    CrashBeforeRequest,
    /// The process dies after a request had its effect.
    CrashAfterRequest,
    /// 429 with `Retry-After`.
    Throttled,
    /// 429 without `Retry-After`.
    ThrottledWithoutHint,
    /// Exchange's plain text about too many concurrent requests.
    PlainTextThrottle,
    /// 500.
    InternalError,
    /// 503.
    Unavailable,
    /// The connection breaks before the effect.
    ResetBefore,
    /// The connection breaks after the effect.
    ResetAfter,
    /// The reply's body ends in the middle.
    Truncated,
    /// Directory changes take up to 15 minutes to show elsewhere.
    ReplicationLag,
    /// Mailboxes and drives take up to hours to come into being.
    SlowProvisioning,
    /// Delta pages repeat and are empty now and then.
    OddDeltas,
    /// Exchange's errors carry no id, or come wrapped.
    OddErrors,
    /// A hidden mail user shows up again once it becomes a mailbox.
    HiddenForgotten,
    /// Access tokens live minutes.
    ShortTokens,
    /// Import and upload sessions live a minute.
    ShortSessions,
    /// The delta tokens of a person's mailbox and drive expire.
    DeltaExpired,
    /// Somebody writes to a person.
    Letter,
    /// A person works in the old mailbox.
    SourceMailbox,
    /// A person works in the old drive.
    SourceDrive,
    /// A person works in the new mailbox.
    TargetMailbox,
    /// The operator stops a user.
    Stop,
    /// The operator syncs once more before the cutover.
    SyncAgain,
    /// The operator resets a user to synced.
    Reset,
    /// The operator asks for something whatever the state.
    Meddling,
    /// The customer publishes another mapping script.
    ScriptChanged,
    /// The operator changes the project's profile.
    ProfileChanged,
    /// Nobody sweeps: everything comes to its end by its own batons.
    NoSweeper,
    /// All work is on one machine, which dies as a whole.
    OneMachine,
    /// Waves sync on a schedule, across a daylight-saving change.
    Schedule,
    /// The operator wants a cutover undone, whatever the state.
    Undo,
    /// The operator puts a person into another wave and applies something to the whole of it.
    SecondWave,
    /// An item of each mailbox cannot be read any more.
    Unreadable,
    /// The unreadable items of a person can be read again.
    Repaired,
    /// The operator's own commands meet the faults of the store and die like everything else, where
    /// somebody sweeps.
    OperatorDies,
    /// A person is put into another wave while an invocation is at work. Only where a planted bug asks for
    /// it: it happens at every boundary.
    WaveMeanwhile,
}

impl FaultKind {
    /// Every kind, with its rate in millionths per opportunity.
    pub const ALL: [(Self, u32); 53] = [
        (Self::Duplicate, 60_000),
        (Self::Late, 120_000),
        (Self::LostForAnHour, 6_000),
        (Self::SendFails, 20_000),
        (Self::SendReplyLost, 20_000),
        (Self::AcknowledgeLost, 30_000),
        (Self::ShortVisibility, 60_000),
        (Self::ReadThrottled, 5_000),
        (Self::CommitThrottled, 15_000),
        (Self::Conflict, 15_000),
        (Self::CommitReplyLost, 15_000),
        (Self::CommitLost, 10_000),
        (Self::CrashBeforeCommit, 12_000),
        (Self::CrashAfterCommit, 12_000),
        (Self::CrashBeforeSend, 20_000),
        (Self::CrashAfterSend, 20_000),
        (Self::CrashBeforeRequest, 4_000),
        (Self::CrashAfterRequest, 6_000),
        (Self::Throttled, 15_000),
        (Self::ThrottledWithoutHint, 6_000),
        (Self::PlainTextThrottle, 10_000),
        (Self::InternalError, 5_000),
        (Self::Unavailable, 8_000),
        (Self::ResetBefore, 6_000),
        (Self::ResetAfter, 8_000),
        (Self::Truncated, 5_000),
        (Self::ReplicationLag, 1_000_000),
        (Self::SlowProvisioning, 1_000_000),
        (Self::OddDeltas, 1_000_000),
        (Self::OddErrors, 1_000_000),
        (Self::HiddenForgotten, 1_000_000),
        (Self::ShortTokens, 1_000_000),
        (Self::ShortSessions, 1_000_000),
        (Self::DeltaExpired, 40_000),
        (Self::Letter, 400_000),
        (Self::SourceMailbox, 150_000),
        (Self::SourceDrive, 150_000),
        (Self::TargetMailbox, 80_000),
        (Self::Stop, 60_000),
        (Self::SyncAgain, 250_000),
        (Self::Reset, 30_000),
        (Self::Meddling, 60_000),
        (Self::ScriptChanged, 40_000),
        (Self::ProfileChanged, 40_000),
        (Self::NoSweeper, 1_000_000),
        (Self::OneMachine, 1_000_000),
        (Self::Schedule, 1_000_000),
        (Self::Undo, 60_000),
        (Self::SecondWave, 40_000),
        (Self::OperatorDies, 1_000_000),
        (Self::Unreadable, 1_000_000),
        (Self::Repaired, 60_000),
        (Self::WaveMeanwhile, 0),
    ];

    /// The name in reports: the variant's own.
    pub fn name(self) -> String {
        format!("{self:?}")
    }
}

/// One opportunity of one kind.
pub type Occurrence = (FaultKind, u64);

/// Decides every fault of a run.
#[derive(Clone, Debug)]
pub struct Faults {
    seed: u64,
    rates: BTreeMap<FaultKind, u32>,
    counters: BTreeMap<FaultKind, u64>,
    /// If set, only these happen.
    only: Option<BTreeSet<Occurrence>>,
    /// Whether faults happen: not before the world is set up, and not after they have stopped.
    armed: bool,
    fired: Vec<Occurrence>,
}

impl Faults {
    /// The faults of a seed: about half of all kinds, each with a rate of its own.
    pub fn swarm(seed: u64) -> Self {
        let mut rates = BTreeMap::new();
        for (index, (kind, rate)) in (0_u64..).zip(FaultKind::ALL) {
            let draw = mix(seed, 0xFA_0170 + index, 0);
            // Two days of schedules cost as much as ten runs without: in one run of eight.
            let rare = kind == FaultKind::Schedule && !(draw >> 8).is_multiple_of(4);
            if draw & 1 == 0 || rare {
                continue;
            }
            // A third, the whole or three times the usual rate.
            let scaled = match (draw >> 1) % 3 {
                0 => rate / 3,
                1 => rate,
                _ => rate.saturating_mul(3),
            };
            // What is either so or not for a whole run stays certain once it is chosen.
            let certain = rate == 1_000_000;
            rates.insert(kind, if certain { rate } else { scaled.min(600_000) });
        }
        Self { seed, rates, ..Self::calm(seed) }
    }

    /// No fault at all.
    pub fn calm(seed: u64) -> Self {
        Self {
            seed,
            rates: BTreeMap::new(),
            counters: BTreeMap::new(),
            only: None,
            armed: false,
            fired: Vec::new(),
        }
    }

    /// Only these kinds.
    #[must_use]
    pub fn with_only_kinds(mut self, kinds: &[FaultKind]) -> Self {
        self.rates.retain(|kind, _| kinds.contains(kind));
        self
    }

    /// Without these kinds.
    #[must_use]
    pub fn without(mut self, kinds: &[FaultKind]) -> Self {
        self.rates.retain(|kind, _| !kinds.contains(kind));
        self
    }

    /// A kind at a rate in millionths per opportunity.
    #[must_use]
    pub fn with(mut self, kind: FaultKind, rate: u32) -> Self {
        self.rates.insert(kind, rate);
        self
    }

    /// Only these occurrences, out of those that the rates give.
    #[must_use]
    pub fn with_only(mut self, only: BTreeSet<Occurrence>) -> Self {
        self.only = Some(only);
        self
    }

    /// The seed.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// Whether a kind is switched on.
    pub fn has(&self, kind: FaultKind) -> bool {
        self.rates.contains_key(&kind)
    }

    /// The kinds that are switched on.
    pub fn kinds(&self) -> Vec<FaultKind> {
        self.rates.keys().copied().collect()
    }

    /// Whether the fault happens at its next opportunity; `Some` has random bits for its details.
    pub(crate) fn fires(&mut self, kind: FaultKind) -> Option<u64> {
        let rate = *self.rates.get(&kind)?;
        if !self.armed {
            return None;
        }
        let counter = self.counters.entry(kind).or_default();
        let number = *counter;
        *counter += 1;
        let draw = mix(self.seed, kind as u64 + 1, number + 1);
        let here = draw % 1_000_000 < u64::from(rate);
        let allowed = self.only.as_ref().is_none_or(|only| only.contains(&(kind, number)));
        if !here || !allowed {
            return None;
        }
        self.fired.push((kind, number));
        Some(mix(draw, 1, 1))
    }

    /// Faults happen from now on, or no more.
    pub(crate) fn arm(&mut self, armed: bool) {
        self.armed = armed;
    }

    /// What happened, in order.
    pub fn fired(&self) -> &[Occurrence] {
        &self.fired
    }
}

/// Well-mixed bits of three numbers (SplitMix64's finaliser).
pub(crate) fn mix(seed: u64, kind: u64, number: u64) -> u64 {
    let mut z = seed
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(kind.wrapping_mul(0xD1B5_4A32_D192_ED03))
        .wrapping_add(number.wrapping_mul(0x8CB9_2BA7_2F3D_8DD7));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
