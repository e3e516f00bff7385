//! The little of RFC 5322 that routing needs.

/// A header's value, unfolded; the first one of that name.
pub(crate) fn header(mime: &str, name: &str) -> Option<String> {
    let mut value: Option<String> = None;
    for line in mime.lines() {
        if line.is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) {
            if let Some(value) = &mut value {
                value.push(' ');
                value.push_str(line.trim());
            }
            continue;
        }
        if value.is_some() {
            break;
        }
        let (key, rest) = line.split_once(':')?;
        if key.trim().eq_ignore_ascii_case(name) {
            value = Some(rest.trim().to_owned());
        }
    }
    value
}

/// The addresses of an address list, without display names.
pub(crate) fn addresses(list: &str) -> Vec<String> {
    list.split(',')
        .map(|part| match part.rsplit_once('<') {
            Some((_, rest)) => rest.trim().trim_end_matches('>').to_owned(),
            None => part.trim().to_owned(),
        })
        .filter(|address| address.contains('@'))
        .collect()
}
