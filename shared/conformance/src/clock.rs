//! The contract of the clock.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use ports::Clock;

use crate::verdict::{Breach, Broken, Verdict, ensure, ensure_eq};

/// Every clause; `pass` lets so much time pass on the clock: advances a virtual one, waits for a
/// real one. The suite asks for some ten milliseconds.
pub async fn suite(clock: Arc<dyn Clock>, pass: impl AsyncFn(Duration)) -> Result<(), Broken> {
    let broken = |found| {
        let clause = "time goes forward, and a sleep ends when its time has come, not before";
        Broken { port: "clock", breaches: vec![Breach { clause, found }] }
    };
    keeps_time(&*clock, pass).await.map_err(broken)
}

async fn keeps_time(clock: &dyn Clock, pass: impl AsyncFn(Duration)) -> Verdict {
    let (step, long) = (Duration::from_millis(10), Duration::from_hours(1));
    let start = clock.now();
    let mut short = clock.sleep(step);
    let mut never = clock.sleep(long);
    ensure_eq!((&mut never).now_or_never(), None, "an hour's sleep at once");
    pass(step).await;
    let now = clock.now();
    ensure!(now >= start + step, "from {start} to {now} are not {step:?}");
    // A timer may be a little late; a clock must not make its sleepers wait without end.
    for _ in 0..100 {
        if (&mut short).now_or_never().is_some() {
            ensure_eq!((&mut never).now_or_never(), None, "an hour's sleep after {step:?}");
            return Ok(());
        }
        pass(step).await;
    }
    Err(format!("a sleep of {step:?} was not over after a hundred times as long"))
}
