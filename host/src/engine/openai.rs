//! A model behind an OpenAI-compatible server: `openai:BASE_URL#NAME`.
//!
//! What can be asked is found out when it is opened (`probe`), before anything is made of an answer. Every answer is kept in the
//! store under the request that brought it, so that an interrupted run asks only for what is missing. A server's weights cannot be
//! digested: its address, its own name for the model and its fingerprint stand in the identity, and an answer with another fingerprint
//! ends the run.
//!
//! - [`address`], [`key`]: which server; what it is shown and nobody else
//! - `client`: one request; `window`, `dispatch`: many of them; `answer`: what comes back
//! - `generation`, `echo`: prompts continued, texts scored; `likelihood`: continuations scored; `probe`: whether they can be,
//!   and [`reach`]: which of them; `unusable`: why not, and what would mend it

pub mod address;
mod answer;
mod client;
mod dispatch;
mod echo;
mod generation;
pub mod key;
mod likelihood;
mod probe;
pub mod reach;
mod unusable;
mod window;

use std::{sync::Arc, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use self::{
    address::Address,
    answer::About,
    client::{Client, Failure},
    dispatch::{Dispatch, Request},
    key::Key,
    probe::Findings,
    window::Window,
};
use super::{
    backend::{Identity, Progress, identity},
    cache::BatchCache,
    interrupt::Interrupt,
    query::{GenerateAnswer, GenerateQuery, Prompt},
    replies::Replies,
};
use crate::{
    error::{Error, Result},
    store::Store,
};

/// Name of the back end.
pub const BACKEND: &str = "openai";
/// Version of how answers are read, part of the engine's identity: raised where the same answer gives another number.
const READING: &str = "1";
/// Most requests under way where the user names no number.
const MOST: usize = 16;

/// Reads the answer to the question at a place.
type Read<'a, A> = dyn Fn(usize, &[u8]) -> Result<(A, About)> + 'a;

/// A model behind a server.
#[derive(Debug)]
pub struct OpenAiModel {
    client: Arc<Client>,
    most: usize,
    interrupt: Interrupt,
    findings: Findings,
    subject: Identity,
    engine: Identity,
}

impl OpenAiModel {
    /// Finds out what the server can do, with the key of the environment. `patience` bounds every request; `most` is how many
    /// may be under way.
    ///
    /// # Errors
    /// Exit 2 where the key is refused or neither kind of prompt can be asked; exit 21 where the server cannot be reached.
    pub fn open(
        address: &Address,
        patience: Duration,
        most: Option<usize>,
        interrupt: Interrupt,
    ) -> Result<Self> {
        Self::with_key(address.clone(), Key::from_environment(address)?, patience, most, interrupt)
    }

    fn with_key(
        address: Address,
        key: Key,
        patience: Duration,
        most: Option<usize>,
        interrupt: Interrupt,
    ) -> Result<Self> {
        let client = Arc::new(Client::new(address, key, patience)?);
        let findings = probe::probe(&client, &interrupt)?;
        if let (Err(chat), Err(likelihood)) = (&findings.chat, &findings.likelihood)
            && chat.starts_with("it answers 404")
            && likelihood.found.starts_with("it answers 404")
        {
            return Err(Error::usage(format!("{}: {chat}", client.address().base()))
                .hint("look at the URL, which mostly ends in /v1, and at the model's name behind #"));
        }
        let (chat, likelihood) = findings.words();
        let mut subject = identity([
            ("model", client.address().model().to_owned()),
            ("server", client.address().base().to_owned()),
        ]);
        let About { model, system_fingerprint } = findings.about.clone();
        subject.extend(model.map(|model| ("served-as".to_owned(), model)));
        subject.extend(system_fingerprint.map(|print| ("fingerprint".to_owned(), print)));
        let engine = identity([
            ("backend", BACKEND.to_owned()),
            ("reading", READING.to_owned()),
            ("chat", chat.to_owned()),
            (reach::LIKELIHOODS, likelihood),
        ]);
        let most = most.unwrap_or(MOST);
        Ok(Self { client, most, interrupt, findings, subject, engine })
    }

    /// The subject's part of the identity: `model`, `server`, and where the server tells, `served-as` and `fingerprint`.
    #[must_use]
    pub const fn subject(&self) -> &Identity {
        &self.subject
    }

    /// The engine's part of the identity: `backend`, `reading`, and what was found out: `chat`, `log-likelihoods`.
    #[must_use]
    pub const fn engine(&self) -> &Identity {
        &self.engine
    }

    /// Continues prompts.
    ///
    /// # Errors
    /// Exit 2 where a conversation is to be continued and the server has no chat endpoint; exit 21 where the server fails.
    pub fn generate(
        &mut self,
        queries: &[GenerateQuery],
        store: Option<&Store>,
        progress: &mut Progress<'_>,
    ) -> Result<Vec<GenerateAnswer>> {
        let chats = queries.iter().any(|query| matches!(query.prompt, Prompt::Messages(_)));
        if let (true, Err(why)) = (chats, &self.findings.chat) {
            return Err(Error::usage(format!("{}: no conversations: {why}", self.client.address().base()))
                .hint("send raw prompts, or start the server with a chat template"));
        }
        let model = self.client.address().model();
        let questions: Vec<_> = queries.iter().map(|query| (generation::request(query, model), 0)).collect();
        let read = |index: usize, body: &[u8]| {
            let query: &GenerateQuery = &queries[index];
            generation::read(body, query).map_err(|why| self.broken(&query.id, &why))
        };
        self.answer(&questions, &read, store, progress)
    }

    /// Asks what the store does not have, each question once, and puts answers in the order of the questions.
    fn answer<A: Clone + Serialize + DeserializeOwned>(
        &self,
        questions: &[(Request, usize)],
        read: &Read<'_, A>,
        store: Option<&Store>,
        progress: &mut Progress<'_>,
    ) -> Result<Vec<A>> {
        let cache = BatchCache::new(store, &self.engine, &self.subject);
        let key =
            |(request, boundary): &(Request, usize)| cache.key(&(request.endpoint, &request.body, boundary));
        let keys = questions.iter().map(key).collect();
        let mut replies = Replies::look_up(cache, keys, |_, _| true)?;
        let places = replies.missing();
        let requests: Vec<Request> = places.iter().map(|&place| questions[place].0.clone()).collect();
        let total = questions.len();
        // Questions that stand twice are answered with the first of them.
        let mut done = total - places.len();
        progress(done, total);
        let mut sink = |index: usize, body: Vec<u8>| {
            let place = places[index];
            let (answer, about) = read(place, &body)?;
            self.same(&about)?;
            replies.keep(place, answer)?;
            done += 1;
            progress(done, total);
            Ok(())
        };
        let window = Window::new(self.most);
        let dispatch = Dispatch { client: &self.client, window, interrupt: &self.interrupt };
        dispatch.run(&requests, &mut sink, &mut |_: &Failure| {})?;
        Ok(replies.in_order())
    }

    /// Refuses an answer of another model than the one that was opened.
    fn same(&self, about: &About) -> Result<()> {
        let known = &self.findings.about;
        let pairs = [
            ("model", &known.model, &about.model),
            ("fingerprint", &known.system_fingerprint, &about.system_fingerprint),
        ];
        for (what, before, now) in pairs {
            if let (Some(before), Some(now)) = (before, now)
                && before != now
            {
                let (before, now) = (generation::head(before), generation::head(now));
                let message = format!(
                    "{}: its {what} changed from {before:?} to {now:?}",
                    self.client.address().base()
                );
                return Err(Error::engine(message).hint(
                    "it was updated, or balances over different back ends: answers of both would be mixed; run it again, or name one of them",
                ));
            }
        }
        Ok(())
    }

    fn broken(&self, id: &str, why: &str) -> Error {
        Error::engine(format!("{}: request {id:?}: {why}", self.client.address().base()))
            .hint("such an answer is never made a score; what was finished before is kept")
    }
}

#[cfg(test)]
mod tests;
