//! SYN-2: the rights on a mailbox, with their holders translated.

use std::collections::BTreeMap;

use jiff::Timestamp;
use simulator::RightView;

use crate::world::{Person, World};

/// Compares the rights on both mailboxes of a person. `copied` is when the last round of the copy began:
/// who had an account in the target by then has the rights there too.
pub(crate) fn rights(world: &World, person: &Person, new: &str, copied: Timestamp) {
    let simulator = &world.simulator;
    let here = simulator.rights(world.source.tenant_id, &person.upn);
    let there = simulator.rights(world.target.tenant_id, new);
    let mut accounts: BTreeMap<&str, (String, bool)> = BTreeMap::new();
    for other in &world.people {
        let user = world.user(other);
        if let Some(target) = user.and_then(|user| user.target) {
            let since = world.prepared_at(&other.key.user);
            let known = since.is_some_and(|since| since < copied);
            accounts.insert(&other.upn, (target.user_principal_name, known));
        }
    }
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
