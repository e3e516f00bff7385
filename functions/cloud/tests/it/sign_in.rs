//! Sign-in without a stored client secret, from the template's roles to the tenants.

use std::sync::Arc;

use cloud::{Cloud, InTheCloud, Options};
use control::{Scope, Selection};
use model::UserState;
use rehearsal::{Scene, Stage};
use system::SystemClock;

/// The source by a certificate, the target by nothing but the role, which its application trusts. No
/// role of the template was asked for more than it allows.
#[test]
fn a_certificate_and_the_role_itself_sign_in_to_the_tenants() {
    crate::run(async {
        let scene = Scene { people: 2, seed: 1, mail_folder: None, told: false };
        let stage = Stage::open(&scene, Arc::new(SystemClock)).unwrap();
        let cloud = Cloud::start(&Options::of_workspace(), &stage).await.unwrap();
        cloud.put_certificate_and_role(&stage).await.unwrap();
        InTheCloud::new(&cloud).prepare_everybody().await.unwrap();
        let (host, scope) = (cloud.host(), Scope::of(cloud.project()));
        let report = control::report(host, &scope, &Selection::everybody()).await.unwrap();
        assert_eq!(report.states.get(&UserState::Prepared), Some(&2), "{report}");
        assert_eq!(cloud.denied(), Vec::<String>::new());
    });
}
