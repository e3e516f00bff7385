//! The reads: one record, a page of a partition, a page of a listing.

use aws_sdk_dynamodb::types::{ConsumedCapacity, ReturnConsumedCapacity};
use catalogue::table::{INDEX, LISTING, PARTITION, SORT};
use ports::{Key, Page, Query, Record, StoreError};

use super::{
    DynamoStore,
    item::{self, Item},
};
use crate::{Operation, meter::Spent, trouble::trouble};

impl DynamoStore {
    pub(super) async fn read_one(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        self.fetch(key).await?.map(item::record).transpose()
    }

    /// The item at a key, as it is.
    pub(super) async fn fetch(&self, key: &Key) -> Result<Option<Item>, StoreError> {
        if !may_exist(key) {
            return Ok(None);
        }
        let output = self
            .reading(Operation::GetItem, || {
                let request = self
                    .client
                    .get_item()
                    .table_name(&self.table)
                    .set_key(Some(item::key(key)))
                    .consistent_read(true)
                    .return_consumed_capacity(ReturnConsumedCapacity::Total);
                async move {
                    let sent = request.send().await;
                    sent.map_err(|error| trouble("GetItem", &self.table, &error))
                }
            })
            .await?;
        self.read_units(
            Operation::GetItem,
            output.consumed_capacity().and_then(ConsumedCapacity::capacity_units),
        );
        Ok(output.item)
    }

    pub(super) async fn read_page(&self, query: &Query) -> Result<Page, StoreError> {
        let (items, next) = self.read_items(query).await?;
        let records = items.into_iter().map(item::record);
        Ok(Page { records: records.collect::<Result<_, _>>()?, next })
    }

    /// The items of a page, as they are, and where to go on.
    pub(super) async fn read_items(
        &self,
        query: &Query,
    ) -> Result<(Vec<Item>, Option<String>), StoreError> {
        let start = match Start::of(query) {
            Start::Nowhere => return Ok((Vec::new(), None)),
            Start::First => None,
            Start::After(sort) => Some(item::key(&Key::new(&query.partition, sort))),
        };
        let condition =
            if query.prefix.is_empty() { "#p = :p" } else { "#p = :p AND begins_with(#s, :s)" };
        let limit = i32::try_from(query.limit.max(1)).unwrap_or(i32::MAX);
        let output = self
            .reading(Operation::Query, || {
                let mut request = self
                    .client
                    .query()
                    .table_name(&self.table)
                    .key_condition_expression(condition)
                    .expression_attribute_names("#p", PARTITION)
                    .expression_attribute_values(":p", item::text(&query.partition))
                    .set_exclusive_start_key(start.clone())
                    .limit(limit)
                    .consistent_read(true)
                    .return_consumed_capacity(ReturnConsumedCapacity::Total);
                if !query.prefix.is_empty() {
                    request = request
                        .expression_attribute_names("#s", SORT)
                        .expression_attribute_values(":s", item::text(&query.prefix));
                }
                async move {
                    let sent = request.send().await;
                    sent.map_err(|error| trouble("Query", &self.table, &error))
                }
            })
            .await?;
        self.read_units(
            Operation::Query,
            output.consumed_capacity().and_then(ConsumedCapacity::capacity_units),
        );
        let next = output.last_evaluated_key.map(|mut key| item::place(&mut key)).transpose()?;
        Ok((output.items.unwrap_or_default(), next.map(|key| key.sort)))
    }

    /// A page of a listing's keys, in the order of their partitions, and where to go on. The index
    /// lags behind the table by a moment: for looking around, never for deciding.
    pub async fn listed(
        &self,
        listing: &str,
        after: Option<&Key>,
    ) -> Result<(Vec<Key>, Option<Key>), StoreError> {
        let start = after.map(|after| {
            let mut start = item::key(after);
            start.insert(LISTING.to_owned(), item::text(listing));
            start
        });
        let output = self
            .reading(Operation::Query, || {
                let request = self
                    .client
                    .query()
                    .table_name(&self.table)
                    .index_name(INDEX)
                    .key_condition_expression("#l = :l")
                    .expression_attribute_names("#l", LISTING)
                    .expression_attribute_values(":l", item::text(listing))
                    .set_exclusive_start_key(start.clone())
                    .return_consumed_capacity(ReturnConsumedCapacity::Total);
                async move {
                    let sent = request.send().await;
                    sent.map_err(|error| trouble("Query", &self.table, &error))
                }
            })
            .await?;
        self.read_units(
            Operation::Query,
            output.consumed_capacity().and_then(ConsumedCapacity::capacity_units),
        );
        let next = output.last_evaluated_key.map(|mut key| item::place(&mut key)).transpose()?;
        let place = |mut item: Item| item::place(&mut item);
        let keys = output.items.unwrap_or_default().into_iter().map(place);
        Ok((keys.collect::<Result<_, _>>()?, next))
    }

    fn read_units(&self, operation: Operation, units: Option<f64>) {
        self.meter.count(operation, |spent: &mut Spent| spent.read_units += units.unwrap_or(0.0));
    }
}

/// DynamoDB refuses to look for a key that it could not hold.
fn may_exist(key: &Key) -> bool {
    !key.partition.is_empty()
        && !key.sort.is_empty()
        && key.partition.len() <= ports::MAX_PARTITION_BYTES
        && key.sort.len() <= ports::MAX_SORT_BYTES
}

/// Where a query begins. DynamoDB refuses a start key outside of the prefix.
#[derive(Debug, PartialEq, Eq)]
enum Start<'a> {
    /// At the prefix's first key.
    First,
    /// After this one, which has the prefix.
    After(&'a str),
    /// Behind the prefix's last key.
    Nowhere,
}

impl<'a> Start<'a> {
    fn of(query: &'a Query) -> Self {
        if !may_exist(&Key::new(&query.partition, "-"))
            || query.prefix.len() > ports::MAX_SORT_BYTES
        {
            return Self::Nowhere;
        }
        match query.after.as_deref() {
            None => Self::First,
            Some(after) if after.is_empty() || *after < *query.prefix => Self::First,
            Some(after) if after.starts_with(&query.prefix) => Self::After(after),
            Some(_) => Self::Nowhere,
        }
    }
}
