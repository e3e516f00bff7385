//! What the log turns into metrics: alarms take it for a fault when these are missing.

use catalogue::metrics::{DEAD_LETTERS, IN_FLIGHT, NEGLECTED, OLDEST_BATON};

use super::*;

/// Whether anything is in flight or not, a tick says how late the latest is, and the collector how many
/// dead letters there are: an alarm on a figure that is sometimes not written would be false.
#[tokio::test]
async fn tick_and_collector_always_say_what_their_alarms_look_at() {
    for users in [&[][..], &["anna", "waits"]] {
        let desk = Desk::with(users).await;
        for started in [false, true] {
            if started {
                desk.start().await;
            }
            let pulse = desk.run(Function::Tick, json!({})).await;
            assert!(pulse[IN_FLIGHT].is_u64(), "{pulse}");
            assert!(pulse[OLDEST_BATON].is_u64(), "{pulse}");
            assert_eq!(pulse[NEGLECTED], 0, "{pulse}");
            for function in [Function::Sweep, Function::RollUpUsage] {
                let answer = desk.run(function, json!({})).await;
                assert_eq!(answer[NEGLECTED], 0, "{answer}");
            }
            let collected = desk.run(Function::CollectDeadLetters, json!({})).await;
            assert!(collected[DEAD_LETTERS].is_u64(), "{collected}");
        }
    }
}
