//! The one artifact of a deployment. Every function is this program; `_HANDLER` says which one.

mod config;
mod log;
mod services;
mod tenants;
mod webhooks;

use std::process::ExitCode;

use catalogue::Function;
use jiff::Timestamp;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use tracing::Instrument;

use crate::{config::Config, services::Services};

/// Scripts have a memory limit, so this program counts what its threads hold.
#[global_allocator]
static ALLOCATOR: scripting::MeteredAllocator = scripting::MeteredAllocator::system();

/// Reads the configuration, binds the adapters, and works off events until Lambda ends it.
fn main() -> ExitCode {
    // Customers' scripts run in processes of their own: this program again.
    if std::env::args().nth(1).as_deref() == Some("script-worker") {
        let worked =
            scripting::worker::run_worker(std::io::stdin().lock(), std::io::stdout().lock());
        return if worked.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(2) };
    }
    log::begin();
    let ended = config::read().and_then(|config| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        runtime.block_on(serve(config))
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            tracing::error!(why, "the function cannot start");
            ExitCode::FAILURE
        }
    }
}

async fn serve(config: Config) -> Result<(), String> {
    let function = config.function;
    let services = Services::new(&config)?;
    lambda_runtime::spawn_graceful_shutdown_handler(|| async {
        // Whatever was answered is durable; what was not comes again.
        tracing::info!("the environment ends");
    })
    .await;
    let services = &services;
    lambda_runtime::run(service_fn(move |event| invoke(services, function, event)))
        .await
        .map_err(|error| error.to_string())
}

async fn invoke(
    services: &Services,
    function: Function,
    event: LambdaEvent<Value>,
) -> Result<Value, String> {
    let request = event.context.request_id.clone();
    let until = i64::try_from(event.context.deadline).unwrap_or(i64::MAX);
    let until = Timestamp::from_millisecond(until).unwrap_or(Timestamp::MAX);
    // X-Ray's id of the invocation, where the stack has tracing switched on.
    let trace = event.context.xray_trace_id.as_deref().unwrap_or_default();
    let span = tracing::info_span!("invocation", request, function = function.handler(), trace);
    let began = services.now();
    let answer = services.deployment.run(function, event.payload, until).instrument(span).await;
    if let Err(error) = &answer {
        tracing::error!(request, %error, "the invocation failed");
    }
    services.report(function, &request, began, answer.as_ref().ok());
    answer.map_err(|error| error.to_string())
}
