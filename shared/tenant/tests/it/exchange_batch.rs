//! Exchange's `$batch`: each cmdlet with its own fate.

use ports::TransportErrorKind;
use serde_json::{Value, json};
use tenant::{
    Class,
    exchange::{CmdletCall, Parameters},
};

use super::support::{Answer, TENANT, body, cmdlet, header, line, world};

fn values(all: &[Value]) -> Answer {
    Answer::json(200, &json!({ "@adminapi.warnings": [], "value": all }))
}

fn responses(all: &[Value]) -> Answer {
    Answer::json(200, &json!({ "responses": all }))
}

fn get(identity: &str) -> CmdletCall {
    CmdletCall::new("Get-Mailbox", Parameters::identity(identity))
}

#[tokio::test]
async fn cmdlets_go_together_and_are_matched_by_id() {
    let error = json!({ "error": { "details": [
        { "message": "|x.ManagementObjectNotFoundException|couldn't be found on 'DC'" } ] } });
    let world = world([responses(&[
        json!({ "id": "1", "status": 404, "body": error }),
        json!({ "id": "0", "status": 200, "body": { "value": [{ "Name": "a" }] } }),
    ])]);
    let exchange = world.client.exchange();
    let outcomes = exchange.batch(&[get("a"), get("b")]).await.unwrap();
    assert_eq!(outcomes[0].as_ref().unwrap().values.len(), 1);
    assert_eq!(outcomes[1].as_ref().unwrap_err().class, Class::NotFound);
    let request = world.only_request();
    assert_eq!(line(&request), format!("POST /outlook/adminapi/beta/{TENANT}/$batch"));
    assert_eq!(header(&request, "prefer"), "odata.continue-on-error");
    let item = &body(&request)["requests"][0];
    let url = format!("http://127.0.0.1:8080/outlook/adminapi/beta/{TENANT}/InvokeCommand");
    assert_eq!(
        (&item["id"], &item["method"], &item["url"]),
        (&json!("0"), &json!("POST"), &json!(url))
    );
    assert_eq!(item["body"]["CmdletInput"]["Parameters"]["Identity"], "a");
}

#[tokio::test]
async fn an_answer_of_several_pages_goes_on_by_itself() {
    let link = format!("http://127.0.0.1:8080/outlook/adminapi/beta/{TENANT}/InvokeCommand?p=2");
    let first = json!({ "value": [{ "Name": "a" }], "@odata.nextLink": link });
    let world = world([
        responses(&[json!({ "id": "0", "status": 200, "body": first })]),
        values(&[json!({ "Name": "b" })]),
    ]);
    let outcomes = world.client.exchange().batch(&[get("a")]).await.unwrap();
    assert_eq!(outcomes[0].as_ref().unwrap().values.len(), 2);
    assert_eq!(world.request(1).url.as_str(), link);
    assert_eq!(cmdlet(&world.request(1)).0, "Get-Mailbox");
}

#[tokio::test]
async fn a_throttled_item_goes_again_alone_and_more_than_ten_are_several_batches() {
    let fine = |id: usize| json!({ "id": id.to_string(), "status": 200, "body": {} });
    let busy = json!({ "id": "3", "status": 429, "headers": { "Retry-After": "1" },
        "body": { "error": { "message": "busy" } } });
    let first: Vec<_> = (0..10).map(|id| if id == 3 { busy.clone() } else { fine(id) }).collect();
    let world = world([responses(&first), responses(&[fine(3)]), responses(&[fine(0)])]);
    let calls: Vec<_> = (0..11).map(|n| get(&n.to_string())).collect();
    let outcomes = world.client.exchange().batch(&calls).await.unwrap();
    assert_eq!(outcomes.len(), 11);
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(body(&world.request(1))["requests"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_batch_whose_reply_was_lost_has_an_unknown_outcome_if_it_writes() {
    let write = CmdletCall::new("Set-Mailbox", Parameters::identity("x"));
    let world = world([Answer::Fail(TransportErrorKind::Broken)]);
    let error = world.client.exchange().batch(&[get("a"), write]).await.unwrap_err();
    assert_eq!((error.class, world.requests()), (Class::UnknownOutcome, 1));
}
