//! Asks an engine what it is and how fast it is, without a model.

use realign_engine_abi::message::{EngineInfo, Reply, Request, SelfTest};

use super::{launch::Launch, pool::refusal, process::WorkerProcess};
use crate::error::{Error, Result};

/// Starts a worker, asks it and ends it.
///
/// # Errors
/// The worker cannot be started, dies, or its engine fails.
pub fn probe(launch: &Launch) -> Result<(EngineInfo, SelfTest)> {
    let mut worker = WorkerProcess::spawn(launch)?;
    let mut ask = |request| {
        worker.call(&request, &mut |_| {}).map_err(|death| {
            Error::engine(format!("the engine worker died in its self-test: {}", death.cause))
        })
    };
    match (ask(Request::Info)?, ask(Request::SelfTest)?) {
        (Reply::Engine(info), Reply::SelfTest(test)) => Ok((info, test)),
        (Reply::Error(error), _) | (_, Reply::Error(error)) => Err(refusal(error)),
        _ => Err(Error::engine("the engine did not describe itself when asked to")),
    }
}
