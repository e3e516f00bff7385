//! The script worker alone: the role `crosswave script worker` without the rest of the program.
//! The tests use it; an installation may, to keep the worker's program small.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: scripting::MeteredAllocator = scripting::MeteredAllocator::system();

fn main() -> ExitCode {
    match scripting::worker::run_worker(std::io::stdin().lock(), std::io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
