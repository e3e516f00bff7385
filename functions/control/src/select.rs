//! GEN-1: single users, a list, a whole wave.

use engine::{Host, records::Loaded};
use model::{User, WaveId};

use crate::{ControlError, Scope};

/// Whom an action is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// A wave's users.
    pub wave: Option<WaveId>,
    /// These users: object id, user principal name or mail address.
    pub users: Vec<String>,
}

impl Selection {
    /// Everybody in the project.
    pub fn everybody() -> Self {
        Self::default()
    }

    /// Whether nothing was chosen.
    pub fn is_everybody(&self) -> bool {
        self.wave.is_none() && self.users.is_empty()
    }

    /// What a report is about.
    pub fn describe(&self) -> String {
        match (&self.wave, self.users.len()) {
            (Some(wave), 0) => format!("wave {wave}"),
            (Some(wave), _) => format!("chosen users of wave {wave}"),
            (None, 0) => "the whole project".to_owned(),
            (None, _) => "chosen users".to_owned(),
        }
    }

    /// The users that are meant, in the order of their ids. A name that fits nobody, or several
    /// people, is an error; nothing is done for the others then.
    pub async fn resolve(
        &self,
        host: &Host,
        scope: &Scope,
    ) -> Result<Vec<Loaded<User>>, ControlError> {
        if let Some(wave) = &self.wave {
            scope.load_wave(host, wave).await?;
        }
        let mut all = scope.users(host).await?;
        if !self.users.is_empty() {
            let mut chosen = std::collections::BTreeSet::new();
            for name in &self.users {
                chosen.insert(find(&all, name)?.value.id.clone());
            }
            all.retain(|user| chosen.contains(&user.value.id));
        }
        if let Some(wave) = &self.wave {
            if let Some(other) = all
                .iter()
                .find(|user| !self.users.is_empty() && user.value.wave.as_ref() != Some(wave))
            {
                let upn = &other.value.source.user_principal_name;
                return Err(ControlError::Input(format!("{upn} does not belong to wave {wave}")));
            }
            all.retain(|user| user.value.wave.as_ref() == Some(wave));
        }
        Ok(all)
    }
}

/// Whether a name means this user.
pub(crate) fn is_named(user: &User, name: &str) -> bool {
    user.id.as_str().eq_ignore_ascii_case(name)
        || user.source.user_principal_name.eq_ignore_ascii_case(name)
        || (!user.source.mail.is_empty() && user.source.mail.eq_ignore_ascii_case(name))
}

/// The user that a name means.
pub(crate) fn find<'a>(
    all: &'a [Loaded<User>],
    name: &str,
) -> Result<&'a Loaded<User>, ControlError> {
    let mut fitting = all.iter().filter(|user| is_named(&user.value, name));
    match (fitting.next(), fitting.next()) {
        (Some(user), None) => Ok(user),
        (None, _) => Err(ControlError::Input(format!(
            "there is no user `{name}`; give a source user principal name, mail address or object \
             id, or run `crosswave discover` first"
        ))),
        (Some(one), Some(other)) => Err(ControlError::Input(format!(
            "`{name}` is {} and {}; give the object id",
            one.value.source.user_principal_name, other.value.source.user_principal_name
        ))),
    }
}
