//! Which operation a path means. Several templates can match one path
//! (`/items/{id}:/{item-path}` and `/items/{id}:/{item-path}:/content`): the one with the most
//! literal text wins.

use regex::Regex;

/// A path template of the description, ready to match.
#[derive(Debug)]
pub(super) struct Template {
    /// As the description writes it.
    pub(super) path: String,
    pattern: Regex,
    literal: usize,
}

impl Template {
    /// Compiles a template; `None` when the description's text is no template.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let mut pattern = String::from("^");
        let mut literal = 0;
        let mut rest = path;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}')?;
            literal += before.len();
            pattern.push_str(&regex::escape(before));
            pattern.push_str(match name {
                // A path inside a drive: slashes belong to it.
                "item-path" => "(?:.+)",
                // The colon after a drive item's id starts a path.
                "driveItem-id" => "(?:[^/:]+)",
                _ => "(?:[^/]+)",
            });
            rest = after;
        }
        literal += rest.len();
        pattern.push_str(&regex::escape(rest));
        pattern.push('$');
        let pattern = Regex::new(&pattern).ok()?;
        Some(Self { path: path.to_owned(), pattern, literal })
    }

    /// Whether the path is one of this template's.
    pub(super) fn matches(&self, path: &str) -> bool {
        self.pattern.is_match(path)
    }
}

/// The most specific template that matches.
pub(super) fn best<'a>(templates: &'a [Template], path: &str) -> Option<&'a Template> {
    templates.iter().filter(|t| t.matches(path)).max_by_key(|t| t.literal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best_of(paths: &[&str], path: &str) -> Option<String> {
        let templates: Vec<_> = paths.iter().filter_map(|path| Template::parse(path)).collect();
        best(&templates, path).map(|template| template.path.clone())
    }

    #[test]
    fn literal_text_beats_parameters() {
        let paths = ["/v1.0/users/{user-id}", "/v1.0/users/delta"];
        assert_eq!(best_of(&paths, "/v1.0/users/delta").as_deref(), Some("/v1.0/users/delta"));
        assert_eq!(best_of(&paths, "/v1.0/users/ada@x.com").as_deref(), Some(paths[0]));
        assert_eq!(best_of(&paths, "/v1.0/users/a/b"), None);
    }

    #[test]
    fn a_drive_path_takes_slashes_and_ends_at_its_colon() {
        let paths = [
            "/v1.0/drives/{drive-id}/items/{driveItem-id}",
            "/v1.0/drives/{drive-id}/items/{driveItem-id}/children",
            "/v1.0/drives/{drive-id}/items/{driveItem-id}:/{item-path}",
            "/v1.0/drives/{drive-id}/items/{driveItem-id}:/{item-path}:/content",
        ];
        let of = |path| best_of(&paths, path);
        assert_eq!(of("/v1.0/drives/d/items/i:/a/b.txt:/content").as_deref(), Some(paths[3]));
        assert_eq!(of("/v1.0/drives/d/items/i:/a/b.txt").as_deref(), Some(paths[2]));
        assert_eq!(of("/v1.0/drives/d/items/i:/children").as_deref(), Some(paths[2]));
        assert_eq!(of("/v1.0/drives/d/items/i/children").as_deref(), Some(paths[1]));
    }
}
