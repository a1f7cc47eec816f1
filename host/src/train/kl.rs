//! Divergence on the model's own responses: sample, ask, measure.
//!
//! Responses are sampled at temperature 1 with the adapter as it is, and the engine compares both models at every token of
//! them. Random numbers hang on seed and prompt alone, so two measurements with one seed differ by the adapter and
//! nothing else.

use std::collections::{BTreeMap, BTreeSet};

use realign_engine_abi::{message::Generated, train::KlRow};

use super::{
    prompts::Prompt,
    reference::{generation_batches, prompt_tokens, sampled},
    session::{Lost, Session},
};
use crate::{
    error::{Error, Result},
    ids::Seed,
    metrics::{
        Kl, ResponseKl,
        kl::{by_kind, kl},
    },
    model::Finish,
};

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

    /// Samples a response to each prompt and measures it, with each context kind's own value beside it. Told how many of how many are done.
    ///
    /// # Errors
    /// The worker died, the engine refuses a row, or there is nothing to measure.
    pub fn measure(
        &self,
        session: &mut Session,
        seed: Seed,
        done: &mut dyn FnMut(usize, usize),
    ) -> Result<(Kl, BTreeMap<String, f64>), Lost> {
        let mut found: Vec<Option<ResponseKl>> = vec![None; self.prompts.len()];
        let mut count = 0;
        let batches = generation_batches(&self.prompts, &self.tokens, self.room);
        for batches in batches.chunks(session.ranks()) {
            let row = |&row: &usize| sampled(&self.prompts[row].id, &self.tokens[row], self.room, seed);
            let prompts = batches.iter().map(|batch| batch.iter().map(row).collect());
            let texts = session.generate(prompts.collect())?;
            let responses = batches.iter().zip(texts).map(|(batch, texts)| self.responses(batch, texts));
            let (asked, rows): (Vec<Vec<usize>>, Vec<Vec<KlRow>>) =
                responses.filter(|(asked, _)| !asked.is_empty()).unzip();
            for (asked, values) in asked.iter().zip(session.kl(rows)?) {
                for (&row, values) in asked.iter().zip(values) {
                    let tokens = values.into_iter().map(f64::from).collect();
                    let Prompt { family, kind, .. } = self.prompts[row].clone();
                    found[row] = Some(ResponseKl { family, kind, tokens });
                }
            }
            count += batches.iter().map(Vec::len).sum::<usize>();
            done(count, self.prompts.len());
        }
        let found: Vec<ResponseKl> = found.into_iter().flatten().collect();
        let kl = kl(&found).ok_or_else(|| {
            Error::engine("the divergence cannot be measured: responses are empty or values are not finite")
        })?;
        Ok((kl, by_kind(&found)))
    }

    /// The responses of a batch as rows to be compared, with the places of their prompts. Cut before its first token, a
    /// response says nothing about either model.
    fn responses(&self, batch: &[usize], texts: Vec<Generated>) -> (Vec<usize>, Vec<KlRow>) {
        let row = |(&row, text): (&usize, Generated)| {
            let ended = text.finish == Finish::End;
            let context = self.tokens[row].clone();
            (ended || !text.tokens.is_empty())
                .then_some((row, KlRow { context, response: text.tokens, ended }))
        };
        batch.iter().zip(texts).filter_map(row).unzip()
    }
}

#[cfg(test)]
mod tests {
    use realign_engine_abi::message::{ChatMessage, Load};

    use super::*;
    use crate::engine::testing::launch;

    #[test]
    fn several_ranks_measure_what_one_does() {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("model");
        std::fs::write(&model, "test model").unwrap();
        // The test's model diverges behind an exclamation mark, and a batch holds few of these prompts.
        let prompt = |index: usize| Prompt {
            id: format!("k{index}"),
            kind: None,
            family: format!("f{}", index % 9),
            messages: vec![ChatMessage { role: "user".into(), content: "p!".repeat(index % 3) + "p" }],
        };
        let prompts: Vec<Prompt> = (0..70).map(prompt).collect();
        let measured = |ranks| {
            let load = Load { model: model.clone(), adapters: Vec::new() };
            let mut session = Session::open(launch(), load, ranks).unwrap();
            let asked = Asked::new(&mut session, prompts.clone(), 4).unwrap();
            assert!(generation_batches(&asked.prompts, &asked.tokens, asked.room).len() > 3);
            let mut told = Vec::new();
            let (kl, _) = asked.measure(&mut session, Seed(1), &mut |done, _| told.push(done)).unwrap();
            assert_eq!(told.last(), Some(&70));
            kl
        };
        assert_eq!(measured(1), measured(3));
    }
}
