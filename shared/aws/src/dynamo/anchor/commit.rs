//! Commits to partitions with an anchor.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use ports::{Change, CommitError, Expect, Key, MAX_CHANGES};

use super::{
    Anchor,
    content::{Content, Rider},
};
use crate::dynamo::{
    DynamoStore,
    action::Action,
    commit::unread,
    item::{self, Mark},
};

/// Attempts to write over an anchor that others write too: of those at once one wins each time.
const TRIES: u32 = 50;
/// The pause before another attempt grows by at most so much each time.
const PAUSE: Duration = Duration::from_millis(10);

/// What is worked out for one attempt.
#[derive(Default)]
struct Attempt {
    /// What is asked of DynamoDB.
    actions: Vec<(Key, Action)>,
    /// Keys that are not as expected.
    unexpected: BTreeSet<Key>,
    /// The anchors as they are after it; `None` for those that are only looked at.
    anchors: BTreeMap<Key, Option<Content>>,
}

impl DynamoStore {
    /// A commit of which at least one change is in a partition with an anchor.
    pub(in crate::dynamo) async fn write_beside(
        &self,
        changes: &[&Change],
    ) -> Result<(), CommitError> {
        let groups = self.groups(changes);
        for tried in 0..TRIES {
            let mark = Mark(self.retry.random.next_u128());
            let mut attempt = Attempt::default();
            for change in changes {
                if self.anchor_of(&change.key().partition).is_none() {
                    let now = self.retry.clock.now();
                    let action = Action::of(change, mark, self.layout, now);
                    attempt.actions.push((change.key().clone(), action));
                }
            }
            let mut later = changes.len();
            for (key, group) in &groups {
                later = later.saturating_sub(group.len());
                // What is remembered may be old: the first attempt finds out.
                let known = if tried == 0 { self.anchors.find(key) } else { None };
                let known = match known {
                    Some(known) => Some(known),
                    None => self.read_anchor(key).await.map_err(unread)?,
                };
                self.work_out(&mut attempt, mark, (key, known), group, later).await?;
            }
            if !attempt.unexpected.is_empty() {
                if tried == 0 {
                    continue;
                }
                let keys = changes.iter().map(|change| change.key());
                let keys = keys.filter(|key| attempt.unexpected.contains(*key)).cloned();
                return Err(CommitError::Conflict { keys: keys.collect() });
            }
            match self.write_actions(mark, attempt.actions).await {
                Ok(()) => {
                    for (key, content) in attempt.anchors {
                        if let Some(content) = content {
                            self.anchors.keep(&key, Anchor { mark, content });
                        }
                    }
                    return Ok(());
                }
                Err(CommitError::Conflict { keys })
                    if keys.iter().all(|key| groups.contains_key(key)) =>
                {
                    // Another writer's anchor: what is expected may still hold.
                    let most = PAUSE.saturating_mul(tried).as_millis();
                    let most = u64::try_from(most).unwrap_or(u64::MAX).max(1);
                    let pause = Duration::from_millis(self.retry.random.below(most));
                    self.retry.clock.sleep(pause).await;
                }
                Err(error) => {
                    for key in groups.keys() {
                        self.anchors.forget(key);
                    }
                    return Err(error);
                }
            }
        }
        Err(CommitError::Throttled(format!(
            "{}: others write the same records all the time",
            self.table
        )))
    }

    /// The changes by anchor.
    fn groups<'c>(&self, changes: &[&'c Change]) -> BTreeMap<Key, Vec<&'c Change>> {
        let mut groups: BTreeMap<Key, Vec<&Change>> = BTreeMap::new();
        for change in changes {
            if let Some(anchor) = self.anchor_of(&change.key().partition) {
                groups.entry(anchor).or_default().push(change);
            }
        }
        groups
    }

    /// Works out what a group of changes makes of its anchor; `later` changes are still to be worked
    /// out.
    async fn work_out(
        &self,
        attempt: &mut Attempt,
        mark: Mark,
        (anchor, known): (&Key, Option<Anchor>),
        changes: &[&Change],
        later: usize,
    ) -> Result<(), CommitError> {
        let before = known.as_ref().map(|known| known.mark);
        let mut content = known.map(|known| known.content).unwrap_or_default();
        let mut touched = BTreeSet::new();
        let mut writes = false;
        for change in changes {
            let key = change.key();
            let is_anchor = key == anchor;
            // A record that is no rider may have an item of its own.
            let apart = !is_anchor && content.apart.may_hold(&key.sort);
            let version = match content.riders.get(&key.sort) {
                _ if is_anchor => (content.version > 0).then_some(content.version),
                Some(rider) => Some(rider.version),
                None if apart => self.read_one(key).await.map_err(unread)?.map(|own| own.version),
                None => None,
            };
            let (Change::Put { expect, .. }
            | Change::Delete { expect, .. }
            | Change::Check { expect, .. }) = change;
            let holds = match expect {
                Expect::Absent => version.is_none(),
                Expect::Version(expected) => version == Some(*expected),
                Expect::Anything => true,
            };
            if !holds {
                attempt.unexpected.insert(key.clone());
            }
            let next = version.unwrap_or(0).saturating_add(1);
            writes |= !matches!(change, Change::Check { .. });
            match change {
                Change::Put { value, .. } if is_anchor => {
                    (content.version, content.value) = (next, value.clone());
                }
                Change::Delete { .. } if is_anchor => {
                    (content.version, content.value) = (0, Vec::new());
                }
                Change::Put { value, .. } => {
                    let rider = Rider { version: next, value: value.clone() };
                    content.riders.insert(key.sort.clone(), rider);
                    touched.insert(key.sort.clone());
                }
                Change::Delete { .. } => {
                    content.riders.remove(&key.sort);
                    if apart {
                        content.apart.remove(&key.sort);
                        attempt.actions.push((key.clone(), Action::delete(key)));
                    }
                }
                Change::Check { .. } => {}
            }
        }
        let action = if writes {
            let others = attempt.actions.len().saturating_add(later).saturating_add(1);
            let room = MAX_CHANGES.saturating_sub(others);
            let now = self.retry.clock.now();
            for (sort, rider) in content.overflow(room, |sort| touched.contains(sort)) {
                let key = Key::new(anchor.partition.clone(), sort);
                let put = Action::put(&key, &rider.value, rider.version, mark, self.layout, now);
                attempt.actions.push((key, put));
            }
            let mut item = content.item();
            item.extend(item::key(anchor));
            item.insert(item::WRITER.to_owned(), mark.value());
            Action::put_item(item).if_marked(before)
        } else {
            Action::check(anchor).if_marked(before)
        };
        attempt.actions.push((anchor.clone(), action));
        attempt.anchors.insert(anchor.clone(), writes.then_some(content));
        Ok(())
    }
}
