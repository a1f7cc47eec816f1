//! Asks an engine to write an adapter or a model.

use realign_engine_abi::{
    export::{Export, Exported},
    message::{Event, Reply, Request},
};

use super::{
    interrupt::interrupted,
    launch::Launch,
    pool::refusal,
    process::{Death, WorkerProcess},
};
use crate::error::{Error, Result};

/// Starts a worker, has it write, and ends it. `progress` is told of tensors done and tensors in all.
///
/// # Errors
/// Bad input where model and adapters are damaged or do not belong together, exit 23 where something cannot be written,
/// exit 21 where the worker cannot be started or dies, exit 130 where an interrupt was due. Then nothing is left in the folder's place.
pub fn export(launch: &Launch, request: Export, progress: &mut dyn FnMut(u64, u64)) -> Result<Exported> {
    let mut worker = WorkerProcess::spawn(launch)?;
    let mut on_event = |event: &Event| match event {
        Event::Progress { done, total } => progress(*done, *total),
    };
    match worker.call(&Request::Export(request), &mut on_event) {
        Ok(Reply::Exported(exported)) => Ok(exported),
        Ok(Reply::Error(error)) => Err(refusal(error)),
        Ok(_) => Err(Error::engine("the engine did not say what it wrote")),
        Err(Death { interrupted: true, .. }) => Err(interrupted()),
        Err(death) => Err(Error::engine(format!("the engine worker died while it wrote: {}", death.cause))
            .hint("nothing was written; run it again")),
    }
}
