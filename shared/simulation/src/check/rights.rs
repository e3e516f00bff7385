//! SYN-2: the rights on a mailbox and the shares of a drive, with their holders translated.

use std::collections::BTreeMap;

use jiff::Timestamp;
use simulator::RightView;

use crate::world::{Person, World};

/// The accounts in the target of the people who move, by their names in the source, and whether each was
/// there when the last round began.
type Accounts<'w> = BTreeMap<&'w str, (String, bool)>;

fn accounts(world: &World, copied: Timestamp) -> Accounts<'_> {
    let mut accounts = Accounts::new();
    for other in &world.people {
        let user = world.user(other);
        if let Some(target) = user.and_then(|user| user.target) {
            let since = world.prepared_at(&other.key.user);
            let known = since.is_some_and(|since| since < copied);
            accounts.insert(&other.upn, (target.user_principal_name, known));
        }
    }
    accounts
}

/// Compares the shares of what lies at the same place in both drives of a person. `copied` is when the last
/// round of the copy began.
pub(crate) fn shares(world: &World, person: &Person, new: &str, copied: Timestamp) {
    let view = |tenant, upn: &str| world.simulator.drive_view(tenant, upn);
    let here = view(world.source.tenant_id, &person.upn);
    let (Ok(here), Ok(there)) = (here, view(world.target.tenant_id, new)) else { return };
    let accounts = accounts(world, copied);
    let ledger = world.ledger(&person.key.user);
    for (path, entry) in &here.entries {
        let late = ledger.file_changed_since(path, copied);
        let Some(copy) = there.entries.get(path).filter(|_| !late) else { continue };
        for (holder, roles) in &entry.grants {
            let Some((account, known)) = accounts.get(holder.as_str()) else { continue };
            if *known && copy.grants.get(account) != Some(roles) {
                let text = format!("{account} has not {roles:?} on `{path}` of {new}");
                world.stage.violated("SYN-2 (shares)", text);
            }
        }
        for holder in copy.grants.keys() {
            let meant = accounts.iter().find(|(_, (account, _))| account == holder);
            if meant.is_some_and(|(source, _)| !entry.grants.contains_key(*source)) {
                let text = format!("nobody gave {holder} a right on `{path}` of {}", person.upn);
                world.stage.violated("SYN-2 (shared)", text);
            }
        }
    }
}

/// Compares the rights on both mailboxes of a person. `copied` is when the last round of the copy began:
/// who had an account in the target by then has the rights there too.
pub(crate) fn rights(world: &World, person: &Person, new: &str, copied: Timestamp) {
    let simulator = &world.simulator;
    let here = simulator.rights(world.source.tenant_id, &person.upn);
    let there = simulator.rights(world.target.tenant_id, new);
    let accounts = accounts(world, copied);
    let mut translated = Vec::new();
    for right in &here {
        let Some((holder, known)) = accounts.get(right.holder.as_str()) else { continue };
        let shown = world.people.iter().find(|it| it.upn == right.holder).map(|it| &it.name);
        let right = RightView { right: right.right.clone(), holder: holder.clone() };
        // Exchange gives the holders of rights on folders by the name that people see, and of two who share
        // one nobody can tell which is meant.
        let of_folder = right.right.contains(' ');
        let namesakes = world.people.iter().filter(|it| Some(&it.name) == shown).count();
        let clear = !of_folder || namesakes == 1;
        if *known && clear && !there.contains(&right) {
            let text = format!("{holder} has no `{}` on the mailbox of {new}", right.right);
            world.stage.violated("SYN-2", text);
        }
        translated.push(right);
    }
    for right in &there {
        let moved = accounts.values().any(|(holder, _)| *holder == right.holder);
        if moved && !translated.contains(right) {
            let text = format!("nobody gave {right:?} on the mailbox of {}", person.upn);
            world.stage.violated("SYN-2 (granted)", text);
        }
    }
}
