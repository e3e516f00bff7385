//! One change of a drive, as the page in hand keeps it.

use tenant::graph::drive::{DriveItem, FileSystemInfo};

use crate::map::fingerprint;

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Folder,
    /// A OneNote notebook or the like: neither file nor folder.
    Package,
    /// Points into another drive.
    Shortcut,
    /// Infected.
    Malware,
}

impl Kind {
    const ALL: [(Self, &'static str); 5] = [
        (Self::File, "f"),
        (Self::Folder, "d"),
        (Self::Package, "p"),
        (Self::Shortcut, "s"),
        (Self::Malware, "m"),
    ];

    pub(super) fn tag(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("f", |(_, tag)| tag)
    }

    fn of(tag: &str) -> Self {
        Self::ALL.iter().find(|(_, known)| *known == tag).map_or(Self::File, |(kind, _)| *kind)
    }

    /// Why such an item is not copied, and what to do; `None` for files and folders.
    pub(crate) fn left_out(self) -> Option<&'static str> {
        match self {
            Self::File | Self::Folder => None,
            Self::Package => Some(
                "a OneNote notebook is no file: export it in OneNote and import it in the target",
            ),
            Self::Shortcut => {
                Some("a shortcut points into another drive: add it again in the target")
            }
            Self::Malware => Some("the file is infected: clean it in the source"),
        }
    }
}

/// A change of a drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) parent: String,
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) size: u64,
    pub(crate) hash: Option<String>,
    pub(crate) created: String,
    pub(crate) modified: String,
    pub(crate) shared: bool,
}

impl Row {
    /// The row of an item that exists.
    pub(crate) fn of(item: &DriveItem) -> Self {
        let kind = if item.remote_item.is_some() {
            Kind::Shortcut
        } else if item.malware.is_some() {
            Kind::Malware
        } else if item.package.is_some() {
            Kind::Package
        } else if item.folder.is_some() {
            Kind::Folder
        } else {
            Kind::File
        };
        let dates = item.file_system_info.clone().unwrap_or_default();
        let text = |date: Option<jiff::Timestamp>| date.map(|date| date.to_string());
        Self {
            id: item.id.clone(),
            parent: item.parent().unwrap_or_default().to_owned(),
            name: item.name.clone().unwrap_or_default(),
            kind,
            size: item.size.unwrap_or(0),
            hash: item.quick_xor_hash().map(str::to_owned),
            created: text(dates.created_date_time).unwrap_or_default(),
            modified: text(dates.last_modified_date_time).unwrap_or_default(),
            shared: item.shared.is_some(),
        }
    }

    /// The state of its content: what the map compares.
    pub(crate) fn content(&self) -> String {
        match &self.hash {
            Some(hash) => format!("{hash}:{}", self.size),
            None => format!("{}:{}", self.modified, self.size),
        }
    }

    /// Where it lies and how it is called and dated: what the map compares. It begins with the
    /// folder, so that the map alone tells what lies below a folder that is gone.
    pub(crate) fn placement(&self) -> String {
        if self.kind == Kind::Folder {
            // A folder's dates change with what is in it; only its name and place count.
            return format!("{}\n{}", self.parent, self.name);
        }
        let rest = format!("{}\n{}\n{}", self.name, self.created, self.modified);
        format!("{}\n{:016x}", self.parent, fingerprint(&rest))
    }

    /// Its dates.
    pub(crate) fn dates(&self) -> FileSystemInfo {
        FileSystemInfo {
            created_date_time: self.created.parse().ok(),
            last_modified_date_time: self.modified.parse().ok(),
        }
    }

    pub(crate) fn into_texts(self) -> [String; 9] {
        [
            self.id,
            self.parent,
            self.name,
            self.kind.tag().to_owned(),
            self.size.to_string(),
            self.hash.unwrap_or_default(),
            self.created,
            self.modified,
            if self.shared { "1" } else { "" }.to_owned(),
        ]
    }
}

impl From<[String; 9]> for Row {
    fn from(texts: [String; 9]) -> Self {
        let [id, parent, name, kind, size, hash, created, modified, shared] = texts;
        Self {
            id,
            parent,
            name,
            kind: Kind::of(&kind),
            size: size.parse().unwrap_or(0),
            hash: Some(hash).filter(|hash| !hash.is_empty()),
            created,
            modified,
            shared: !shared.is_empty(),
        }
    }
}

/// The size in a [`Row::content`].
pub(crate) fn size_of(content: &str) -> u64 {
    content.rsplit(':').next().and_then(|size| size.parse().ok()).unwrap_or_default()
}

/// The folder of a placement.
pub(crate) fn folder_of(placement: &str) -> &str {
    placement.split('\n').next().unwrap_or_default()
}

/// The name in a folder's placement.
pub(crate) fn name_of(placement: &str) -> &str {
    placement.split_once('\n').map_or("", |(_, name)| name)
}

/// Whether SharePoint may rewrite a file of this name on upload, which changes size and hash.
pub(crate) fn is_office(name: &str) -> bool {
    const OFFICE: [&str; 14] = [
        "doc", "docm", "docx", "dotx", "ppt", "pptm", "pptx", "potx", "xls", "xlsb", "xlsm",
        "xlsx", "xltx", "vsdx",
    ];
    let extension = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    OFFICE.contains(&extension.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_survives_the_page_in_hand() {
        let row = Row {
            id: "a".into(),
            parent: "p".into(),
            name: "Zoë.docx".into(),
            kind: Kind::Folder,
            size: 7,
            hash: None,
            created: "2024-01-01T00:00:00Z".into(),
            modified: String::new(),
            shared: true,
        };
        assert_eq!(Row::from(row.clone().into_texts()), row);
        assert_eq!(folder_of(&row.placement()), "p");
        let dated = Row { modified: "2024-01-01T00:00:00Z".into(), ..row.clone() };
        assert_eq!((size_of(&dated.content()), size_of("")), (7, 0));
        let renamed = Row { name: "x".into(), ..row.clone() };
        assert_ne!(renamed.placement(), row.placement());
        assert!(is_office("A.DOCX") && !is_office("a.txt"));
    }
}
