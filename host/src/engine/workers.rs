//! The back end made of worker processes: tokenize, plan, look up, compute, put back in order.

mod rows;

use realign_engine_abi::message::{Load, Reply, Request, TokenizeInput, Tokenized};

use self::rows::{GenerateRows, ScoreRows};
use super::{
    backend::{Identity, Progress},
    cache::BatchCache,
    launch::Launch,
    model_digest, plan,
    pool::Pool,
    query::{GenerateAnswer, GenerateQuery, ScoreAnswer, ScoreQuery},
    texts,
};
use crate::{
    error::{Error, Result},
    store::Store,
};

/// Worker processes with one model.
#[derive(Debug)]
pub struct WorkerBackend {
    pool: Pool,
    subject: Identity,
    engine: Identity,
}

impl WorkerBackend {
    /// Loads a model in a first worker.
    ///
    /// # Errors
    /// A file cannot be read, the worker cannot be started, or the engine refuses the model.
    pub fn open(load: &Load, launch: Launch, workers: Option<usize>) -> Result<Self> {
        let pool = Pool::open(launch, load, workers)?;
        let (subject, engine) =
            (model_digest::subject(load, pool.model())?, model_digest::engine(pool.engine()));
        Ok(Self { pool, subject, engine })
    }

    /// The subject's part of the identity.
    #[must_use]
    pub const fn subject(&self) -> &Identity {
        &self.subject
    }

    /// The engine's part of the identity.
    #[must_use]
    pub const fn engine(&self) -> &Identity {
        &self.engine
    }

    /// Longest sequence of the model in tokens.
    #[must_use]
    pub fn context_length(&self) -> usize {
        self.pool.model().context_length as usize
    }

    /// Scores continuations; ids are unique.
    ///
    /// # Errors
    /// A query does not fit the model, the engine fails twice, or the store fails.
    pub fn score(
        &mut self,
        queries: &[ScoreQuery],
        store: Option<&Store>,
        progress: &mut Progress<'_>,
    ) -> Result<Vec<ScoreAnswer>> {
        let tokens = self.tokenize(rows::score_texts(queries)?)?;
        let rows = ScoreRows::build(queries, tokens, self.context_length())?;
        let batches = plan::plan(&rows.shapes(), plan::SCORE);
        let requests: Vec<Request> = batches.iter().map(|batch| rows.request(batch)).collect();
        let replies = self.answer(&requests, store, progress)?;
        Ok(rows.answers(&batches, replies))
    }

    /// Continues prompts; ids are unique.
    ///
    /// # Errors
    /// A query does not fit the model, the engine fails twice, or the store fails.
    pub fn generate(
        &mut self,
        queries: &[GenerateQuery],
        store: Option<&Store>,
        progress: &mut Progress<'_>,
    ) -> Result<Vec<GenerateAnswer>> {
        let tokens = self.tokenize(rows::prompt_texts(queries)?)?;
        let rows = GenerateRows::build(queries, tokens, self.context_length())?;
        let batches = plan::plan(&rows.shapes(), plan::GENERATE);
        let requests: Vec<Request> = batches.iter().map(|batch| rows.request(batch)).collect();
        let replies = self.answer(&requests, store, progress)?;
        Ok(GenerateRows::answers(&batches, replies))
    }

    /// Replies to planned batches, from the cache where it has them.
    fn answer(
        &mut self,
        batches: &[Request],
        store: Option<&Store>,
        progress: &mut Progress<'_>,
    ) -> Result<Vec<Reply>> {
        let cache = BatchCache::new(store, &self.engine, &self.subject);
        let keys: Vec<_> = batches.iter().map(|batch| cache.key(batch)).collect();
        let mut replies = Vec::with_capacity(batches.len());
        for (key, batch) in keys.iter().zip(batches) {
            replies.push(cache.get(key)?.filter(|reply| rows::fits(batch, reply)));
        }
        let missing: Vec<usize> = (0..batches.len()).filter(|&batch| replies[batch].is_none()).collect();
        let total = batches.iter().map(rows::count).sum();
        let mut done = total - missing.iter().map(|&batch| rows::count(&batches[batch])).sum::<usize>();
        progress(done, total);
        let requests: Vec<Request> = missing.iter().map(|&batch| batches[batch].clone()).collect();
        let computed = self.pool.run(&requests, &mut |index, reply| {
            if !rows::fits(&requests[index], reply) {
                return Err(Error::engine("the engine's reply does not have the shape of its batch"));
            }
            cache.put(&keys[missing[index]], reply)?;
            done += rows::count(&requests[index]);
            progress(done, total);
            Ok(())
        })?;
        for (batch, reply) in missing.into_iter().zip(computed) {
            replies[batch] = Some(reply);
        }
        Ok(replies.into_iter().flatten().collect())
    }

    /// Token ids of texts, in their order.
    fn tokenize(&mut self, texts: Vec<TokenizeInput>) -> Result<Vec<Tokenized>> {
        let requests = texts::requests(texts);
        let replies = self.pool.run(&requests, &mut |index, reply| {
            if rows::fits(&requests[index], reply) {
                return Ok(());
            }
            Err(Error::engine("the engine did not tokenize every text"))
        })?;
        Ok(replies
            .into_iter()
            .flat_map(|reply| if let Reply::Tokens(tokens) = reply { tokens } else { Vec::new() })
            .collect())
    }
}
