//! What the messages of one invocation send goes out together, and nobody is worse off for it.

use super::*;
use ports::{Outgoing, Queue, QueueError, Receipt};

/// A queue that counts sends and takes no message about this user.
struct Counted {
    inner: Arc<dyn Queue>,
    sends: Mutex<Vec<usize>>,
    refuses: &'static str,
}

#[async_trait]
impl Queue for Counted {
    async fn send(&self, messages: &[Outgoing]) -> Result<(), QueueError> {
        self.sends.lock().unwrap().push(messages.len());
        if messages.iter().any(|message| message.body.contains(self.refuses)) {
            return Err(QueueError::Unavailable("not this one".to_owned()));
        }
        self.inner.send(messages).await
    }

    async fn receive(
        &self,
        queue: &QueueName,
        max: usize,
        visibility: Duration,
    ) -> Result<Vec<Delivery>, QueueError> {
        self.inner.receive(queue, max, visibility).await
    }

    async fn acknowledge(&self, queue: &QueueName, receipt: &Receipt) -> Result<(), QueueError> {
        self.inner.acknowledge(queue, receipt).await
    }

    async fn defer(
        &self,
        queue: &QueueName,
        receipt: &Receipt,
        delay: Duration,
    ) -> Result<(), QueueError> {
        self.inner.defer(queue, receipt, delay).await
    }
}

impl Desk {
    /// A desk whose wave has been started, with its sends counted from now on.
    async fn counted(users: &[&str], refuses: &'static str) -> (Self, Arc<Counted>) {
        let mut desk = Self::with(users).await;
        desk.start().await;
        let inner = Arc::clone(&desk.deployment.host.queue);
        let counted = Arc::new(Counted { inner, sends: Mutex::default(), refuses });
        desk.deployment.host.queue = Arc::<Counted>::clone(&counted);
        (desk, counted)
    }
}

/// Four users of a batch go on by one request, although one of the five fails first.
#[tokio::test]
async fn a_batch_of_messages_is_answered_by_one_request() {
    let (desk, counted) = Desk::counted(&["anna", "ben", "eva", "panics", "zoe"], "nobody").await;
    assert_eq!(desk.deliver().await, ["panics"]);
    assert_eq!(*counted.sends.lock().unwrap(), [4]);
    assert_eq!(desk.receive("prepare-mail-enable-user").await.len(), 4);
}

/// Who works on keeps the others waiting for a second and no longer.
#[tokio::test]
async fn a_step_that_goes_on_keeps_the_others_waiting_for_a_second() {
    let (desk, counted) = Desk::counted(&["anna", "ben", "hangs"], "nobody").await;
    let next = async {
        assert!(counted.sends.lock().unwrap().is_empty(), "they wait");
        desk.on(1);
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        let went_on = desk.receive("prepare-mail-enable-user").await.len();
        desk.on(119);
        went_on
    };
    let (again, went_on) = tokio::join!(desk.deliver(), next);
    assert_eq!((again, went_on), (vec!["hangs".to_owned()], 2));
    assert_eq!(*counted.sends.lock().unwrap(), [2]);
}

/// A message that the queue refuses is its own sender's trouble.
#[tokio::test]
async fn a_message_that_is_refused_fails_for_its_sender_alone() {
    let (desk, counted) = Desk::counted(&["anna", "ben", "zoe"], "ben").await;
    assert_eq!(desk.deliver().await, ["ben"]);
    assert_eq!(*counted.sends.lock().unwrap(), [3, 1, 1, 1], "together, then each by itself");
    assert_eq!(desk.receive("prepare-mail-enable-user").await.len(), 2);
}
