//! SYN-5: what cannot be copied is listed with its reason, and copied once it can be.

use content::{BadItem, Workload};
use jiff::Timestamp;
use model::Keys;
use ports::Store;
use simulator::Part;

use super::content::unreadable;
use crate::world::{Person, World};

/// Compares the list of bad items with the unreadable items of the source; `copied` is when the last round
/// of the copy began.
pub(crate) async fn bad_items(world: &World, person: &Person, parts: &[Part], copied: Timestamp) {
    let broken = |text: String| {
        world.stage.violated("SYN-5", format!("{}: {text}", person.upn));
    };
    let partition = Keys::copy_partition(&person.key);
    let store: &dyn Store = &*world.quiet;
    let records = store.query_all(&partition, "B/").await.unwrap_or_default();
    let listed: Vec<BadItem> =
        records.iter().filter_map(|it| serde_json::from_slice(&it.value).ok()).collect();
    for item in &listed {
        if item.id.is_empty() || item.reason.is_empty() || item.advice.is_empty() || item.tries == 0
        {
            broken(format!("a bad item says too little: {item:?}"));
        }
    }
    let ledger = world.ledger(&person.key.user);
    for part in parts {
        let view = world.simulator.mailbox_view(world.source.tenant_id, &person.upn, *part);
        let Ok(view) = view else { continue };
        let workload = if *part == Part::Archive { Workload::Archive } else { Workload::Mailbox };
        let of_part = listed.iter().filter(|item| item.workload == workload).count();
        let unreadable = unreadable(&view);
        let sure = unreadable.iter().filter(|name| !ledger.knows(name)).count();
        if of_part < sure {
            broken(format!(
                "{sure} items of the {part:?} mailbox cannot be read, {of_part} are listed"
            ));
        }
        let mut everywhere = view.folders.values().flat_map(|folder| &folder.items);
        let readable = ledger.settled_before(copied) && !everywhere.any(|item| item.corrupt);
        if readable && of_part > 0 {
            broken(format!("every item of the {part:?} mailbox can be read, {of_part} are listed"));
        }
    }
}
