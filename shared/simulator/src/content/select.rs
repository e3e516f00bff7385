//! `$select` over an entity's JSON.

use serde_json::Value;

/// Keeps the selected members; ids, annotations and expansions stay.
pub(crate) fn keep_selected(entity: &mut Value, select: Option<&[String]>) {
    let (Some(select), Some(members)) = (select, entity.as_object_mut()) else { return };
    members.retain(|name, _| {
        ["id", "singleValueExtendedProperties", "deleted"].contains(&name.as_str())
            || name.starts_with('@')
            || select.iter().any(|wanted| wanted.eq_ignore_ascii_case(name))
    });
}
