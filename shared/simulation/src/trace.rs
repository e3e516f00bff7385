//! The trace of a run: a hash of every event, and the events themselves where somebody reads them.

use jiff::Timestamp;

/// Every event of a run, in order.
#[derive(Clone, Debug)]
pub struct Trace {
    hash: u64,
    events: u64,
    lines: Option<Vec<String>>,
}

impl Trace {
    /// An empty trace; one that is kept holds its text.
    pub fn new(kept: bool) -> Self {
        Self { hash: 0xCBF2_9CE4_8422_2325, events: 0, lines: kept.then(Vec::new) }
    }

    /// Notes an event.
    pub(crate) fn note(&mut self, at: Timestamp, text: &str) {
        self.events += 1;
        // FNV-1a.
        for byte in at.as_millisecond().to_be_bytes().iter().chain(text.as_bytes()) {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{at:.3} {text}"));
        }
    }

    /// A hash of everything so far.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// How many events there were.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The text, if it was kept.
    pub fn lines(&self) -> &[String] {
        self.lines.as_deref().unwrap_or_default()
    }
}
