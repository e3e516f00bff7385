//! What the store makes of its table beside the port: prices, records that may go, the listing.

use std::{sync::Arc, time::Duration};

use aws::{Access, DynamoStore, Layout, Operation};
use catalogue::table;
use ports::{Change, Clock as _, Expect, Key, Query, Store, StoreError};

use crate::support::{self, Impatient, access, create_table, random, shared_double, unique};

fn key(sort: &str) -> Key {
    Key::new("C#acme", sort)
}

#[tokio::test]
async fn the_meter_shows_what_each_operation_costs() {
    let store = support::store(&access(shared_double())).await;
    let one = |sort: &str| Change::create(key(sort), vec![0; 100]);
    store.commit(&[one("a")]).await.unwrap();
    // Noise is as long in any form; text that repeats itself is not.
    let random = random();
    let noise: Vec<u8> = (0..188).flat_map(|_| random.next_u64().to_le_bytes()).collect();
    store.commit(&[Change::put(key("a"), noise)]).await.unwrap();
    store.commit(&[one("b"), one("c")]).await.unwrap();
    store.commit(&[Change::Check { key: key("a"), expect: Expect::Version(2) }]).await.unwrap();
    store.commit(&[Change::Check { key: key("a"), expect: Expect::Anything }]).await.unwrap();
    store.commit(&[Change::Delete { key: key("b"), expect: Expect::Version(1) }]).await.unwrap();
    let query =
        Query { partition: "C#acme".to_owned(), prefix: String::new(), after: None, limit: 10 };
    store.query(&query).await.unwrap();

    let spent = store.meter().take();
    let figures = |operation| {
        let spent = spent[&operation];
        (spent.requests, spent.write_units, spent.read_units)
    };
    assert_eq!(figures(Operation::PutItem), (1, 1.0, 0.0));
    assert_eq!(figures(Operation::UpdateItem), (1, 2.0, 0.0), "1,504 bytes are two units");
    assert_eq!(figures(Operation::TransactWriteItems), (1, 4.0, 0.0), "twice the price");
    assert_eq!(figures(Operation::GetItem), (1, 0.0, 1.0), "a check alone is a read");
    assert_eq!(figures(Operation::DeleteItem), (1, 1.0, 0.0));
    assert_eq!(figures(Operation::Query), (1, 0.0, 1.0));
    assert!(store.meter().snapshot().is_empty(), "taken is taken");
}

/// A record of ours is text that repeats itself and the names of all others: a long one costs what a
/// short one does, and comes back as it was, written over one in the other form too.
#[tokio::test]
async fn a_record_of_some_kilobytes_costs_one_unit_and_is_read_as_it_was() {
    let store = support::store(&access(shared_double())).await;
    let long =
        r#"{"receipts":{"prepare.hide_user":{"identity":"88dbc276"}}},"#.repeat(80).into_bytes();
    for value in [long.clone(), vec![1; 3], long.clone()] {
        store.commit(&[Change::put(key("a"), value.clone())]).await.unwrap();
        assert_eq!(store.get(&key("a")).await.unwrap().unwrap().value, value);
    }
    store.commit(&[Change::update(key("a"), long.clone(), 3)]).await.unwrap();
    assert_eq!(store.get(&key("a")).await.unwrap().unwrap().value, long);
    let spent = store.meter().take();
    let units = |operation| format!("{:.1}", spent[&operation].write_units);
    assert_eq!(units(Operation::UpdateItem), "3.0", "three writes, two of {} bytes", long.len());
    assert_eq!(units(Operation::PutItem), "1.0");
}

/// A store whose journal may go after a day and whose projects are listed.
async fn laid_out(access: &Access) -> DynamoStore {
    let (client, name) = (access.dynamo(), unique("layout"));
    create_table(&client, &name).await;
    let layout = Layout {
        lifetime: Some(|key| key.sort.starts_with("L#").then_some(Duration::from_hours(24))),
        listing: Some(|key| (key.sort == "P").then_some("project")),
        anchor: None,
    };
    let clock = Arc::new(Impatient::default());
    DynamoStore::new(client, name, clock, random()).with_layout(layout)
}

#[tokio::test]
async fn a_record_that_may_go_says_when_and_others_stay() {
    let access = access(shared_double());
    let store = laid_out(&access).await;
    store.commit(&[Change::create(key("L#1"), vec![1])]).await.unwrap();
    let both = [Change::put(key("L#2"), vec![1]), Change::put(key("M"), vec![1])];
    store.commit(&both).await.unwrap();
    let now = Impatient::default().now().as_second();
    for (sort, expected) in [("L#1", Some(now + 86_400)), ("L#2", Some(now + 86_400)), ("M", None)]
    {
        let item = access.dynamo().get_item().table_name(store.table());
        let item = item
            .key(table::PARTITION, aws_sdk_dynamodb::types::AttributeValue::S("C#acme".to_owned()));
        let item =
            item.key(table::SORT, aws_sdk_dynamodb::types::AttributeValue::S(sort.to_owned()));
        let item = item.send().await.unwrap().item.unwrap();
        let expires = item.get(table::EXPIRES).map(|at| at.as_n().unwrap().parse::<i64>().unwrap());
        assert_eq!(expires, expected, "{sort}");
    }
    assert_eq!(store.get(&key("L#1")).await.unwrap().unwrap().value, [1]);
}

#[tokio::test]
async fn a_listing_holds_its_records_of_all_partitions_and_no_others() {
    let store = laid_out(&access(shared_double())).await;
    let project = |number: usize| Key::new(format!("C#acme#P#{number:03}"), "P");
    for number in 0..30 {
        let partition = project(number).partition;
        let wave = Change::create(Key::new(partition, "W#first"), vec![0; 100]);
        store.commit(&[Change::create(project(number), vec![0; 100]), wave]).await.unwrap();
    }
    let expect = Expect::Anything;
    store.commit(&[Change::Delete { key: project(7), expect }]).await.unwrap();
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let (keys, next) = store.listed("project", after.as_ref()).await.unwrap();
        all.extend(keys);
        after = next;
        if after.is_none() {
            break;
        }
    }
    let expected: Vec<Key> = (0..30).filter(|number| *number != 7).map(project).collect();
    assert_eq!(all, expected);
    assert_eq!(store.listed("other", None).await.unwrap(), (vec![], None));
}

#[tokio::test]
async fn an_item_that_is_no_record_of_ours_is_damage() {
    let access = access(shared_double());
    let store = support::store(&access).await;
    let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    let put = access.dynamo().put_item().table_name(store.table());
    put.item(table::PARTITION, text("C#acme")).item(table::SORT, text("x")).send().await.unwrap();
    let damaged = store.get(&key("x")).await;
    assert!(
        matches!(&damaged, Err(StoreError::Damaged(text)) if text.contains("C#acme/x")),
        "{damaged:?}"
    );
}

#[test]
fn access_shows_no_secret() {
    let access = Access::new("eu-west-1", "AKIAEXAMPLE", "very secret", Some("session secret"));
    let text = format!("{access:?}");
    assert!(text.contains("eu-west-1") && !text.contains("secret"), "{text}");
}
