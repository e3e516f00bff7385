use super::*;
use crate::project::{Template, template};

fn faults(change: impl Fn(&str) -> String) -> String {
    let text = change(&template(&Template::example()));
    read(std::path::Path::new("p.toml"), &text).unwrap_err().to_string()
}

/// ERR-1: whatever stands in the file, it is read or refused in words.
#[test]
fn a_garbled_project_file_is_refused_and_never_a_panic() {
    let good = template(&Template::example());
    let words = ["", "=", "\"", "[[", "-1", "1979-13-45", "é", "\u{0}", "true", "{}"];
    let mut bits = 0x9E37_79B9_u64;
    let mut next = |bound: usize| {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(bits >> 33).unwrap() % bound.max(1)
    };
    for _ in 0..1_500 {
        let mut chars: Vec<char> = good.chars().collect();
        for _ in 0..=next(3) {
            let at = next(chars.len());
            let to = (at + next(30)).min(chars.len());
            chars.splice(at..to, words[next(words.len())].chars());
        }
        let text: String = chars.into_iter().collect();
        if let Err(faults) = read(std::path::Path::new("p.toml"), &text) {
            assert!(faults.to_string().contains("p.toml"), "{faults}");
        }
    }
}

#[test]
fn the_template_of_init_is_a_good_project_file() {
    let file = read(std::path::Path::new("x/p.toml"), &template(&Template::example())).unwrap();
    assert_eq!(file.project.project_type, ProjectType::Premium);
    assert_eq!(file.state, std::path::Path::new("x/merger.crosswave"));
    assert_eq!(file.project.target.domains, ["fabrikam.example", "fabrikam.onmicrosoft.com"]);
}

/// ERR-1: an unknown key, with file, line and column.
#[test]
fn an_unknown_key_is_named_with_its_place() {
    let text = faults(|text| text.replacen("[source]", "[source]\ntennant = 1", 1));
    assert!(text.starts_with("p.toml:"), "{text}");
    assert!(text.contains("column 1: unknown field `tennant`, expected one of"), "{text}");
}

/// ERR-1: a wrong type.
#[test]
fn a_wrong_type_is_named_with_its_place() {
    let text = faults(|text| text.replace("workers = 24", "workers = \"many\""));
    assert!(
        text.contains("column 11: invalid type: string \"many\", expected a whole number"),
        "{text}"
    );
}

/// A unit of a copy is well inside one invocation: the file may set how long it works, within bounds.
#[test]
fn the_budget_of_a_unit_is_a_setting_with_bounds() {
    let good = template(&Template::example());
    let with =
        |seconds: &str| good.replace("unit_seconds = 60", &format!("unit_seconds = {seconds}"));
    let read = |text: &str| read(std::path::Path::new("p.toml"), text);
    let unit = |text: &str| read(text).unwrap().project.default_profile.sync.unit_seconds;
    assert_eq!(unit(&good).duration(), Duration::from_mins(1));
    assert_eq!(unit(&good.replace("unit_seconds = 60", "")).duration(), Duration::from_mins(1));
    assert_eq!(unit(&with("20")).duration(), Duration::from_secs(20));
    for wrong in ["4", "601"] {
        let faults = read(&with(wrong)).unwrap_err().to_string();
        assert!(faults.contains("expected a number from 5 to 600"), "{faults}");
        assert!(faults.starts_with("p.toml:"), "{faults}");
    }
}

/// SYN-2: groups by name and by attribute, and the licences by which SharePoint's budget grows.
#[test]
fn groups_and_licences_are_read() {
    let text = template(&Template::example())
        .replace("by = []", "by = [\"mailNickname\", \"displayName\"]")
        .replace("# named =", "named =")
        .replace("# licences = 1000", "licences = 6000");
    let project = read(std::path::Path::new("p.toml"), &text).unwrap().project;
    assert_eq!(project.groups.by.len(), 2);
    let named = project.groups.named(["Sales@Contoso.example"]);
    assert_eq!(named, Some("contoso-sales@fabrikam.example"));
    assert_eq!((project.source.licences, project.target.licences), (Some(6_000), Some(6_000)));
    let wrong = faults(|text| text.replace("by = []", "by = [\"mail\"]"));
    assert!(wrong.contains("unknown variant `mail`, expected `displayName`"), "{wrong}");
}

/// ERR-1
#[test]
fn values_that_cannot_be_are_named_all_at_once() {
    let text = faults(|text| {
        text.replace("name = \"merger\"", "name = \"my merger\"")
            .replace("new_address_domain = \"fabrikam.example\"", "new_address_domain = \"x.y\"")
    });
    assert!(text.contains("`my merger`: `my merger` cannot be a project id"), "{text}");
    assert!(text.contains("`x.y`: new_address_domain must be one of the target's"), "{text}");
}

/// NOT-3, ERR-1
#[test]
fn a_webhook_needs_a_safe_address_and_a_secret() {
    let with = |lines: &str| {
        faults(|text| text.replacen("[notifications]", &format!("[notifications]\n{lines}"), 1))
    };
    let plain = with("webhook = \"http://hooks.example/x\"\nwebhook_secret_env = \"S\"");
    assert!(plain.contains("column 11: a webhook's address begins with https://"), "{plain}");
    let bare = with("webhook = \"https://hooks.example/x\"");
    assert!(bare.contains("a webhook needs webhook_secret_env"), "{bare}");
    let user = with("webhook = \"https://me:pw@hooks.example/\"\nwebhook_secret_env = \"S\"");
    assert!(user.contains("no user and no password"), "{user}");
}

#[test]
fn two_credentials_and_none_are_refused() {
    let two = faults(|text| {
        let both = "client_secret_file = \"s\"\nclient_secret_env = ";
        text.replacen("client_secret_env = ", both, 1)
    });
    assert!(two.contains("[source] needs exactly one credential"), "{two}");
    let none = faults(|text| text.replace("client_secret_env =", "# client_secret_env ="));
    assert!(none.contains("[target] needs exactly one credential"), "{none}");
}
