//! Continuations scored by a server that was found to echo the log-probabilities of a text.

use super::{
    OpenAiModel,
    answer::About,
    echo::{self, Scored},
    probe::refused,
};
use crate::{
    engine::{
        backend::Progress,
        query::{Prompt, ScoreAnswer, ScoreQuery},
    },
    error::{Error, Result},
    store::Store,
};

impl OpenAiModel {
    /// Scores continuations of raw text.
    ///
    /// # Errors
    /// Exit 2 where the server's log-likelihoods cannot be used, or a context is a conversation; bad input where a query has no
    /// score; exit 21 where the server fails.
    pub fn score(
        &mut self,
        queries: &[ScoreQuery],
        store: Option<&Store>,
        progress: &mut Progress<'_>,
    ) -> Result<Vec<ScoreAnswer>> {
        if let Some(misfit) = self.score_misfits(queries)?.into_iter().flatten().next() {
            return Err(misfit);
        }
        let (mut places, mut texts, mut requests) = (Vec::new(), Vec::new(), Vec::new());
        for (index, query) in queries.iter().enumerate() {
            let Prompt::Raw(context) = &query.context else { continue };
            for continuation in &query.continuations {
                let text = format!("{context}{continuation}");
                requests.push(echo::request(&text, self.client.address().model()));
                places.push((index, echo::boundary(context)));
                texts.push(text);
            }
        }
        let read = |index: usize, body: &[u8]| -> Result<((f64, usize, bool), About)> {
            let (query, boundary) = places[index];
            let id = &queries[query].id;
            let echo = echo::read(body, &texts[index]).map_err(|why| self.broken(id, &why.found))?;
            match echo.behind(boundary) {
                Scored::Sum(logprob, tokens, greedy) => Ok(((logprob, tokens, greedy), echo.about)),
                Scored::NoTokens => {
                    Err(Error::bad_input(format!("request {id:?}: a continuation has no tokens")))
                }
                Scored::NoFirst => Err(no_first(id)),
            }
        };
        // The boundary is part of what was asked: one text can be split in two ways.
        let questions: Vec<_> =
            requests.into_iter().zip(&places).map(|(request, (_, boundary))| (request, *boundary)).collect();
        let scores = self.answer(&questions, &read, store, progress)?;
        let mut answers = vec![ScoreAnswer::default(); queries.len()];
        for ((logprob, tokens, greedy), (query, _)) in scores.into_iter().zip(&places) {
            let answer = &mut answers[*query];
            answer.logprob.push(logprob);
            answer.tokens.push(tokens);
            answer.greedy.push(greedy);
        }
        Ok(answers)
    }

    /// For each query why it can never be scored. Lengths are the server's to refuse.
    ///
    /// # Errors
    /// Exit 2 where the server's log-likelihoods cannot be used, or a context is a conversation.
    pub fn score_misfits(&self, queries: &[ScoreQuery]) -> Result<Vec<Option<Error>>> {
        if queries.is_empty() {
            return Ok(Vec::new());
        }
        let server = self.client.address().base();
        let scoring = self.findings.likelihood.as_ref().map_err(|why| refused(server, why))?;
        if let Some(query) = queries.iter().find(|query| matches!(query.context, Prompt::Messages(_))) {
            let why = "the model's chat template is the server's own";
            return Err(Error::usage(format!(
                "request {:?}: no log-likelihoods behind messages: {why}",
                query.id
            ))
            .hint("use the weights (a GGUF file or a folder), or ask with raw text"));
        }
        let misfit = |query: &ScoreQuery| {
            let first = matches!(&query.context, Prompt::Raw(context) if echo::boundary(context) == 0);
            (first && !scoring.first).then(|| no_first(&query.id))
        };
        Ok(queries.iter().map(misfit).collect())
    }
}

fn no_first(id: &str) -> Error {
    Error::bad_input(format!(
        "request {id:?}: the server gives no log-probability of the first token of a text"
    ))
    .hint("give it a context")
}
