//! Log-likelihoods: the text is sent as a prompt that comes back with the log-probability of each of its tokens.
//!
//! One token is generated behind it, because not every server takes 0, and is thrown away. Which tokens belong to a continuation is
//! decided by their places in the text, as lm-eval decides it: spaces at the end of the context move to the continuation, and what
//! begins at or behind the boundary is scored. Each answer is checked whole: lengths, places, values.

use serde_json::json;

use super::{
    answer::{About, Answer, LogProbs},
    dispatch::Request,
    unusable::{Kind, Unusable},
};

/// A logarithm of a probability that is above 0 by more than rounding is none.
const ROUNDING: f64 = 1e-3;
/// Below this no model of 32-bit floats comes.
const LEAST: f64 = -1e5;

/// A text that came back.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Echo {
    /// Tokens of the text itself, in order.
    pub tokens: Vec<Token>,
    /// A first token that is not in the text: shown by some servers where they put one in front.
    pub leading: Option<String>,
    /// Tokens of the prompt as the server counts them.
    pub counted: Option<u64>,
    /// What it says of itself.
    pub about: About,
}

/// A token of a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    /// As the server spells it.
    pub text: String,
    /// Where it begins, in characters.
    pub start: usize,
    /// Natural log-probability; the first token of a text may have none.
    pub logprob: Option<f64>,
    /// Whether none is more probable.
    pub greedy: bool,
}

/// The request for a text.
pub(super) fn request(text: &str, model: &str) -> Request {
    let body = json!({
        "model": model, "prompt": text, "max_tokens": 1, "temperature": 0.0,
        "logprobs": 1, "echo": true, "stream": false,
    });
    Request { endpoint: "completions", body }
}

/// Reads and checks the answer for a text.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read(body: &[u8], text: &str) -> Result<Echo, Unusable> {
    let (choice, usage, about) = Answer::read(body)?;
    if !choice.text.is_some_and(|echoed| echoed.starts_with(text)) {
        return Err(Kind::NoEcho.into());
    }
    let LogProbs { tokens: Some(tokens), token_logprobs: Some(values), top_logprobs, text_offset } =
        choice.logprobs.unwrap_or_default()
    else {
        return Err(Kind::NoValues.into());
    };
    let Some(tops) = top_logprobs else {
        return Err("it does not say which token is the most probable (top_logprobs)".into());
    };
    let lengths = [values.len(), tops.len(), text_offset.as_ref().map_or(tokens.len(), Vec::len)];
    if let Some(other) = lengths.into_iter().find(|&length| length != tokens.len()) {
        return Err(format!("{} tokens with {other} values", tokens.len()).into());
    }
    // Some servers send -1 for every place.
    let offsets = text_offset.filter(|offsets| offsets.iter().any(|&offset| offset > 0));
    let length = text.chars().count();
    let (leading, starts) = places(text, &tokens, offsets.as_deref())?;
    let mut found = Vec::with_capacity(tokens.len());
    let mut made = 0;
    for (((token, start), value), top) in tokens.iter().zip(starts).zip(values).zip(tops) {
        let Some(start) = start else { continue };
        if start >= length {
            made += 1;
            continue;
        }
        let logprob = value.map(checked).transpose()?;
        let best = top.into_iter().flatten().map(|(_, value)| value).fold(f64::NEG_INFINITY, f64::max);
        if logprob.is_none() && !found.is_empty() {
            return Err(format!("token {} has no log-probability", found.len() + 1).into());
        }
        if logprob.is_some() && best == f64::NEG_INFINITY {
            return Err("it does not say which token is the most probable (top_logprobs)".into());
        }
        let greedy = logprob.is_some_and(|logprob| logprob >= best);
        found.push(Token { text: token.clone(), start, logprob, greedy });
    }
    if made > 1 {
        return Err(format!("{made} tokens behind the text, 1 was asked for").into());
    }
    if found.first().is_none_or(|first| first.start != 0) {
        return Err("the tokens do not begin where the text begins".into());
    }
    Ok(Echo { tokens: found, leading, counted: usage.and_then(|usage| usage.prompt_tokens), about })
}

fn checked(value: f64) -> Result<f64, String> {
    if value.is_finite() && (LEAST..=ROUNDING).contains(&value) {
        return Ok(value.min(0.0));
    }
    Err(format!("{value:?} is no log-probability"))
}

/// Where tokens begin in characters, from what the server says or from their lengths; `None` for one that is not in the text.
///
/// Every token that is spelled out must stand in the text at its place and reach to the next one. Tokens that are parts of a
/// character cannot be spelled; their places have to be those between their neighbours.
fn places(
    text: &str,
    tokens: &[String],
    offsets: Option<&[i64]>,
) -> Result<(Option<String>, Vec<Option<usize>>), String> {
    const DISAGREE: &str = "the places of the tokens do not agree with the text (text_offset)";
    let spelled = |token: &str| !token.is_empty() && !token.contains(char::REPLACEMENT_CHARACTER);
    let foreign = tokens.first().is_some_and(|first| spelled(first) && !text.starts_with(first.as_str()));
    let skipped = usize::from(foreign);
    let leading = tokens.first().filter(|_| foreign).cloned();
    let base = offsets.map_or(0, |offsets| offsets.get(skipped).copied().unwrap_or_default());
    let characters: Vec<char> = text.chars().collect();
    let mut starts: Vec<Option<usize>> = vec![None; skipped];
    let mut reached = 0;
    let mut exact = true;
    for (index, token) in tokens.iter().enumerate().skip(skipped) {
        let start = match offsets {
            Some(offsets) => {
                let start = offsets[index].checked_sub(base).and_then(|start| usize::try_from(start).ok());
                start.ok_or(DISAGREE)?
            }
            None => reached,
        };
        // The generated token may be one that is never spelled out.
        let inside = start < characters.len();
        let stands = || token.chars().eq(characters[start..].iter().copied().take(token.chars().count()));
        if start < reached || (exact && start != reached) || (inside && spelled(token) && !stands()) {
            return Err(DISAGREE.into());
        }
        starts.push(Some(start));
        exact = spelled(token);
        reached = start + if exact { token.chars().count() } else { 0 };
    }
    if exact && reached < characters.len() {
        return Err(DISAGREE.into());
    }
    Ok((leading, starts))
}

/// What became of a continuation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scored {
    /// Sum of log-probabilities, tokens, whether each is the most probable.
    Sum(f64, usize, bool),
    /// No token begins in it.
    NoTokens,
    /// It begins with a token of which the server gives no log-probability.
    NoFirst,
}

impl Echo {
    /// Scores what follows the first `boundary` characters.
    pub(super) fn behind(&self, boundary: usize) -> Scored {
        let tokens: Vec<&Token> = self.tokens.iter().filter(|token| token.start >= boundary).collect();
        if tokens.is_empty() {
            return Scored::NoTokens;
        }
        let values: Option<Vec<f64>> = tokens.iter().map(|token| token.logprob).collect();
        values.map_or(Scored::NoFirst, |values| {
            Scored::Sum(values.iter().sum(), tokens.len(), tokens.iter().all(|token| token.greedy))
        })
    }
}

/// Characters of a context without the spaces at its end, which belong to the continuation.
pub(super) fn boundary(context: &str) -> usize {
    let space = |c: char| c.is_whitespace() || ('\x1c'..='\x1f').contains(&c);
    context.trim_end_matches(space).chars().count()
}

#[cfg(test)]
mod tests;
