//! `engine-worker` and `engine-relay`: the hidden verbs that serve an engine to a host, of this machine or of another.

use super::args::Worker;
use crate::{
    engine::{launch::Launch, relay::run_relay, worker::run_worker},
    error::{Error, Result},
    exit::Exit,
};

/// Serves until the host closes the pipe.
pub(super) fn run(arguments: &Worker) -> Result<Exit> {
    run_worker(&arguments.library)?;
    Ok(Exit::Done)
}

/// Serves until the supervisor is gone.
pub(super) fn relay(arguments: &Worker) -> Result<Exit> {
    let program = std::env::current_exe()
        .map_err(|error| Error::engine(format!("cannot tell where the realign program lies: {error}")))?;
    run_relay(&Launch::engine(&program, &arguments.library), &arguments.library)?;
    Ok(Exit::Done)
}
