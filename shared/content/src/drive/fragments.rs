//! Arithmetic of upload fragments and of the ranges that a session still expects.

/// The fragment to send next: `start..end` of a file, or `None` when all is sent.
pub(crate) fn fragment(offset: u64, total: u64, size: u64) -> Option<(u64, u64)> {
    (offset < total).then(|| (offset, total.min(offset.saturating_add(size))))
}

/// `Content-Range` of `start..end`.
pub(crate) fn content_range(start: u64, end: u64, total: u64) -> String {
    format!("bytes {start}-{}/{total}", end.saturating_sub(1))
}

/// Where to go on by `nextExpectedRanges`: the lowest missing byte. `None` when nothing is missing or
/// the ranges make no sense.
pub(crate) fn next_expected(ranges: &[String]) -> Option<u64> {
    ranges.iter().filter_map(|range| range.split('-').next()?.trim().parse().ok()).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FRAGMENT_UNIT;

    #[test]
    fn fragments_cover_the_file_once_and_in_order() {
        let total = 3 * FRAGMENT_UNIT + 17;
        let mut offset = 0;
        let mut count = 0;
        while let Some((start, end)) = fragment(offset, total, 2 * FRAGMENT_UNIT) {
            assert_eq!(start, offset);
            assert!(end == total || (end - start) % FRAGMENT_UNIT == 0);
            offset = end;
            count += 1;
        }
        assert_eq!((offset, count), (total, 2));
        assert_eq!(fragment(0, 0, FRAGMENT_UNIT), None);
        assert_eq!(content_range(0, 26, 128), "bytes 0-25/128");
    }

    #[test]
    fn an_upload_goes_on_at_the_lowest_missing_byte() {
        let ranges =
            |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(next_expected(&ranges(&["26-"])), Some(26));
        assert_eq!(next_expected(&ranges(&["400-500", "12345-55232"])), Some(400));
        assert_eq!(next_expected(&ranges(&[])), None);
        assert_eq!(next_expected(&ranges(&["x-"])), None);
    }
}
