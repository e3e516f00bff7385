//! Sign-in without a stored client secret, from the template's roles to the tenants.

use std::sync::Arc;

use cloud::{Cloud, InTheCloud, Options};
use control::{Scope, Selection};
use model::UserState;
use rehearsal::{Scene, Stage};
use system::SystemClock;

/// The source by a certificate, the target by nothing but the role: an application that does not know
/// the role parks its users with words that say what to register; once it does, they go on. No role of
/// the template was asked for more than it allows.
#[test]
fn a_certificate_and_the_role_itself_sign_in_to_the_tenants() {
    crate::run(async {
        let scene = Scene { people: 2, seed: 1, mail_folder: None, told: false };
        let stage = Stage::open(&scene, Arc::new(SystemClock)).unwrap();
        let cloud = Cloud::start(&Options::of_workspace(), &stage).await.unwrap();
        cloud.put_certificate_and_role(&stage).await.unwrap();
        InTheCloud::new(&cloud).prepare_everybody().await.unwrap();
        let (host, scope) = (cloud.host(), Scope::of(cloud.project()));
        for user in scope.users(host).await.unwrap() {
            let user = user.value;
            if user.wave.is_none() {
                continue;
            }
            let problem = user.problem.expect("a parked user has a problem");
            for part in ["AADSTS70021", "tokens.sts.global.api.aws", ":role/TenantIdentityRole"] {
                assert!(problem.message.contains(part), "`{part}` in {problem:?}");
            }
        }
        cloud.trust_role(&stage);
        let prepared = async || {
            let report = control::report(host, &scope, &Selection::everybody()).await.unwrap();
            report.states.get(&UserState::Prepared).copied().unwrap_or_default()
        };
        // A process believes a refusal for some seconds.
        while prepared().await < 2 {
            InTheCloud::new(&cloud).prepare_everybody().await.unwrap();
        }
        assert_eq!(cloud.denied(), Vec::<String>::new());
    });
}
