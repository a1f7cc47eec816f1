//! Log-probabilities of continuations.
//!
//! Two passes at most. What all contexts share is computed once. Then each row runs as a trunk (the rest of its
//! context and what its continuations share) with one branch per continuation, so no context is computed twice
//! and no key is copied. The last token of a continuation predicts nothing and is not run. Only positions that
//! predict a scored token are projected onto the vocabulary, and log-sum-exp runs in Rust on the result.

use realign_engine_abi::message::{Score, ScoreRow};

use crate::{
    error::{Error, Result},
    host::exp::{log_sum_exp, maximum},
    llama::{
        forward::{Hidden, Llama},
        layout::Row,
    },
    prefix,
};

/// Positions projected at once: 128 x 49152 x 4 bytes are 24 MiB.
const PROJECTED: usize = 128;

/// A position and what is scored there.
struct Position {
    /// Packed index of the hidden state.
    token: usize,
    /// (flat number of a continuation, the token it has there).
    targets: Vec<(usize, u32)>,
}

/// Scores the continuations of each row; `progress` is told of (positions done, positions in all) and says
/// whether to go on.
///
/// # Errors
/// A request error naming the row whose context or continuation is empty, holds an unknown token or is longer
/// than the model's context window; a request error if `progress` asked to stop.
pub fn score(
    model: &Llama,
    rows: &[ScoreRow],
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<Vec<Vec<Score>>> {
    check(model, rows)?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let contexts: Vec<&[u32]> = rows.iter().map(|row| row.context.as_slice()).collect();
    let skip = prefix::shared(&contexts);
    let trunks: Vec<Vec<u32>> = rows.iter().map(|row| trunk(row, skip)).collect();
    let tree: Vec<Row<'_>> =
        rows.iter().zip(&trunks).map(|(row, trunk)| branches(row, trunk, skip)).collect();
    let longest = tree.iter().map(Row::len).max().unwrap_or(0);
    let mut cache = prefix::cache(model, &contexts[0][..skip], rows.len(), longest)?;
    let hidden = model.forward(&tree, &mut cache)?;
    drop(cache);
    let positions = positions(rows, &tree, &hidden, skip);
    let flat = project(model, &hidden, &positions, progress)?;
    let mut flat = flat.into_iter();
    Ok(rows.iter().map(|row| flat.by_ref().take(row.continuations.len()).collect()).collect())
}

fn check(model: &Llama, rows: &[ScoreRow]) -> Result<()> {
    for (number, row) in rows.iter().enumerate() {
        if row.context.is_empty() || row.continuations.iter().any(Vec::is_empty) {
            return Err(Error::request(format!("row {number} has an empty context or continuation"))
                .hint("both must have at least one token"));
        }
        let limit = model.config.context;
        let longest = row.continuations.iter().map(Vec::len).max().unwrap_or(1);
        // The last token of a continuation is predicted but never run.
        let length = row.context.len() + longest - 1;
        if length > limit {
            return Err(Error::request(format!("row {number} has {length} tokens; the limit is {limit}"))
                .hint("shorten the context; the model has no room for more"));
        }
        let tokens = row.continuations.iter().flatten().chain(&row.context).copied();
        model.config.check_tokens(tokens).map_err(|error| error.within(format!("row {number}")))?;
    }
    Ok(())
}

/// How many leading tokens all continuations share and need run.
fn stem(row: &ScoreRow) -> usize {
    let Some((first, rest)) = row.continuations.split_first() else {
        return 0;
    };
    let common = rest.iter().map(|other| prefix::common(first, other)).min().unwrap_or(first.len());
    let longest = row.continuations.iter().map(Vec::len).max().unwrap_or(1);
    common.min(longest - 1)
}

fn trunk(row: &ScoreRow, skip: usize) -> Vec<u32> {
    let stem = row.continuations.first().map_or(&[][..], |first| &first[..stem(row)]);
    [&row.context[skip..], stem].concat()
}

fn branches<'a>(row: &'a ScoreRow, trunk: &'a [u32], skip: usize) -> Row<'a> {
    let stem = trunk.len() - (row.context.len() - skip);
    let branch = |continuation: &'a Vec<u32>| {
        let end = continuation.len() - 1;
        if end > stem { &continuation[stem..end] } else { &[][..] }
    };
    Row { trunk, branches: row.continuations.iter().map(branch).collect() }
}

/// Every position that predicts a scored token, in packed order within a row.
fn positions(rows: &[ScoreRow], tree: &[Row<'_>], hidden: &Hidden, skip: usize) -> Vec<Position> {
    let mut positions = Vec::new();
    let mut flat = 0;
    for (number, (row, places)) in rows.iter().zip(tree).enumerate() {
        let before = row.context.len() - skip - 1;
        let stem = places.trunk.len() - before - 1;
        let all = || row.continuations.iter().enumerate();
        for shared in 0..=stem {
            let targets = all()
                .filter_map(|(index, continuation)| Some((flat + index, *continuation.get(shared)?)))
                .collect();
            positions.push(Position { token: hidden.token(number, before + shared), targets });
        }
        let mut start = places.trunk.len();
        for ((index, continuation), branch) in all().zip(&places.branches) {
            for step in 0..branch.len() {
                let targets = vec![(flat + index, continuation[stem + 1 + step])];
                positions.push(Position { token: hidden.token(number, start + step), targets });
            }
            start += branch.len();
        }
        flat += row.continuations.len();
    }
    positions
}

/// Projects the positions onto the vocabulary and adds up each continuation's log-probability.
fn project(
    model: &Llama,
    hidden: &Hidden,
    positions: &[Position],
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<Vec<Score>> {
    let count = positions.iter().flat_map(|position| &position.targets).map(|(flat, _)| flat + 1).max();
    let mut scores = vec![Score { logprob: 0.0, greedy: true }; count.unwrap_or(0)];
    let mut done = 0;
    for chunk in positions.chunks(PROJECTED) {
        let tokens: Vec<usize> = chunk.iter().map(|position| position.token).collect();
        let logits = model.logits(hidden, &tokens)?;
        let lines = logits.try_as_slice::<f32>()?.chunks_exact(model.config.vocabulary);
        for (position, line) in chunk.iter().zip(lines) {
            let (normaliser, best) = (log_sum_exp(&[line]), maximum(line));
            for &(flat, token) in &position.targets {
                let logit = line[token as usize];
                scores[flat].logprob += f64::from(logit) - normaliser;
                scores[flat].greedy &= logit >= best;
            }
        }
        done += chunk.len() as u64;
        if !progress(done, positions.len() as u64) {
            return Err(Error::stopped());
        }
    }
    Ok(scores)
}
