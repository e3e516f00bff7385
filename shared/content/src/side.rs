//! Side data: what people miss when it is gone, each either copied or listed as not copied.
//!
//! A setting is copied when the source's changed since it was copied last, so that what the person
//! sets in the target stays.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use tenant::{
    Class, TenantError,
    graph::{MailboxSettings, OutlookCategory},
};

use crate::{
    Workload,
    checkpoint::Stage,
    mailbox::Folders,
    map::fingerprint,
    store::keys,
    unit::{Step, Unit, judge, pause},
};

const SIDE: Workload = Workload::SideData;

impl Unit<'_> {
    /// Regional settings, before the target's folders are paired and filled. Later rounds copy a
    /// change of them with the other side data.
    pub(crate) async fn regional(&mut self) -> Step {
        let subject = &self.job.subject;
        if subject.mailbox
            && self.is_first_copy()
            && let Some(settings) = self.settings().await?
        {
            self.put_settings("regional settings", &regional(&settings)).await?;
        }
        self.state.checkpoint.stage = if subject.mailbox {
            Stage::mailbox(Workload::Mailbox)
        } else if subject.archive {
            Stage::mailbox(Workload::Archive)
        } else {
            Stage::after_mailboxes(subject)
        };
        Ok(())
    }

    /// Automatic replies, categories, rules.
    pub(crate) async fn side_data(&mut self) -> Step {
        SIDE.title().clone_into(&mut self.state.checkpoint.progress.doing);
        if self.job.subject.mailbox {
            let source = self.job.source.graph();
            let call = source.mailbox_side_data(&self.job.subject.source_user);
            let here = self.ask_many("reading side data", 3, call).await?;
            if let Some(settings) = self.or_note("mailbox settings", here.settings)? {
                self.put_settings("regional settings", &regional(&settings)).await?;
                if let Some(replies) = settings.automatic_replies_setting {
                    let wanted =
                        Map::from_iter([("automaticRepliesSetting".to_owned(), bare(&replies))]);
                    self.put_settings("automatic replies", &wanted).await?;
                }
            }
            if let Some(here) = self.or_note("categories", here.categories)? {
                self.categories(here).await?;
            }
            if let Some(here) = self.or_note("inbox rules", here.rules)? {
                self.rules(here).await?;
            }
            if self.is_first_copy() {
                let text = "signatures and Outlook's views have no API and are not copied";
                self.note(SIDE, text);
            }
        }
        self.state.checkpoint.stage = Stage::Done;
        Ok(())
    }

    /// The source's settings; `None` with a note when they cannot be read.
    async fn settings(&mut self) -> Step<Option<MailboxSettings>> {
        let source = self.job.source.graph();
        self.spend(1);
        let settings = source.mailbox_settings(&self.job.subject.source_user).await;
        self.or_note("mailbox settings", settings)
    }

    /// Writes settings into the target, if the source's changed since they were copied last.
    async fn put_settings(&mut self, what: &str, wanted: &Map<String, Value>) -> Step {
        let print = fingerprint(&Value::Object(wanted.clone()).to_string());
        let copied = self.state.checkpoint.side.get(what);
        if wanted.is_empty() || copied == Some(&print) {
            return Ok(());
        }
        let target = self.job.target.graph();
        self.spend(1);
        let user = &self.job.subject.target_user;
        let written = target.update_mailbox_settings(user, wanted).await;
        if self.or_note(what, written)?.is_some() {
            self.state.checkpoint.side.insert(what.to_owned(), print);
            self.counts(SIDE).updated += 1;
        }
        Ok(())
    }

    async fn categories(&mut self, here: Vec<OutlookCategory>) -> Step {
        let target = self.job.target.graph();
        let subject = &self.job.subject;
        if here.is_empty() {
            return Ok(());
        }
        self.spend(1);
        let there = target.master_categories(&subject.target_user).await;
        let Some(there) = self.or_note("categories", there)? else { return Ok(()) };
        let there: BTreeSet<String> =
            there.iter().map(|category| category.display_name.to_lowercase()).collect();
        for category in here {
            if there.contains(&category.display_name.to_lowercase()) {
                continue;
            }
            self.within_budget()?;
            self.spend(1);
            let made = target.create_master_category(&subject.target_user, &category).await;
            let what = format!("the category `{}`", category.display_name);
            if self.or_note(&what, made)?.is_some() {
                self.counts(SIDE).created += 1;
            }
        }
        Ok(())
    }

    async fn rules(&mut self, here: Vec<Value>) -> Step {
        let target = self.job.target.graph();
        let subject = &self.job.subject;
        if here.is_empty() {
            return Ok(());
        }
        self.spend(1);
        let there = target.message_rules(&subject.target_user).await;
        let Some(there) = self.or_note("inbox rules", there)? else { return Ok(()) };
        let there: BTreeSet<String> = there.iter().map(name).collect();
        let folders = Folders::load(self.state.store, &self.state.partition, Workload::Mailbox);
        let folders = folders.await?;
        let folders: BTreeMap<&str, &str> =
            folders.rows.values().map(|row| (row.source.as_str(), row.target.as_str())).collect();
        for rule in here {
            let what = format!("the inbox rule `{}`", name(&rule));
            let id = rule.get("id").and_then(Value::as_str).unwrap_or_default();
            let copied = keys::granted(&format!("rule {id}"));
            let key = self.state.key(copied.clone());
            if there.contains(&name(&rule)) || self.state.store.get(&key).await?.is_some() {
                continue;
            }
            self.within_budget()?;
            match translate(&rule, &folders) {
                Ok(copy) => {
                    self.spend(1);
                    let made = target.create_message_rule(&subject.target_user, &copy).await;
                    if self.or_note(&what, made)?.is_some() {
                        self.state.put(&copied, &true)?;
                        self.counts(SIDE).created += 1;
                        self.commit().await?;
                    }
                }
                Err(reason) => self.note(SIDE, format!("{what} is not copied: {reason}")),
            }
        }
        Ok(())
    }

    /// A result, or a note that something is not copied. A pause ends the unit.
    fn or_note<T>(&mut self, what: &str, result: Result<T, TenantError>) -> Step<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) if pause(&error).is_some() => Err(judge(&format!("copying {what}"), error)),
            // The copy of the mailbox itself says this better.
            Err(error) if matches!(error.class, Class::NoMailbox | Class::NotFound) => Ok(None),
            Err(error) => {
                self.note(SIDE, format!("{what}: not copied: {error}"));
                Ok(None)
            }
        }
    }
}

