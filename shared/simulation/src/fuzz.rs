//! Fuzzing of everything that parses what others wrote: whatever comes in, nothing panics.
//!
//! Records, batons and replies are garbled inside a running world, so that each parser sees them
//! where it really does; files are garbled on their own. The seed decides every byte.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use conformance::reference::{SeededRandom, VirtualClock};
use ports::Random;
use simulator::{Config, Part, Population, Profile, Simulator};

use crate::{
    fault::{Faults, mix},
    run::{Settings, run},
    seed::start,
    stage::Stage,
    trace::Trace,
    world::{World, drive},
};

/// What is garbled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Garbled {
    /// Replies of Graph, Exchange and the identity platform.
    Replies,
    /// Records of the store: users, jobs, journal, checkpoints, cursors, item maps.
    Records,
    /// Messages: batons and notifications.
    Messages,
    /// CSV files of users.
    UsersFile,
    /// Mail messages that are put into a mailbox.
    MessageFile,
}

impl Garbled {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Replies, Self::Records, Self::Messages, Self::UsersFile, Self::MessageFile];
}

/// Runs one seed of a target; `Err` has the words of a panic.
pub fn fuzz(target: Garbled, seed: u64) -> Result<(), String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| match target {
        Garbled::Replies | Garbled::Records | Garbled::Messages => in_a_world(target, seed),
        Garbled::UsersFile => users_file(seed),
        Garbled::MessageFile => message_file(seed),
    }));
    outcome.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        format!("{target:?} seed {seed}: {}", text.unwrap_or("a panic without words"))
    })
}

fn in_a_world(target: Garbled, seed: u64) {
    let settings =
        Settings { garbled: Some(target), faults: Faults::calm(seed), ..Settings::of(seed) };
    drop(run(&settings));
}

const USERS: &str = "\u{feff}source,target,wave,licenses,usage_location\n\
    ada@contoso.example,ada@fabrikam.example,first,SPE_E3,DE\n\
    \"grace, h\"@contoso.example;;,,\"sec\"\"ond\",,\n";

fn users_file(seed: u64) {
    let faults = Faults::calm(seed);
    let clock = VirtualClock::at(start(seed));
    let stage = Arc::new(Stage::new(clock.clone(), faults, Trace::new(false), None));
    let Ok(world) = World::build(seed, stage) else { return };
    let random = SeededRandom::new(seed);
    let mut bytes = USERS.as_bytes().to_vec();
    for _ in 0..=random.below(6) {
        bytes = garbled(&bytes, &random);
    }
    let bytes = String::from_utf8_lossy(&bytes).replace("ada@contoso.example", &people(&world));
    let (host, project) = (&world.host, &world.project);
    // Refusals are its right.
    drop(drive(&clock, control::users_file::import(host, project, "users.csv", bytes.as_bytes())));
}

fn people(world: &World) -> String {
    world.people.first().map(|person| person.upn.clone()).unwrap_or_default()
}

const MESSAGE: &str = "From: \"A\" <a@b.example>\r\nTo: c@d.example\r\nDate: Mon, 1 Jun 2026 08:00:00 \
    +0200\r\nMessage-ID: <1@b.example>\r\nSubject: =?utf-8?B?R3LDvMOfZQ==?=\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nHello\r\n--x--\r\n";

fn message_file(seed: u64) {
    let random = SeededRandom::new(seed);
    let mut bytes = MESSAGE.as_bytes().to_vec();
    for _ in 0..=random.below(6) {
        bytes = garbled(&bytes, &random);
    }
    let clock = Arc::new(VirtualClock::at(start(seed)));
    let population = Population { content: false, ..Population::of(1, Profile::Calm) };
    let config = Config::of(Profile::Calm);
    let world = Simulator::rehearsal_with(&population, seed, clock, config);
    let tenant = world.source.tenant_id;
    for view in world.simulator.recipients(tenant) {
        let upn = &view.user_principal_name;
        if world.simulator.add_message_file(tenant, upn, Part::Primary, &bytes).is_ok() {
            drop(world.simulator.mailbox_view(tenant, upn, Part::Primary));
        }
    }
}

/// Words that parsers stumble over.
const WORDS: [&str; 14] = [
    "null",
    "[]",
    "{}",
    "-1",
    "1e999",
    "18446744073709551616",
    "\"\"",
    "\u{0}",
    "\u{202e}",
    "true",
    "[[[[[[[[[[",
    "9999-99-99T99:99:99Z",
    "\"@odata.nextLink\":\"https://evil.example/\"",
    "é",
];

/// Bytes with one thing changed.
pub(crate) fn garbled(bytes: &[u8], random: &dyn Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let length = bytes.len() as u64;
    let place = |bound: u64| usize::try_from(random.below(bound)).unwrap_or_default();
    let at = place(length.max(1));
    let to = (at + 1 + place(40)).min(bytes.len());
    match random.below(7) {
        0 => bytes.truncate(at),
        1 if at < to => drop(bytes.drain(at..to)),
        2 if at < to => {
            let part: Vec<u8> = bytes.get(at..to).unwrap_or_default().to_vec();
            bytes.splice(at..at, part);
        }
        3 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        4 => {
            let word = WORDS.get(place(WORDS.len() as u64)).copied().unwrap_or_default();
            bytes.splice(at.min(bytes.len())..at.min(bytes.len()), word.bytes());
        }
        5 => value_replaced(&mut bytes, random),
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = u8::try_from(random.below(256)).unwrap_or_default();
            }
        }
    }
    bytes
}

/// Puts a stumbling block in the place of a JSON value.
fn value_replaced(bytes: &mut Vec<u8>, random: &dyn Random) {
    let colons: Vec<usize> =
        bytes.iter().enumerate().filter(|(_, byte)| **byte == b':').map(|(at, _)| at).collect();
    let chosen = usize::try_from(random.below(colons.len() as u64)).unwrap_or_default();
    let Some(from) = colons.get(chosen).map(|at| at + 1) else { return };
    let rest = bytes.get(from..).unwrap_or_default();
    let length = rest.iter().position(|byte| matches!(byte, b',' | b'}' | b']'));
    let to = from + length.unwrap_or(rest.len());
    let word = usize::try_from(random.below(WORDS.len() as u64)).unwrap_or_default();
    let word = WORDS.get(word).copied().unwrap_or_default();
    bytes.splice(from..to, word.bytes());
}

/// Whether this one is garbled, and the random numbers for it: about one in thirty.
pub(crate) fn chance(seed: u64, number: u64) -> Option<SeededRandom> {
    let bits = mix(seed, 0xF0_22, number);
    bits.is_multiple_of(30).then(|| SeededRandom::new(bits))
}
