//! Whether a server's log-probabilities can be believed, found out before they are.
//!
//! Many servers accept `echo` and `logprobs` and answer something else: the prompt's tokens without values, values of the generated
//! token alone, or the values of each token's *successor*, which makes every score a chance score. So the server is held against
//! itself: the token that it generates behind a text, and its log-probability, must come back when that token is part of the text.

use std::sync::Arc;

use super::{
    answer::{About, Answer},
    client::{Client, Failure},
    dispatch::{self, Request},
    echo::{self, Echo},
    generation, reach,
    unusable::{Kind, Unusable},
};
use crate::{
    engine::{
        interrupt::Interrupt,
        query::{GenerateQuery, Prompt},
    },
    error::{Error, Result},
    ids::Seed,
    model::ChatMessage,
};

/// Texts whose continuation nearly every model knows, so that a shifted value lies far off.
const TEXTS: [&str; 3] = [
    "The capital of France is Paris. The capital of Italy is Rome. The capital of France is",
    "one two three four five six seven\none two three four five six seven\none two three four five",
    "def add(a, b):\n    return a + b\n\ndef sub(a, b):\n    return a -",
];
/// Largest difference of a log-probability between two computations: 16-bit servers whose batches vary stay below it.
const TOLERANCE: f64 = 0.25;
/// Mean log-probability of a token of these texts; a uniform guess among a million tokens is better.
const WORST_MEAN: f64 = -13.8;

/// What was found out; the same server gives the same.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Findings {
    /// Whether conversations can be continued.
    pub chat: Result<(), String>,
    /// Whether texts can be scored, and how the first token is treated; or why not.
    pub likelihood: Result<Scoring, Unusable>,
    /// What the server says of itself.
    pub about: About,
}

/// How a server scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scoring {
    /// What it puts in front of a text.
    pub front: Front,
    /// Whether the first token of a text has a log-probability.
    pub first: bool,
}

/// What a server puts in front of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Front {
    /// A token that it shows.
    Shown,
    /// A token that only its count of tokens betrays.
    Hidden,
    /// Nothing.
    Nothing,
    /// It does not count.
    Unknown,
}

impl Front {
    const fn word(self) -> &'static str {
        match self {
            Self::Shown => "a token in front, shown",
            Self::Hidden => "a token in front, hidden",
            Self::Nothing => "nothing in front",
            Self::Unknown => "unknown in front",
        }
    }
}

impl Findings {
    /// What is possible, for an identity.
    pub(super) fn words(&self) -> (&'static str, String) {
        let chat = if self.chat.is_ok() { "yes" } else { "no" };
        let likelihood = match &self.likelihood {
            Ok(scoring) => {
                let first = if scoring.first { "first token scored" } else { reach::NO_FIRST };
                format!("echo, {}, {first}", scoring.front.word())
            }
            Err(unusable) => reach::none(unusable.kind),
        };
        (chat, likelihood)
    }
}

/// Asks the server for one token of a conversation, and for the log-probabilities of a few texts.
///
/// # Errors
/// It cannot be reached, refuses the key, does neither, or everything is to end.
pub(super) fn probe(client: &Arc<Client>, interrupt: &Interrupt) -> Result<Findings> {
    let prober = Prober { client, interrupt };
    let mut about = About::default();
    let chat = prober.chat()?.map(|found| about = found);
    let likelihood = prober.likelihood()?.map(|(scoring, found)| {
        about.model = about.model.take().or(found.model);
        about.system_fingerprint = about.system_fingerprint.take().or(found.system_fingerprint);
        scoring
    });
    Ok(Findings { chat, likelihood, about })
}

struct Prober<'a> {
    client: &'a Arc<Client>,
    interrupt: &'a Interrupt,
}

/// The outer error ends everything; the inner one says what the server cannot do.
type Found<T, E = String> = Result<Result<T, E>>;

/// Unwraps the inner result of a [`Found`], or hands it on.
macro_rules! known {
    ($found:expr) => {
        match $found {
            Ok(value) => value,
            Err(why) => return Ok(Err(why)),
        }
    };
}

