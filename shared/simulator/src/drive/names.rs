//! Which names and paths SharePoint takes.

use super::error;
use crate::graph::GraphError;

/// Longest path in characters, from the site's own part on.
const LONGEST_PATH: usize = 400;
const RESERVED: [&str; 6] = [".lock", "con", "prn", "aux", "nul", "desktop.ini"];

/// Refuses what SharePoint does not take as the name of a file or folder.
pub(super) fn check(name: &str, at_root: bool) -> Result<(), GraphError> {
    let lower = name.to_lowercase();
    let numbered = ["com", "lpt"].iter().any(|device| {
        let digit = lower.strip_prefix(device).unwrap_or_default();
        digit.len() == 1 && digit.chars().all(|c| c.is_ascii_digit())
    });
    let bad = name.is_empty()
        || name.chars().any(|c| "\"*:<>?/\\|".contains(c) || c.is_control())
        || name.starts_with(' ')
        || name.ends_with([' ', '.'])
        || name.starts_with("~$")
        || RESERVED.contains(&lower.as_str())
        || numbered
        || lower.contains("_vti_")
        || (at_root && lower == "forms");
    if bad {
        let text = format!(
            "The provided name cannot contain restricted characters or be reserved: {name}"
        );
        return Err(error::invalid(&text).with_inner("invalidName"));
    }
    Ok(())
}

/// Refuses a path that is too long.
pub(super) fn check_path(path: &str) -> Result<(), GraphError> {
    if path.chars().count() > LONGEST_PATH {
        return Err(error::invalid("The path is too long.").with_inner("pathIsTooLong"));
    }
    Ok(())
}

/// `report.docx` as `report 1.docx`.
pub(super) fn numbered(name: &str, number: u32) -> String {
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => format!("{stem} {number}.{extension}"),
        _ => format!("{name} {number}"),
    }
}

/// The media type of a file by its name.
pub(super) fn media_type(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension.to_ascii_lowercase().as_str() {
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "pdf" => "application/pdf",
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "txt" => "text/plain",
        "csv" => "text/csv",
        "zip" => "application/zip",
        "mp4" => "video/mp4",
        _ => "application/octet-stream",
    }
}

/// Whether SharePoint writes its own properties into files of this name.
pub(super) fn is_office(name: &str) -> bool {
    media_type(name).starts_with("application/vnd.openxmlformats")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_sharepoint_takes_pass() {
        for name in ["a.txt", ".hidden", "Com10", "forms2", "Ärger & Söhne.docx", "#50%.md"] {
            assert!(check(name, true).is_ok(), "{name}");
        }
        assert!(check("forms", false).is_ok());
    }

    #[test]
    fn names_that_sharepoint_refuses_do_not() {
        let bad = [
            "",
            "a:b",
            "a?b",
            " a",
            "a ",
            "a.",
            "~$a.docx",
            "CON",
            "com7",
            "LPT1",
            "desktop.ini",
            ".lock",
            "my_vti_x",
            "forms",
            "tab\there",
        ];
        for name in bad {
            assert!(check(name, true).is_err(), "{name}");
        }
        assert!(check_path(&"a".repeat(401)).is_err());
    }

    #[test]
    fn a_second_file_of_a_name_gets_a_number() {
        assert_eq!(numbered("report.docx", 1), "report 1.docx");
        assert_eq!(numbered("README", 2), "README 2");
    }
}
