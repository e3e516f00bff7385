//! Mail that the target received by forwarding while the source kept it too: it is in the target once.
//!
//! What lies in the folder of the same name is taken for the copy. A mail that its owner has filed in the
//! source since is copied to where it is filed; what came by forwarding then leaves the inbox with the
//! deletions, and only once the copy is there. Known by its internet message id alone; the rest may differ.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use ports::Change;
use tenant::graph::mailbox_content::{MailboxAddress, MailboxItem};

use super::{
    FolderRow, Folders, MailboxCopy,
    batch::Row,
    items::FolderCopy,
    reconcile::{Likeness, PROPERTIES},
};
use crate::{
    Workload,
    checkpoint::{Intent, Search},
    map::ItemMap,
    pages,
    store::keys,
    unit::{Step, Unit},
};

/// Stands before the change key of a copy that came by mail.
const BY_MAIL: &str = "mail ";

/// How far apart the clocks of both tenants and ours may be.
const CLOCKS: SignedDuration = SignedDuration::from_hours(1);

/// How the map remembers a copy that may have come by mail: on its way it has got other headers than its
/// original, so a comparison of both says nothing.
pub(super) fn by_mail(change_key: &str) -> String {
    format!("{BY_MAIL}{change_key}")
}

/// The change key of a copy, however it came.
pub(super) fn change_key(tag: &str) -> &str {
    tag.strip_prefix(BY_MAIL).unwrap_or(tag)
}

/// Rows that are mail, by their place on the page.
pub(super) type Mails = Vec<(usize, Likeness)>;

