//! An open intent: items that were about to be imported when the unit before ended. Which of them are
//! in the target is found out there, before anything else is imported.
//!
//! A copy is recognised by what the stream carries over: the search key, else the internet message id,
//! else kind, size, subject and date. Of an original that has left its folder or was edited meanwhile, what
//! the copy was made of is known from the page alone: kind, size and the second in which it was made. The
//! copy is taken into the map all the same, since the next changes tell what became of the original. An item of the target that the map knows
//! as another copy is no candidate.

use std::{collections::BTreeSet, time::Duration};

use tenant::graph::mailbox_content::{ImportedItem, MailboxItem};

use super::{MailboxCopy, batch::Row, delivered::by_mail, items::FolderCopy};
use crate::{
    checkpoint::Intent,
    unit::{Step, Stop, Unit},
};

/// PidTagSearchKey: copied with the item, so it is the same on both sides.
const SEARCH_KEY: (u32, &str) = (0x300B, "Binary 0x300B");
/// PidTagInternetMessageId.
const MESSAGE_ID: (u32, &str) = (0x1035, "String 0x1035");
/// PidTagSubject.
const SUBJECT: (u32, &str) = (0x37, "String 0x0037");
/// PidTagMessageDeliveryTime.
const DELIVERED: (u32, &str) = (0x0E06, "SystemTime 0x0E06");
pub(super) const PROPERTIES: [&str; 4] = [SEARCH_KEY.1, MESSAGE_ID.1, SUBJECT.1, DELIVERED.1];

/// What a copy has in common with its original.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Likeness {
    pub(super) search_key: Option<String>,
    pub(super) message_id: Option<String>,
    kind: Option<String>,
    size: Option<u64>,
    /// When it was made.
    created: Option<String>,
    subject: Option<String>,
    pub(super) delivered: Option<String>,
    /// The original as the page in hand lists it, where it is not that any more: kind, size and when it
    /// was made.
    listed: Option<(Option<String>, Option<u64>, Option<String>)>,
    /// The original has left its folder: nothing else is known.
    gone: bool,
}

impl Likeness {
    pub(super) fn of(item: &MailboxItem) -> Self {
        let property = |tag| item.property(tag).filter(|text| !text.is_empty()).map(str::to_owned);
        Self {
            search_key: property(SEARCH_KEY.0),
            message_id: property(MESSAGE_ID.0),
            kind: item.kind.clone(),
            size: item.size,
            created: item.created_date_time.clone().filter(|text| !text.is_empty()),
            subject: property(SUBJECT.0),
            delivered: property(DELIVERED.0),
            listed: None,
            gone: false,
        }
    }

    /// What the page in hand says of an original that is there no more.
    fn gone(row: &Row) -> Self {
        Self { gone: true, ..Self::default() }.listed(row)
    }

    /// Adds what the page in hand says of an original that has changed since.
    fn listed(self, row: &Row) -> Self {
        let kind = Some(row.kind.clone()).filter(|text| !text.is_empty());
        let created = Some(row.created.clone()).filter(|text| !text.is_empty());
        let listed = created.is_some().then_some((kind, Some(row.size), created));
        Self { listed, ..self }
    }

    pub(super) fn is_copy_of(&self, original: &Self) -> bool {
        let as_listed = || {
            let here = (self.kind.clone(), self.size, self.created.clone());
            original.listed.as_ref().is_some_and(|listed| *listed == here)
        };
        if original.gone {
            return as_listed();
        }
        if let (Some(here), Some(there)) = (&self.search_key, &original.search_key) {
            return here == there;
        }
        if let (Some(here), Some(there)) = (&self.message_id, &original.message_id) {
            return here == there;
        }
        // Without either: all the rest, compared as one.
        let rest = |of: &Self| (of.kind.clone(), of.size, of.subject.clone(), of.delivered.clone());
        rest(self) == rest(original) || as_listed()
    }
}

