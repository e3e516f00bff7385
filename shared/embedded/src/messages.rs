//! The queue's operations on the tables.

use std::time::Duration;

use jiff::Timestamp;
use ports::{Delivery, Outgoing, QueueName, Receipt};
use redb::{ReadTransaction, ReadableTable};

use crate::{
    tables::{DUE, State, StateValue, Tables},
    writer::{Effect, Work},
};

/// Most messages that one receive looks at; more than a batch only when dead letters are among them.
const MAX_LOOKED_AT: usize = 1_000;

/// The nanosecond after `delay`; far beyond every limit of the port it stays at the last one.
pub(crate) fn due_after(now: Timestamp, delay: Duration) -> i128 {
    let delay = i128::try_from(delay.as_nanos()).unwrap_or(i128::MAX);
    now.as_nanosecond().saturating_add(delay)
}

/// Puts messages into their queues.
pub(crate) struct Send {
    pub(crate) messages: Vec<Outgoing>,
    pub(crate) now: Timestamp,
}

impl Work for Send {
    type Answer = ();

    fn bytes(&self) -> usize {
        self.messages.iter().map(|message| message.body.len() + message.group.len()).sum()
    }

    fn apply(&self, tables: &mut Tables<'_>) -> Result<((), Effect), redb::Error> {
        for message in &self.messages {
            let due = due_after(self.now, message.delay);
            insert(tables, message.queue.as_str(), &message.body, &message.group, due)?;
        }
        Ok(((), Effect::Durable))
    }
}

/// Takes messages that are due; moves those that were received too often to the dead letters.
pub(crate) struct Receive {
    pub(crate) queue: QueueName,
    pub(crate) max: usize,
    pub(crate) visibility: Duration,
    pub(crate) max_receives: u32,
    pub(crate) now: Timestamp,
}

impl Work for Receive {
    type Answer = Vec<Delivery>;

    fn bytes(&self) -> usize {
        0
    }

    fn apply(&self, tables: &mut Tables<'_>) -> Result<(Self::Answer, Effect), redb::Error> {
        let mut dead = Vec::new();
        let mut taken = Vec::new();
        for (number, state) in self.due(tables)? {
            if state.receive_count >= self.max_receives && !self.queue.is_dead_letter() {
                dead.push(number);
            } else if taken.len() < self.max {
                taken.push((number, state));
            }
        }
        let effect =
            if dead.is_empty() && taken.is_empty() { Effect::Nothing } else { Effect::Relaxed };
        for number in dead {
            let to = self.queue.dead_letter();
            relocate(tables, self.queue.as_str(), number, to.as_str(), self.now.as_nanosecond())?;
        }
        let deliveries = taken.into_iter().map(|(number, state)| self.take(tables, number, state));
        Ok((deliveries.collect::<Result<_, _>>()?, effect))
    }
}

impl Receive {
    /// The first messages that are due, in the order of their due times: enough for one call.
    fn due(&self, tables: &Tables<'_>) -> Result<Vec<(u64, State)>, redb::Error> {
        let queue = self.queue.as_str();
        let until = (queue, self.now.as_nanosecond(), u64::MAX);
        let mut found = Vec::new();
        let mut alive = 0;
        for entry in tables.due.range((queue, i128::MIN, 0)..=until)? {
            let (key, _) = entry?;
            let (_, _, number) = key.value();
            let Some(state) = state(tables, queue, number)? else { continue };
            found.push((number, state));
            alive += usize::from(state.receive_count < self.max_receives);
            if alive >= self.max || found.len() >= MAX_LOOKED_AT {
                break;
            }
        }
        Ok(found)
    }

    fn take(
        &self,
        tables: &mut Tables<'_>,
        number: u64,
        state: State,
    ) -> Result<Delivery, redb::Error> {
        let receive_count = state.receive_count.saturating_add(1);
        let due = due_after(self.now, self.visibility);
        let state = State { due, receive_count, in_flight: true };
        place(tables, self.queue.as_str(), number, state)?;
        let body = tables.messages.get(number)?.map(|text| text.value().0.to_owned());
        Ok(Delivery {
            body: body.unwrap_or_default(),
            receipt: receipt(number, receive_count),
            receive_count,
        })
    }
}

/// Removes a delivered message.
pub(crate) struct Acknowledge {
    pub(crate) queue: QueueName,
    pub(crate) receipt: Receipt,
}

impl Work for Acknowledge {
    type Answer = ();

    fn bytes(&self) -> usize {
        self.receipt.0.len()
    }

    fn apply(&self, tables: &mut Tables<'_>) -> Result<((), Effect), redb::Error> {
        let queue = self.queue.as_str();
        match delivered(tables, queue, &self.receipt)? {
            Some((number, _)) => {
                remove(tables, queue, number)?;
                Ok(((), Effect::Relaxed))
            }
            None => Ok(((), Effect::Nothing)),
        }
    }
}

/// Makes a delivered message visible at another time.
pub(crate) struct Defer {
    pub(crate) queue: QueueName,
    pub(crate) receipt: Receipt,
    pub(crate) due: i128,
}

impl Work for Defer {
    type Answer = ();

    fn bytes(&self) -> usize {
        self.receipt.0.len()
    }

    fn apply(&self, tables: &mut Tables<'_>) -> Result<((), Effect), redb::Error> {
        let queue = self.queue.as_str();
        match delivered(tables, queue, &self.receipt)? {
            Some((number, state)) => {
                let state = State { due: self.due, in_flight: false, ..state };
                place(tables, queue, number, state)?;
                Ok(((), Effect::Relaxed))
            }
            None => Ok(((), Effect::Nothing)),
        }
    }
}

