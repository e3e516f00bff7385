//! The functions that run by the clock.

use std::sync::Arc;

use ports::Clock;
use serde_json::json;
use system::SystemClock;

use crate::{Pace, fleet::Fleet, serve::spawn};

/// Calls every periodic function of the template, faster than in life.
pub(crate) fn begin(fleet: &Arc<Fleet>, pace: Pace) {
    for (function, _) in infra::PERIODIC {
        let fleet = Arc::clone(fleet);
        spawn(async move {
            loop {
                SystemClock.sleep(pace.period).await;
                let event = json!({ "planned": SystemClock.now() });
                // A call that fails is made again at the next beat.
                drop(fleet.invoke(function, &event).await);
            }
        });
    }
}
