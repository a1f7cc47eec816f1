//! Continuations of prompts, greedy or sampled, a batch at a time.
//!
//! What all prompts share is computed once, and so is a prompt that several rows continue. Each step runs one token of
//! every row that has not ended; rows that have ended leave the batch several at a time, because leaving copies the keys
//! and values of those that stay. A text is kept as bytes, because a token can end inside a character, and stop texts
//! are looked for in those bytes.

use std::collections::BTreeMap;

use realign_engine_abi::message::{Finish, GenerateRow, Generated};

use crate::{
    error::{Error, Result},
    llama::{cache::Cache, forward::Llama, layout::Row},
    prefix,
    sampler::sample,
    tokenizer::Tokenizer,
};

/// Columns by which a full cache grows.
const GROWTH: usize = 64;
/// One part of so many of a cache's rows must have ended before the others leave them behind.
const ENDED_PART: usize = 8;

/// A row on its way.
struct Growing<'a> {
    request: &'a GenerateRow,
    /// Most tokens that it may make: its own limit and the room in the context window.
    limit: usize,
    tokens: Vec<u32>,
    bytes: Vec<u8>,
    finish: Option<Finish>,
}

impl Growing<'_> {
    /// Takes the next token.
    fn take(&mut self, token: u32, tokenizer: &Tokenizer) {
        if tokenizer.ends_turn(token) {
            self.finish = Some(Finish::End);
            return;
        }
        self.tokens.push(token);
        let known = self.bytes.len();
        self.bytes.extend_from_slice(tokenizer.bytes(token));
        if let Some(at) = self.stop_at(known) {
            self.bytes.truncate(at);
            self.finish = Some(Finish::Stop);
        } else if self.tokens.len() >= self.limit {
            self.finish = Some(Finish::Length);
        }
    }

    /// Where the first stop text begins, if one ends in the bytes after `known`.
    fn stop_at(&self, known: usize) -> Option<usize> {
        let found = |stop: &String| {
            let from = (known + 1).saturating_sub(stop.len());
            self.bytes[from..]
                .windows(stop.len())
                .position(|window| window == stop.as_bytes())
                .map(|at| from + at)
        };
        self.request.stop.iter().filter_map(found).min()
    }

    fn into_generated(self) -> Generated {
        Generated {
            text: String::from_utf8_lossy(&self.bytes).into_owned(),
            tokens: self.tokens,
            finish: self.finish.unwrap_or(Finish::Length),
        }
    }
}

/// Continues each row; `progress` is told of (tokens made, most tokens that could be made) after each step and
/// says whether to go on.
///
/// # Errors
/// A request error naming the row whose prompt is empty, holds an unknown token or fills the context window,
/// or whose temperature or stop texts make no sense; a request error if `progress` asked to stop.
pub fn generate(
    model: &Llama,
    tokenizer: &Tokenizer,
    rows: &[GenerateRow],
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<Vec<Generated>> {
    let mut growing = rows
        .iter()
        .enumerate()
        .map(|(number, row)| start(model, row).map_err(|error| error.within(format!("row {number}"))))
        .collect::<Result<Vec<_>>>()?;
    let total = growing.iter().map(|row| row.limit as u64).sum();
    // Rows of the cache: those that have not ended, and some that have.
    let mut held: Vec<usize> = (0..rows.len()).filter(|&row| growing[row].finish.is_none()).collect();
    let mut state = None;
    while !held.is_empty() {
        let logits = match &mut state {
            None => {
                let (cache, logits) = prefill(model, rows, &held)?;
                state = Some(cache);
                logits
            }
            Some(cache) => step(model, cache, &growing, &held)?,
        };
        let going: Vec<usize> = held.iter().copied().filter(|&row| growing[row].finish.is_none()).collect();
        let lines = logits.try_as_slice::<f32>()?.chunks_exact(model.config.vocabulary);
        for (row, line) in going.into_iter().zip(lines) {
            let (request, index) = (growing[row].request, growing[row].tokens.len() as u64);
            growing[row].take(sample(line, request.temperature, request.seed, index), tokenizer);
        }
        if !progress(growing.iter().map(|row| row.tokens.len() as u64).sum(), total) {
            return Err(Error::stopped());
        }
        state = state.map(|cache| leave(cache, &growing, &mut held)).transpose()?;
    }
    Ok(growing.into_iter().map(Growing::into_generated).collect())
}

fn start<'a>(model: &Llama, row: &'a GenerateRow) -> Result<Growing<'a>> {
    let context = model.config.context;
    if row.prompt.is_empty() || row.prompt.len() > context {
        return Err(Error::request(format!(
            "the prompt has {} tokens; it must have at least 1 and at most {context}",
            row.prompt.len()
        ))
        .hint("shorten the prompt; the model has no room for more"));
    }
    model.config.check_tokens(row.prompt.iter().copied())?;
    if !(row.temperature == 0.0 || (1e-3..=1e3).contains(&row.temperature)) {
        return Err(Error::request(format!(
            "temperature {} is neither 0 nor from 0.001 to 1000",
            row.temperature
        )));
    }
    if row.stop.iter().any(String::is_empty) {
        return Err(Error::request("a stop text is empty").hint("leave it out"));
    }
    // The last token made is never run, so one more than the room fits.
    let limit = (row.max_tokens as usize).min(context - row.prompt.len() + 1);
    let finish = (limit == 0).then_some(Finish::Length);
    Ok(Growing { request: row, limit, tokens: Vec::new(), bytes: Vec::new(), finish })
}

