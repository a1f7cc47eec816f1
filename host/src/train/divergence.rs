//! How far a finished adapter moves its model, on prompts that its training has not seen.
//!
//! The checkpoint that came out is loaded again under the factor that came out, in the training's own folder; the
//! measurement is that of [`super::kl`].

use std::{collections::BTreeMap, path::Path};

use super::{
    checkpoint,
    config::TrainFile,
    folder::{self, Folder},
    job,
    kl::Asked,
    outcome::Outcome,
    prompts::Prompt,
    session::{Lost, Session},
};
use crate::{
    error::{Error, Result},
    ids::Seed,
    metrics::Kl,
};

/// Divergence of the model with the adapter of `outcome`, trained in `root`, from `session`'s model without it, and
/// within each context kind. Responses have at most `room` tokens; told how many of how many are done.
///
/// # Errors
/// The folder belongs to another training, a prompt does not fit, or the engine fails twice.
pub fn of(
    session: &mut Session,
    root: &Path,
    outcome: &Outcome,
    prompts: Vec<Prompt>,
    room: u32,
    seed: Seed,
    done: &mut dyn FnMut(usize, usize),
) -> Result<(Kl, BTreeMap<String, f64>)> {
    let folder = Folder::open(root, &outcome.plan)?;
    let file = config(&folder, outcome)?;
    let layers = file.adapter.layers.of(session.model().layers);
    let asked = Asked::new(session, prompts, room)?;
    let path = checkpoint::path(&folder, outcome.exported_step);
    let mut attempt = |session: &mut Session| {
        session.begin(&job::begin(&file, layers, Some(path.clone())))?;
        session.set_factor(outcome.factor)?;
        asked.measure(session, seed, &mut *done)
    };
    let first = attempt(session);
    let second = if let Err(Lost::Worker(_)) = first { attempt(session) } else { first };
    second.map_err(|lost| match lost {
        Lost::Final(error) => error,
        Lost::Worker(cause) => {
            Error::engine(format!("the engine worker died twice while the divergence was measured: {cause}"))
        }
    })
}

/// The configuration that the outcome came from.
fn config(folder: &Folder, outcome: &Outcome) -> Result<TrainFile> {
    let config = outcome.plan.get("config").cloned().unwrap_or_default();
    serde_json::from_value(config).map_err(|error| {
        Error::bad_input(format!("{}: config: {error}", folder.path(folder::PLAN).display()))
    })
}
