//! What several files' tests share.

use model::{SourceIdentity, User, UserState};

/// A user that was discovered a moment ago.
pub(crate) fn user(id: &str) -> User {
    User {
        id: id.parse().unwrap(),
        source: SourceIdentity {
            object_id: id.to_owned(),
            user_principal_name: format!("{id}@old.example"),
            display_name: id.to_owned(),
            mail: format!("{id}@old.example"),
            ..SourceIdentity::default()
        },
        target: None,
        state: UserState::NoMatch,
        wave: None,
        profile: None,
        job: None,
        jobs: 0,
        synced_once: false,
        last_sync: None,
        problem: None,
        match_note: None,
    }
}
