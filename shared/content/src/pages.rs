//! The page of changes in hand: packed in one record, so that a unit can go on with it in another
//! process without asking for it again.

use ports::{Key, Store};

use crate::{
    ContentError,
    map::codec::{Packer, Rows},
    store::damaged,
};

/// Packs rows into a record; a page is a few hundred rows and far below a record's limit.
pub(crate) fn pack<const N: usize>(rows: &[[String; N]]) -> Vec<u8> {
    let mut packer = Packer::<N>::default();
    for row in rows {
        packer.push(&row.each_ref().map(String::as_str));
    }
    packer.bytes().to_vec()
}

/// Reads a record's rows.
pub(crate) fn unpack<const N: usize>(
    place: &str,
    value: &[u8],
) -> Result<Vec<[String; N]>, ContentError> {
    let cut_off = || damaged(place, "the packed rows are cut off");
    let mut rows = Rows::<N>::new(value).ok_or_else(cut_off)?;
    let mut all = Vec::new();
    while rows.step().ok_or_else(cut_off)? {
        all.push(rows.row().clone());
    }
    Ok(all)
}

/// Reads a page from the store; a missing one is damage, because the checkpoint names it.
pub(crate) async fn load<const N: usize>(
    store: &dyn Store,
    partition: &str,
    sort: &str,
) -> Result<Vec<[String; N]>, ContentError> {
    match store.get(&Key::new(partition, sort)).await? {
        Some(record) => unpack(sort, &record.value),
        None => Err(damaged(sort, "the page of changes is missing")),
    }
}
