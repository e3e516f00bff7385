//! What the system itself holds a worker to.

#[cfg(unix)]
mod system {
    use rustix::process::{Resource, Rlimit, setrlimit};
    use rustix::time::{ClockId, clock_gettime};

    /// Address space: the large stack of the script thread, the program, and a script's memory.
    const ADDRESS_SPACE: u64 = 1 << 30;
    /// Seconds of processor time for one call: above the largest budget that a project may give, ten.
    const SECONDS: u64 = 12;

    fn limit(resource: Resource, most: u64, hard: Option<u64>) {
        // A system that refuses leaves the budgets and the host's own patience in force.
        setrlimit(resource, Rlimit { current: Some(most), maximum: hard }).unwrap_or_default();
    }

    /// Before anything is read.
    pub(in super::super) fn at_start() {
        limit(Resource::As, ADDRESS_SPACE, Some(ADDRESS_SPACE));
        limit(Resource::Core, 0, Some(0));
        limit(Resource::Fsize, 0, Some(0));
        limit(Resource::Nofile, 16, Some(16));
    }

    /// Before each message: the processor time for so many calls from now on.
    pub(in super::super) fn before(calls: usize) {
        let used = clock_gettime(ClockId::ProcessCPUTime).tv_sec;
        let more = SECONDS.saturating_mul(u64::try_from(calls).unwrap_or(u64::MAX));
        limit(Resource::Cpu, u64::try_from(used).unwrap_or(0).saturating_add(more), None);
    }
}

#[cfg(not(unix))]
mod system {
    pub(in super::super) fn at_start() {}
    pub(in super::super) fn before(_calls: usize) {}
}

pub(super) use system::{at_start, before};
