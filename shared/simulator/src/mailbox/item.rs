//! A folder and an item of a mailbox.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::content::Content;

/// A folder.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    pub(crate) number: u64,
    pub(crate) name: String,
    /// The folder above; none for the children of the mailbox itself.
    pub(crate) parent: Option<u64>,
    /// Container class: `IPF.Note` and the like.
    pub(crate) class: String,
    /// Graph's name of a default folder.
    pub(crate) well_known: Option<&'static str>,
    pub(crate) hidden: bool,
    pub(crate) search: bool,
    /// Extended properties by normalised id.
    pub(crate) properties: BTreeMap<String, String>,
    /// The write that changed it last.
    pub(crate) revision: u64,
    /// How many items lie in it, and how large they are together.
    pub(crate) items: u64,
    pub(crate) bytes: u64,
}

/// What an item is, wherever it lies: this is what export carries.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ItemData {
    /// Survives copying; the tests know an item again by it. No client ever sees it.
    pub(crate) identity: String,
    /// Message class, for instance `IPM.Note`.
    pub(crate) class: String,
    pub(crate) subject: String,
    /// RFC 5322 Message-ID; empty for what is no message.
    pub(crate) message_id: String,
    pub(crate) from: String,
    pub(crate) categories: Vec<String>,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
    pub(crate) received: Timestamp,
    pub(crate) sent: Timestamp,
    /// Extended properties by normalised id.
    pub(crate) properties: BTreeMap<String, String>,
    /// The mail router's id of the message, where it came by mail.
    pub(crate) mail: Option<String>,
    /// Body, attachments and all.
    #[serde(skip, default = "nothing")]
    pub(crate) content: Content,
}

fn nothing() -> Content {
    Content::made(0, 0)
}

/// An item where it lies.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) number: u64,
    pub(crate) folder: u64,
    /// How often it moved: an ordinary id ends with each move.
    pub(crate) moves: u32,
    /// The write that changed it last.
    pub(crate) revision: u64,
    /// Cannot be read any more: exports answer `ErrorCorruptData`.
    pub(crate) corrupt: bool,
    pub(crate) data: ItemData,
}

/// The properties that the store keeps around an item's content, in bytes.
const OVERHEAD: u64 = 1_024;

impl Item {
    /// `size` as Graph shows it.
    pub(crate) fn size(&self) -> u64 {
        self.data.content.length().saturating_add(OVERHEAD)
    }

    /// A single-value extended property by its normalised id.
    pub(crate) fn property(&self, id: &str) -> Option<String> {
        let data = &self.data;
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        match id {
            "String 0x37" => text(&data.subject),
            "String 0x1035" => text(&data.message_id),
            "String 0x1a" => text(&data.class),
            "String 0xc1f" | "String 0x5d01" => text(&data.from),
            "SystemTime 0xe06" => Some(data.received.to_string()),
            "SystemTime 0x39" => Some(data.sent.to_string()),
            "Integer 0xe08" => Some(self.size().to_string()),
            _ => data.properties.get(id).cloned(),
        }
    }
}

/// `String 0x0037` and `string 0x37` are one property; Graph answers with the short form.
pub(crate) fn normalise(id: &str) -> String {
    const TYPES: [&str; 8] =
        ["String", "Integer", "Boolean", "SystemTime", "Binary", "Long", "Double", "CLSID"];
    let Some((kind, rest)) = id.trim().split_once(' ') else { return id.to_owned() };
    let kind =
        TYPES.iter().find(|known| known.eq_ignore_ascii_case(kind)).map_or(kind, |known| known);
    let rest = rest.trim();
    let tag = rest.get(..2).filter(|start| start.eq_ignore_ascii_case("0x"));
    let number = tag.and_then(|_| u32::from_str_radix(rest.get(2..)?, 16).ok());
    match number {
        Some(number) => format!("{kind} 0x{number:x}"),
        None => format!("{kind} {rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_extended_properties_have_one_form() {
        assert_eq!(normalise("String 0x0037"), "String 0x37");
        assert_eq!(normalise("string 0x1035"), "String 0x1035");
        assert_eq!(normalise("SystemTime 0x0E06"), "SystemTime 0xe06");
        let named = "String {00020329-0000-0000-C000-000000000046} Name source";
        assert_eq!(normalise(named), named);
    }
}
