//! Names that are no text. SharePoint and Exchange keep names in UTF-16 and let halves of surrogate pairs
//! through; JSON can escape such a half, and no reader of UTF-8 can read it. One such name must not
//! make its whole page unreadable.

/// The JSON text with each lone half of a surrogate pair replaced by U+FFFD; `None` if there is none.
pub(super) fn lone_surrogates(json: &[u8]) -> Option<Vec<u8>> {
    let mut mended: Option<Vec<u8>> = None;
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        if *byte != b'\\' {
            at += 1;
            continue;
        }
        let Some(unit) = unit(json, at) else {
            // Another escape: its second character is none of ours.
            at += 2;
            continue;
        };
        let pair = is_high(unit) && self::unit(json, at + UNIT).is_some_and(is_low);
        if pair {
            at += 2 * UNIT;
            continue;
        }
        if is_high(unit) || is_low(unit) {
            let copy = mended.get_or_insert_with(|| json.to_vec());
            if let Some(place) = copy.get_mut(at..at + UNIT) {
                place.copy_from_slice(REPLACEMENT);
            }
        }
        at += UNIT;
    }
    mended
}

/// Length of an escape.
const UNIT: usize = 6;
const REPLACEMENT: &[u8; UNIT] = b"\\uFFFD";

/// The UTF-16 unit that is escaped here.
fn unit(json: &[u8], at: usize) -> Option<u16> {
    let escape = json.get(at..at.checked_add(UNIT)?)?;
    let digits = escape.strip_prefix(b"\\u")?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

fn is_high(unit: u16) -> bool {
    (0xD800..0xDC00).contains(&unit)
}

fn is_low(unit: u16) -> bool {
    (0xDC00..0xE000).contains(&unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(text: &str) -> Option<String> {
        let bytes = lone_surrogates(text.as_bytes())?;
        Some(serde_json::from_slice(&bytes).unwrap())
    }

    #[test]
    fn halves_are_replaced_and_pairs_stay() {
        assert_eq!(mended(r#""a\ud83d\ude00b""#), None);
        assert_eq!(mended(r#""a\ud800b""#).unwrap(), "a\u{FFFD}b");
        assert_eq!(mended(r#""\ud800\ud83d\ude00\udc00""#).unwrap(), "\u{FFFD}\u{1F600}\u{FFFD}");
        assert_eq!(mended(r#""\\ud800""#), None, "a backslash and letters");
        assert_eq!(mended(r#""\ud8"#), None);
    }
}