impl Prober<'_> {
    /// What a server that understands the question answers; what it does not answer is a finding.
    fn ask(&self, request: &Request) -> Found<Vec<u8>> {
        Ok(match dispatch::one(self.client, request, self.interrupt)? {
            Ok(body) => Ok(body),
            Err(Failure::Refused { status, message }) if !matches!(status, 401 | 403) => {
                Err(format!("it answers {status}{message}"))
            }
            // Some servers fail on what they do not know.
            Err(Failure::Failed { status: Some(_), message }) => Err(format!("it answers {message}")),
            Err(failure) => return Err(dispatch::error(self.client, &failure)),
        })
    }

    fn chat(&self) -> Found<About> {
        let hello = ChatMessage { role: "user".into(), content: "Say hello.".into() };
        let query = query(Prompt::Messages(vec![hello]));
        let body = known!(self.ask(&generation::request(&query, self.model()))?);
        Ok(generation::read(&body, &query).map(|(_, about)| about))
    }

    fn likelihood(&self) -> Found<(Scoring, About), Unusable> {
        let mut compared = 0;
        let mut found = None;
        for text in TEXTS {
            let echo = known!(self.echo(text)?);
            known!(plausible(&echo));
            let Some((token, logprob)) = known!(self.next(text)?) else { continue };
            let longer = format!("{text}{token}");
            let (again, twice) = (known!(self.echo(&longer)?), known!(self.echo(&longer)?));
            known!(same(&again, &twice));
            if again.tokens.len() == echo.tokens.len() + 1 {
                known!(agrees(&again, text.chars().count(), logprob));
                compared += 1;
            }
            found.get_or_insert((scoring(&echo), echo.about));
        }
        match found {
            Some(found) if compared > 0 => Ok(Ok(found)),
            _ => Ok(Err(Unusable::new(
                Kind::Retokenised,
                "no token that it generates comes back as the token that it was",
            ))),
        }
    }

    fn echo(&self, text: &str) -> Found<Echo, Unusable> {
        let body = known!(self.completion(&echo::request(text, self.model()))?);
        Ok(echo::read(&body, text))
    }

    /// As [`Self::ask`], of a text.
    fn completion(&self, request: &Request) -> Found<Vec<u8>, Unusable> {
        Ok(self.ask(request)?.map_err(|why| Unusable::new(Kind::Refused, why)))
    }

    /// The token that is generated behind a text, with its log-probability; `None` where the text ends.
    fn next(&self, text: &str) -> Found<Option<(String, f64)>, Unusable> {
        let mut request = echo::request(text, self.model());
        request.body["echo"] = false.into();
        let body = known!(self.completion(&request)?);
        let (choice, _, _) = known!(Answer::read(&body).map_err(Unusable::from));
        let token = choice.text.unwrap_or_default();
        let values = choice.logprobs.and_then(|logprobs| logprobs.token_logprobs).unwrap_or_default();
        Ok(Ok(match values.as_slice() {
            [Some(value)] if !token.is_empty() => Some((token, *value)),
            _ => None,
        }))
    }

    fn model(&self) -> &str {
        self.client.address().model()
    }
}

fn query(prompt: Prompt) -> GenerateQuery {
    let (max_tokens, temperature, seed) = (1, 0.0, Seed(0));
    GenerateQuery { id: "probe".into(), prompt, max_tokens, temperature, seed, stop: Vec::new() }
}

fn scoring(echo: &Echo) -> Scoring {
    let count = echo.tokens.len() as u64;
    let front = match (&echo.leading, echo.counted) {
        (Some(_), _) => Front::Shown,
        (None, Some(counted)) if counted == count => Front::Nothing,
        (None, Some(counted)) if counted == count + 1 => Front::Hidden,
        (None, _) => Front::Unknown,
    };
    Scoring { front, first: echo.tokens.first().is_some_and(|token| token.logprob.is_some()) }
}

/// Values that a model of language can have: not all equal, not worse than guessing.
fn plausible(echo: &Echo) -> Result<(), Unusable> {
    let values: Vec<f64> = echo.tokens.iter().filter_map(|token| token.logprob).collect();
    let Some((&first, rest)) = values.split_first() else {
        return Err(Kind::NoValues.into());
    };
    if rest.iter().all(|value| value.to_bits() == first.to_bits()) {
        return Err(Unusable::new(
            Kind::Implausible,
            format!("every token has the log-probability {first:?}"),
        ));
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    if mean < WORST_MEAN {
        let found = format!("plain text has {mean:.1} nats a token, which is worse than guessing");
        return Err(Unusable::new(Kind::Implausible, found));
    }
    Ok(())
}

fn same(one: &Echo, other: &Echo) -> Result<(), Unusable> {
    let unsteady = |found| Err(Unusable::new(Kind::Unsteady, found));
    if one.tokens.len() != other.tokens.len() {
        return unsteady("the same text comes back in other tokens the second time".to_owned());
    }
    let differ =
        one.tokens.iter().zip(&other.tokens).map(|(one, other)| {
            one.logprob.zip(other.logprob).map_or(0.0, |(one, other)| (one - other).abs())
        });
    let worst = differ.fold(0.0, f64::max);
    if worst > TOLERANCE {
        return unsteady(format!(
            "the same text gives other log-probabilities the second time, by up to {worst:.2}"
        ));
    }
    Ok(())
}

/// The token behind the first `boundary` characters must have the value with which it was generated.
fn agrees(echo: &Echo, boundary: usize, generated: f64) -> Result<(), Unusable> {
    let Some(token) = echo.tokens.iter().find(|token| token.start >= boundary) else { return Ok(()) };
    let echoed = token.logprob.unwrap_or(f64::NEG_INFINITY);
    if (echoed - generated).abs() <= TOLERANCE {
        return Ok(());
    }
    let found = format!(
        "{:?} is generated with log-probability {generated:.2} and comes back with {echoed:.2}: {}",
        generation::head(&token.text),
        Kind::Shifted.word()
    );
    Err(Unusable::new(Kind::Shifted, found))
}

/// Why likelihoods are refused.
pub(super) fn refused(server: &str, why: &Unusable) -> Error {
    let Unusable { kind, found } = why;
    Error::usage(format!("{server}: its log-likelihoods cannot be used: {found}"))
        .hint(format!("generation works; for likelihoods {}", kind.way_out()))
}