impl Unit<'_> {
    /// The rows of the page in hand that are mail and have no copy yet.
    pub(super) async fn mails(
        &mut self,
        copy: &MailboxCopy,
        folder: &FolderCopy<'_>,
        rows: &[Row],
    ) -> Step<Mails> {
        let intent = self.whole_page(rows);
        let mut mails = self.originals(copy, folder, rows, &intent).await?;
        mails.retain(|(_, likeness)| likeness.message_id.is_some());
        for (_, likeness) in &mut mails {
            likeness.search_key = None;
        }
        Ok(mails)
    }

    /// Takes mail in the target folder for the copy of what the source's folder kept.
    pub(super) async fn adopt_delivered(
        &mut self,
        copy: &MailboxCopy,
        folder: &mut FolderCopy<'_>,
        rows: &[Row],
        mut mails: Mails,
    ) -> Step {
        // A reconciliation may have found some since.
        let id = |place: &usize| rows.get(*place).map(|row| row.id.clone());
        let ids: BTreeSet<String> = mails.iter().filter_map(|(place, _)| id(place)).collect();
        let known = folder.map.find(&ids).await?;
        mails.retain(|(place, _)| id(place).is_some_and(|id| !known.contains_key(&id)));
        if mails.is_empty() {
            return Ok(());
        }
        let mut intent = self.whole_page(rows);
        self.search(copy, folder, &mails, &mut intent).await?;
        self.take_found(copy, folder, rows, &intent).await
    }

    /// Looks in the target's inbox for mail that was delivered there and is filed in this folder of the
    /// source. Nothing that was received before the source began to forward came that way.
    pub(super) async fn find_delivered(
        &mut self,
        copy: &MailboxCopy,
        folder: &mut FolderCopy<'_>,
        rows: &[Row],
        (mails, since): (&Mails, Timestamp),
    ) -> Step {
        let Some(inbox) = inbox(copy).filter(|inbox| inbox.ordinal != folder.row.ordinal) else {
            return Ok(());
        };
        let since = since.checked_sub(CLOCKS).unwrap_or(Timestamp::MIN);
        let recent = |mail: &Likeness| {
            let at = mail.delivered.as_deref().and_then(|at| at.parse::<Timestamp>().ok());
            at.is_some_and(|at| at >= since)
        };
        let mails: Vec<&(usize, Likeness)> =
            mails.iter().filter(|(_, mail)| recent(mail)).collect();
        if mails.is_empty() {
            return Ok(());
        }
        let delivered = self.received(&copy.target, inbox, since).await?;
        let ids = delivered.iter().map(|item| item.id.clone()).collect();
        let map = keys::map(copy.workload, inbox.ordinal);
        let map = ItemMap::open(self.state.store, &self.state.partition, map).await?;
        let taken = map.known_targets(&ids).await?;
        let mut free: BTreeMap<String, Likeness> = delivered
            .iter()
            .filter(|item| !taken.contains(&item.id))
            .map(|item| (item.id.clone(), Likeness::of(item)))
            .collect();
        for (place, mail) in mails {
            let found = free.iter().find(|(_, there)| there.is_copy_of(mail));
            if let (Some((id, _)), Some(row)) = (found, rows.get(*place)) {
                let id = id.clone();
                free.remove(&id);
                folder.delivered.insert(row.id.clone(), id);
            }
        }
        Ok(())
    }

    /// The internet message ids of what the target's inbox has received since the source may forward: of
    /// what the source keeps of that, no other copy is needed.
    pub(crate) async fn came_by_mail(
        &mut self,
        target: &MailboxAddress,
        folders: &Folders,
    ) -> Step<BTreeSet<String>> {
        let since = self.job.settings.adopt_delivered;
        let (Some(since), Some(inbox)) = (since, inbox_of(folders)) else {
            return Ok(BTreeSet::new());
        };
        let since = since.checked_sub(CLOCKS).unwrap_or(Timestamp::MIN);
        let items = self.received(target, inbox, since).await?;
        Ok(items.iter().filter_map(|item| Likeness::of(item).message_id).collect())
    }

    /// The internet message id of an item of the source, if it has one.
    pub(crate) async fn message_id(
        &mut self,
        held: &MailboxAddress,
        folder: &str,
        id: &str,
    ) -> Step<Option<String>> {
        let source = self.job.source.graph();
        let call = source.mailbox_item(held, folder, id, &PROPERTIES);
        let item = self.ask_optional("reading an item of the source again", call).await?;
        Ok(item.and_then(|item| Likeness::of(&item).message_id))
    }

    /// The items of the target's inbox that were made since then.
    async fn received(
        &mut self,
        target: &MailboxAddress,
        inbox: &FolderRow,
        since: Timestamp,
    ) -> Step<Vec<MailboxItem>> {
        let mut items = Vec::new();
        let mut link: Option<String> = None;
        loop {
            let graph = self.job.target.graph();
            let call = graph.mailbox_items_since(
                target,
                &inbox.target,
                since,
                link.as_deref(),
                &PROPERTIES,
            );
            let page = self.ask("looking for forwarded mail in the target", call).await?;
            items.extend(page.value);
            link = page.next_link;
            if link.is_none() {
                return Ok(items);
            }
        }
    }

    /// A filed mail has its copy: what came by forwarding goes, with the same commit as tells of the copy.
    pub(super) fn replaces_delivered(
        &mut self,
        copy: &MailboxCopy,
        folder: &mut FolderCopy<'_>,
        row: &Row,
    ) {
        let Some(target) = folder.delivered.remove(&row.id) else { return };
        let number = self.state.checkpoint.removals;
        self.state.checkpoint.removals = number.saturating_add(1);
        let key = self.state.key(keys::replaced(copy.workload, number));
        self.state.change(Change::put(key, pages::pack(&[[target]])));
    }

    /// Deletes forwarded mail whose original was filed, record by record. Deleting is idempotent.
    pub(super) async fn remove_replaced(&mut self, copy: &MailboxCopy) -> Step {
        let prefix = keys::all_replaced(copy.workload);
        let records = self.state.store.query_all(&self.state.partition, &prefix).await?;
        for record in records {
            self.within_budget()?;
            let ids = pages::unpack::<1>(&record.key.sort, &record.value)?;
            if let Some(inbox) = inbox(copy) {
                for [id] in &ids {
                    self.delete_delivered(copy, inbox, id).await?;
                }
            }
            self.state.delete(record.key.sort);
            self.commit().await?;
        }
        Ok(())
    }

    /// An intent over what is left of the page.
    fn whole_page(&self, rows: &[Row]) -> Intent {
        let from = self.page().map_or(0, |page| page.next);
        let at = self.job.clock.now();
        Intent { from, to: rows.len(), at, search: Search::default() }
    }
}

/// Where mail is delivered; an archive receives none.
fn inbox(copy: &MailboxCopy) -> Option<&FolderRow> {
    Some(&copy.folders).filter(|_| copy.workload == Workload::Mailbox).and_then(inbox_of)
}

fn inbox_of(folders: &Folders) -> Option<&FolderRow> {
    let mut rows = folders.rows.values();
    rows.find(|row| row.well_known.as_deref() == Some("inbox") && !row.target.is_empty())
}
