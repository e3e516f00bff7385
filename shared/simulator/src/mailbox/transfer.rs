//! The bytes that export gives and import takes: the whole item, opaque to whoever carries them.

use super::item::ItemData;
use crate::content::recognise;

const MAGIC: &[u8; 8] = b"SIMXFER1";

/// An item as bytes.
pub(super) fn write(data: &ItemData) -> Vec<u8> {
    // An item's plain members always serialize.
    let head = serde_json::to_vec(data).unwrap_or_default();
    let length = u32::try_from(head.len()).unwrap_or(u32::MAX);
    let mut bytes = MAGIC.to_vec();
    bytes.extend(length.to_le_bytes());
    bytes.extend(head);
    bytes.extend(data.content.read(0, u64::MAX));
    bytes
}

/// The item in the bytes; `None` when they were damaged or come from elsewhere.
pub(super) fn read(bytes: &[u8]) -> Option<ItemData> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (head, content) = rest.split_at_checked(length)?;
    let mut data: ItemData = serde_json::from_slice(head).ok()?;
    data.content = recognise(content);
    Some(data)
}
