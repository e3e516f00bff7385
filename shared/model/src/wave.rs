//! Waves: named sets of users, with at most one schedule per action.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Action, Schedule, ScheduleError, Stored, WaveId};

/// A wave. Who belongs to it stands in the users' own records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wave {
    /// Which.
    pub id: WaveId,
    /// What a person calls it.
    pub name: String,
    /// The name of the profile; the project's default when there is none.
    pub profile: Option<String>,
    /// At most one schedule per action (GEN-2).
    pub schedules: BTreeMap<Action, Schedule>,
    /// Per action, the last planned time that has fired.
    pub fired: BTreeMap<Action, Timestamp>,
    /// The script versions that every job of the wave uses, by kind: set when its first action
    /// starts, so that later edits touch later waves.
    #[serde(default)]
    pub scripts: BTreeMap<String, String>,
    /// The date of the cutover that everybody in the wave has been told of (NOT-1); none when
    /// somebody may not have been.
    #[serde(default)]
    pub announced: Option<Timestamp>,
}

impl Wave {
    /// The next planned time of an action; none when there is no more.
    pub fn next_planned(&self, action: Action) -> Result<Option<Timestamp>, ScheduleError> {
        let Some(schedule) = self.schedules.get(&action) else { return Ok(None) };
        schedule.next(self.fired.get(&action).copied())
    }
}

impl Stored for Wave {
    const KIND: &'static str = "wave";
}

/// One run of an action over a wave: created once per planned time or command, then worked off user
/// by user from its cursor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaveRun {
    /// The wave.
    pub wave: WaveId,
    /// The action.
    pub action: Action,
    /// The planned time, or the moment of the command.
    pub planned: Timestamp,
    /// Whether a cutover is forced.
    pub force: bool,
    /// The last user that was started or refused.
    pub cursor: Option<String>,
    /// How many users were started.
    pub started: u32,
    /// How many users were refused, with the words of the first refusals.
    pub refused: Vec<String>,
    /// Whether all users have had their turn.
    pub done: bool,
    /// Whether the end of the wave has been reported (NOT-1); only a cutover's is.
    #[serde(default)]
    pub reported: bool,
}

impl Stored for WaveRun {
    const KIND: &'static str = "wave run";
}