/// Language, time zone and formats, as a write takes them.
fn regional(settings: &MailboxSettings) -> Map<String, Value> {
    let locale = settings.language.as_ref().and_then(|language| language.locale.clone());
    let mut wanted = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value.filter(|value| *value != "") {
            wanted.insert(name.to_owned(), value);
        }
    };
    put("timeZone", settings.time_zone.clone().map(Value::from));
    put("dateFormat", settings.date_format.clone().map(Value::from));
    put("timeFormat", settings.time_format.clone().map(Value::from));
    put("language", locale.map(|locale| json!({ "locale": locale })));
    wanted
}

fn name(rule: &Value) -> String {
    rule.get("displayName").and_then(Value::as_str).unwrap_or_default().to_lowercase()
}

/// A rule for the target: its folders translated. Those that send mail are not copied: during the
/// coexistence they would send it twice.
fn translate(rule: &Value, folders: &BTreeMap<&str, &str>) -> Result<Value, String> {
    let is = |name: &str| rule.get(name).and_then(Value::as_bool) == Some(true);
    if is("hasError") {
        return Err("it has an error in the source".to_owned());
    }
    if is("isReadOnly") {
        return Err("it is read-only".to_owned());
    }
    let mut copy = Map::new();
    for member in ["displayName", "sequence", "isEnabled", "conditions", "exceptions", "actions"] {
        match rule.get(member).map(bare) {
            None | Some(Value::Null) => {}
            Some(value) => {
                copy.insert(member.to_owned(), value);
            }
        }
    }
    let actions = copy.get_mut("actions").and_then(Value::as_object_mut);
    let Some(actions) = actions else { return Err("it does nothing".to_owned()) };
    for sends in ["forwardTo", "forwardAsAttachmentTo", "redirectTo"] {
        let to = actions.get(sends).and_then(Value::as_array);
        if to.is_some_and(|to| !to.is_empty()) {
            return Err("it sends mail on; set it up again after the cutover".to_owned());
        }
        actions.remove(sends);
    }
    for moves in ["moveToFolder", "copyToFolder"] {
        let Some(folder) = actions.get(moves).and_then(Value::as_str) else { continue };
        let Some(target) = folders.get(folder) else {
            return Err("its folder was not copied".to_owned());
        };
        let target = Value::from(*target);
        actions.insert(moves.to_owned(), target);
    }
    Ok(Value::Object(copy))
}

/// A value without annotations and empty members, as a write takes it.
fn bare(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept =
                members.iter().filter(|(name, value)| !name.contains('@') && !value.is_null());
            Value::Object(kept.map(|(name, value)| (name.clone(), bare(value))).collect())
        }
        Value::Array(values) => Value::Array(values.iter().map(bare).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_follows_its_folder_and_loses_what_the_service_adds() {
        let folders = BTreeMap::from([("here", "there")]);
        let rule = json!({
            "id": "1", "displayName": "Bills", "sequence": 2, "isEnabled": true, "hasError": false,
            "conditions": { "subjectContains": ["invoice"], "bodyContains": null },
            "actions": { "moveToFolder": "here", "@odata.type": "x" },
        });
        let copy = translate(&rule, &folders).unwrap();
        let expected = json!({
            "displayName": "Bills", "sequence": 2, "isEnabled": true,
            "conditions": { "subjectContains": ["invoice"] },
            "actions": { "moveToFolder": "there" },
        });
        assert_eq!(copy, expected);
    }

    #[test]
    fn a_rule_that_sends_mail_on_is_not_copied() {
        let rule =
            json!({ "displayName": "x", "actions": { "redirectTo": [{ "emailAddress": {} }] } });
        assert!(translate(&rule, &BTreeMap::new()).unwrap_err().contains("sends mail"));
        let lost = json!({ "displayName": "x", "actions": { "moveToFolder": "gone" } });
        assert!(translate(&lost, &BTreeMap::new()).unwrap_err().contains("folder"));
    }
}
