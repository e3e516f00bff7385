//! The shorter form of a value. DynamoDB bills a write by the KiB, twice that in a transaction, and
//! most of our records are JSON of one to five KiB that says the same names again and again: deflated
//! with these names known beforehand they take a quarter.
//!
//! The form is zlib's (RFC 1950) with a preset dictionary. A dictionary is never changed, or what was
//! written with it cannot be read: another one gets another attribute.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// Texts that records are made of, the most frequent ones last.
const DICTIONARY: &[u8] = include_bytes!("dictionary.txt");
/// A shorter value fits into its write unit as it is, key and all.
const SHORT: usize = 640;
/// No value is longer: the longest record, and as much again beside it in its item.
const MOST: usize = ports::MAX_RECORD_BYTES * 2;

/// The shorter form; `None` when it would not pay.
pub(super) fn deflate(value: &[u8]) -> Option<Vec<u8>> {
    if value.len() <= SHORT {
        return None;
    }
    let mut compress = Compress::new(Compression::best(), true);
    compress.set_dictionary(DICTIONARY).ok()?;
    let mut short = Vec::with_capacity(value.len());
    // Room for a form as long as the value, and no more: what does not fit is not shorter.
    let status = compress.compress_vec(value, &mut short, FlushCompress::Finish).ok()?;
    (status == Status::StreamEnd && short.len() < value.len()).then_some(short)
}

/// The value of a shorter form, for readers of the table's stream; `None` when it is damaged.
pub fn inflate(short: &[u8]) -> Option<Vec<u8>> {
    let mut decompress = Decompress::new(true);
    let mut value = Vec::with_capacity(short.len().saturating_mul(6).min(MOST));
    // Runs as far as the header, which names the dictionary.
    let first = decompress.decompress_vec(short, &mut value, FlushDecompress::None);
    first.err()?.needs_dictionary()?;
    decompress.set_dictionary(DICTIONARY).ok()?;
    loop {
        let read = usize::try_from(decompress.total_in()).ok()?;
        let before = (read, value.len());
        let rest = short.get(read..)?;
        let status = decompress.decompress_vec(rest, &mut value, FlushDecompress::Finish);
        if matches!(status, Ok(Status::StreamEnd)) {
            return Some(value);
        }
        let read = usize::try_from(decompress.total_in()).ok()?;
        let is_full = value.len() == value.capacity();
        if value.len() > MOST || (!is_full && before == (read, value.len())) {
            return None;
        }
        value.reserve(value.len().max(1024));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A job's record as it is written, in short.
    fn record(filler: usize) -> Vec<u8> {
        let steps = r#""cutover.hide_contact","cutover.stamp_contact_x500","#.repeat(filler);
        let text = format!(
            r#"{{"v":1,"id":"j000004","kind":"cutover","branch":"main","catalogue":1,"plan":[{steps}],"attempt":0}}"#
        );
        text.into_bytes()
    }

    #[test]
    fn a_record_takes_a_quarter_and_comes_back_as_it_was() {
        for filler in [15, 200, 5_000] {
            let value = record(filler);
            let short = deflate(&value).unwrap();
            assert!(short.len() * 4 < value.len(), "{} of {}", short.len(), value.len());
            assert_eq!(inflate(&short), Some(value));
        }
    }

    #[test]
    fn what_would_not_be_shorter_stays_as_it_is() {
        assert_eq!(deflate(br#"{"v":1}"#), None);
        let noise = (0_u32..500).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes());
        let noise: Vec<u8> = noise.collect();
        if let Some(short) = deflate(&noise) {
            assert!(short.len() < noise.len());
            assert_eq!(inflate(&short), Some(noise));
        }
    }

    #[test]
    fn what_is_damaged_is_refused() {
        let short = deflate(&record(200)).unwrap();
        for cut in [0, 1, 2, 6, short.len() / 2, short.len() - 1] {
            assert_eq!(inflate(&short[..cut]), None, "{cut}");
        }
        let mut wrong = short.clone();
        wrong[short.len() / 2] ^= 0x55;
        assert_eq!(inflate(&wrong), None, "the checksum");
        assert_eq!(inflate(b"plain text"), None);
    }
}
