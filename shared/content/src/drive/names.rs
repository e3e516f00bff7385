//! What OneDrive takes as a name ("Restrictions and limitations in OneDrive and SharePoint").
//!
//! Both sides are OneDrives, so a name that the source holds is nearly always fine in the target;
//! only the path can newly be too long. What breaks a rule is reported with a proposed name.

/// Longest path, decoded, from the site's address on.
pub(crate) const PATH_MAX: usize = 400;
/// Largest file: 250 GB.
pub(crate) const FILE_MAX: u64 = 250 * 1024 * 1024 * 1024;

/// What is left of half a surrogate pair.
const UNREADABLE: char = '\u{FFFD}';
const FORBIDDEN: [char; 9] = ['"', '*', ':', '<', '>', '?', '/', '\\', '|'];
const RESERVED: [&str; 6] = [".lock", "con", "prn", "aux", "nul", "desktop.ini"];

/// Why a name is not taken, and a name that would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadName {
    pub(crate) reason: String,
    pub(crate) proposal: String,
}

/// Checks one name; `at_root` for the children of the library's root.
pub(crate) fn check(name: &str, at_root: bool) -> Result<(), BadName> {
    let bad = |reason: &str| Err(BadName { reason: reason.to_owned(), proposal: propose(name) });
    let lower = name.to_lowercase();
    if name.is_empty() {
        return bad("the name is empty");
    }
    if name.contains(UNREADABLE) {
        return bad("the name has a character that cannot be read");
    }
    if name.chars().any(|c| FORBIDDEN.contains(&c) || c.is_control()) {
        return bad("the name has a character that OneDrive does not take");
    }
    if name.starts_with(' ') || name.ends_with(' ') {
        return bad("the name begins or ends with a space");
    }
    if name.ends_with('.') {
        return bad("the name ends with a dot");
    }
    if lower.starts_with("~$") {
        return bad("names that begin with ~$ are Office's lock files");
    }
    if RESERVED.contains(&lower.as_str()) || is_port(&lower) {
        return bad("the name is reserved");
    }
    if lower.contains("_vti_") {
        return bad("_vti_ is reserved");
    }
    if at_root && lower == "forms" {
        return bad("the name is reserved at the root");
    }
    Ok(())
}

fn is_port(lower: &str) -> bool {
    let digit = lower.strip_prefix("com").or_else(|| lower.strip_prefix("lpt"));
    digit.is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A name close to this one that OneDrive takes.
fn propose(name: &str) -> String {
    let bad = |c: char| FORBIDDEN.contains(&c) || c.is_control() || c == UNREADABLE;
    let replace = |c: char| if bad(c) { '_' } else { c };
    let replaced: String = name.chars().map(replace).collect();
    let replaced = replaced.replace("_vti_", "_vti-");
    let trimmed = replaced.trim_matches(' ').trim_end_matches('.').trim_start_matches("~$");
    let lower = trimmed.to_lowercase();
    let reserved = RESERVED.contains(&lower.as_str()) || is_port(&lower) || lower == "forms";
    if trimmed.is_empty() || reserved { format!("{trimmed}_") } else { trimmed.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_names_its_reason_and_proposes_a_name_that_keeps_all_of_them() {
        let bad = [
            "a:b",
            "a\u{7}b",
            "a\u{FFFD}b",
            " a",
            "a ",
            "a.",
            "~$a.docx",
            "CON",
            "com7",
            ".lock",
            "x_vti_y",
            "desktop.ini",
            "",
            "...",
        ];
        for name in bad {
            let BadName { reason, proposal } = check(name, false).unwrap_err();
            assert!(!reason.is_empty());
            assert_eq!(check(&proposal, true), Ok(()), "{name} -> {proposal}");
        }
        assert!(check("Forms", true).is_err());
        for good in ["Forms", "a.b.c", "Zoë Ünal.docx", "com10", "~a", "文件"] {
            assert_eq!(check(good, false), Ok(()), "{good}");
        }
    }
}
