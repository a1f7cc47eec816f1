//! `engine-worker`: the hidden verb that serves an engine to the host that started it.

use super::args::Worker;
use crate::{engine::worker::run_worker, error::Result, exit::Exit};

/// Serves until the host closes the pipe.
pub(super) fn run(arguments: &Worker) -> Result<Exit> {
    run_worker(&arguments.library)?;
    Ok(Exit::Done)
}
