//! The one artifact starts as every function of the template.

use catalogue::Function;
use cloud::{Options, build, probe};

/// It starts, answers, and ends by itself when its environment is taken away.
#[test]
fn the_artifact_starts_and_ends_under_every_handler_name() {
    crate::run(async {
        let program = build(&Options::of_workspace().target).await.unwrap();
        for function in Function::all() {
            let start = probe(&program, function, 1).await.unwrap();
            assert_eq!(start.handler, function.handler());
            assert!(start.resident_kib > 0, "{start:?}");
            assert!(start.ends_well, "{start:?}");
        }
    });
}