/// Runs the prompts; returns the cache and the logits of each active row's first token.
fn prefill(model: &Llama, rows: &[GenerateRow], active: &[usize]) -> Result<(Cache, mlx_rs::Array)> {
    let mut places = BTreeMap::new();
    let mut prompts: Vec<&[u32]> = Vec::new();
    let copies: Vec<usize> = active
        .iter()
        .map(|&row| {
            let prompt = rows[row].prompt.as_slice();
            *places.entry(prompt).or_insert_with(|| {
                prompts.push(prompt);
                prompts.len() - 1
            })
        })
        .collect();
    let skip = prefix::shared(&prompts);
    let rest: Vec<Row<'_>> = prompts.iter().map(|prompt| Row::trunk(&prompt[skip..])).collect();
    let longest = rest.iter().map(Row::len).max().unwrap_or(0);
    let mut cache = prefix::cache(model, &prompts[0][..skip], prompts.len(), longest + GROWTH)?;
    let hidden = model.forward(&rest, &mut cache)?;
    let last: Vec<usize> = copies.iter().map(|&place| hidden.token(place, rest[place].len() - 1)).collect();
    let logits = model.logits(&hidden, &last)?;
    if prompts.len() < copies.len() {
        cache = cache.select(&copies, cache.room())?;
    }
    Ok((cache, logits))
}

/// Runs the last token of each row of the cache that has not ended; returns the logits of the next.
fn step(model: &Llama, cache: &mut Cache, growing: &[Growing<'_>], held: &[usize]) -> Result<mlx_rs::Array> {
    if cache.room() == 0 {
        let all: Vec<usize> = (0..cache.rows()).collect();
        *cache = cache.select(&all, GROWTH)?;
    }
    let last = |&row: &usize| match (&growing[row].finish, growing[row].tokens.last()) {
        (None, Some(token)) => Row::trunk(std::slice::from_ref(token)),
        _ => Row::default(),
    };
    let rows: Vec<Row<'_>> = held.iter().map(last).collect();
    let hidden = model.forward(&rows, cache)?;
    let going = (0..rows.len()).filter(|&row| !rows[row].is_empty());
    let tokens: Vec<usize> = going.map(|row| hidden.token(row, 0)).collect();
    model.logits(&hidden, &tokens)
}

/// Takes rows that have ended out of the batch, once they are many or there are no others.
fn leave(cache: Cache, growing: &[Growing<'_>], held: &mut Vec<usize>) -> Result<Cache> {
    let staying: Vec<usize> =
        (0..held.len()).filter(|&place| growing[held[place]].finish.is_none()).collect();
    if staying.is_empty() {
        held.clear();
        return Ok(cache);
    }
    let ended = held.len() - staying.len();
    if ended == 0 || ended * ENDED_PART < held.len() {
        return Ok(cache);
    }
    *held = staying.iter().map(|&place| held[place]).collect();
    cache.select(&staying, cache.room().max(1))
}
