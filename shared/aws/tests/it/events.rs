//! Events on a bus, and schedules.

use std::{sync::Arc, time::Duration};

use aws::{AwsError, Event, EventBus, NewSchedule, Polling, ScheduleTarget, Schedules, SqsQueues};
use conformance::queue::QUEUES;
use jiff::civil::date;
use ports::{Clock as _, Queue as _, QueueName};
use serde_json::{Value, json};

use crate::{
    account::{self, Answer, Line, caller, root},
    support::{Impatient, access, create_queues, random, shared_double, unique},
};

fn event(number: u64) -> Event {
    Event {
        detail_type: "User state changed".to_owned(),
        detail: json!({ "id": number, "state": "Prepared" }),
        at: Impatient::default().now(),
        resources: vec![format!("user/{number}")],
    }
}

/// The numbers of the events in a queue, sorted.
async fn received(queues: &SqsQueues) -> Vec<u64> {
    let name = QueueName::parse(QUEUES[0]).unwrap();
    let mut numbers = Vec::new();
    loop {
        let batch = queues.receive(&name, 10, Duration::from_mins(1)).await.unwrap();
        if batch.is_empty() {
            numbers.sort_unstable();
            return numbers;
        }
        for delivery in batch {
            let event: Value = serde_json::from_str(&delivery.body).unwrap();
            assert_eq!(event["detail-type"], "User state changed");
            assert_eq!(event["source"], "crosswave");
            numbers.push(event["detail"]["id"].as_u64().unwrap());
        }
    }
}

#[tokio::test]
async fn events_arrive_where_a_rule_sends_them_and_a_failed_one_is_put_again() {
    let (double, bus) = (shared_double(), unique("bus"));
    create_queues(&access(double).sqs(), &bus).await;
    let arn = format!("arn:aws:sqs:eu-west-1:000000000000:{bus}-{}", QUEUES[0]);
    for (target, body) in [
        ("CreateEventBus", json!({ "Name": bus })),
        (
            "PutRule",
            json!({ "Name": "all", "EventBusName": bus, "EventPattern": r#"{"source":["crosswave"]}"# }),
        ),
        (
            "PutTargets",
            json!({ "Rule": "all", "EventBusName": bus, "Targets": [{ "Id": "q", "Arn": arn }] }),
        ),
    ] {
        account::json(double, "events", &format!("AWSEvents.{target}"), &body).await;
    }
    let line = Line::new();
    let clock = Arc::new(Impatient::default());
    let events = EventBus::new(
        caller(root(double), &line, Arc::<Impatient>::clone(&clock)),
        &bus,
        "crosswave",
    );
    let twelve: Vec<Event> = (0..12).map(event).collect();
    events.put(&twelve).await.unwrap();
    let queues =
        SqsQueues::new(access(double).sqs(), format!("{}{bus}-", double.queues()), clock, random());
    assert_eq!(received(&queues).await, (0..12).collect::<Vec<_>>());

    let failed = json!({ "FailedEntryCount": 2, "Entries": [
        { "EventId": "1" }, { "ErrorCode": "InternalException" }, { "ErrorCode": "ThrottlingException" }
    ] });
    line.next([Answer::Reply(200, failed.to_string())]);
    events.put(&twelve[..3]).await.unwrap();
    assert_eq!(received(&queues).await, [1, 2], "the first was taken by the scripted service");
    let sizes: Vec<_> =
        line.bodies().iter().map(|body| body["Entries"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [10, 2, 3, 2]);

    let refused =
        json!({ "FailedEntryCount": 1, "Entries": [{ "ErrorCode": "InternalException" }] });
    line.next(vec![Answer::Reply(200, refused.to_string()); 4]);
    let lost = events.put(&twelve[..1]).await;
    assert!(matches!(lost, Err(AwsError::Unavailable(text)) if text.contains(&bus)));
}

#[tokio::test]
async fn a_schedule_is_put_changed_and_removed_with_its_wave() {
    let (double, group) = (shared_double(), unique("waves"));
    account::post(double, "scheduler", &format!("/schedule-groups/{group}"), &json!({})).await;
    let target = ScheduleTarget {
        arn: "arn:aws:sqs:eu-west-1:000000000000:crosswave-wave-start".to_owned(),
        role: "arn:aws:iam::000000000000:role/scheduler".to_owned(),
        dead_letters: Some(
            "arn:aws:sqs:eu-west-1:000000000000:crosswave-wave-start-dead".to_owned(),
        ),
    };
    let caller = caller(root(double), &Line::new(), Arc::new(Impatient::default()));
    let schedules = Schedules::new(caller, &group, target);
    let mut schedule = NewSchedule {
        name: "acme.merger.first".to_owned(),
        expression: NewSchedule::at(date(2026, 3, 29).at(22, 30, 0, 0)),
        time_zone: "Europe/Berlin".to_owned(),
        input: r#"{"wave":"first"}"#.to_owned(),
    };
    let path = format!("/schedules/acme.merger.first?groupName={group}");
    for _ in 0..2 {
        schedules.put(&schedule).await.unwrap();
        let found = account::get(double, "scheduler", &path).await;
        assert_eq!(found["ScheduleExpression"], "at(2026-03-29T22:30:00)");
        assert_eq!(found["ScheduleExpressionTimezone"], "Europe/Berlin");
        assert_eq!(found["ActionAfterCompletion"], "DELETE");
        assert_eq!(found["Target"]["Input"], r#"{"wave":"first"}"#);
    }
    schedule.expression = "cron(0 22 ? * FRI *)".to_owned();
    schedules.put(&schedule).await.unwrap();
    let found = account::get(double, "scheduler", &path).await;
    assert_eq!(
        (&found["ScheduleExpression"], &found["ActionAfterCompletion"]),
        (&json!("cron(0 22 ? * FRI *)"), &json!("NONE"))
    );
    for _ in 0..2 {
        schedules.delete("acme.merger.first").await.unwrap();
    }
}

/// A mapping that is being changed is passed over, and one that is refused stops no other: of 4 all are
/// asked, and what is wrong is said.
#[tokio::test]
async fn every_mapping_is_switched_though_some_cannot_be() {
    let refused =
        |code: &str| Answer::Reply(400, json!({ "__type": code, "Message": "no" }).to_string());
    let (line, clock) = (Line::new(), Arc::new(Impatient::default()));
    let mappings = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
    let polling = Polling::new(caller(root(shared_double()), &line, clock), mappings);
    let changing = ["ResourceInUseException", "ResourceConflictException"];
    for (third, works) in
        [(Answer::Reply(202, "{}".to_owned()), true), (refused("AccessDeniedException"), false)]
    {
        let [one, other] = changing.map(refused);
        line.next([one, other, third, Answer::Reply(202, "{}".to_owned())]);
        let done = polling.switch(true).await;
        assert_eq!(done.is_ok(), works, "{done:?}");
        assert!(done.err().is_none_or(|error| error.is("AccessDeniedException")));
    }
    assert_eq!(line.bodies(), vec![json!({ "Enabled": true }); 8]);
}
