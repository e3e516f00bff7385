//! Time that passes when a test says so.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

use jiff::Timestamp;
use ports::{Clock, Sleep};

use super::lock;

/// 2026-01-05 08:00 UTC, a Monday: when a [`VirtualClock`] starts unless told otherwise.
const START: i64 = 1_767_600_000;

/// A clock that stands still until it is advanced. Clones show the same time.
#[derive(Clone, Debug)]
pub struct VirtualClock(Arc<Mutex<Time>>);

#[derive(Debug)]
struct Time {
    now: Timestamp,
    /// By deadline, then by who came first; a waker once the sleeper has been polled.
    sleepers: BTreeMap<(Timestamp, u64), Option<Waker>>,
    next: u64,
}

impl VirtualClock {
    /// A clock that stands at 2026-01-05 08:00 UTC.
    pub fn new() -> Self {
        Self::at(Timestamp::constant(START, 0))
    }

    /// A clock that stands at a given time.
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Time { now, sleepers: BTreeMap::new(), next: 0 })))
    }

    /// Lets time pass, and wakes whose sleep is over, earliest deadline first.
    pub fn advance(&self, duration: Duration) {
        let now = self.now();
        self.advance_to(after(now, duration));
    }

    /// Lets time pass up to a moment; nothing happens when it is in the past.
    pub fn advance_to(&self, moment: Timestamp) {
        let awake = {
            let mut time = lock(&self.0);
            time.now = time.now.max(moment);
            let now = time.now;
            let late = time.sleepers.split_off(&(now, u64::MAX));
            std::mem::replace(&mut time.sleepers, late)
        };
        for waker in awake.into_values().flatten() {
            waker.wake();
        }
    }

    /// When the next sleeper wants to be woken; `None` when nobody sleeps. A scheduler whose tasks
    /// all wait advances to it.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        lock(&self.0).sleepers.keys().next().map(|(deadline, _)| *deadline)
    }
}

impl Default for VirtualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        lock(&self.0).now
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let mut time = lock(&self.0);
        let key = (after(time.now, duration), time.next);
        time.next += 1;
        if key.0 > time.now {
            time.sleepers.insert(key, None);
        }
        Box::pin(Sleeper { clock: self.clone(), key })
    }
}

fn after(now: Timestamp, duration: Duration) -> Timestamp {
    now.checked_add(duration).unwrap_or(Timestamp::MAX)
}

struct Sleeper {
    clock: VirtualClock,
    key: (Timestamp, u64),
}

impl Future for Sleeper {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut time = lock(&self.clock.0);
        if time.now >= self.key.0 {
            return Poll::Ready(());
        }
        time.sleepers.insert(self.key, Some(cx.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        lock(&self.clock.0).sleepers.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn the_next_deadline_is_the_earliest_of_those_who_still_sleep() {
        let clock = VirtualClock::new();
        let start = clock.now();
        let late = clock.sleep(Duration::from_secs(20));
        let early = clock.sleep(Duration::from_secs(10));
        assert_eq!(clock.next_deadline(), Some(start + Duration::from_secs(10)));
        drop(early);
        assert_eq!(clock.next_deadline(), Some(start + Duration::from_secs(20)));
        clock.advance(Duration::from_secs(20));
        assert_eq!(clock.next_deadline(), None);
        assert_eq!(late.now_or_never(), Some(()));
    }

    #[test]
    fn sleepers_are_woken_in_the_order_of_their_deadlines() {
        use std::task::Wake;
        struct Note(Arc<Mutex<Vec<u64>>>, u64);
        impl Wake for Note {
            fn wake(self: Arc<Self>) {
                self.0.lock().unwrap().push(self.1);
            }
        }
        let clock = VirtualClock::new();
        let woken = Arc::new(Mutex::new(Vec::new()));
        let mut sleepers = Vec::new();
        for seconds in [3, 1, 2, 9] {
            let mut sleep = clock.sleep(Duration::from_secs(seconds));
            let waker = Waker::from(Arc::new(Note(Arc::clone(&woken), seconds)));
            assert!(sleep.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            sleepers.push(sleep);
        }
        clock.advance(Duration::from_secs(5));
        assert_eq!(*woken.lock().unwrap(), [1, 2, 3]);
    }
}