/// Moves up to `max` dead letters of a queue back into it, as new messages.
pub(crate) struct Redrive {
    pub(crate) queue: QueueName,
    pub(crate) max: usize,
    pub(crate) now: Timestamp,
}

impl Work for Redrive {
    type Answer = usize;

    fn bytes(&self) -> usize {
        0
    }

    fn apply(&self, tables: &mut Tables<'_>) -> Result<(usize, Effect), redb::Error> {
        let dead = self.queue.dead_letter();
        let now = self.now.as_nanosecond();
        let mut moved = 0;
        while moved < self.max {
            let Some((_, number)) = first_due(tables, dead.as_str(), i128::MAX)? else { break };
            relocate(tables, dead.as_str(), number, self.queue.as_str(), now)?;
            moved += 1;
        }
        Ok((moved, if moved > 0 { Effect::Durable } else { Effect::Nothing }))
    }
}

/// Makes everything visible whose receiver has died with its process; returns how many.
pub(crate) fn release_in_flight(tables: &mut Tables<'_>, now: i128) -> Result<u64, redb::Error> {
    let mut in_flight = Vec::new();
    for entry in tables.states.iter()? {
        let (key, state) = entry?;
        let state = State::from(state.value());
        if state.in_flight {
            let (queue, number) = key.value();
            in_flight.push((queue.to_owned(), number, state));
        }
    }
    let mut released = 0;
    for (queue, number, state) in in_flight {
        let due = state.due.min(now);
        place(tables, &queue, number, State { due, in_flight: false, ..state })?;
        released += 1;
    }
    Ok(released)
}

/// Whether a queue has a message that is due.
pub(crate) fn any_due(
    transaction: &ReadTransaction,
    queue: &str,
    now: i128,
) -> Result<bool, redb::Error> {
    let due = transaction.open_table(DUE)?;
    let mut range = due.range((queue, i128::MIN, 0)..=(queue, now, u64::MAX))?;
    Ok(range.next().transpose()?.is_some())
}

fn first_due(
    tables: &Tables<'_>,
    queue: &str,
    now: i128,
) -> Result<Option<(i128, u64)>, redb::Error> {
    let mut range = tables.due.range((queue, i128::MIN, 0)..=(queue, now, u64::MAX))?;
    let first = range.next().transpose()?;
    Ok(first.map(|(key, _)| {
        let (_, due, number) = key.value();
        (due, number)
    }))
}

fn state(tables: &Tables<'_>, queue: &str, number: u64) -> Result<Option<State>, redb::Error> {
    Ok(tables.states.get((queue, number))?.map(|state| state.value().into()))
}

/// The message of a receipt, if this was its latest delivery and it is still there.
fn delivered(
    tables: &Tables<'_>,
    queue: &str,
    receipt: &Receipt,
) -> Result<Option<(u64, State)>, redb::Error> {
    let Some((number, count)) = parse_receipt(receipt) else { return Ok(None) };
    let state = state(tables, queue, number)?;
    Ok(state.filter(|state| state.receive_count == count).map(|state| (number, state)))
}

fn insert(
    tables: &mut Tables<'_>,
    queue: &str,
    body: &str,
    group: &str,
    due: i128,
) -> Result<(), redb::Error> {
    let number = tables.next_number()?;
    tables.messages.insert(number, (body, group))?;
    place(tables, queue, number, State { due, receive_count: 0, in_flight: false })
}

/// Writes a message's state and keeps the index in step.
fn place(
    tables: &mut Tables<'_>,
    queue: &str,
    number: u64,
    state: State,
) -> Result<(), redb::Error> {
    let before = tables.states.insert((queue, number), StateValue::from(state))?;
    let before = before.map(|before| before.value().0);
    if let Some(due) = before {
        tables.due.remove((queue, due, number))?;
    }
    tables.due.insert((queue, state.due, number), ())?;
    Ok(())
}

fn remove(tables: &mut Tables<'_>, queue: &str, number: u64) -> Result<(), redb::Error> {
    let state = tables.states.remove((queue, number))?.map(|state| state.value().0);
    if let Some(due) = state {
        tables.due.remove((queue, due, number))?;
    }
    tables.messages.remove(number)?;
    Ok(())
}

fn relocate(
    tables: &mut Tables<'_>,
    from: &str,
    number: u64,
    to: &str,
    due: i128,
) -> Result<(), redb::Error> {
    let text = tables.messages.get(number)?.map(|text| {
        let (body, group) = text.value();
        (body.to_owned(), group.to_owned())
    });
    let (body, group) = text.unwrap_or_default();
    insert(tables, to, &body, &group, due)?;
    remove(tables, from, number)
}

fn receipt(number: u64, count: u32) -> Receipt {
    Receipt(format!("{number}.{count}"))
}

fn parse_receipt(receipt: &Receipt) -> Option<(u64, u32)> {
    let (number, count) = receipt.0.split_once('.')?;
    Some((number.parse().ok()?, count.parse().ok()?))
}

/// Nothing but a sync.
pub(crate) struct Flush;

impl Work for Flush {
    type Answer = ();

    fn bytes(&self) -> usize {
        0
    }

    fn apply(&self, _: &mut Tables<'_>) -> Result<((), Effect), redb::Error> {
        Ok(((), Effect::Durable))
    }
}
