//! SYN-2: groups that hold rights become the target's groups.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use catalogue::Side;
use control::{Report, Selection};
use crosswave_tests::world::{World, drive};
use model::{Action, GroupAttribute, GroupMatching, Keys, User, UserKey, UserState};
use ports::Record;
use tenant::{
    exchange::{AutoMapping, FolderGrant, MailboxPermission},
    graph::drive::Recipient,
};

use super::support::{client, discovered, fill, plain, target_id};

const NAME: &str = "Vault readers";

/// One person to whose mailbox, calendar and a file a group of the source has rights.
async fn shared_with_a_group(groups: GroupMatching) -> (World, User) {
    let mut setup = plain(3);
    setup.profile.cutover.app_accounts = vec![setup.clone().build().service_account];
    let (mut world, people) = discovered(setup).await;
    world.project.groups = groups;
    control::store_project(&world.host, &world.project).await.unwrap();
    let owner = people.into_iter().last().unwrap();
    fill(&world, std::slice::from_ref(&owner));
    let source = client(&world, Side::Source).await;
    let (exchange, graph) = (source.exchange(), source.graph());
    let (mailbox, address) = (owner.source.mail.clone(), of_source(&world));
    drive(&world, exchange.add_full_access(&mailbox, &address, AutoMapping::Off)).await.unwrap();
    let rights = FolderGrant {
        user: address,
        access_rights: vec!["Editor".to_owned()],
        sharing_permission_flags: Vec::new(),
    };
    let granted = exchange.put_folder_permission(&mailbox, "\\Inbox", &rights);
    drive(&world, granted).await.unwrap();
    let filter = format!("displayName eq '{NAME}'");
    let groups = drive(&world, graph.list_groups(Some(&filter))).await.unwrap();
    let theirs = drive(&world, graph.user_drive(&owner.source.object_id)).await.unwrap().id;
    let page = drive(&world, graph.drive_delta(&theirs, None, 200)).await.unwrap();
    let file = page.value.into_iter().find(|item| item.file.is_some()).unwrap();
    let to = Recipient { object_id: Some(groups.first().unwrap().id.clone()), email: None };
    drive(&world, graph.invite_quietly(&theirs, &file.id, &to, &["read"])).await.unwrap();
    (world, owner)
}

fn of_source(world: &World) -> String {
    format!("vault@{}", world.source.vanity_domain)
}

/// What a group has in the target: on the mailbox, on the inbox, in the drive.
async fn rights(world: &World, owner: &User, group: &str, name: &str) -> [bool; 3] {
    let target = client(world, Side::Target).await;
    let (exchange, id) = (target.exchange(), target_id(&world.user(owner).await));
    let full = drive(world, exchange.mailbox_permissions(&id)).await.unwrap();
    let full = full.iter().filter(|right| MailboxPermission::is_copyable(right));
    let inbox = drive(world, exchange.folder_permissions(&id, "\\Inbox")).await.unwrap();
    let files = world.simulator.drive_view(world.target.tenant_id, &id).unwrap();
    let mut shares = files.entries.values().flat_map(|entry| &entry.grants);
    [
        full.map(|right| right.user.as_str()).any(|user| user == group),
        inbox.iter().any(|right| right.user == name && right.access_rights == ["Editor"]),
        shares.any(|(who, roles)| who == group && roles == &["read"]),
    ]
}

async fn reported(world: &World) -> Report {
    let everybody = Selection::everybody();
    control::report(&world.host, &world.scope(), &everybody).await.unwrap()
}

/// How many of the group's rights wait.
fn waiting(report: &Report) -> usize {
    let all = report.waiting_rights.iter().flat_map(|person| &person.rights);
    all.filter(|right| right.holder.to_lowercase().contains("vault")).count()
}

fn by_name() -> GroupMatching {
    GroupMatching { by: vec![GroupAttribute::DisplayName], ..GroupMatching::default() }
}

/// What is noted for the group, as if it were somebody who moves.
async fn told(world: &World, owner: &User) -> Vec<Record> {
    let graph = client(world, Side::Source).await.graph();
    let filter = format!("displayName eq '{NAME}'");
    let groups = drive(world, graph.list_groups(Some(&filter))).await.unwrap();
    let user = groups.first().unwrap().id.parse().unwrap();
    let partition = Keys::user_partition(&UserKey { user, ..world.key(owner) });
    world.host.store.query_all(&partition, Keys::AWAITED).await.unwrap()
}

/// SYN-2: a group that is in the target already, under the same name or under one that the project says,
/// gets every right at once.
#[tokio::test]
async fn a_group_that_the_target_has_gets_its_rights_with_the_first_sync() {
    for named in [false, true] {
        let (mut world, owner) = shared_with_a_group(by_name()).await;
        let tenant = world.target.tenant_id;
        let name = if named { "Contoso vault" } else { NAME };
        let made = world.simulator.add_security_group(tenant, name, "the-vault").unwrap();
        let address = format!("the-vault@{}", world.target.vanity_domain);
        if named {
            let id = made.to_string();
            let pairs = [(of_source(&world).to_uppercase(), id)];
            world.project.groups = GroupMatching { named: pairs.into(), by: Vec::new() };
            control::store_project(&world.host, &world.project).await.unwrap();
        }
        for action in [Action::Prepare, Action::Sync] {
            world.perform(std::slice::from_ref(&owner), action).await;
        }
        assert_eq!(rights(&world, &owner, &address, name).await, [true; 3], "named: {named}");
        assert_eq!(waiting(&reported(&world).await), 0);
    }
}