impl Unit<'_> {
    /// Takes into the map what an interrupted batch did import, and closes the intent.
    pub(super) async fn reconcile(
        &mut self,
        copy: &MailboxCopy,
        folder: &mut FolderCopy<'_>,
        rows: &[Row],
        mut intent: Intent,
    ) -> Step {
        self.settled(&intent)?;
        let originals = self.originals(copy, folder, rows, &intent).await?;
        if !originals.is_empty() {
            self.search(copy, folder, &originals, &mut intent).await?;
        }
        self.take_found(copy, folder, rows, &intent).await
    }

    /// Takes what a search has found into the map.
    pub(super) async fn take_found(
        &mut self,
        copy: &MailboxCopy,
        folder: &mut FolderCopy<'_>,
        rows: &[Row],
        intent: &Intent,
    ) -> Step {
        let forwards = self.job.settings.adopt_delivered.is_some();
        for (place, target, tag) in &intent.search.found {
            if let Some(row) = rows.get(*place) {
                let tag = if forwards { by_mail(tag) } else { tag.clone() };
                let item = ImportedItem { item_id: target.clone(), change_key: tag };
                self.landed(copy, folder, row, &row.tag, item, false);
            }
        }
        self.set_page(intent.from, None);
        self.commit_with(folder).await
    }

    /// A request that was on its way may still arrive: give it time.
    fn settled(&self, intent: &Intent) -> Step {
        let since = self.job.clock.now().duration_since(intent.at);
        let since = Duration::try_from(since).unwrap_or_default();
        match self.job.settings.settle.checked_sub(since) {
            Some(left) if !left.is_zero() => Err(Stop::Wait {
                after: left,
                why: "an import was interrupted; the target is given time to show it".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// The rows of the intent whose copy may be there unknown to the map, those that have left the folder
    /// behind the others.
    pub(super) async fn originals(
        &mut self,
        copy: &MailboxCopy,
        folder: &FolderCopy<'_>,
        rows: &[Row],
        intent: &Intent,
    ) -> Step<Vec<(usize, Likeness)>> {
        let places = intent.from..intent.to.min(rows.len());
        let ids = rows.get(places.clone()).unwrap_or_default();
        let ids: BTreeSet<String> = ids.iter().map(|row| row.id.clone()).collect();
        let known = folder.map.find(&ids).await?;
        let (mut originals, mut gone) = (Vec::new(), Vec::new());
        for place in places {
            let Some(row) = rows.get(place) else { break };
            if let Some(entry) = known.get(&row.id) {
                let there = entry.target.clone();
                if entry.source_tag == row.tag || self.is_there(copy, folder, &there).await? {
                    // Copied, or an update, which may be repeated.
                    continue;
                }
            }
            let source = self.job.source.graph();
            let call = source.mailbox_item(
                copy.source_of(&folder.row),
                &folder.row.source,
                &row.id,
                &PROPERTIES,
            );
            let doing = "reading an item of the source again";
            match self.ask_optional(doing, call).await? {
                Some(item) => {
                    let same = item.change_key.as_deref() == Some(row.tag.as_str());
                    let now = Likeness::of(&item);
                    originals.push((place, if same { now } else { now.listed(row) }));
                }
                None => gone.push((place, Likeness::gone(row))),
            }
        }
        originals.append(&mut gone);
        Ok(originals)
    }

    async fn is_there(
        &mut self,
        copy: &MailboxCopy,
        folder: &FolderCopy<'_>,
        target: &str,
    ) -> Step<bool> {
        let graph = self.job.target.graph();
        let call = graph.mailbox_item(&copy.target, &folder.row.target, target, &[]);
        Ok(self.ask_optional("looking for a copy in the target", call).await?.is_some())
    }

    /// Looks through the target folder, page by page; a search that is longer than a unit goes on in
    /// the next.
    pub(super) async fn search(
        &mut self,
        copy: &MailboxCopy,
        folder: &FolderCopy<'_>,
        originals: &[(usize, Likeness)],
        intent: &mut Intent,
    ) -> Step {
        loop {
            let target = self.job.target.graph();
            let link = intent.search.link.clone();
            let call = target.mailbox_items(
                &copy.target,
                &folder.row.target,
                link.as_deref(),
                &PROPERTIES,
            );
            let page = self.ask_optional("looking for copies in the target", call).await?;
            // In a folder that people of the target have deleted there are none.
            let Some(page) = page else { return Ok(()) };
            self.pair(folder, originals, intent, page.value).await?;
            let all = intent.search.found.len() == originals.len();
            let Some(next) = page.next_link.filter(|_| !all) else { return Ok(()) };
            intent.search.link = Some(next);
            self.set_page(intent.from, Some(intent.clone()));
            self.within_budget()?;
        }
    }

    /// Pairs items of the target with originals, each at most once.
    async fn pair(
        &mut self,
        folder: &FolderCopy<'_>,
        originals: &[(usize, Likeness)],
        intent: &mut Intent,
        items: Vec<MailboxItem>,
    ) -> Step {
        let alike = |item: &MailboxItem| {
            let here = Likeness::of(item);
            originals.iter().any(|(_, original)| here.is_copy_of(original))
        };
        let candidates: Vec<MailboxItem> = items.into_iter().filter(alike).collect();
        let ids = candidates.iter().map(|item| item.id.clone()).collect();
        let taken = folder.map.known_targets(&ids).await?;
        for item in candidates {
            let found = &mut intent.search.found;
            let used = taken.contains(&item.id) || found.iter().any(|(_, id, _)| *id == item.id);
            let here = Likeness::of(&item);
            let free = originals.iter().find(|(place, original)| {
                here.is_copy_of(original) && !found.iter().any(|(at, _, _)| at == place)
            });
            if let Some((place, _)) = free
                && !used
            {
                found.push((*place, item.id, item.change_key.unwrap_or_default()));
            }
        }
        Ok(())
    }
}
