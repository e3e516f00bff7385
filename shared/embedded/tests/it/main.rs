//! The embedded adapters through their public interface.

#![cfg(test)]

mod contracts;
mod crash;
mod door;
mod grouping;
mod opening;
mod queue;

use std::{sync::Arc, time::Duration};

use conformance::reference::VirtualClock;
use embedded::{Embedded, Options};
use ports::{Outgoing, QueueName};

/// A folder of the test's own, gone with it.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Options on a virtual clock; three deliveries, then dead.
fn options(clock: &VirtualClock) -> Options {
    Options { clock: Arc::new(clock.clone()), max_receives: 3, ..Options::default() }
}

/// A file in a folder of its own, on a clock that stands still.
struct Fixture {
    file: Embedded,
    clock: VirtualClock,
    _folder: tempfile::TempDir,
}

fn fixture() -> Fixture {
    let (folder, clock) = (folder(), VirtualClock::new());
    let file = Embedded::open_with(folder.path().join("state"), options(&clock)).unwrap();
    Fixture { file, clock, _folder: folder }
}

fn queue_name(name: &str) -> QueueName {
    QueueName::parse(name).unwrap()
}

fn message(queue: &str, body: &str, delay: Duration) -> Outgoing {
    let (queue, body) = (queue_name(queue), body.to_owned());
    Outgoing { queue, body, delay, group: "C#local".to_owned() }
}

const MINUTE: Duration = Duration::from_mins(1);
