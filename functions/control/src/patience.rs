//! ERR-3 for what runs outside the steps: a pause that a tenant asks for is kept, not failed.

use std::time::Duration;

use engine::Host;
use tenant::{Retry, TenantError};

/// How long a read outside the steps goes on asking.
const LONGEST: Duration = Duration::from_mins(10);

/// Asks until there is an answer, or an error that waiting does not mend. For reads.
pub(crate) async fn patiently<T, F>(
    host: &Host,
    mut ask: impl FnMut() -> F,
) -> Result<T, TenantError>
where
    F: Future<Output = Result<T, TenantError>>,
{
    let mut waited = Duration::ZERO;
    loop {
        let error = match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let pause = match error.retry() {
            Retry::Never => return Err(error),
            Retry::Now => Duration::from_millis(200),
            Retry::Later(pause) => pause,
        };
        // No connection at all is not a pause that the tenant asked for: three tries tell.
        let most = if error.status.is_none() { Duration::from_secs(15) } else { LONGEST };
        waited += pause;
        if waited > most {
            return Err(error);
        }
        host.clock.sleep(pause).await;
    }
}
