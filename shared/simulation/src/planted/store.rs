//! Mistakes in what is committed.

use conformance::reference::ModelStore;
use model::{Job, JournalEntry, JournalEvent, JournalPage, Notification, Stored};
use ports::{Change, Expect, Key, Store};

use super::Bug;
use crate::stage::Stage;

/// The changes as a mistaken engine or copier would commit them.
pub(crate) fn twisted(stage: &Stage, bug: Option<Bug>, changes: &[Change]) -> Vec<Change> {
    let mut changes = changes.to_vec();
    match bug {
        Some(Bug::ShortLease) => short_leases(stage, &mut changes),
        Some(Bug::StopNotHeard) => edit_jobs(&mut changes, |job| job.stop = false),
        Some(Bug::UnconditionalCheckpoint) => {
            short_leases(stage, &mut changes);
            unconditional(&mut changes, |key| key.sort == "checkpoint");
        }
        Some(Bug::UnconditionalJob) => unconditional(&mut changes, |key| is(key, "A#")),
        Some(Bug::UnconditionalUser) => unconditional(&mut changes, |key| is(key, "U#")),
        Some(Bug::NoIntentOnImport) => without_intents(&mut changes),
        Some(Bug::NameNotRemembered) => {
            changes.retain(|change| !remembers(change));
        }
        Some(Bug::NoBeforeImages) => without_before_images(&mut changes),
        Some(Bug::UsagePerJob) => usage_per_job(&mut changes),
        Some(Bug::NoNotificationRecord) => {
            for change in &mut changes {
                if let Change::Put { key, value, .. } = change
                    && is(key, "N#")
                    && let Ok(mut record) = Notification::from_bytes(value)
                    && matches!(record.delivery, model::DeliveryState::Sending { .. })
                {
                    record.delivery = model::DeliveryState::Pending;
                    replace(value, &record);
                }
            }
        }
        Some(Bug::SendBeforeCommit) => return put_off(stage, changes),
        _ => {}
    }
    changes
}

/// Leases that end while their step is still at work.
fn short_leases(stage: &Stage, changes: &mut [Change]) {
    let soon = stage.now() + jiff::SignedDuration::from_millis(20);
    edit_jobs(changes, |job| {
        if let Some(lease) = &mut job.lease {
            lease.until = lease.until.min(soon);
        }
    });
}

fn is(key: &Key, prefix: &str) -> bool {
    key.sort.starts_with(prefix)
}

fn replace<T: Stored>(value: &mut Vec<u8>, record: &T) {
    if let Ok(bytes) = record.to_bytes() {
        *value = bytes;
    }
}

fn edit_jobs(changes: &mut [Change], edit: impl Fn(&mut Job)) {
    for change in changes {
        if let Change::Put { key, value, .. } = change
            && is(key, "A#")
            && let Ok(mut job) = Job::from_bytes(value)
        {
            edit(&mut job);
            replace(value, &job);
        }
    }
}

fn unconditional(changes: &mut [Change], of: impl Fn(&Key) -> bool) {
    for change in changes {
        match change {
            Change::Put { key, expect, .. }
            | Change::Delete { key, expect }
            | Change::Check { key, expect }
                if of(key) =>
            {
                *expect = Expect::Anything;
            }
            _ => {}
        }
    }
}

/// The copier's checkpoint without the rows that it is about to write.
fn without_intents(changes: &mut [Change]) {
    for change in changes {
        if let Change::Put { key, value, .. } = change
            && key.sort == "checkpoint"
            && let Ok(mut record) = serde_json::from_slice::<serde_json::Value>(value)
        {
            clear(&mut record, "intent");
            if let Ok(bytes) = serde_json::to_vec(&record) {
                *value = bytes;
            }
        }
    }
}

/// Sets every field of a name to null, wherever it is.
fn clear(value: &mut serde_json::Value, name: &str) {
    match value {
        serde_json::Value::Object(fields) => {
            for (field, value) in fields {
                if field == name {
                    *value = serde_json::Value::Null;
                } else {
                    clear(value, name);
                }
            }
        }
        serde_json::Value::Array(values) => values.iter_mut().for_each(|value| clear(value, name)),
        _ => {}
    }
}

/// Memory's names, taken out of the record that is put.
fn remembers(change: &Change) -> bool {
    let Change::Put { key, value, .. } = change else { return false };
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let remembers = key.sort == "M" && text.contains("contact_addresses");
    remembers && !text.contains("cutover.clear_contact_legacy_dn")
}

fn without_before_images(changes: &mut Vec<Change>) {
    let is_other = |entry: &JournalEntry| !matches!(entry.event, JournalEvent::Writing { .. });
    edit_jobs(changes, |job| job.journal.retain(is_other));
    changes.retain_mut(|change| {
        let Change::Put { key, value, .. } = change else { return true };
        let Some(mut page) = is(key, "L#").then(|| JournalPage::from_bytes(value).ok()).flatten()
        else {
            return true;
        };
        page.entries.retain(is_other);
        replace(value, &page);
        !page.entries.is_empty()
    });
}

fn usage_per_job(changes: &mut [Change]) {
    for change in changes {
        if let Change::Put { key, value, .. } = change
            && key.partition.ends_with("#USAGE")
            && let Ok(usage) = model::UsageRecord::from_bytes(value)
        {
            key.sort = format!("{}#{}", key.sort, usage.job);
        }
    }
}

/// Keeps a step's commit back until its invocation has sent something.
fn put_off(stage: &Stage, changes: Vec<Change>) -> Vec<Change> {
    let mut inner = stage.lock();
    let moves = changes.iter().any(|change| is(change.key(), "A#"));
    let Some(number) = inner.current.as_ref().map(|current| current.number).filter(|_| moves)
    else {
        return changes;
    };
    inner.put_off.insert(number, changes);
    Vec::new()
}

/// Makes durable what was kept back by the invocation at work.
pub(crate) async fn flush(stage: &Stage, store: &ModelStore) {
    let kept = {
        let mut inner = stage.lock();
        let number = inner.current.as_ref().map(|current| current.number);
        number.and_then(|number| inner.put_off.remove(&number))
    };
    if let Some(changes) = kept
        && store.commit(&changes).await.is_ok()
    {
        crate::check::committed(stage, &changes);
    }
}

/// A record as a mistaken copier would have left it: rows that were about to be imported count as
/// imported.
pub(crate) fn read(stage: &Stage, record: Option<ports::Record>) -> Option<ports::Record> {
    let mut record = record?;
    if record.key.sort == "checkpoint"
        && stage.has_bug(Bug::MapBeforeImport)
        && let Ok(mut checkpoint) = serde_json::from_slice::<serde_json::Value>(&record.value)
    {
        skip_intents(&mut checkpoint);
        if let Ok(bytes) = serde_json::to_vec(&checkpoint) {
            record.value = bytes;
        }
    }
    Some(record)
}

fn skip_intents(value: &mut serde_json::Value) {
    let Some(fields) = value.as_object_mut() else { return };
    let to = fields.get("intent").and_then(|intent| intent.get("to")).cloned();
    if let Some(to) = to
        && fields.contains_key("next")
    {
        fields.insert("next".to_owned(), to);
        fields.insert("intent".to_owned(), serde_json::Value::Null);
    }
    fields.values_mut().for_each(skip_intents);
}
