//! The back end made of worker processes: tokenize, plan, look up, compute, put back in order.

mod course;
mod fit;
mod rows;
mod windows;

use std::{cell::RefCell, collections::BTreeMap};

use realign_engine_abi::message::{Load, Reply, Request, TokenizeInput, Tokenized};

use self::{
    course::Course,
    rows::{GenerateRows, ScoreRows},
};
use super::{
    backend::{Identity, Progress},
    cache::BatchCache,
    launch::Launch,
    model_digest, plan,
    pool::Pool,
    query::{GenerateAnswer, GenerateQuery, ScoreAnswer, ScoreQuery},
    replies::Replies,
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
    /// Most workers for scoring and for generation; all that there are, unless advised otherwise.
    most: [usize; 2],
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
        let most = [pool.workers(); 2];
        Ok(Self { pool, subject, engine, most })
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

    /// Follows what was measured of this machine: so many workers for scoring and for generation, where they fit. The
    /// numbers change no result.
    pub fn advise(&mut self, score: usize, generate: usize) {
        self.most = [score, generate];
    }

    /// Ends the workers until they are asked again.
    pub fn rest(&mut self) {
        self.pool.rest();
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
        self.pool.use_at_most(self.most[0]);
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
        self.pool.use_at_most(self.most[1]);
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
        let keys = batches.iter().map(|batch| cache.key(batch)).collect();
        let mut replies = Replies::look_up(cache, keys, |place, reply| rows::fits(&batches[place], reply))?;
        let missing = replies.missing();
        let requests: Vec<Request> = missing.iter().map(|&batch| batches[batch].clone()).collect();
        let total = batches.iter().map(rows::count).sum();
        let done = total - requests.iter().map(rows::count).sum::<usize>();
        progress(done, total);
        let course = RefCell::new(Course { done, under_way: BTreeMap::new(), total, progress });
        let mut sink = |index: usize, reply: &Reply| {
            let batch = &requests[index];
            if !rows::fits(batch, reply) {
                return Err(Error::engine("the engine's reply does not have the shape of its batch"));
            }
            replies.keep(missing[index], reply.clone())?;
            course.borrow_mut().finished(index, rows::count(batch));
            Ok(())
        };
        let mut watch = |index: usize, done, total| {
            course.borrow_mut().reached(index, rows::count(&requests[index]), done, total);
        };
        self.pool.run(&requests, &mut sink, &mut watch)?;
        Ok(replies.in_order())
    }

    /// Token ids of texts, in their order.
    fn tokenize(&mut self, texts: Vec<TokenizeInput>) -> Result<Vec<Tokenized>> {
        let requests = texts::requests(texts);
        let mut sink = |index: usize, reply: &Reply| {
            if rows::fits(&requests[index], reply) {
                return Ok(());
            }
            Err(Error::engine("the engine did not tokenize every text"))
        };
        let replies = self.pool.run(&requests, &mut sink, &mut |_, _, _| {})?;
        Ok(replies
            .into_iter()
            .flat_map(|reply| if let Reply::Tokens(tokens) = reply { tokens } else { Vec::new() })
            .collect())
    }
}

#[cfg(test)]
mod tests;
