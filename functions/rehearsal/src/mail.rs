//! People who write mail while the others move.

use jiff::{SignedDuration, Timestamp};
use simulator::Simulator;

use crate::{Stage, proof::Person};

/// Somebody outside both tenants.
const SENDER: &str = "partner@elsewhere.example";

/// While the work goes on somebody gets a message this often, by the machine's clock.
const PAUSE: SignedDuration = SignedDuration::from_millis(500);

/// A message that was sent, and to whom.
pub(crate) struct Sent {
    /// The simulator's id.
    pub(crate) id: String,
    /// The place of the person in the list.
    pub(crate) person: usize,
    /// The subject.
    pub(crate) subject: String,
    /// When, in words.
    pub(crate) when: String,
}

/// Writes to people, and remembers what.
pub(crate) struct Postman {
    simulator: Simulator,
    old: Vec<String>,
    new: Vec<Option<String>>,
    state: u64,
    pause: SignedDuration,
    next: Timestamp,
    /// Everything that was sent.
    pub(crate) sent: Vec<Sent>,
}

impl Postman {
    /// A postman who knows everybody's old address.
    pub(crate) fn new(stage: &Stage, people: &[Person], seed: u64) -> Self {
        Self {
            simulator: stage.simulator().clone(),
            old: people.iter().map(|person| person.source_address.clone()).collect(),
            new: vec![None; people.len()],
            state: seed,
            pause: PAUSE
                .checked_mul(i32::try_from(stage.speed().get()).unwrap_or(i32::MAX))
                .unwrap_or(PAUSE),
            next: stage.simulator().now(),
            sent: Vec::new(),
        }
    }

    /// One message to everybody.
    pub(crate) fn write_to_everybody(&mut self, when: &str) {
        for person in 0..self.old.len() {
            self.write(person, when);
        }
    }

    /// One message to one person, unless the last one was just now.
    pub(crate) fn write_now_and_then(&mut self) {
        let now = self.simulator.now();
        if now < self.next {
            return;
        }
        self.next = now.checked_add(self.pause).unwrap_or(Timestamp::MAX);
        // A plain linear congruential step (Knuth's MMIX): who gets the mail need only vary.
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let count = u64::try_from(self.old.len()).unwrap_or(u64::MAX);
        let person = (self.state >> 33).checked_rem(count).unwrap_or(0);
        if let Ok(person) = usize::try_from(person) {
            self.write(person, "while the work goes on");
        }
    }

    /// From now on mail goes to the new address, where there is one.
    pub(crate) fn know_new_addresses(&mut self, people: &[Person]) {
        self.new = people.iter().map(|person| person.target_address.clone()).collect();
    }

    fn write(&mut self, person: usize, when: &str) {
        let Some(old) = self.old.get(person) else { return };
        let new = self.new.get(person).and_then(Option::as_ref);
        let subject = format!("Message {}, {when}", self.sent.len() + 1);
        let id = self.simulator.send_mail(SENDER, new.unwrap_or(old), &subject);
        self.sent.push(Sent { id, person, subject, when: when.to_owned() });
    }
}
