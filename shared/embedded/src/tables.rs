//! The file's tables. The only place that knows how keys and values are laid out.

use redb::{ReadTransaction, ReadableTable, Table, TableDefinition, TableError, WriteTransaction};

/// The layout that this program reads and writes; kept in [`META`] under [`FORMAT_KEY`].
pub(crate) const FORMAT: u64 = 1;
/// Marks the file as Crosswave's, with the layout's number as its value.
pub(crate) const FORMAT_KEY: &str = "crosswave-format";

/// Under which [`META`] keeps the number of the next message: numbers are never used again, so
/// a receipt never names another message.
const NEXT_MESSAGE_KEY: &str = "next-message";

/// Name to number.
pub(crate) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
/// The store: partition and sort key to version and value.
pub(crate) const RECORDS: TableDefinition<'_, (&str, &str), (u64, &[u8])> =
    TableDefinition::new("records");
/// Message number to body and group; never changed while the message lives.
pub(crate) const MESSAGES: TableDefinition<'_, u64, (&str, &str)> =
    TableDefinition::new("messages");
/// Queue and message number to [`State`].
pub(crate) const STATES: TableDefinition<'_, (&str, u64), StateValue> =
    TableDefinition::new("states");
/// The index that a receive walks: queue, due time in nanoseconds since 1970, message number.
pub(crate) const DUE: TableDefinition<'_, (&str, i128, u64), ()> = TableDefinition::new("due");

/// How a [`State`] is stored: due time, receive count, in flight.
pub(crate) type StateValue = (i128, u32, bool);

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// When it is visible, in nanoseconds since 1970.
    pub(crate) due: i128,
    /// How often it was delivered.
    pub(crate) receive_count: u32,
    /// Whether `due` is the end of a delivery's visibility time-out.
    pub(crate) in_flight: bool,
}

impl From<StateValue> for State {
    fn from((due, receive_count, in_flight): StateValue) -> Self {
        Self { due, receive_count, in_flight }
    }
}

impl From<State> for StateValue {
    fn from(state: State) -> Self {
        (state.due, state.receive_count, state.in_flight)
    }
}

/// The tables of one write transaction.
pub(crate) struct Tables<'t> {
    meta: Table<'t, &'static str, u64>,
    pub(crate) records: Table<'t, (&'static str, &'static str), (u64, &'static [u8])>,
    pub(crate) messages: Table<'t, u64, (&'static str, &'static str)>,
    pub(crate) states: Table<'t, (&'static str, u64), StateValue>,
    pub(crate) due: Table<'t, (&'static str, i128, u64), ()>,
}

impl<'t> Tables<'t> {
    /// Opens all tables, making those that are missing.
    pub(crate) fn open(transaction: &'t WriteTransaction) -> Result<Self, TableError> {
        Ok(Self {
            meta: transaction.open_table(META)?,
            records: transaction.open_table(RECORDS)?,
            messages: transaction.open_table(MESSAGES)?,
            states: transaction.open_table(STATES)?,
            due: transaction.open_table(DUE)?,
        })
    }

    /// Marks the file as ours.
    pub(crate) fn sign(&mut self) -> Result<(), redb::Error> {
        self.meta.insert(FORMAT_KEY, FORMAT)?;
        Ok(())
    }

    /// A number that no message has had.
    pub(crate) fn next_number(&mut self) -> Result<u64, redb::Error> {
        let number = self.meta.get(NEXT_MESSAGE_KEY)?.map_or(1, |number| number.value());
        self.meta.insert(NEXT_MESSAGE_KEY, number.saturating_add(1))?;
        Ok(number)
    }
}

/// The format number of a file, or `None` when the file is empty or not ours.
pub(crate) fn format(transaction: &ReadTransaction) -> Result<Option<u64>, redb::Error> {
    match transaction.open_table(META) {
        Ok(meta) => Ok(meta.get(FORMAT_KEY)?.map(|number| number.value())),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
