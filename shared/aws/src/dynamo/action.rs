//! A change as DynamoDB is asked for it: expressions, names and values.

use catalogue::table::{EXPIRES, LISTING, PARTITION};
use ports::{Change, Expect, Key};

use super::{
    Layout,
    item::{self, DEFLATED, Item, Mark, VALUE, VERSION, WRITER},
    value::deflate,
};

/// The SDK's own form of names in expressions.
#[expect(clippy::disallowed_types, reason = "the SDK asks for it; nothing iterates over it")]
pub(super) type Names = std::collections::HashMap<String, String>;

/// One change in DynamoDB's words.
pub(super) struct Action {
    pub(super) verb: Verb,
    pub(super) condition: Option<String>,
    pub(super) names: Option<Names>,
    pub(super) values: Option<Item>,
}

/// What is done.
pub(super) enum Verb {
    /// The whole item is written.
    Put(Item),
    /// The item is written over whatever is there, its version counted on by the table.
    Update { key: Item, expression: String },
    /// The item is removed.
    Delete(Item),
    /// Nothing is done.
    Check(Item),
}

impl Action {
    /// A change in DynamoDB's words, made now.
    pub(super) fn of(change: &Change, mark: Mark, layout: Layout, now: jiff::Timestamp) -> Self {
        match change {
            Change::Put { key, value, expect } => match expect {
                Expect::Absent => Self::put(key, value, 1, mark, layout, now).on_condition(*expect),
                Expect::Version(version) => {
                    let next = version.saturating_add(1);
                    Self::put(key, value, next, mark, layout, now).on_condition(*expect)
                }
                Expect::Anything => Self::overwrite(key, value, mark, layout, now),
            },
            Change::Delete { key, expect } => Self::delete(key).on_condition(*expect),
            Change::Check { key, expect } => Self::check(key).on_condition(*expect),
        }
    }

    fn new(verb: Verb) -> Self {
        Self { verb, condition: None, names: None, values: None }
    }

    /// The removal of an item, whatever it is.
    pub(super) fn delete(key: &Key) -> Self {
        Self::new(Verb::Delete(item::key(key)))
    }

    /// A look at an item.
    pub(super) fn check(key: &Key) -> Self {
        Self::new(Verb::Check(item::key(key)))
    }

    /// A whole item, written over whatever is there.
    pub(super) fn put_item(item: Item) -> Self {
        Self::new(Verb::Put(item))
    }

    /// A record of this version, written over whatever is there.
    pub(super) fn put(
        key: &Key,
        value: &[u8],
        version: u64,
        mark: Mark,
        layout: Layout,
        now: jiff::Timestamp,
    ) -> Self {
        let mut item = item::key(key);
        item.insert(VERSION.to_owned(), item::number(version));
        let short = deflate(value);
        let (name, value) = short.as_deref().map_or((VALUE, value), |short| (DEFLATED, short));
        item.insert(name.to_owned(), item::bytes(value));
        item.insert(WRITER.to_owned(), mark.value());
        for (name, value) in apart(key, layout, now) {
            item.insert(name.to_owned(), value);
        }
        Self::put_item(item)
    }

    /// The table counts the version on; an attempt that comes again finds its own mark.
    fn overwrite(
        key: &Key,
        value: &[u8],
        mark: Mark,
        layout: Layout,
        now: jiff::Timestamp,
    ) -> Self {
        let mut expression =
            "SET #v = if_not_exists(#v, :zero) + :one, #d = :d, #w = :w".to_owned();
        let short = deflate(value);
        let (name, other, value) = match short.as_deref() {
            Some(short) => (DEFLATED, VALUE, short),
            None => (VALUE, DEFLATED, value),
        };
        let mut names = Names::from([
            ("#v".to_owned(), VERSION.to_owned()),
            ("#d".to_owned(), name.to_owned()),
            ("#o".to_owned(), other.to_owned()),
            ("#w".to_owned(), WRITER.to_owned()),
        ]);
        let mut values = Item::from([
            (":zero".to_owned(), item::number(0)),
            (":one".to_owned(), item::number(1)),
            (":d".to_owned(), item::bytes(value)),
            (":w".to_owned(), mark.value()),
        ]);
        for (name, value) in apart(key, layout, now) {
            expression.extend([", #", name, " = :", name]);
            names.insert(format!("#{name}"), name.to_owned());
            values.insert(format!(":{name}"), value);
        }
        expression.push_str(" REMOVE #o");
        Self {
            verb: Verb::Update { key: item::key(key), expression },
            condition: Some("attribute_not_exists(#w) OR #w <> :w".to_owned()),
            names: Some(names),
            values: Some(values),
        }
    }

    /// Only if the item bears this mark; only if there is none, without one.
    pub(super) fn if_marked(mut self, mark: Option<Mark>) -> Self {
        let Some(mark) = mark else { return self.on_condition(Expect::Absent) };
        self.condition = Some("#w = :was".to_owned());
        self.names = Some(Names::from([("#w".to_owned(), WRITER.to_owned())]));
        self.values = Some(Item::from([(":was".to_owned(), mark.value())]));
        self
    }

    fn on_condition(mut self, expect: Expect) -> Self {
        match expect {
            Expect::Absent => {
                self.condition = Some("attribute_not_exists(#p)".to_owned());
                self.names = Some(Names::from([("#p".to_owned(), PARTITION.to_owned())]));
            }
            Expect::Version(version) => {
                self.condition = Some("#v = :expected".to_owned());
                self.names = Some(Names::from([("#v".to_owned(), VERSION.to_owned())]));
                self.values = Some(Item::from([(":expected".to_owned(), item::number(version))]));
            }
            Expect::Anything => {}
        }
        self
    }
}

/// The attributes of a record that may go or is listed.
fn apart(
    key: &Key,
    layout: Layout,
    now: jiff::Timestamp,
) -> impl Iterator<Item = (&'static str, aws_sdk_dynamodb::types::AttributeValue)> {
    let lifetime = layout.lifetime.and_then(|lifetime| lifetime(key));
    let listing = layout.listing.and_then(|listing| listing(key));
    lifetime
        .map(|lifetime| (EXPIRES, item::expires(now, lifetime)))
        .into_iter()
        .chain(listing.map(|listing| (LISTING, item::text(listing))))
}
