//! Batches of items for one export call: at most twenty, and no more bytes than a unit may hold.

/// Most items of one export call (docs:api/mailbox-exportitems).
pub(crate) const EXPORT_ITEMS: usize = 20;

/// How many of the rows, from the first on, go into one batch. At least 1 when there is a row: an
/// item larger than the budget travels alone, and one of `streamed` bytes or more always does.
pub(crate) fn batch(sizes: impl IntoIterator<Item = u64>, budget: u64, streamed: u64) -> usize {
    let mut total: u64 = 0;
    let mut count = 0;
    for size in sizes.into_iter().take(EXPORT_ITEMS) {
        total = total.saturating_add(size);
        if count > 0 && (total > budget || size >= streamed) {
            break;
        }
        count += 1;
        if size >= streamed {
            break;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_has_twenty_small_items_or_as_many_bytes_as_fit() {
        let whole = |sizes: &[u64], budget| batch(sizes.iter().copied(), budget, u64::MAX);
        assert_eq!(whole(&[1; 50], 1000), EXPORT_ITEMS);
        assert_eq!(whole(&[400, 400, 400], 1000), 2);
        assert_eq!(whole(&[5000, 1], 1000), 1, "a large item travels alone");
        assert_eq!(whole(&[1, 5000], 1000), 1);
        assert_eq!(whole(&[], 1000), 0);
        assert_eq!(batch([500, 1], 1000, 500), 1, "one that is streamed does so too");
        assert_eq!(batch([1, 2, 500], 1000, 500), 2);
    }
}
