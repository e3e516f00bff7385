//! How the deployment's table treats records apart.

use std::time::Duration;

use aws::Layout;
use catalogue::table::PROJECTS;
use model::Keys;

use crate::project_of;

/// The partition of what is nobody's in particular: dead letters, and whether queues are polled.
pub(crate) const BOOKS: &str = "DEPLOYMENT";

/// So long after its last use a request budget is kept. Microsoft's periods and fences are of a day at
/// most; a budget that is gone begins full, as one is that has rested.
const BUDGETS: Duration = Duration::from_hours(7 * 24);

/// The layout that every program of a deployment uses.
///
/// - A copy's records share its checkpoint's item.
/// - The tenants' request budgets and fences may go a week after their last use. All else stays: it is
///   what was done (journal, jobs that are over), what must not be done twice (runs of waves, delivery
///   records, reserved values, item maps, usage and what of it was counted), or what a person still has
///   to see (dead letters); and what waits for its time is removed when it is sent.
/// - A project's own record is in the listing of projects, by which the functions that run by the clock
///   find it.
pub fn layout() -> Layout {
    Layout {
        lifetime: Some(|key| Keys::is_limits_partition(&key.partition).then_some(BUDGETS)),
        listing: Some(|key| project_of(key).map(|_| PROJECTS)),
        anchor: Some(|partition| Keys::is_copy_partition(partition).then_some(content::CHECKPOINT)),
    }
}

#[cfg(test)]
mod tests {
    use ports::Key;

    use super::*;

    fn key((partition, sort): (String, String)) -> Key {
        Key::new(partition, sort)
    }

    /// The journal, usage, delivery records and the rest stay for good; nothing of a deployment goes
    /// but budgets and fences, and only projects are listed.
    #[test]
    fn only_budgets_may_go_and_only_projects_are_listed() {
        let (lifetime, listing) = (layout().lifetime.unwrap(), layout().listing.unwrap());
        let customer: model::CustomerId = "acme".parse().unwrap();
        let project: model::ProjectId = "merger".parse().unwrap();
        let (wave, job) = ("first".parse().unwrap(), model::JobId::numbered(1));
        let user = model::UserKey {
            customer: customer.clone(),
            project: project.clone(),
            user: "anna".parse().unwrap(),
        };
        let own = |sort: &str| (Keys::user_partition(&user), sort.to_owned());
        let of = |what: &str| (format!("C#acme#{what}"), "anything".to_owned());
        let stay = [
            Keys::wave(&customer, &project, &wave),
            (Keys::project_partition(&customer, &project), "R#first#sync#2026".to_owned()),
            Keys::user(&user),
            Keys::job(&user, model::Branch::Main),
            Keys::past_job(&user, &job),
            Keys::memory(&user),
            Keys::journal_page(&user, &job, 1),
            Keys::notification(&user, model::EventKind::PrepareDone, &job),
            Keys::reservation(&customer, &project, "mail", "anna@new.example"),
            Keys::reserved(&user),
            (Keys::copy_partition(&user), "M#1".to_owned()),
            (Keys::directory_partition(&customer, &project), "S#1".to_owned()),
            Keys::published_script(&customer, &project, model::ScriptKind::Mapping),
            Keys::usage(&user, catalogue::Meter::Prepared),
            own("P"),
            of("HOURS"),
            of("COUNTED"),
            of("DUE"),
            (BOOKS.to_owned(), "X#queue#1".to_owned()),
            (BOOKS.to_owned(), "P".to_owned()),
        ];
        for place in stay {
            let key = key(place);
            assert_eq!((lifetime(&key), listing(&key)), (None, None), "{key:?}");
        }
        let whole = key(Keys::project(&customer, &project));
        assert_eq!((lifetime(&whole), listing(&whole)), (None, Some(PROJECTS)));
        let budget = key((Keys::limits(&customer), "graph".to_owned()));
        assert_eq!((lifetime(&budget), listing(&budget)), (Some(BUDGETS), None));
    }

    /// What the program writes apart is what the committed template declares.
    #[test]
    fn the_template_declares_what_the_layout_says() {
        let table = infra::template();
        let of = |names: &[&str]| {
            names
                .iter()
                .try_fold(table.get("Resources")?.get("Table")?, |node, name| node.get(name))
        };
        let goes = of(&["Properties", "TimeToLiveSpecification"]).unwrap().to_yaml();
        assert!(goes.contains("AttributeName: t\n") && goes.contains("Enabled: true"), "{goes}");
        let index = of(&["Properties", "GlobalSecondaryIndexes"]).unwrap().to_yaml();
        assert!(index.contains("IndexName: listing"), "{index}");
        assert_eq!(infra::MAX_RECEIVES, u64::from(crate::deliver::MAX_RECEIVES), "of a message");
    }
}
