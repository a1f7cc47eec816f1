//! How far finished adapters move a model, on prompts that no training has seen. The measurement is that of [`super::kl`].

use std::collections::BTreeMap;

use realign_engine_abi::message::{AdapterFile, Load};

use super::{
    kl::Asked,
    prompts::Prompt,
    session::{Lost, Session},
};
use crate::{
    engine::launch::Launch,
    error::{Error, Result},
    ids::Seed,
    metrics::Kl,
};

/// Divergence of `model` with adapters from the model without them, and within each context kind. Responses have at most
/// `room` tokens; told how many of how many are done. `workers` share the prompts, or as many as fit, which changes no number.
///
/// # Errors
/// A prompt does not fit, or the engine fails twice.
pub fn of(
    (launch, workers): (Launch, Option<usize>),
    model: &Load,
    adapters: &[AdapterFile],
    (prompts, room): (Vec<Prompt>, u32),
    seed: Seed,
    done: &mut dyn FnMut(usize, usize),
) -> Result<(Kl, BTreeMap<String, f64>)> {
    let mut session = Session::open_fitting(launch, model.clone(), workers)?;
    let asked = Asked::new(&mut session, prompts, room)?;
    let mut attempt = || {
        session.adapt(adapters.to_vec())?;
        asked.measure(&mut session, seed, &mut *done)
    };
    let first = attempt();
    let second = if let Err(Lost::Worker(_)) = first { attempt() } else { first };
    second.map_err(|lost| match lost {
        Lost::Final(error) => error,
        Lost::Worker(cause) => {
            Error::engine(format!("the engine worker died twice while the divergence was measured: {cause}"))
        }
    })
}
