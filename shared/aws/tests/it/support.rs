//! The double, its tables and queues, and a clock that never waits.

use std::{
    path::Path,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use aws::{Access, DynamoStore, SqsQueues};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use aws_sdk_sqs::types::QueueAttributeName;
use catalogue::table::{INDEX, LISTING, PARTITION, SORT};
use conformance::{
    queue::QUEUES,
    reference::{SeededRandom, VirtualClock},
};
use double::{Double, Mode};
use jiff::Timestamp;
use ports::{Clock, QueueName, Random, Sleep};

/// Deliveries before a message is dead, in the tests' queues.
pub(crate) const MAX_RECEIVES: u32 = 3;

/// One double for all tests that need no clock of their own.
static SHARED: LazyLock<Double> = LazyLock::new(|| new_double(Mode::Frozen));

/// A double of the test's own. It is installed with the other tools of the tests.
pub(crate) fn new_double(mode: Mode) -> Double {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools");
    Double::start(&tools.join("aws-double"), mode).unwrap()
}

pub(crate) fn shared_double() -> &'static Double {
    &SHARED
}

pub(crate) fn access(double: &Double) -> Access {
    Access::new("eu-west-1", "test", "test", None).at(double.endpoint())
}

/// A name that no other test uses.
pub(crate) fn unique(what: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{what}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn random() -> Arc<dyn Random> {
    // Differs between stores of one run: marks and tokens must.
    static NEXT: AtomicU32 = AtomicU32::new(7);
    Arc::new(SeededRandom::new(u64::from(NEXT.fetch_add(1, Ordering::Relaxed)) << 40))
}

/// A clock that stands and on which every sleep is over at once; it remembers how long they were.
#[derive(Clone, Default)]
pub(crate) struct Impatient(Arc<Mutex<Vec<Duration>>>);

impl Impatient {
    pub(crate) fn slept(&self) -> Vec<Duration> {
        self.0.lock().unwrap().clone()
    }
}

impl Clock for Impatient {
    fn now(&self) -> Timestamp {
        VirtualClock::new().now()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        self.0.lock().unwrap().push(duration);
        Box::pin(std::future::ready(()))
    }
}

/// A clock whose every sleep is another writer's moment.
pub(crate) struct Meanwhile<F>(pub(crate) F);

impl<F: Fn() -> Sleep + Send + Sync> Clock for Meanwhile<F> {
    fn now(&self) -> Timestamp {
        VirtualClock::new().now()
    }

    fn sleep(&self, _: Duration) -> Sleep {
        (self.0)()
    }
}

/// A store in a table of its own.
pub(crate) async fn store(access: &Access) -> DynamoStore {
    let (client, table) = (access.dynamo(), unique("crosswave"));
    create_table(&client, &table).await;
    DynamoStore::new(client, table, Arc::new(Impatient::default()), random())
}

/// A table as the template makes it.
pub(crate) async fn create_table(client: &aws_sdk_dynamodb::Client, table: &str) {
    let attribute = |name: &str| {
        let attribute = AttributeDefinition::builder().attribute_name(name);
        attribute.attribute_type(ScalarAttributeType::S).build().unwrap()
    };
    let key = |name: &str, key_type| {
        KeySchemaElement::builder().attribute_name(name).key_type(key_type).build().unwrap()
    };
    let keys_only = Projection::builder().projection_type(ProjectionType::KeysOnly).build();
    let index = GlobalSecondaryIndex::builder()
        .index_name(INDEX)
        .key_schema(key(LISTING, KeyType::Hash))
        .key_schema(key(PARTITION, KeyType::Range))
        .projection(keys_only);
    client
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute(PARTITION))
        .attribute_definitions(attribute(SORT))
        .attribute_definitions(attribute(LISTING))
        .key_schema(key(PARTITION, KeyType::Hash))
        .key_schema(key(SORT, KeyType::Range))
        .global_secondary_indexes(index.build().unwrap())
        .send()
        .await
        .unwrap();
}

/// The conformance suite's queues with their dead-letter queues, under a prefix of their own.
pub(crate) async fn queues(double: &Double, access: &Access) -> SqsQueues {
    let (client, prefix) = (access.sqs(), unique("crosswave"));
    create_queues(&client, &prefix).await;
    let base = format!("{}{prefix}-", double.queues());
    SqsQueues::new(client, base, Arc::new(Impatient::default()), random())
}

/// Queues as the template makes them.
pub(crate) async fn create_queues(client: &aws_sdk_sqs::Client, prefix: &str) {
    for name in QUEUES {
        let dead = QueueName::parse(name).unwrap().dead_letter();
        client.create_queue().queue_name(format!("{prefix}-{dead}")).send().await.unwrap();
        let arn = format!("arn:aws:sqs:eu-west-1:000000000000:{prefix}-{dead}");
        let redrive =
            format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":"{MAX_RECEIVES}"}}"#);
        client
            .create_queue()
            .queue_name(format!("{prefix}-{name}"))
            .attributes(QueueAttributeName::RedrivePolicy, redrive)
            .send()
            .await
            .unwrap();
    }
}
