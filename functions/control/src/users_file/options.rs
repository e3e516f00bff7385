//! The columns of per-user options: one row of this table each.

use model::{OutlookGate, Profile};

/// A column that sets one option of a user's own profile.
pub(super) struct OptionColumn {
    /// The header.
    pub(super) name: &'static str,
    /// What a cell may hold, for messages.
    pub(super) expected: &'static str,
    /// The option as a cell.
    pub(super) get: fn(&Profile) -> String,
    /// Sets the option from a cell that is not empty; `None` if it cannot be.
    pub(super) set: fn(&mut Profile, &str) -> Option<()>,
}

const YES_NO: &str = "yes or no";

fn yes_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

fn switch(text: &str, option: &mut bool) -> Option<()> {
    *option = match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "1" => true,
        "no" | "false" | "0" => false,
        _ => return None,
    };
    Some(())
}

/// Every option that a row may set, in the order of the export.
pub(super) const OPTIONS: [OptionColumn; 12] = [
    OptionColumn {
        name: "as_guest",
        expected: YES_NO,
        get: |profile| yes_no(profile.prepare.as_guests),
        set: |profile, text| switch(text, &mut profile.prepare.as_guests),
    },
    OptionColumn {
        name: "mailbox",
        expected: YES_NO,
        get: |profile| yes_no(profile.sync.mailbox),
        set: |profile, text| switch(text, &mut profile.sync.mailbox),
    },
    OptionColumn {
        name: "archive",
        expected: YES_NO,
        get: |profile| yes_no(profile.sync.archive),
        set: |profile, text| switch(text, &mut profile.sync.archive),
    },
    OptionColumn {
        name: "onedrive",
        expected: YES_NO,
        get: |profile| yes_no(profile.sync.onedrive),
        set: |profile, text| switch(text, &mut profile.sync.onedrive),
    },
    OptionColumn {
        name: "permissions",
        expected: YES_NO,
        get: |profile| yes_no(profile.sync.permissions),
        set: |profile, text| switch(text, &mut profile.sync.permissions),
    },
    OptionColumn {
        name: "forwarding",
        expected: YES_NO,
        get: |profile| yes_no(profile.sync.forwarding),
        set: |profile, text| switch(text, &mut profile.sync.forwarding),
    },
    OptionColumn {
        name: "licenses",
        expected: "SKU part numbers with spaces between them, for instance SPE_E3",
        get: |profile| profile.sync.licenses.join(" "),
        set: |profile, text| {
            let legal = |sku: &str| sku.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            let skus: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            let good = skus.iter().all(|sku| legal(sku));
            profile.sync.licenses = skus;
            good.then_some(())
        },
    },
    OptionColumn {
        name: "usage_location",
        expected: "two letters, ISO 3166, for instance DE",
        get: |profile| profile.sync.usage_location.clone().unwrap_or_default(),
        set: |profile, text| {
            let good = text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic());
            profile.sync.usage_location = Some(text.to_ascii_uppercase());
            good.then_some(())
        },
    },
    OptionColumn {
        name: "bad_item_limit",
        expected: "a whole number",
        get: |profile| profile.sync.bad_item_limit.to_string(),
        set: |profile, text| {
            profile.sync.bad_item_limit = text.parse().ok()?;
            Some(())
        },
    },
    OptionColumn {
        name: "outlook_gate",
        expected: "off, continue or wait",
        get: |profile| {
            match profile.cutover.outlook_gate {
                OutlookGate::Off => "off",
                OutlookGate::Continue => "continue",
                OutlookGate::Wait => "wait",
            }
            .to_owned()
        },
        set: |profile, text| {
            profile.cutover.outlook_gate = match text {
                "off" => OutlookGate::Off,
                "continue" => OutlookGate::Continue,
                "wait" => OutlookGate::Wait,
                _ => return None,
            };
            Some(())
        },
    },
    OptionColumn {
        name: "gate_hours",
        expected: "a whole number of hours",
        get: |profile| profile.cutover.gate_hours.to_string(),
        set: |profile, text| {
            profile.cutover.gate_hours = text.parse().ok()?;
            Some(())
        },
    },
    OptionColumn {
        name: "verify_first",
        expected: YES_NO,
        get: |profile| yes_no(profile.cutover.verify_first),
        set: |profile, text| switch(text, &mut profile.cutover.verify_first),
    },
];
