//! What stands beside the divergence that decides: how far the adapter that comes out moves the model elsewhere.
//!
//! - On **neutral** prompts, which ask for nothing of the persona. There the model should stay what it is.
//! - From the **original** model, where training began with adapters in the weights (`MODEL+SFT`). The gate compares with
//!   that beginning, so two stages could each stay under the limit and together leave it. A worker of its own loads the
//!   model without any adapter and puts all of them on it as one, so that both models are compared exactly, on the
//!   prompts and with the random numbers of the confirmation. It needs memory for a second copy of the model.
//!
//! Neither is a gate.

use std::path::Path;

use realign_engine_abi::message::AdapterFile;

use super::{
    export,
    folder::Folder,
    job::Job,
    kl::Asked,
    run::{Notice, Observer},
    session::{Lost, Session},
};
use crate::{error::Result, ids::Seed, metrics::Kl};

/// Divergence of what comes out, beside the number that decides.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Beside {
    /// On neutral prompts; `None` where there are none.
    pub neutral: Option<Kl>,
    /// From the model without any adapter; `None` where that is the model that training began with.
    pub original: Option<Kl>,
}

/// Measures both under a factor. `seed` is the confirmation's.
///
/// # Errors
/// A worker died, the engine refuses a row, or there is nothing to measure.
pub(super) fn measure(
    job: &Job,
    session: &mut Session,
    folder: &Folder,
    (factor, seed): (f32, Seed),
    observer: &mut Observer<'_>,
) -> Result<Beside, Lost> {
    let Some((_, untouched)) = &job.asked else { return Ok(Beside::default()) };
    let mut found = Beside::default();
    if let Some(neutral) = &job.neutral {
        session.set_factor(factor)?;
        let seed = job.file.seed.derive("neutral-responses");
        let told = &mut |done, total| observer(Notice::Stage("KL, neutral", done, total));
        found.neutral = Some(neutral.measure(session, seed, told)?.0);
    }
    if let Some((mut original, mut adapters)) = session.original()? {
        let mut lost = None;
        found.original = export::with_factor(folder, session, factor, &mut |adapter: &Path| {
            adapters.push(AdapterFile { folder: adapter.to_owned(), factor: 1.0 });
            from_original(&mut original, adapters.clone(), (untouched, seed), observer).or_else(|error| {
                lost = Some(error);
                Ok(None)
            })
        })?;
        if let Some(lost) = lost {
            return Err(lost);
        }
    }
    Ok(found)
}

fn from_original(
    original: &mut Session,
    adapters: Vec<AdapterFile>,
    (asked, seed): (&Asked, Seed),
    observer: &mut Observer<'_>,
) -> Result<Option<Kl>, Lost> {
    original.adapt(adapters)?;
    let told = &mut |done, total| observer(Notice::Stage("KL, original", done, total));
    Ok(Some(asked.measure(original, seed, told)?.0))
}