/// SYN-2: rights of a group that the target does not have are kept, told in the report, and granted by the
/// sync or the cutover that finds it. Nobody is told that they wait: a group has no move of its own.
#[tokio::test]
async fn a_group_that_comes_later_gets_its_rights_with_the_next_sync_or_the_cutover() {
    for then in [Action::Sync, Action::Cutover] {
        let (world, owner) = shared_with_a_group(by_name()).await;
        let owners = std::slice::from_ref(&owner);
        for action in [Action::Prepare, Action::Sync] {
            world.perform(owners, action).await;
        }
        let address = format!("vault@{}", world.target.vanity_domain);
        assert_eq!(rights(&world, &owner, &address, NAME).await, [false; 3]);
        let report = reported(&world).await;
        assert_eq!(waiting(&report), 3, "{report}");
        assert!(report.to_string().contains(NAME), "{report}");
        assert!(told(&world, &owner).await.is_empty());

        world.simulator.add_security_group(world.target.tenant_id, NAME, "vault").unwrap();
        world.perform(owners, then).await;
        assert_eq!(rights(&world, &owner, &address, NAME).await, [true; 3], "{then:?}");
        assert_eq!(waiting(&reported(&world).await), 0);
    }
}

/// A group of one tenant beside those that are there: as what, and with the name of the one that holds rights.
#[derive(Clone, Copy)]
enum Beside {
    InSource,
    InTarget,
    ListInTarget,
}

/// SYN-2, MAT-2: which of two groups of one name is meant nobody guesses, nor does a project that says
/// nothing about groups, or only about others, and a distribution list cannot hold rights. The report says of
/// each why it waits and what to do; nobody is told that they wait.
#[tokio::test]
async fn an_ambiguous_or_unlisted_group_gets_nothing_and_is_reported_with_its_reason() {
    use Beside::{InSource, InTarget, ListInTarget};
    let others = GroupMatching {
        named: [("Others".to_owned(), "others@fabrikam.example".to_owned())].into(),
        by: Vec::new(),
    };
    let nowhere = GroupMatching {
        named: [(NAME.to_owned(), "nobody@nowhere.example".to_owned())].into(),
        by: Vec::new(),
    };
    let cases: [(GroupMatching, &[Beside], &str); 7] = [
        (
            by_name(),
            &[InTarget, InTarget],
            "2 groups of the target fit, each has the displayName `Vault readers`",
        ),
        (
            by_name(),
            &[InSource, InTarget],
            "2 groups of the source have the displayName `Vault readers`",
        ),
        (
            by_name(),
            &[ListInTarget],
            "the group of the target that has the displayName `Vault readers` is a distribution list",
        ),
        (by_name(), &[], "the target has no such group; make it there, or name"),
        (nowhere, &[InTarget], "no group of the target is `nobody@nowhere.example`"),
        (others, &[InTarget], "[groups] does not name this group"),
        (GroupMatching::default(), &[InTarget], "the project file says nothing about groups"),
    ];
    for (groups, beside, why) in cases {
        let (world, owner) = shared_with_a_group(groups).await;
        let (simulator, here, there) =
            (&world.simulator, world.source.tenant_id, world.target.tenant_id);
        for (n, group) in beside.iter().enumerate() {
            let alias = format!("vault{n}");
            let made = match group {
                InSource => simulator.add_security_group(here, NAME, &alias),
                InTarget => simulator.add_security_group(there, NAME, &alias),
                ListInTarget => simulator.add_distribution_list(there, NAME, &alias),
            };
            made.unwrap();
        }
        for action in [Action::Prepare, Action::Sync] {
            world.perform(std::slice::from_ref(&owner), action).await;
        }
        let report = reported(&world).await.to_string();
        let line = report.lines().find(|line| line.contains(why)).unwrap_or(&report);
        assert!(line.contains("wait") && line.contains(NAME), "{line}");
        assert!(line.contains("then sync again"), "what to do: {line}");
        assert!(told(&world, &owner).await.is_empty(), "{why}");
        world.perform(std::slice::from_ref(&owner), Action::Cutover).await;
        assert_eq!(world.user(&owner).await.state, UserState::Complete);
        for alias in ["vault0", "vault1"] {
            let address = format!("{alias}@{}", world.target.vanity_domain);
            assert_eq!(rights(&world, &owner, &address, NAME).await, [false; 3], "{why}");
        }
        assert_eq!(waiting(&reported(&world).await), 3, "{why}");
    }
}
