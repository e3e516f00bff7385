//! A folder of `.eml` files into a mailbox.

use std::{fs, path::Path};

use uuid::Uuid;

use super::LoadError;
use crate::{Part, Simulator};

/// Limits of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmlLimits {
    /// Most files.
    pub files: usize,
    /// Most bytes of one file.
    pub file_bytes: u64,
    /// Most bytes of all files.
    pub total_bytes: u64,
}

impl Default for EmlLimits {
    fn default() -> Self {
        Self { files: 100_000, file_bytes: 150 * 1024 * 1024, total_bytes: 2 * 1024 * 1024 * 1024 }
    }
}

impl Simulator {
    /// Lays every `.eml` file of a folder (not of its subfolders) into the inbox of a mailbox, in
    /// the order of their names, and says how many. `user` is an object id or a user principal name.
    pub fn load_eml(
        &self,
        tenant: Uuid,
        user: &str,
        folder: &Path,
        limits: EmlLimits,
    ) -> Result<usize, LoadError> {
        let unreadable = |place: &Path, fault: &std::io::Error| LoadError::Unreadable {
            place: place.display().to_string(),
            text: fault.to_string(),
        };
        let over = |place: &Path, text: String| LoadError::Unreadable {
            place: place.display().to_string(),
            text,
        };
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(|fault| unreadable(folder, &fault))? {
            let path = entry.map_err(|fault| unreadable(folder, &fault))?.path();
            if path.extension().is_some_and(|end| end.eq_ignore_ascii_case("eml")) {
                paths.push(path);
            }
            if paths.len() > limits.files {
                return Err(over(folder, format!("more than {} files", limits.files)));
            }
        }
        paths.sort();
        let mut files = Vec::with_capacity(paths.len());
        let mut total = 0_u64;
        for path in &paths {
            let size = fs::metadata(path).map_err(|fault| unreadable(path, &fault))?.len();
            total = total.saturating_add(size);
            if size > limits.file_bytes || total > limits.total_bytes {
                return Err(over(
                    path,
                    format!(
                        "{size} bytes; the limits are {} for a file and {} for all",
                        limits.file_bytes, limits.total_bytes
                    ),
                ));
            }
            files.push(fs::read(path).map_err(|fault| unreadable(path, &fault))?);
        }
        for file in &files {
            self.add_message_file(tenant, user, Part::Primary, file)?;
        }
        Ok(files.len())
    }
}
