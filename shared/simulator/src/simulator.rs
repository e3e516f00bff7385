//! The simulator as others hold it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use ports::{Clock, HttpRequest, HttpResponse, Transport, TransportError};

use crate::{config::Config, exchange, faults::Fault, route, throttle::Ticket, world::World};

/// Most bytes of a request's body; real services refuse less.
const MOST_BODY: usize = 512 * 1024 * 1024;

/// Two or more simulated Microsoft 365 tenants. Clones share one world.
///
/// It is a [`Transport`], so a client can be called in process; [`crate::serve`] puts it behind a
/// real port.
#[derive(Clone)]
pub struct Simulator {
    world: Arc<Mutex<World>>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulator").finish_non_exhaustive()
    }
}

/// What a request got before it was handled: a place in the budgets and perhaps a fault.
struct Admission {
    ticket: Ticket,
    fault: Fault,
    latency: Duration,
}

/// Gives the place in the budgets back, also when the request is dropped half-way.
struct Place<'a> {
    simulator: &'a Simulator,
    ticket: Option<Ticket>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.simulator.world().budgets.leave(&ticket);
        }
    }
}

impl Simulator {
    /// A world without tenants. `seed` decides every draw that is made in it.
    pub fn new(config: Config, clock: Arc<dyn Clock>, seed: u64) -> Self {
        Self { world: Arc::new(Mutex::new(World::new(config, seed))), clock }
    }

    /// Answers one request at once, without latency; in other things like [`Transport::send`].
    pub fn handle(&self, request: &HttpRequest) -> Result<HttpResponse, TransportError> {
        let admission = self.admit(request)?;
        let _place = Place { simulator: self, ticket: Some(admission.ticket.clone()) };
        self.finish(request, &admission)
    }

    /// The present moment on the simulator's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The world, with everything done that is due by now.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.advance(self.clock.now());
        world
    }

    fn admit(&self, request: &HttpRequest) -> Result<Admission, TransportError> {
        let now = self.clock.now();
        let mut world = self.world();
        let (fault, latency) =
            crate::faults::decide(&mut world, request, exchange::cmdlet_of(request).as_deref());
        if fault == Fault::ResetBefore {
            world.log.lost(request, now);
            return Err(crate::faults::reset());
        }
        let ticket = world.budgets.enter(request, now);
        Ok(Admission { ticket, fault, latency })
    }

    fn finish(
        &self,
        request: &HttpRequest,
        admission: &Admission,
    ) -> Result<HttpResponse, TransportError> {
        let now = self.clock.now();
        let mut world = self.world();
        let reply = match crate::faults::reply_instead(&admission.fault, request) {
            Some(reply) => reply,
            None => route::respond(&mut world, request, now, &admission.ticket),
        };
        world.log.answered(request, &reply, now);
        drop(world);
        crate::faults::deliver(reply, &admission.fault)
    }
}

#[async_trait]
impl Transport for Simulator {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let request = request.gathered(MOST_BODY).await?;
        let admission = self.admit(&request)?;
        let _place = Place { simulator: self, ticket: Some(admission.ticket.clone()) };
        if !admission.latency.is_zero() {
            self.clock.sleep(admission.latency).await;
        }
        self.finish(&request, &admission)
    }
}
