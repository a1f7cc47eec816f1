//! Which examples stand before a document.
//!
//! They come from `fewshot_config.split` or `fewshot_split`; else from `fewshot_config.samples`; else from the training, the
//! validation or the test split, the first that there is. `first_n` takes the first rows. `default` draws with Python's
//! generator, seeded with 1234 as lm-eval's command line does, one draw per document in the order of the data, so both give
//! the same examples. A document is left out of its own examples where their split is the one named as the test split (which
//! is lm-eval's rule, also where neither is named): `default` then draws one more.

use std::path::Path;

use super::{
    data::Split,
    file::{Sampler, TaskFile},
    prompt::Form,
    random::Random,
    render::Row,
};
use crate::error::{Error, Result};

/// Where draws begin.
const SEED: u32 = 1234;

/// Rows that examples are chosen from.
pub(super) struct Examples {
    count: usize,
    split: Split,
    /// How they are written.
    pub(super) form: Form,
    sampler: Sampler,
    random: Random,
    /// Whether a document is never its own example.
    exclude: bool,
}

/// The split that examples come from, and whether a document is left out of its own.
pub(super) fn split(file: &TaskFile, folder: &Path) -> Result<(Split, bool)> {
    let config = file.fewshot_config.as_ref();
    let named = config.and_then(|config| config.split.as_ref()).or(file.fewshot_split.as_ref());
    let exclude = named == file.test_split.as_ref();
    if let Some(name) = named {
        return Ok((Split::read(file, folder, name)?, exclude));
    }
    if let Some(samples) = config.and_then(|config| config.samples.as_ref()) {
        let rows = samples.iter().enumerate().map(|(index, sample)| {
            let row = serde_json::to_value(sample).ok();
            row.and_then(|row| row.as_object().cloned()).ok_or_else(|| {
                Error::usage(format!("fewshot_config.samples[{index}]: not a mapping of keys to values"))
            })
        });
        return Ok((Split::inline("fewshot_config.samples", rows.collect::<Result<_>>()?), exclude));
    }
    let splits = [&file.training_split, &file.validation_split, &file.test_split];
    match splits.into_iter().flatten().next() {
        Some(name) => Ok((Split::read(file, folder, name)?, exclude)),
        None => {
            Err(Error::usage("fewshot_split: missing").hint("name the split that the examples come from"))
        }
    }
}

impl Examples {
    pub(super) fn new(
        count: usize,
        (split, exclude): (Split, bool),
        form: Form,
        sampler: Sampler,
    ) -> Result<Self> {
        let drawn = count + usize::from(exclude);
        if split.rows.len() < drawn {
            let message = format!("{}: {} rows, {drawn} examples are needed", split.place, split.rows.len());
            return Err(Error::bad_input(message).hint("lower num_fewshot"));
        }
        Ok(Self { count, split, form, sampler, random: Random::new(SEED), exclude })
    }

    /// The examples of a document, each with its place.
    pub(super) fn choose(&mut self, document: &Row) -> Result<Vec<(String, Row)>> {
        let rows = &self.split.rows;
        let other = |place: &usize| !self.exclude || rows[*place] != *document;
        let all = || (0..rows.len()).filter(other);
        let mut chosen: Vec<usize> = match self.sampler {
            Sampler::FirstN => all().take(self.count).collect(),
            Sampler::Default => {
                let drawn = self.count + usize::from(self.exclude);
                let drawn = self.random.sample(rows.len(), drawn).unwrap_or_default();
                drawn.into_iter().filter(other).take(self.count).collect()
            }
        };
        if chosen.len() < self.count {
            // Rows that stand there twice: drawn again from what is left.
            let pool: Vec<usize> = all().collect();
            let again = self.random.sample(pool.len(), self.count).ok_or_else(|| {
                Error::bad_input(format!(
                    "{}: {} examples that are not the document itself, {} are needed",
                    self.split.place,
                    pool.len(),
                    self.count
                ))
            })?;
            chosen = again.into_iter().map(|place| pool[place]).collect();
        }
        Ok(chosen.into_iter().map(|place| (self.split.row(place), rows[place].clone())).collect())
    }
}
