//! How a copy behaves: limits and switches from the profile and the host.

use std::time::Duration;

/// Upload fragments are a multiple of this many bytes (docs:api/driveitem-createuploadsession).
pub const FRAGMENT_UNIT: u64 = 327_680;

/// How much one unit may do before it commits and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitBudget {
    /// Time on the clock in which the unit ends: it begins nothing for which the time that is left is too
    /// short, going by what it has done so far.
    pub time: Duration,
    /// Requests to both tenants after which no further one is begun.
    pub requests: u32,
}

/// Whether the beta endpoint for archive mailboxes may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveCapability {
    /// Through the beta endpoint; it is a preview of Microsoft's.
    Beta,
    /// Not at all; an archive is reported as not copied.
    Off,
}

/// The settings of a copy.
#[derive(Clone, Debug)]
pub struct CopySettings {
    /// The bounds of one unit.
    pub budget: UnitBudget,
    /// How many items may fail before the job does (SYN-5).
    pub bad_item_limit: u32,
    /// Whether archives are copied.
    pub archive: ArchiveCapability,
    /// Whether a copy fails ([`crate::ContentError::NoTargetArchive`]) where the target lacks the archive
    /// that the source has. Otherwise a note says that it is not copied, and a later round copies it.
    pub archive_required: bool,
    /// Requests in flight to one mailbox, 1 to 4 (Outlook allows four).
    pub concurrency: usize,
    /// Small files of one drive that are copied at the same time, 1 to 64. SharePoint bounds resource
    /// units and names no number of requests in flight.
    pub drive_concurrency: usize,
    /// Changes asked for in one page of a delta.
    pub page_size: u32,
    /// Bytes of items exported in one call; bounds the memory of a unit.
    pub export_bytes: u64,
    /// Items from this size on go alone, and from export to import without being in memory whole.
    pub stream_bytes: u64,
    /// Larger items are bad items: no mailbox takes them.
    pub max_item_bytes: u64,
    /// Bytes of one upload fragment; rounded down to a multiple of [`FRAGMENT_UNIT`]. Two of them are
    /// in memory. Each costs two requests and three resource units.
    pub fragment_bytes: u64,
    /// How long an import whose outcome is unknown is given to show itself before the target is
    /// searched for it.
    pub settle: Duration,
    /// How long to wait before the target is asked again for a OneDrive that is not there yet. Asking
    /// often gets the address throttled.
    pub drive_pause: Duration,
    /// How often it is asked before the copy gives up.
    pub drive_waits: u32,
    /// Whether a copied Full Access right makes Outlook open the mailbox by itself. The source's own
    /// choice cannot be read.
    pub automapping: bool,
    /// Since when the source may forward new mail to the target as well as keep it, if it does. Mail that
    /// the target received that way, under the same internet message id, is not copied on top.
    pub adopt_delivered: Option<jiff::Timestamp>,
    /// Items per folder and drive whose content is compared by [`crate::CopyJob::verify_unit`].
    pub sample: usize,
}

impl Default for CopySettings {
    fn default() -> Self {
        Self {
            budget: UnitBudget { time: Duration::from_mins(1), requests: 600 },
            bad_item_limit: 50,
            archive: ArchiveCapability::Beta,
            archive_required: false,
            concurrency: 4,
            drive_concurrency: 64,
            page_size: 500,
            export_bytes: 12 * 1024 * 1024,
            stream_bytes: 6 * 1024 * 1024,
            max_item_bytes: 150 * 1024 * 1024,
            fragment_bytes: 80 * FRAGMENT_UNIT,
            settle: Duration::from_secs(30),
            drive_pause: Duration::from_mins(1),
            drive_waits: 60,
            automapping: false,
            adopt_delivered: None,
            sample: 5,
        }
    }
}

impl CopySettings {
    /// The fragment size as the service takes it: a multiple of [`FRAGMENT_UNIT`] below 60 MiB.
    pub fn fragment(&self) -> u64 {
        let largest = 60 * 1024 * 1024 / FRAGMENT_UNIT;
        (self.fragment_bytes / FRAGMENT_UNIT).clamp(1, largest.saturating_sub(1)) * FRAGMENT_UNIT
    }

    /// Requests in flight, within what Outlook allows.
    pub(crate) fn lanes(&self) -> usize {
        self.concurrency.clamp(1, 4)
    }

    /// Small files at the same time.
    pub(crate) fn drive_lanes(&self) -> usize {
        self.drive_concurrency.clamp(1, 64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_is_always_a_multiple_of_320_kib_below_60_mib() {
        for bytes in [0, 1, FRAGMENT_UNIT, FRAGMENT_UNIT + 1, 10_000_000, u64::MAX] {
            let fragment =
                CopySettings { fragment_bytes: bytes, ..CopySettings::default() }.fragment();
            assert_eq!(fragment % FRAGMENT_UNIT, 0);
            assert!((FRAGMENT_UNIT..60 * 1024 * 1024).contains(&fragment), "{fragment}");
        }
    }
}
