//! The generator, the CSV and the `.eml` folder.

use std::{io::Write, sync::Arc};

use conformance::reference::VirtualClock;
use simulator::{EmlLimits, Part, Population, Profile, Simulator};

use crate::bench::Bench;

fn rehearsal(people: usize, seed: u64, profile: Profile) -> simulator::Rehearsal {
    Simulator::rehearsal(people, seed, Arc::new(VirtualClock::new()), profile)
}

#[test]
fn one_seed_gives_one_population_and_another_seed_another() {
    let view = |seed| {
        let rehearsal = rehearsal(25, seed, Profile::Awkward);
        rehearsal.simulator.recipients(rehearsal.source.tenant_id)
    };
    assert_eq!(view(1), view(1));
    assert_ne!(view(1), view(2));
}

#[test]
fn a_population_has_its_awkward_people() {
    let rehearsal = rehearsal(60, 3, Profile::Awkward);
    let all = rehearsal.simulator.recipients(rehearsal.source.tenant_id);
    let people: Vec<_> = all.iter().filter(|view| view.kind == "UserMailbox").collect();
    assert_eq!(people.len(), 60);
    let count = |fits: &dyn Fn(&&simulator::RecipientView) -> bool| all.iter().filter(fits).count();
    assert_eq!(count(&|view| view.display_name == "Andreas Meyer"), 2, "two of one name");
    assert!(
        count(&|view| view.display_name.chars().any(|c| ('\u{590}'..'\u{700}').contains(&c))) > 0,
        "right-to-left"
    );
    assert!(count(&|view| view.display_name.contains('ł') || view.display_name.contains('ø')) > 0);
    assert!(count(&|view| view.kind == "SharedMailbox") > 2);
    assert!(count(&|view| view.kind == "GuestMailUser") > 0);
    assert!(count(&|view| view.archive.is_some()) > 5);
    assert!(count(&|view| view.synced) > 3);
    assert!(count(&|view| view.addresses.iter().any(|address| address.starts_with("X500:"))) > 5);
    let target = rehearsal.simulator.recipients(rehearsal.target.tenant_id);
    assert!(
        target.iter().any(|view| view.name.starts_with("Old list")),
        "an address that a third object holds"
    );
    let users = rehearsal
        .simulator
        .tenants()
        .into_iter()
        .find(|t| t.id == rehearsal.target.tenant_id)
        .expect("the target")
        .users;
    assert!(users > 10, "people who exist in the target already");
    // Names, aliases and addresses are unique however many there are.
    let mut addresses: Vec<_> =
        all.iter().flat_map(|view| view.addresses.iter().map(|a| a.to_lowercase())).collect();
    let total = addresses.len();
    addresses.sort();
    addresses.dedup();
    assert_eq!(addresses.len(), total);
}

#[test]
fn a_large_population_is_made_without_clashes() {
    let population = Population { content: false, ..Population::of(2_000, Profile::Realistic) };
    let clock = Arc::new(VirtualClock::new());
    let rehearsal = Simulator::rehearsal_with(&population, 5, clock, simulator::Config::default());
    let all = rehearsal.simulator.recipients(rehearsal.source.tenant_id);
    let mut names: Vec<_> = all.iter().map(|view| view.name.to_lowercase()).collect();
    let total = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), total);
    assert!(all.iter().all(|view| view.name.chars().count() <= 64));
}

#[test]
fn a_csv_of_users_is_loaded_whole_or_not_at_all() {
    let bench = Bench::calm();
    let tenant = bench.source.tenant_id;
    let good = "userPrincipalName,displayName,department,mailbox,archive\nzo@contoso.example,Zoë Ω,Küche,true,true\nplain@contoso.example,Plain,,false,\n";
    assert_eq!(bench.simulator.load_people(tenant, good.as_bytes()).expect("two"), 2);
    let view = bench.simulator.recipient(tenant, "zo@contoso.example").expect("Zoë");
    assert!(view.archive.is_some() && view.display_name == "Zoë Ω");
    assert!(bench.simulator.recipient(tenant, "plain@contoso.example").is_none());
    for (csv, line, word) in [
        ("displayName\nx\n", "line 1", "userPrincipalName"),
        ("userPrincipalName,displayName,shoeSize\na@contoso.example,A,44\n", "line 1", "shoeSize"),
        ("userPrincipalName,displayName\na@elsewhere.example,A\n", "line 2", "elsewhere"),
        (
            "userPrincipalName,displayName\na@contoso.example,A\nA@contoso.example,B\n",
            "line 3",
            "line 2",
        ),
        (
            "userPrincipalName,displayName,archive\na@contoso.example,A,perhaps\n",
            "line 2",
            "perhaps",
        ),
        ("userPrincipalName,displayName\nzo@contoso.example,A\n", "line 2", "already"),
    ] {
        let fault =
            bench.simulator.load_people(tenant, csv.as_bytes()).expect_err("a refusal").to_string();
        assert!(fault.starts_with(line) && fault.contains(word), "{fault}");
        assert!(bench.simulator.recipient(tenant, "a@contoso.example").is_none());
    }
    let binary = b"userPrincipalName,displayName\na@contoso.example,\xff\n";
    assert!(bench.simulator.load_people(tenant, &binary[..]).is_err(), "not UTF-8");
}

#[test]
fn a_folder_of_messages_is_loaded_within_its_limits() {
    let bench = Bench::calm();
    let folder = std::env::temp_dir().join(format!("crosswave-eml-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    for name in ["b.eml", "a.EML", "c.txt"] {
        let mut file = std::fs::File::create(folder.join(name)).expect("a file");
        write!(file, "Subject: {name}\r\nMessage-ID: <{name}@x>\r\n\r\nhello \u{1f600}")
            .expect("written");
    }
    let tenant = bench.source.tenant_id;
    let user = "andreas.meyer@contoso.example";
    let load = |limits| bench.simulator.load_eml(tenant, user, &folder, limits);
    let tight = EmlLimits { file_bytes: 10, ..EmlLimits::default() };
    let refused = load(tight).expect_err("too large").to_string();
    let loaded = load(EmlLimits::default()).expect("two");
    std::fs::remove_dir_all(&folder).expect("removed");
    assert!(refused.contains("the limits are 10 for a file"), "{refused}");
    assert_eq!(loaded, 2);
    let view = bench.simulator.mailbox_view(tenant, user, Part::Primary).expect("a mailbox");
    let inbox = view.folders.values().find(|folder| folder.well_known.as_deref() == Some("inbox"));
    let inbox = inbox.expect("an inbox");
    assert_eq!(inbox.items.len(), 2);
    assert!(load(EmlLimits::default()).is_err(), "the folder is gone");
}
