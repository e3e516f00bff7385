//! Where each record lives. Every partition starts with the customer, so that one customer's role
//! can never reach another's records.

use catalogue::Meter;
use jiff::Timestamp;

use crate::{Branch, CustomerId, EventKind, JobId, ProjectId, ScriptKind, UserId, UserKey, WaveId};

/// Partition and sort key of each kind of record.
///
/// | record | partition | sort key |
/// |---|---|---|
/// | project | `C#customer#P#project` | `P` |
/// | wave | same | `W#wave` |
/// | wave run | same | `R#wave#action#planned` |
/// | user | same | `U#user` |
/// | job in flight | same | `A#user#branch` |
/// | address reservation | same | `X#attribute#value` |
/// | notification | same | `N#user#event#job`, of a wave `N#user#event#wave@time` and `N#@#event#wave@time` |
/// | memory | `C#customer#P#project#U#user` | `M` |
/// | what the user has reserved | same | `X` |
/// | page of the journal | same | `L#job#number of its first entry` |
/// | job that is over | same | `J#job` |
/// | right that waits for the user | same | `G#owner` |
/// | copy state | `…#U#user#COPY` | the copier's own |
/// | script version | `C#customer#P#project#SCRIPTS` | `V#kind#hash` |
/// | version in force | same | `H#kind` |
/// | data set's part | same | `T#hash#n` |
/// | directory entry | `C#customer#P#project#DIRECTORY` | `S#source id`, `T#target id` |
/// | usage | `C#customer#USAGE` | `project#user#meter` |
/// | tenants' budgets and fences | `C#customer#LIMITS` | the client's own |
///
/// The records that a whole project is listed by share a partition; what belongs to one user alone
/// has its own, so that a wave's traffic spreads.
#[derive(Clone, Copy, Debug)]
pub struct Keys;

/// Partition and sort key.
pub(crate) type Place = (String, String);

impl Keys {
    /// The customer's list of projects: partition of `P#project` markers.
    pub fn customer(customer: &CustomerId) -> String {
        format!("C#{customer}")
    }

    /// Partition of the budgets and fences that all workers of a customer share.
    pub fn limits(customer: &CustomerId) -> String {
        format!("C#{customer}#LIMITS")
    }

    /// The project's partition.
    pub fn project_partition(customer: &CustomerId, project: &ProjectId) -> String {
        format!("C#{customer}#P#{project}")
    }

    /// The user's own partition.
    pub fn user_partition(user: &UserKey) -> String {
        format!("C#{}#P#{}#U#{}", user.customer, user.project, user.user)
    }

    /// The partition of the user's copy state.
    pub fn copy_partition(user: &UserKey) -> String {
        format!("{}#COPY", Self::user_partition(user))
    }

    /// Whether a partition is one of budgets and fences.
    pub fn is_limits_partition(partition: &str) -> bool {
        partition.ends_with("#LIMITS")
    }

    /// Whether a partition is one of the copier's.
    pub fn is_copy_partition(partition: &str) -> bool {
        partition.ends_with("#COPY")
    }

    /// The project's record.
    pub fn project(customer: &CustomerId, project: &ProjectId) -> Place {
        (Self::project_partition(customer, project), "P".to_owned())
    }

    /// A wave's record.
    pub fn wave(customer: &CustomerId, project: &ProjectId, wave: &WaveId) -> Place {
        (Self::project_partition(customer, project), format!("W#{wave}"))
    }

    /// The prefix of all waves.
    pub const WAVES: &'static str = "W#";

    /// The prefix of all users.
    pub const USERS: &'static str = "U#";

    /// The prefix of all jobs in flight.
    pub const JOBS: &'static str = "A#";

    /// The prefix of all wave runs.
    pub const WAVE_RUNS: &'static str = "R#";

    /// The prefix of all files of users that have started a wave, or were to.
    pub const FILES: &'static str = "F#";

    /// The prefix of all notifications.
    pub const NOTIFICATIONS: &'static str = "N#";

    /// The prefix of all reservations.
    pub const RESERVATIONS: &'static str = "X#";

    /// The prefix of a user's journal.
    pub const JOURNAL: &'static str = "L#";

    /// The prefix of a user's jobs that are over.
    pub const PAST_JOBS: &'static str = "J#";

    /// A user's record.
    pub fn user(user: &UserKey) -> Place {
        (Self::project_partition(&user.customer, &user.project), format!("U#{}", user.user))
    }

    /// The sort key of a user's record.
    pub fn user_sort(user: &UserId) -> String {
        format!("U#{user}")
    }

    /// A job in flight.
    pub fn job(user: &UserKey, branch: Branch) -> Place {
        let partition = Self::project_partition(&user.customer, &user.project);
        (partition, format!("A#{}#{branch}", user.user))
    }

