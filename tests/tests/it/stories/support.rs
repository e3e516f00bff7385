//! What several files of stories look at.

#![expect(clippy::expect_used, reason = "a helper that fails fails its test")]

use catalogue::Side;
use crosswave_tests::world::{Setup, World, drive};
use engine::records::Batch;
use model::{Action, JournalEvent, Keys, User, WriteRecord};
use simulator::{Arrival, DriveFill, MailboxFill, Part, Population, Profile, RecipientView};
use tenant::{
    TenantClient,
    graph::{GraphUser, UserQuery},
};

/// So many people with empty mailboxes and drives, nobody in the target, nothing in the way: for
/// stories that are about something else.
pub(super) fn plain(people: usize) -> Setup {
    let population = Population {
        content: false,
        archives: 0,
        holds: 0,
        guests: 0,
        shared_mailboxes: 0,
        old_x500: 0,
        existing_in_target: 0,
        ..Population::of(people, Profile::Calm)
    };
    Setup { population, ..Setup::default() }
}

/// Builds a world and discovers who lives in it; the people who are to move, by their sign-in names.
pub(super) async fn discovered(setup: Setup) -> (World, Vec<User>) {
    let world = setup.build();
    world.discover().await;
    let mut people = world.users().await;
    people.retain(|user| !user.source.licenses.is_empty());
    people.sort_by(|one, other| {
        one.source.user_principal_name.cmp(&other.source.user_principal_name)
    });
    (world, people)
}

/// A world in which these actions are over for everybody.
pub(super) async fn after(setup: Setup, actions: &[Action]) -> (World, Vec<User>) {
    let (world, people) = discovered(setup).await;
    for action in actions {
        world.perform(&people, *action).await;
    }
    let mut now = Vec::new();
    for user in &people {
        now.push(world.user(user).await);
    }
    (world, now)
}

/// Puts a few items and files into everybody's mailbox, archive and drive.
pub(super) fn fill(world: &World, people: &[User]) {
    let tenant = world.source.tenant_id;
    let mail = MailboxFill { least_items: 4, most_items: 6, folders: 2, ..MailboxFill::default() };
    let files = DriveFill { least_files: 2, most_files: 3, folders: 2, ..DriveFill::default() };
    for user in people {
        let id = &user.source.object_id;
        world.simulator.fill_mailbox(tenant, id, Part::Primary, &mail).expect("a mailbox");
        if user.source.mailbox.archive {
            world.simulator.fill_mailbox(tenant, id, Part::Archive, &mail).expect("an archive");
        }
        world.simulator.fill_drive(tenant, id, &files).expect("a drive");
    }
}

/// The client of a side.
pub(super) async fn client(world: &World, side: Side) -> TenantClient {
    let pair = world.host.tenants.of(&world.project).await.expect("the tenants");
    if side == Side::Source { pair.source } else { pair.target }
}

/// Everybody in the directory of a side, by sign-in name.
pub(super) async fn directory(world: &World, side: Side) -> Vec<GraphUser> {
    let client = client(world, side).await;
    let users = drive(world, client.graph().list_users(&UserQuery::default())).await;
    let mut users = users.expect("the directory");
    users.sort_by(|one, other| one.user_principal_name.cmp(&other.user_principal_name));
    users
}

/// The person's account in the target.
pub(super) async fn account(world: &World, user: &User) -> GraphUser {
    let id = target_id(&world.user(user).await);
    let found = directory(world, Side::Target).await.into_iter().find(|user| user.id == id);
    found.expect("the account")
}

/// The object id of the person's account in the target.
pub(super) fn target_id(user: &User) -> String {
    user.target.as_ref().expect("a target").object_id.clone()
}

/// The person's recipient in the target: mail user or mailbox.
pub(super) async fn target_recipient(world: &World, user: &User) -> RecipientView {
    let id = target_id(&world.user(user).await);
    let all = world.simulator.recipients(world.target.tenant_id);
    let found = all.into_iter().find(|found| found.directory_id.to_string() == id);
    found.expect("the recipient")
}

/// The person's mailbox in the source.
pub(super) fn source_recipient(world: &World, user: &User) -> RecipientView {
    let found = world.simulator.recipient(world.source.tenant_id, &user.source.mail);
    found.expect("the source mailbox")
}

/// The contact that stands for the person in the target.
pub(super) fn contact(world: &World, user: &User) -> Option<RecipientView> {
    let all = world.simulator.recipients(world.target.tenant_id);
    all.into_iter().find(|found| {
        found.kind == "MailContact"
            && found.external_address.as_deref() == Some(user.source.mail.as_str())
    })
}

/// Sends a message and says in which mailboxes its copies ended: tenant and primary address.
pub(super) fn delivered(world: &World, to: &str) -> Vec<(String, String)> {
    let message = world.simulator.send_mail("someone@elsewhere.example", to, "Hello");
    let ended = world.simulator.arrivals(&message).into_iter().map(|arrival| match arrival {
        Arrival::Mailbox { tenant, address, .. } => (tenant.to_string(), address),
        other => ("nowhere".to_owned(), format!("{other:?}")),
    });
    ended.collect()
}

/// What the journal says was written, in order.
pub(super) async fn written(world: &World, user: &User) -> Vec<WriteRecord> {
    let entries = world.journal(user).await.into_iter();
    let writes = entries.filter_map(|entry| match entry.event {
        JournalEvent::Writing { writes } => Some(writes),
        _ => None,
    });
    writes.flatten().collect()
}

/// Puts a user's record into the store as it is given.
pub(super) async fn store_user(world: &World, user: &User) {
    let key = world.key(user);
    let there = engine::records::load_user(&*world.host.store, &key).await;
    let mut batch = Batch::new();
    let version = there.map_or(0, |there| there.version);
    batch.put(Keys::user(&key), user, version).expect("a record");
    batch.commit(&*world.host.store).await.expect("the store");
}

/// How many requests were made to both tenants so far.
pub(super) fn requests(world: &World) -> u64 {
    world.simulator.counts().by_tenant.values().sum()
}
