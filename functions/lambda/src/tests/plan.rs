//! Starts that lie ahead: planned and cancelled with the wave, each time started once.

use super::*;

fn route(desk: &Desk, rest: &str) -> String {
    let Project { customer, id, .. } = &desk.project;
    format!("/v1/customers/{customer}/projects/{id}/waves/{rest}")
}

fn plans(desk: &Desk) -> Vec<String> {
    let plans = desk.noted.plans.lock().unwrap();
    plans.values().map(|plan| format!("{} {}", plan.at, plan.zone)).collect()
}

/// GEN-2, across the end of summer time: 22:30 in Berlin is an hour later by UTC afterwards.
#[tokio::test]
async fn a_schedule_is_planned_with_its_wave_and_again_after_each_start() {
    let desk = Desk::with(&[]).await;
    let schedule = json!({
        "first": "2026-10-24T22:30:00", "zone": "Europe/Berlin",
        "repeat": { "every": "days", "days": 1 },
    });
    let path = route(&desk, "first/schedules/sync");
    let (status, said) = desk.ask("PUT", &path, &schedule).await;
    assert_eq!((status, &said["scheduled"]), (200, &json!(true)), "{said}");
    assert_eq!(plans(&desk), ["2026-10-24T20:30:00Z Europe/Berlin"]);

    let due = desk.noted.plans.lock().unwrap().values().next().unwrap().request.clone();
    desk.on(u64::try_from(
        ("2026-10-24T20:30:00Z".parse::<Timestamp>().unwrap() - desk.clock.now()).get_seconds(),
    )
    .unwrap());
    for _ in 0..2 {
        // A schedule fires at least once, and so does the tick beside it.
        desk.run(Function::StartWave, json!(due)).await;
        desk.run(Function::Tick, json!({})).await;
    }
    assert_eq!(plans(&desk), ["2026-10-25T21:30:00Z Europe/Berlin"]);
    let partition = Keys::project_partition(&desk.project.customer, &desk.project.id);
    let runs = desk.deployment.host.store.query_all(&partition, Keys::WAVE_RUNS).await.unwrap();
    assert_eq!(runs.len(), 1, "one planned time, one run");

    desk.noted.plans.lock().unwrap().clear();
    desk.run(Function::Sweep, json!({})).await;
    assert_eq!(plans(&desk), ["2026-10-25T21:30:00Z Europe/Berlin"], "what was lost is put again");

    let (status, _) = desk.ask("DELETE", &path, &Value::Null).await;
    assert_eq!((status, plans(&desk).len()), (200, 0));
}

#[tokio::test]
async fn a_wave_takes_its_schedules_with_it() {
    let desk = Desk::with(&[]).await;
    let (status, _) = desk.ask("PUT", &route(&desk, "second"), &json!({})).await;
    assert_eq!(status, 200);
    let once = json!({ "first": "2026-07-01T06:00:00", "zone": "UTC", "repeat": null });
    for action in ["prepare", "cutover"] {
        desk.ask("PUT", &route(&desk, &format!("second/schedules/{action}")), &once).await;
    }
    assert_eq!(plans(&desk).len(), 2);
    let (status, said) = desk.ask("DELETE", &route(&desk, "second"), &Value::Null).await;
    assert_eq!((status, plans(&desk).len()), (200, 0), "{said}");
}