    /// The prefix of a user's jobs in flight.
    pub fn jobs_of(user: &UserKey) -> String {
        format!("{}{}#", Self::JOBS, user.user)
    }

    /// A job that is over.
    pub fn past_job(user: &UserKey, job: &JobId) -> Place {
        (Self::user_partition(user), format!("J#{job}"))
    }

    /// The prefix of the rights on others' mailboxes and drives that wait for a user.
    pub const AWAITED: &'static str = "G#";

    /// That rights on what is `owner`'s wait for this user.
    pub fn awaited(holder: &UserKey, owner: &UserId) -> Place {
        (Self::user_partition(holder), format!("G#{owner}"))
    }

    /// What is remembered about a user.
    pub fn memory(user: &UserKey) -> Place {
        (Self::user_partition(user), "M".to_owned())
    }

    /// The page of the journal that begins with entry `n` of a job or branch.
    pub fn journal_page(user: &UserKey, job: &JobId, n: u32) -> Place {
        (Self::user_partition(user), format!("L#{job}#{n:06}"))
    }

    /// A notification's delivery record. S7's mail has one record a job; `send-cutover-email` is
    /// another job and so another mail (CUT-2).
    pub fn notification(user: &UserKey, event: EventKind, job: &JobId) -> Place {
        let partition = Self::project_partition(&user.customer, &user.project);
        (partition, format!("N#{}#{}#{job}", user.user, event.name()))
    }

    /// The delivery record of a wave's event, about a user or about the whole wave. `planned` tells a
    /// new date from the one before.
    pub fn wave_notification(
        (customer, project): (&CustomerId, &ProjectId),
        user: Option<&UserId>,
        event: EventKind,
        (wave, planned): (&WaveId, Timestamp),
    ) -> Place {
        let partition = Self::project_partition(customer, project);
        // No user's id can be this.
        let user = user.map_or("@", UserId::as_str);
        (partition, format!("N#{user}#{}#{wave}@{planned}", event.name()))
    }

    /// The delivery record of one message of an event, which is sent later than the others.
    pub fn later_message((partition, sort): &Place, message: u32) -> Place {
        (partition.clone(), format!("{sort}#later{message:03}"))
    }

    /// A reserved unique value; the value is in lower case.
    pub fn reservation(
        customer: &CustomerId,
        project: &ProjectId,
        attribute: &str,
        value: &str,
    ) -> Place {
        let partition = Self::project_partition(customer, project);
        (partition, format!("X#{attribute}#{}", value.to_lowercase()))
    }

    /// What a user has reserved.
    pub fn reserved(user: &UserKey) -> Place {
        (Self::user_partition(user), "X".to_owned())
    }

    /// The partition of the project's scripts.
    pub fn script_partition(customer: &CustomerId, project: &ProjectId) -> String {
        format!("{}#SCRIPTS", Self::project_partition(customer, project))
    }

    /// The prefix of all script versions.
    pub const SCRIPT_VERSIONS: &'static str = "V#";

    /// A script version.
    pub fn script_version(
        customer: &CustomerId,
        project: &ProjectId,
        kind: ScriptKind,
        hash: &str,
    ) -> Place {
        (Self::script_partition(customer, project), format!("V#{kind}#{hash}"))
    }

    /// Which version of a kind is in force.
    pub fn published_script(customer: &CustomerId, project: &ProjectId, kind: ScriptKind) -> Place {
        (Self::script_partition(customer, project), format!("H#{kind}"))
    }

    /// A part of a data set's text.
    pub fn script_table(
        customer: &CustomerId,
        project: &ProjectId,
        hash: &str,
        part: u32,
    ) -> Place {
        (Self::script_partition(customer, project), format!("T#{hash}#{part:06}"))
    }

    /// The partition of what discovery keeps of both directories.
    pub fn directory_partition(customer: &CustomerId, project: &ProjectId) -> String {
        format!("{}#DIRECTORY", Self::project_partition(customer, project))
    }

    /// What discovery keeps of a source user.
    pub fn source_entry(customer: &CustomerId, project: &ProjectId, user: &UserId) -> Place {
        let prefix = Self::SOURCE_ENTRIES;
        (Self::directory_partition(customer, project), format!("{prefix}{user}"))
    }

    /// The prefix of what discovery keeps of source users.
    pub const SOURCE_ENTRIES: &'static str = "S#";

    /// A usage record.
    pub fn usage(user: &UserKey, meter: Meter) -> Place {
        let sort = format!("{}#{}#{meter:?}", user.project, user.user);
        (format!("C#{}#USAGE", user.customer), sort)
    }
}
