//! The host's choice among a script's candidates: the first that nobody holds, reserved for this
//! person by a conditional write, and the same again on a rerun.
//!
//! Who may hold a value is asked in this order: this person's own account, the reservations of the
//! project, the target's directory users, then every recipient of the target with its sign-in name,
//! alias and all addresses: mailboxes, mail users, groups, contacts, softly deleted ones too.

use scripting::{Attributes, Choice, ChoiceOption, UserPatch, nothing_free, space_of};

use crate::{StepContext, StepError, side::Holders, unique};

/// Options whose values are looked up with one request to each interface.
const LOOKED_UP_TOGETHER: usize = 10;

/// Chooses a value for each unique attribute that the patch gives candidates for.
pub(super) async fn choose(
    cx: &StepContext<'_>,
    patch: &UserPatch,
    existing: &Attributes,
) -> Result<Attributes, StepError> {
    let mut chosen = Attributes::new();
    for choice in patch.choices(existing) {
        for (name, value) in decide(cx, &choice, existing).await? {
            chosen.set(name.as_str(), value);
        }
    }
    Ok(chosen)
}

async fn decide(
    cx: &StepContext<'_>,
    choice: &Choice,
    existing: &Attributes,
) -> Result<ChoiceOption, StepError> {
    if let Some(mine) = decided_before(cx, choice, existing).await? {
        return Ok(mine);
    }
    let mut refused = Vec::new();
    let options: Vec<ChoiceOption> = choice.options().collect();
    for options in options.chunks(LOOKED_UP_TOGETHER) {
        let mut open = Vec::new();
        for option in options {
            match reserved_by_another(cx, option).await? {
                Some(words) => refused.push(words),
                None => open.push(option),
            }
        }
        let holders = look_up(cx, &open).await?;
        for option in open {
            let values: Vec<(&str, &str)> = spaces(option).collect();
            let held = values.iter().find_map(|(space, value)| {
                Some(format!("{value} by {}", holders.of(space, value)?))
            });
            if let Some(words) = held {
                refused.push(words);
                continue;
            }
            match unique::reserve(cx, &values).await? {
                None => return Ok(option.clone()),
                Some((number, other)) => {
                    let value = values.get(number).map_or("", |(_, value)| value);
                    refused.push(reserved(cx, value, &other).await?);
                }
            }
        }
    }
    Err(StepError::park(
        "U101",
        nothing_free(&choice.what, &refused),
        "give the mapping more candidates, or free one of these values",
    ))
}

/// What the account has already, or what an earlier run has reserved.
async fn decided_before(
    cx: &StepContext<'_>,
    choice: &Choice,
    existing: &Attributes,
) -> Result<Option<ChoiceOption>, StepError> {
    for option in choice.options() {
        let is_so = option.iter().all(|(name, value)| {
            existing.text(name.as_str()).is_some_and(|now| now.eq_ignore_ascii_case(value))
        });
        if is_so {
            return Ok(Some(option));
        }
    }
    let reserved = unique::mine(cx).await?;
    Ok(choice.options().find(|option| spaces(option).all(|value| reserved.has(value))))
}

async fn reserved_by_another(
    cx: &StepContext<'_>,
    option: &ChoiceOption,
) -> Result<Option<String>, StepError> {
    for (space, value) in spaces(option) {
        if let Some(other) = unique::holder(cx, (space, value)).await?
            && other != cx.key().user
        {
            return Ok(Some(reserved(cx, value, &other).await?));
        }
    }
    Ok(None)
}

async fn reserved(
    cx: &StepContext<'_>,
    value: &str,
    other: &model::UserId,
) -> Result<String, StepError> {
    let name = unique::name_of(cx, other).await?;
    Ok(format!("{value} by {name} of this project (reserved)"))
}

/// Who holds the values of these options in the target, this person's own account apart.
async fn look_up(cx: &StepContext<'_>, options: &[&ChoiceOption]) -> Result<Holders, StepError> {
    let values: Vec<(&str, &str)> = options.iter().flat_map(|option| spaces(option)).collect();
    let mine = cx.target_identity().map(|target| target.object_id);
    cx.target().holders_among(&values, mine.as_deref()).await
}

fn spaces(option: &ChoiceOption) -> impl Iterator<Item = (&'static str, &str)> {
    option.iter().map(|(name, value)| (space_of(name.as_str(), value), value.as_str()))
}
