//! How the tenants of a run behave: lags, and rules that differ from tenant to tenant.

use simulator::Lag;

use crate::{fault::FaultKind, world::World};

/// Lags and rules of the tenants that a seed chooses.
pub(crate) fn bend(world: &World) {
    let stage = &world.stage;
    let lag = stage.happens(FaultKind::ReplicationLag);
    let slow = stage.happens(FaultKind::SlowProvisioning);
    let deltas = stage.happens(FaultKind::OddDeltas);
    let errors = stage.happens(FaultKind::OddErrors);
    let hidden = stage.happens(FaultKind::HiddenForgotten);
    let tokens = stage.happens(FaultKind::ShortTokens);
    let sessions = stage.happens(FaultKind::ShortSessions);
    world.simulator.configure(|config| {
        if let Some(bits) = lag {
            // Long ones are rare: they cost many looks that see nothing new.
            let most = if bits % 4 < 3 { 90 } else { 900 };
            let most = 1 + (bits >> 8) % most;
            config.lags.directory = Lag::seconds(0, most);
            config.lags.forward_sync = Lag::seconds(0, most);
            config.lags.address_release = Lag::seconds(0, most.min(300));
            config.rules.anchor_hits = if bits & 1 == 0 { 1.0 } else { 0.8 };
        }
        if let Some(bits) = slow {
            let (most, draw) = (if bits % 8 < 7 { 600 } else { 7_200 }, bits >> 8);
            config.lags.mailbox_provisioning = Lag::seconds(60, 60 + draw % most);
            config.lags.mailbox_open = Lag::seconds(5, 5 + draw % 600);
            config.lags.drive_provisioning = Lag::seconds(60, 60 + draw % most);
        }
        if deltas.is_some() {
            config.content.delta_duplicates = 0.1;
            config.content.delta_empty_pages = 0.2;
            config.content.delta_replays = 0.1;
            config.content.batch_items_throttled = 0.05;
        }
        if errors.is_some() {
            config.rules.empty_error_id = 0.4;
            config.rules.proxied_error = 0.1;
        }
        if hidden.is_some() {
            config.rules.hidden_survives_licence = false;
        }
        if let Some(bits) = tokens {
            config.rules.token_seconds = 330 + u32::try_from(bits % 300).unwrap_or_default();
        }
        if sessions.is_some() {
            config.content.import_session_seconds = 60;
            config.content.upload_session_seconds = 60;
            config.content.download_url_seconds = 60;
        }
    });
}
