//! What is known of an adapter on disk, checked against its files and its model.
//!
//! A record proves something of the very files that it was written beside, over the very model that training began
//! with. So both are compared by digest; what does not belong together is refused, because the engine can only see
//! whether shapes fit.

use std::path::Path;

use realign_engine_abi::message::{AdapterFile, Load};

use super::record::{Divergence, Part, Record, Training};
use crate::{
    engine::model_digest::{adapter_digest, file_digest, model_digest},
    error::{Error, Result},
    ids::Digest,
    train::{export, outcome::Outcome},
};

/// The trained adapters that are in a folder.
///
/// # Errors
/// Bad input where a record cannot be read or belongs to other files.
pub fn parts(folder: &Path) -> Result<Vec<Part>> {
    let digest = adapter_digest(&AdapterFile { folder: folder.to_owned(), factor: 1.0 })?;
    if let Some(record) = Record::read(folder)? {
        if record.digest.as_ref() != Some(&digest) {
            return Err(changed(folder));
        }
        return Ok(record.parts);
    }
    let outcome = export::read(folder)?;
    if let Some(outcome) = &outcome {
        check_files(folder, outcome, &digest)?;
    }
    Ok(vec![Part { digest, factor: 1.0, training: outcome.as_ref().map(training) }])
}

/// Whether the files are those that the training wrote.
fn check_files(folder: &Path, outcome: &Outcome, digest: &Digest) -> Result<()> {
    let same = match outcome.digests.get(export::WHOLE) {
        Some(written) => written == digest,
        // Written before the settings had a digest too.
        None => outcome.digests.get(export::WEIGHTS) == Some(&file_digest(&folder.join(export::TENSORS))?),
    };
    if same { Ok(()) } else { Err(changed(folder)) }
}

fn changed(folder: &Path) -> Error {
    Error::bad_input(format!("{}: the record belongs to other files than those beside it", folder.display()))
        .hint("what it proves was not proven of these; without the record they count as made elsewhere")
}

fn training(outcome: &Outcome) -> Training {
    let subject = |key: &str| outcome.subject.get(key).cloned();
    let kl = outcome.metrics.iter().find(|metric| metric.name == "kl");
    Training {
        id: outcome.id.clone(),
        name: outcome.name.clone(),
        kind: outcome.kind,
        model_digest: subject("model-digest").unwrap_or_default(),
        over: subject("adapter"),
        divergence: kl.and_then(|kl| {
            let (limit, verdict) = (kl.threshold?, kl.verdict?);
            Some(Divergence { limit, bound: kl.bound, verdict })
        }),
    }
}

/// Refuses what [`check_chain`] refuses of a model and the adapters that are named behind it.
///
/// # Errors
/// Bad input naming the adapter, or a file that cannot be read.
pub fn check(load: &Load) -> Result<()> {
    if load.adapters.is_empty() {
        return Ok(());
    }
    let known = load.adapters.iter().map(|file| Ok((file.folder.as_path(), parts(&file.folder)?)));
    check_chain(&model_digest(&load.model)?, &known.collect::<Result<Vec<_>>>()?)
}

/// Refuses adapters that were trained over another model: each begins with the model and all that are before it.
///
/// # Errors
/// Bad input naming the adapter.
pub fn check_chain(model: &Digest, adapters: &[(&Path, Vec<Part>)]) -> Result<()> {
    let mut before: Vec<String> = Vec::new();
    for (folder, parts) in adapters {
        let place = folder.display();
        let first = parts.first().and_then(|part| part.training.as_ref());
        if let Some(training) = first {
            if training.model_digest != model.as_str() {
                let was = training.model_digest.get(..12).unwrap_or_default();
                return Err(Error::bad_input(format!(
                    "{place}: trained over the model with digest {was}, this one has {}",
                    model.short()
                ))
                .hint("name the model that it was trained over"));
            }
            let found = (!before.is_empty()).then(|| before.join(" + "));
            if training.over != found {
                return Err(foreign(&place.to_string(), training.over.as_deref(), found.as_deref()));
            }
        }
        let file = AdapterFile { folder: folder.to_path_buf(), factor: 1.0 };
        before.push(adapter_digest(&file)?.to_string());
    }
    Ok(())
}

/// `wanted` and `found` are digests as an identity joins them.
fn foreign(place: &str, wanted: Option<&str>, found: Option<&str>) -> Error {
    let short = |digests: &str| {
        let each = digests.split(" + ").map(|digest| digest.get(..12).unwrap_or(digest));
        each.collect::<Vec<_>>().join(" + ")
    };
    let wanted = wanted
        .map_or("no adapter".to_owned(), |digests| format!("the adapter with digest {}", short(digests)));
    let found = found.map_or("none".to_owned(), |digests| format!("that with {}", short(digests)));
    Error::bad_input(format!("{place}: trained over the model with {wanted}, not with {found}"))
        .hint("--model MODEL+FIRST+SECOND, in the order in which they were trained")
}
