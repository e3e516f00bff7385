//! Whether the listing of a folder was complete: the folder counts its items (`totalItemCount`), so a page that
//! the service has skipped shows as fewer items than it counts.

use std::collections::BTreeSet;

use super::{MailboxCopy, items::FolderCopy};
use crate::{
    ContentError,
    checkpoint::ItemsStep,
    map::fingerprint,
    pages,
    store::keys,
    unit::{ASKED_SINGLY, Step, Unit},
};

impl Unit<'_> {
    /// Of what an incomplete listing has not shown, that which the folder does not hold any more. One that was
    /// only left out is there when it is asked for by itself.
    pub(super) async fn really_gone(
        &mut self,
        copy: &MailboxCopy,
        folder: &FolderCopy<'_>,
        unseen: Vec<[String; 2]>,
    ) -> Step<Vec<[String; 2]>> {
        let mut gone = Vec::new();
        for one in unseen.into_iter().take(ASKED_SINGLY) {
            let [_, id] = &one;
            let graph = self.job.source.graph();
            let held = copy.source_of(&folder.row);
            let call = graph.mailbox_item(held, &folder.row.source, id, &[]);
            let found = self.ask_optional("looking for an item of the source", call).await?;
            gone.extend(found.is_none().then_some(one));
        }
        Ok(gone)
    }

    /// Whether the source counts more items in the folder than it has listed, so that it is listed anew: once
    /// for each such number, and once in a round. What a new listing leaves out for good is not taken for
    /// deleted without being asked for.
    pub(super) async fn is_short(
        &mut self,
        copy: &MailboxCopy,
        folder: &mut FolderCopy<'_>,
        step: &mut ItemsStep,
    ) -> Step<bool> {
        let vanished = step.done.as_deref() == Some("");
        if vanished || step.incomplete {
            return Ok(false);
        }
        if !step.anew {
            let known = folder.map.len_at_most().saturating_add(folder.bad.len());
            let short = folder.row.items.saturating_sub(u32::try_from(known).unwrap_or(u32::MAX));
            let news = short != folder.row.short;
            folder.short_changed |= news;
            folder.row.short = short;
            return Ok(news && short > 0);
        }
        self.commit_with(folder).await?;
        let seen = self.seen(copy, step).await?.len();
        let seen = u32::try_from(seen).unwrap_or(u32::MAX);
        let short = |items: u32| items.saturating_sub(seen);
        if matches!(short(folder.row.items), 0) || short(folder.row.items) == folder.row.short {
            return Ok(false);
        }
        if !step.relisted {
            return Ok(true);
        }
        // People may have deleted meanwhile.
        let graph = self.job.source.graph();
        let call = graph.mailbox_folder(copy.source_of(&folder.row), &folder.row.source);
        let now = self.ask_optional("counting the items of a folder of the source", call).await?;
        let short = short(now.and_then(|now| now.total_item_count).unwrap_or(0));
        if short > 0 {
            step.incomplete = true;
            let text = format!(
                "the source counts {short} items more in `{}` than it lists, also when asked once more; what is \
                 missing in its list is not taken for deleted unless the source says so of the item itself",
                folder.path
            );
            self.note(copy.workload, text);
        }
        Ok(false)
    }

    /// What a whole enumeration has shown, by fingerprint.
    pub(super) async fn seen(
        &self,
        copy: &MailboxCopy,
        step: &ItemsStep,
    ) -> Result<BTreeSet<u64>, ContentError> {
        let mut seen = BTreeSet::new();
        for number in step.seen_from..step.seen_pages {
            let sort = keys::seen(copy.workload, number);
            let ids = pages::load::<1>(self.state.store, &self.state.partition, &sort).await?;
            seen.extend(ids.iter().map(|[id]| fingerprint(id)));
        }
        Ok(seen)
    }
}
