//! Ctrl-C: the first one asks for an end, the second one is one.

use std::sync::{Arc, atomic::AtomicBool};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

use crate::{
    error::{Error, Result},
    exit::Exit,
};

/// A flag that the first Ctrl-C sets, or a scheduler that asks the process to end; the second one ends it at once.
///
/// # Errors
/// The system takes no handler.
pub(super) fn listen() -> Result<Arc<AtomicBool>> {
    let wanted = Arc::new(AtomicBool::new(false));
    let code = i32::from(Exit::Interrupted.code());
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, code, Arc::clone(&wanted))
            .and_then(|_| flag::register(signal, Arc::clone(&wanted)))
            .map_err(|error| Error::usage(format!("cannot listen for signals: {error}")))?;
    }
    Ok(wanted)
}
