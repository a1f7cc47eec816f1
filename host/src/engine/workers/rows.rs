//! Between queries in text and rows of token ids: building, checking, and putting answers back in order.
//!
//! Text behind nothing is scored in [`windows`] where it is longer than the model's. Behind a context it has to fit: what is
//! scored there would depend on what was cut.

use std::collections::BTreeMap;

use realign_engine_abi::message::{
    GenerateRow, Generated, Reply, Request, Score, ScoreRow, TokenizeInput, Tokenized,
};

use super::windows::windows;
use crate::{
    engine::{
        plan::Shape,
        query::{GenerateAnswer, GenerateQuery, Prompt, ScoreAnswer, ScoreQuery},
        texts::text_bytes,
    },
    error::{Error, Result},
};

/// Longest text that is sent to be tokenized: no context window takes more.
const LONGEST_TEXT: usize = 4 << 20;

/// In the order of the queries: one text per continuation, which holds a raw context too; a conversation is a text
/// of its own before them, because nothing joins tokens across the header of a turn.
pub(super) fn score_texts(queries: &[ScoreQuery]) -> Result<Vec<TokenizeInput>> {
    let mut texts = Vec::new();
    for query in queries {
        if let Prompt::Messages(messages) = &query.context {
            texts.push(checked(&query.id, TokenizeInput::Chat(messages.clone()))?);
        }
        for continuation in query.continuations.iter().cloned() {
            let text = match &query.context {
                Prompt::Raw(context) => TokenizeInput::Pair { context: context.clone(), continuation },
                Prompt::Messages(_) => TokenizeInput::Raw(continuation),
            };
            texts.push(checked(&query.id, text)?);
        }
    }
    Ok(texts)
}

/// One text per query.
pub(super) fn prompt_texts(queries: &[GenerateQuery]) -> Result<Vec<TokenizeInput>> {
    let text = |query: &GenerateQuery| match &query.prompt {
        Prompt::Raw(text) => TokenizeInput::Raw(text.clone()),
        Prompt::Messages(messages) => TokenizeInput::Chat(messages.clone()),
    };
    queries.iter().map(|query| checked(&query.id, text(query))).collect()
}

fn checked(id: &str, text: TokenizeInput) -> Result<TokenizeInput> {
    let bytes = text_bytes(&text);
    if bytes <= LONGEST_TEXT {
        return Ok(text);
    }
    Err(Error::bad_input(format!("request {id:?}: text of {bytes} bytes, the limit is {LONGEST_TEXT}")))
}

/// Rows in a batch.
pub(super) fn count(batch: &Request) -> usize {
    match batch {
        Request::Score(rows) => rows.len(),
        Request::Generate(rows) => rows.len(),
        _ => 0,
    }
}

/// Whether a reply has one answer for everything that its batch asks.
pub(super) fn fits(batch: &Request, reply: &Reply) -> bool {
    match (batch, reply) {
        (Request::Tokenize(texts), Reply::Tokens(tokens)) => texts.len() == tokens.len(),
        (Request::Generate(rows), Reply::Texts(texts)) => rows.len() == texts.len(),
        (Request::Score(rows), Reply::Scores(scores)) => {
            rows.len() == scores.len()
                && rows.iter().zip(scores).all(|(row, scores)| row.continuations.len() == scores.len())
        }
        _ => false,
    }
}

/// Rows to be scored. A query is one row, unless its context is tokenized in different ways before different
/// continuations, or a whole text has several windows.
pub(super) struct ScoreRows<'a> {
    queries: &'a [ScoreQuery],
    rows: Vec<PlacedRow>,
}

/// Places and tokens of the continuations of one context.
type Continuations = (Vec<usize>, Vec<Vec<u32>>);

struct PlacedRow {
    query: usize,
    /// Which of the query's continuations are in the row, in its order.
    members: Vec<usize>,
    row: ScoreRow,
}

impl<'a> ScoreRows<'a> {
    pub(super) fn build(queries: &'a [ScoreQuery], tokens: Vec<Tokenized>, window: usize) -> Result<Self> {
        let mut rows = Vec::new();
        let mut tokens = tokens.into_iter();
        for (index, query) in queries.iter().enumerate() {
            let mut by_context = BTreeMap::<Vec<u32>, Continuations>::new();
            let conversation = match query.context {
                Prompt::Raw(_) => None,
                Prompt::Messages(_) => tokens.next().map(|text| text.tokens),
            };
            for (member, text) in tokens.by_ref().take(query.continuations.len()).enumerate() {
                let (context, continuation) = match &conversation {
                    None => (text.tokens, text.continuation),
                    Some(context) => (context.clone(), text.tokens),
                };
                if continuation.is_empty() {
                    return Err(Error::bad_input(format!(
                        "request {:?}: continuation {} has no tokens",
                        query.id,
                        member + 1
                    )));
                }
                if matches!(&query.context, Prompt::Raw(context) if context.is_empty())
                    && continuation.len() >= window
                {
                    let windows = windows(&context, &continuation, window);
                    rows.extend(windows.into_iter().map(|(context, continuation)| PlacedRow {
                        query: index,
                        members: vec![member],
                        row: ScoreRow { context, continuations: vec![continuation] },
                    }));
                    continue;
                }
                check_window(&query.id, context.len() + continuation.len(), window)?;
                let (members, continuations) = by_context.entry(context).or_default();
                members.push(member);
                continuations.push(continuation);
            }
            rows.extend(by_context.into_iter().map(|(context, (members, continuations))| PlacedRow {
                query: index,
                members,
                row: ScoreRow { context, continuations },
            }));
        }
        Ok(Self { queries, rows })
    }

