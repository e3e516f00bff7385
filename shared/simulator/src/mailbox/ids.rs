//! Ids of folders and items. To a client they are opaque; inside they hold the mailbox, a number
//! and how often the item has moved, because an ordinary item id ends with a move.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use uuid::Uuid;

const FOLDER: u8 = 1;
const ITEM: u8 = 2;
const IMMUTABLE: u8 = 3;

/// What an id names inside a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// A folder's number.
    Folder(u64),
    /// An item's number, and the moves that an ordinary id knows of.
    Item { number: u64, moves: Option<u32> },
}

pub(crate) fn folder(mailbox: Uuid, number: u64) -> String {
    write(mailbox, FOLDER, number, 0)
}

pub(crate) fn item(mailbox: Uuid, number: u64, moves: u32) -> String {
    write(mailbox, ITEM, number, moves)
}

pub(crate) fn immutable(mailbox: Uuid, number: u64) -> String {
    write(mailbox, IMMUTABLE, number, 0)
}

/// Reads an id; `None` for what is no id of this mailbox.
pub(crate) fn parse(mailbox: Uuid, text: &str) -> Option<Named> {
    let bytes = URL_SAFE.decode(text.strip_prefix("AAMk")?).ok()?;
    let (guid, rest) = bytes.split_first_chunk::<16>()?;
    let (kind, rest) = rest.split_first()?;
    let (number, rest) = rest.split_first_chunk::<8>()?;
    let (moves, rest) = rest.split_first_chunk::<4>()?;
    if guid != mailbox.as_bytes() || !rest.is_empty() {
        return None;
    }
    let number = u64::from_be_bytes(*number);
    match *kind {
        FOLDER => Some(Named::Folder(number)),
        ITEM => Some(Named::Item { number, moves: Some(u32::from_be_bytes(*moves)) }),
        IMMUTABLE => Some(Named::Item { number, moves: None }),
        _ => None,
    }
}

/// A change key: another one after each write.
pub(crate) fn change_key(revision: u64) -> String {
    let mut bytes = b"CQAA".to_vec();
    bytes.extend(revision.to_be_bytes());
    STANDARD.encode(bytes)
}

fn write(mailbox: Uuid, kind: u8, number: u64, moves: u32) -> String {
    let mut bytes = mailbox.as_bytes().to_vec();
    bytes.push(kind);
    bytes.extend(number.to_be_bytes());
    bytes.extend(moves.to_be_bytes());
    format!("AAMk{}", URL_SAFE.encode(bytes))
}
