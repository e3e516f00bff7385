//! Looking in from outside, past lags and permissions: for tests, reports and `crosswave
//! simulate`. The same in Rust and as JSON under `/_sim/`.

mod http_api;
mod knobs;
mod rights;
mod views;

pub(crate) use http_api::answer;
pub use rights::RightView;
pub use views::{AddressEntry, Counts, ForwardingView, RecipientView, TenantView};