    pub(super) fn shapes(&self) -> Vec<Shape<'_>> {
        self.rows
            .iter()
            .map(|placed| Shape {
                id: &self.queries[placed.query].id,
                tokens: &placed.row.context,
                extra: placed.row.continuations.iter().map(Vec::len).sum(),
            })
            .collect()
    }

    pub(super) fn request(&self, batch: &[usize]) -> Request {
        Request::Score(batch.iter().map(|&row| self.rows[row].row.clone()).collect())
    }

    /// One answer per query; every reply fits its batch.
    pub(super) fn answers(&self, batches: &[Vec<usize>], replies: Vec<Reply>) -> Vec<ScoreAnswer> {
        let mut answers: Vec<ScoreAnswer> = self
            .queries
            .iter()
            .map(|query| {
                let count = query.continuations.len();
                ScoreAnswer { logprob: vec![0.0; count], tokens: vec![0; count], greedy: vec![true; count] }
            })
            .collect();
        for (batch, reply) in batches.iter().zip(replies) {
            let Reply::Scores(scores) = reply else { continue };
            for (&row, scores) in batch.iter().zip(scores) {
                self.rows[row].place(&scores, &mut answers);
            }
        }
        answers
    }
}

impl PlacedRow {
    /// Adds the row's part to its query's answer; a continuation has several parts where it has several windows.
    fn place(&self, scores: &[Score], answers: &mut [ScoreAnswer]) {
        let answer = &mut answers[self.query];
        for ((&member, tokens), score) in self.members.iter().zip(&self.row.continuations).zip(scores) {
            answer.logprob[member] += score.logprob;
            answer.greedy[member] &= score.greedy;
            answer.tokens[member] += tokens.len();
        }
    }
}

/// Rows to be continued, one per query.
pub(super) struct GenerateRows<'a> {
    queries: &'a [GenerateQuery],
    rows: Vec<GenerateRow>,
    window: usize,
}

impl<'a> GenerateRows<'a> {
    pub(super) fn build(queries: &'a [GenerateQuery], tokens: Vec<Tokenized>, window: usize) -> Result<Self> {
        let rows = queries.iter().zip(tokens).map(|(query, tokens)| {
            if tokens.tokens.is_empty() {
                return Err(Error::bad_input(format!("request {:?}: the prompt has no tokens", query.id)));
            }
            // At least one token must fit behind the prompt.
            check_window(&query.id, tokens.tokens.len() + 1, window)?;
            Ok(GenerateRow {
                prompt: tokens.tokens,
                max_tokens: query.max_tokens,
                temperature: query.temperature,
                seed: query.seed.derive(&query.id).0,
                stop: query.stop.clone(),
            })
        });
        Ok(Self { queries, rows: rows.collect::<Result<_>>()?, window })
    }

    pub(super) fn shapes(&self) -> Vec<Shape<'_>> {
        let room = |row: &GenerateRow| (row.max_tokens as usize).min(self.window - row.prompt.len());
        self.queries
            .iter()
            .zip(&self.rows)
            .map(|(query, row)| Shape { id: &query.id, tokens: &row.prompt, extra: room(row) })
            .collect()
    }

    pub(super) fn request(&self, batch: &[usize]) -> Request {
        Request::Generate(batch.iter().map(|&row| self.rows[row].clone()).collect())
    }

    /// One answer per query; every reply fits its batch.
    pub(super) fn answers(batches: &[Vec<usize>], replies: Vec<Reply>) -> Vec<GenerateAnswer> {
        let mut answers = BTreeMap::new();
        for (batch, reply) in batches.iter().zip(replies) {
            let Reply::Texts(texts) = reply else { continue };
            answers.extend(batch.iter().copied().zip(texts.into_iter().map(as_answer)));
        }
        answers.into_values().collect()
    }
}

fn as_answer(generated: Generated) -> GenerateAnswer {
    GenerateAnswer { text: generated.text, tokens: generated.tokens.len(), finish: generated.finish }
}

fn check_window(id: &str, tokens: usize, window: usize) -> Result<()> {
    if tokens <= window {
        return Ok(());
    }
    Err(Error::bad_input(format!("request {id:?}: {tokens} tokens, the model's window is {window}"))
        .hint("shorten the text; nothing is cut silently"))
}
