//! The switches of the event source mappings. One takes a while to turn, and refuses every other change
//! meanwhile ("UpdateEventSourceMapping", Lambda API Reference: `ResourceInUseException`).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use catalogue::Function;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// So long a switch turns; Lambda's take some seconds.
const TURNS: SignedDuration = SignedDuration::from_millis(300);

/// A change that came while another one was under way.
pub(crate) struct InUse;

/// Which mappings are on.
pub(crate) struct Switches {
    on: watch::Sender<BTreeSet<String>>,
    turning: Mutex<BTreeMap<String, Timestamp>>,
}

impl Switches {
    /// All off.
    pub(crate) fn new() -> Self {
        Self { on: watch::Sender::new(BTreeSet::new()), turning: Mutex::default() }
    }

    /// Turns one, `now`.
    pub(crate) fn turn(&self, id: &str, on: bool, now: Timestamp) -> Result<(), InUse> {
        let mut turning = self.turning.lock().unwrap_or_else(PoisonError::into_inner);
        if turning.get(id).is_some_and(|since| now.duration_since(*since) < TURNS) {
            return Err(InUse);
        }
        turning.insert(id.to_owned(), now);
        self.on.send_if_modified(|all| if on { all.insert(id.to_owned()) } else { all.remove(id) });
        Ok(())
    }

    /// Follows the switches.
    pub(crate) fn follow(&self) -> watch::Receiver<BTreeSet<String>> {
        self.on.subscribe()
    }

    /// Whether any is on.
    pub(crate) fn any(&self) -> bool {
        !self.on.borrow().is_empty()
    }
}

/// The mapping of a function's queue, as the program is told it.
pub(crate) fn mapping_of(function: Function) -> String {
    infra::logical(function)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_that_turns_refuses_the_next_change() {
        let (switches, now) = (Switches::new(), Timestamp::UNIX_EPOCH);
        assert!(switches.turn("a", true, now).is_ok() && switches.turn("b", true, now).is_ok());
        assert!(switches.turn("a", false, now).is_err());
        assert!(switches.follow().borrow().contains("a"), "as before");
        assert!(switches.turn("a", false, now + TURNS).is_ok() && switches.any());
        assert!(switches.turn("b", false, now + TURNS).is_ok() && !switches.any());
    }
}
