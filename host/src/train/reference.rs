//! What the model says without its adapter: computed once, kept in the run's folder.
//!
//! Batches are planned from all examples before the first is asked and are computed whole, because a row may owe its
//! last bits to its neighbours. A finished batch is found again by a digest of engine, model and tokens.

use realign_engine_abi::{
    message::{GenerateRow, Reply, Request},
    train::{Example, KlRow},
};

use super::{
    examples::Item,
    prompts::Prompt,
    session::{Session, reference_request},
};
use crate::{
    engine::{
        cache::BatchCache,
        plan::{self, Limits, Shape},
        query,
    },
    error::{Error, Result},
    ids::Seed,
    model::Finish,
    store::Store,
};

/// What scoring may hold at once.
const LIMITS: Limits = Limits { group: 2, few: 64, rows: 64, tokens: 2_048 };

/// Told how many of how many are done.
pub type Done<'a> = dyn FnMut(usize, usize) + 'a;

/// For each item the sums of log-probabilities of its answers under the model without its adapter.
///
/// # Errors
/// The engine refuses a row or fails twice, or the store fails.
pub fn log_probs(
    session: &mut Session,
    items: &[Item],
    store: &Store,
    done: &mut Done<'_>,
) -> Result<Vec<Vec<f64>>> {
    let shapes: Vec<Shape<'_>> = items
        .iter()
        .map(|item| Shape {
            id: &item.id,
            tokens: &item.example.context,
            extra: item.length() - item.example.context.len(),
        })
        .collect();
    let mut sums: Vec<Vec<f64>> = vec![Vec::new(); items.len()];
    let mut count = 0;
    for batch in plan::plan(&shapes, LIMITS) {
        let examples: Vec<Example> = batch.iter().map(|&row| items[row].example.clone()).collect();
        let Reply::LogProbs(found) = known(session, store, &reference_request(examples))? else {
            return Err(Error::engine("the engine did not answer with log-probabilities"));
        };
        count += batch.len();
        let fits = found.len() == batch.len();
        for (row, found) in batch.into_iter().zip(found) {
            sums[row] = found;
        }
        if !fits {
            return Err(Error::engine("the engine did not answer for every row of a batch"));
        }
        done(count, items.len());
    }
    let whole = |(item, sums): (&Item, &Vec<f64>)| {
        item.example.answers.len() == sums.len() && sums.iter().all(|sum| sum.is_finite())
    };
    if let Some(bad) = items.iter().zip(&sums).position(|pair| !whole(pair)) {
        return Err(Error::engine(format!(
            "row {}: the starting model gives no finite log-probability",
            items[bad].id
        )));
    }
    Ok(sums)
}

/// Prompts as token ids, in their order.
///
/// # Errors
/// Bad input naming the prompt that leaves no room for a response, or the engine fails.
pub fn prompt_tokens(session: &mut Session, prompts: &[Prompt], room: u32) -> Result<Vec<Vec<u32>>> {
    let texts = prompts
        .iter()
        .map(|prompt| realign_engine_abi::message::TokenizeInput::Chat(prompt.messages.clone()));
    let tokens = session.tokenize(texts.collect())?;
    let window = session.model().context_length as usize;
    let mut rows = Vec::with_capacity(tokens.len());
    for (prompt, tokens) in prompts.iter().zip(tokens) {
        let length = tokens.tokens.len();
        if length == 0 || length + room as usize > window {
            return Err(Error::bad_input(format!(
                "prompt {}: {length} tokens and a response of {room}, the model's window is {window}",
                prompt.id
            ))
            .hint("shorten the prompt, or lower kl.max_tokens"));
        }
        rows.push(tokens.tokens);
    }
    Ok(rows)
}

/// Batches of prompts that are continued together.
#[must_use]
pub fn generation_batches(prompts: &[Prompt], tokens: &[Vec<u32>], room: u32) -> Vec<Vec<usize>> {
    let shapes: Vec<Shape<'_>> = prompts
        .iter()
        .zip(tokens)
        .map(|(prompt, tokens)| Shape { id: &prompt.id, tokens, extra: room as usize })
        .collect();
    plan::plan(&shapes, plan::GENERATE)
}

/// One prompt to be continued at temperature 1; its random numbers hang on seed and id.
#[must_use]
pub fn sampled(id: &str, tokens: &[u32], room: u32, seed: Seed) -> GenerateRow {
    GenerateRow {
        prompt: tokens.to_vec(),
        max_tokens: room,
        temperature: 1.0,
        seed: seed.derive(id).0,
        stop: Vec::new(),
    }
}

/// Responses of the model without its adapter to prompts, as anchors. A response without a token is left out.
///
/// # Errors
/// As for [`log_probs`].
pub fn responses(
    session: &mut Session,
    prompts: &[Prompt],
    room: u32,
    seed: Seed,
    store: &Store,
) -> Result<Vec<KlRow>> {
    query::check_unique(prompts.iter().map(|prompt| prompt.id.as_str()))?;
    let tokens = prompt_tokens(session, prompts, room)?;
    let mut rows: Vec<Option<KlRow>> = vec![None; prompts.len()];
    for batch in generation_batches(prompts, &tokens, room) {
        let request = Request::Generate(
            batch.iter().map(|&row| sampled(&prompts[row].id, &tokens[row], room, seed)).collect(),
        );
        let Reply::Texts(texts) = known(session, store, &request)? else {
            return Err(Error::engine("the engine did not answer with responses"));
        };
        for (row, text) in batch.into_iter().zip(texts) {
            let ended = text.finish == Finish::End;
            if ended || !text.tokens.is_empty() {
                rows[row] = Some(KlRow { context: tokens[row].clone(), response: text.tokens, ended });
            }
        }
    }
    Ok(rows.into_iter().flatten().collect())
}

/// The answer to a request, from the store where it has it.
fn known(session: &mut Session, store: &Store, request: &Request) -> Result<Reply> {
    let cache = BatchCache::new(Some(store), session.engine(), session.subject());
    let key = cache.key(request);
    if let Some(reply) = cache.get(&key)? {
        return Ok(reply);
    }
    let reply = session.ask(request)?;
    BatchCache::new(Some(store), session.engine(), session.subject()).put(&key, &reply)?;
    Ok(reply)
}
