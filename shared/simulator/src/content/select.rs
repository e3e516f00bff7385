//! An entity's JSON: members set and selected.

use serde_json::Value;

/// Sets a member of an entity; what is no object stays as it is.
pub(crate) fn set(entity: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(members) = entity.as_object_mut() {
        members.insert(name.to_owned(), value.into());
    }
}

/// Keeps the selected members; ids, annotations and expansions stay.
pub(crate) fn keep_selected(entity: &mut Value, select: Option<&[String]>) {
    let (Some(select), Some(members)) = (select, entity.as_object_mut()) else { return };
    members.retain(|name, _| {
        ["id", "singleValueExtendedProperties", "deleted"].contains(&name.as_str())
            || name.starts_with('@')
            || select.iter().any(|wanted| wanted.eq_ignore_ascii_case(name))
    });
}
