//! Divergence on the model's own responses: sample, ask, measure.
//!
//! Responses are sampled at temperature 1 with the adapter as it is, and the engine compares both models at every token of
//! them. Random numbers hang on seed and prompt alone, so two measurements with one seed differ by the adapter and
//! nothing else.

use std::collections::BTreeSet;

use realign_engine_abi::train::KlRow;

use super::{
    prompts::Prompt,
    reference::{generation_batches, prompt_tokens, sampled},
    session::{Lost, Session},
};
use crate::{
    error::{Error, Result},
    ids::Seed,
    metrics::{Kl, ResponseKl, kl},
    model::Finish,
    stats::bootstrap::Bootstrap,
};

/// Replicates of every interval.
const REPLICATES: usize = 2_000;

/// Prompts as tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    prompts: Vec<Prompt>,
    tokens: Vec<Vec<u32>>,
    /// Most tokens in a response.
    room: u32,
}

impl Asked {
    /// Tokenizes prompts.
    ///
    /// # Errors
    /// A prompt leaves no room for a response, or the engine fails.
    pub fn new(session: &mut Session, prompts: Vec<Prompt>, room: u32) -> Result<Self> {
        let tokens = prompt_tokens(session, &prompts, room)?;
        Ok(Self { prompts, tokens, room })
    }

    /// Families of the prompts.
    #[must_use]
    pub fn families(&self) -> usize {
        let families: BTreeSet<&str> = self.prompts.iter().map(|prompt| prompt.family.as_str()).collect();
        families.len()
    }

    /// Samples a response to each prompt and measures it. Told how many of how many are done.
    ///
    /// # Errors
    /// The worker died, the engine refuses a row, or there is nothing to measure.
    pub fn measure(
        &self,
        session: &mut Session,
        seed: Seed,
        done: &mut dyn FnMut(usize, usize),
    ) -> Result<Kl, Lost> {
        let mut found: Vec<Option<ResponseKl>> = vec![None; self.prompts.len()];
        let mut count = 0;
        for batch in generation_batches(&self.prompts, &self.tokens, self.room) {
            let row = |&row: &usize| sampled(&self.prompts[row].id, &self.tokens[row], self.room, seed);
            let texts = session.generate(batch.iter().map(row).collect())?;
            let mut asked = Vec::new();
            let mut rows = Vec::new();
            for (&row, text) in batch.iter().zip(texts) {
                let ended = text.finish == Finish::End;
                // Cut before its first token, a response says nothing about either model.
                if ended || !text.tokens.is_empty() {
                    asked.push(row);
                    rows.push(KlRow { context: self.tokens[row].clone(), response: text.tokens, ended });
                }
            }
            let values = if rows.is_empty() { Vec::new() } else { session.kl(rows)? };
            for (row, values) in asked.into_iter().zip(values) {
                let tokens = values.into_iter().map(f64::from).collect();
                found[row] = Some(ResponseKl { family: self.prompts[row].family.clone(), tokens });
            }
            count += batch.len();
            done(count, self.prompts.len());
        }
        let found: Vec<ResponseKl> = found.into_iter().flatten().collect();
        let bootstrap = Bootstrap { replicates: REPLICATES, seed: seed.derive("bootstrap").0 };
        kl(&found, bootstrap).ok_or_else(|| {
            Error::engine("the divergence cannot be measured: responses are empty or values are not finite")
                .into()
        })
    }
}
