//! Reads of a partition with an anchor. The anchor is read first: a rider that has moved away since
//! counts as it was then; what is no rider then is read where it is.

use std::collections::BTreeMap;

use catalogue::table::SORT;
use ports::{Key, Page, Query, Record, StoreError};

use super::Anchor;
use crate::dynamo::{DynamoStore, item};

impl Anchor {
    /// The records in the item, by sort key.
    fn records(&self, key: &Key) -> BTreeMap<String, Record> {
        let record = |sort: &str, version: u64, value: &[u8]| {
            let key = Key::new(key.partition.clone(), sort);
            (sort.to_owned(), Record { key, version, value: value.to_vec() })
        };
        let own = (self.content.version > 0)
            .then(|| record(&key.sort, self.content.version, &self.content.value));
        let riders = self.content.riders.iter();
        let riders = riders.map(|(sort, rider)| record(sort, rider.version, &rider.value));
        own.into_iter().chain(riders).collect()
    }
}

impl DynamoStore {
    /// A record of a partition with an anchor.
    pub(in crate::dynamo) async fn read_beside(
        &self,
        anchor: &Key,
        key: &Key,
    ) -> Result<Option<Record>, StoreError> {
        let Some(found) = self.read_anchor(anchor).await? else { return Ok(None) };
        match found.records(anchor).remove(&key.sort) {
            Some(record) => Ok(Some(record)),
            None if key != anchor && found.content.apart.may_hold(&key.sort) => {
                self.read_one(key).await
            }
            None => Ok(None),
        }
    }

    /// A page of a partition with an anchor.
    pub(in crate::dynamo) async fn read_page_beside(
        &self,
        anchor: &Key,
        query: &Query,
    ) -> Result<Page, StoreError> {
        let Some(found) = self.read_anchor(anchor).await? else { return Ok(Page::default()) };
        let (items, next) = if found.content.apart.may_hold_under(&query.prefix) {
            self.read_items(query).await?
        } else {
            (Vec::new(), None)
        };
        let mut records = BTreeMap::new();
        for one in items {
            // The anchor's own item holds more than its record.
            if one.get(SORT).and_then(|sort| sort.as_s().ok()) != Some(&anchor.sort) {
                let record = item::record(one)?;
                records.insert(record.key.sort.clone(), record);
            }
        }
        // What lies behind the page's end comes with a later page.
        let within = |sort: &str| next.as_deref().is_none_or(|end| sort <= end);
        let after = query.after.as_deref();
        for (sort, record) in found.records(anchor) {
            let asked =
                sort.starts_with(&query.prefix) && after.is_none_or(|after| sort.as_str() > after);
            if asked && within(&sort) {
                records.insert(sort, record);
            }
        }
        let limit = query.limit.max(1);
        let cut = records.len() > limit;
        let records: Vec<Record> = records.into_values().take(limit).collect();
        let next = if cut { records.last().map(|record| record.key.sort.clone()) } else { next };
        Ok(Page { records, next })
    }
}
