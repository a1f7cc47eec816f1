//! What is measured of a document: lm-eval's metrics of the same names, as 0.4.13 defines them.
//!
//! | Output type | Metric | Of a document | Over documents |
//! |---|---|---|---|
//! | `multiple_choice` | `acc` | the likeliest choice is the target (one of the targets) | mean |
//! | | `acc_norm`, `acc_bytes` | as `acc`, each log-likelihood over characters or bytes of the choice, delimiter excluded | mean |
//! | | `acc_mutual_info` | as `acc`, each log-likelihood less the one without the question | mean |
//! | | `exact_match` | greedy decoding would say the target | mean |
//! | `loglikelihood` | `acc` | greedy decoding would say the target | mean |
//! | | `perplexity` | minus its log-likelihood | exp of the mean |
//! | `loglikelihood_rolling` | `word_perplexity`, `byte_perplexity` | minus its log-likelihood, over words or bytes | exp of the sum over the sum |
//! | | `bits_per_byte` | the same over bytes | the sum over the sum, over ln 2 |
//! | `generate_until` | `exact_match` | the text is the target (one of the targets) | mean |
//!
//! The first of equally likely choices is the likeliest.

use std::f64::consts::LN_2;

use serde::Serialize;

use super::{
    document::{Document, Reply, Scores, Work},
    file::{MetricSpec, OutputType},
    whitespace,
};
use crate::{
    error::{Error, Result},
    model::Direction,
};

mod exact_match;

use exact_match::ExactMatch;

/// A metric with its settings.
#[derive(Debug, Clone, Serialize)]
pub struct Metric {
    /// Its name.
    pub name: String,
    rule: Rule,
}

#[derive(Debug, Clone, Serialize)]
enum Rule {
    Accuracy,
    PerCharacter,
    PerByte,
    MutualInformation,
    Greedy,
    ExactMatch(ExactMatch),
    Perplexity,
    WordPerplexity,
    BytePerplexity,
    BitsPerByte,
}

/// One document's part in a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// What is summed.
    pub numerator: f64,
    /// What it is divided by.
    pub denominator: f64,
}

/// Metrics of an output type: name, rule, name of the aggregation.
fn known(output: OutputType) -> Vec<(&'static str, Rule, &'static str)> {
    match output {
        OutputType::MultipleChoice => vec![
            ("acc", Rule::Accuracy, "mean"),
            ("acc_norm", Rule::PerCharacter, "mean"),
            ("acc_bytes", Rule::PerByte, "mean"),
            ("acc_mutual_info", Rule::MutualInformation, "mean"),
            ("exact_match", Rule::Greedy, "mean"),
        ],
        OutputType::Loglikelihood => {
            vec![("perplexity", Rule::Perplexity, "perplexity"), ("acc", Rule::Greedy, "mean")]
        }
        OutputType::LoglikelihoodRolling => vec![
            ("word_perplexity", Rule::WordPerplexity, "weighted_perplexity"),
            ("byte_perplexity", Rule::BytePerplexity, "weighted_perplexity"),
            ("bits_per_byte", Rule::BitsPerByte, "bits_per_byte"),
        ],
        OutputType::GenerateUntil => {
            vec![("exact_match", Rule::ExactMatch(ExactMatch::default()), "mean")]
        }
    }
}

impl Metric {
    /// The metrics of a task; where it names none, those that its output type has by itself.
    ///
    /// # Errors
    /// A usage error naming the metric that its output type does not have, or the setting that does not fit.
    pub fn all(specs: Option<&Vec<MetricSpec>>, output: OutputType) -> Result<Vec<Self>> {
        let Some(specs) = specs else {
            let most = if output == OutputType::MultipleChoice { 2 } else { usize::MAX };
            let own = known(output).into_iter().take(most);
            return Ok(own.map(|(name, rule, _)| Self { name: name.into(), rule }).collect());
        };
        if specs.is_empty() {
            return Err(
                Error::usage("metric_list: empty").hint("leave it out for the output type's own metrics")
            );
        }
        let mut all: Vec<Self> = Vec::new();
        for (index, spec) in specs.iter().enumerate() {
            let metric =
                Self::new(spec, output).map_err(|error| error.within(format!("metric_list[{index}]")))?;
            if all.iter().any(|other| other.name == metric.name) {
                return Err(Error::usage(format!("metric_list[{index}]: `{}` stands twice", metric.name)));
            }
            all.push(metric);
        }
        Ok(all)
    }

    fn new(spec: &MetricSpec, output: OutputType) -> Result<Self> {
        let known = known(output);
        let names: Vec<&str> = known.iter().map(|(name, ..)| *name).collect();
        let found = known.into_iter().find(|(name, ..)| *name == spec.metric);
        let Some((name, rule, aggregation)) = found else {
            return Err(Error::usage(format!("`{}` is no metric of {}", spec.metric, output.name()))
                .hint(format!("{} are supported", names.join(", "))));
        };
        if let Some(other) = spec.aggregation.as_deref().filter(|given| *given != aggregation) {
            return Err(Error::usage(format!("aggregation: `{other}` of {name}, only {aggregation}")));
        }
        let rule = match rule {
            Rule::ExactMatch(_) => Rule::ExactMatch(ExactMatch::new(spec)?),
            other => match spec.settings.keys().next() {
                None => other,
                Some(key) => return Err(Error::usage(format!("{name}: it has no setting `{key}`"))),
            },
        };
        let metric = Self { name: name.into(), rule };
        let higher = metric.direction() == Direction::Higher;
        if spec.higher_is_better.is_some_and(|said| said != higher) {
            return Err(Error::usage(format!("higher_is_better: {} of {name}, it is {higher}", !higher)));
        }
        Ok(metric)
    }

    /// Which way is better.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        match self.rule {
            Rule::Perplexity | Rule::WordPerplexity | Rule::BytePerplexity | Rule::BitsPerByte => {
                Direction::Lower
            }
            _ => Direction::Higher,
        }
    }

    /// Whether it is the mean of what is 0 or 1 for each document.
    #[must_use]
    pub const fn is_share(&self) -> bool {
        matches!(self.direction(), Direction::Higher)
    }

    /// Whether it is a perplexity, which is no mean over documents: two runs are compared by another metric.
    #[must_use]
    pub const fn is_perplexity(&self) -> bool {
        matches!(self.rule, Rule::Perplexity | Rule::WordPerplexity | Rule::BytePerplexity)
    }

    /// What it counts in.
    #[must_use]
    pub const fn unit(&self) -> &'static str {
        match self.rule {
            Rule::BitsPerByte => "bits/byte",
            Rule::Perplexity | Rule::WordPerplexity | Rule::BytePerplexity => "perplexity",
            _ => "share",
        }
    }

    /// Whether choices have to be scored without the question too.
    #[must_use]
    pub const fn wants_unconditional(&self) -> bool {
        matches!(self.rule, Rule::MutualInformation)
    }

    /// The number from the ratio of both sums; rises with it.
    #[must_use]
    pub fn finish(&self, ratio: f64) -> f64 {
        match self.rule {
            Rule::Perplexity | Rule::WordPerplexity | Rule::BytePerplexity => ratio.exp(),
            Rule::BitsPerByte => ratio / LN_2,
            _ => ratio,
        }
    }

    /// What guessing gives on a document, where that is known: one over the choices for each that is right, 8 bits a byte.
    #[must_use]
    pub fn chance(&self, document: &Document) -> Option<f64> {
        match (&self.rule, &document.work) {
            (Rule::BitsPerByte, _) => Some(8.0),
            (Rule::Greedy, _) => None,
            (_, Work::Choices { choices, right, .. }) => Some(right.len() as f64 / choices.len() as f64),
            _ => None,
        }
    }

    /// A document's part.
    ///
    /// # Errors
    /// Why it cannot be measured: a pattern that takes too long on its text.
    pub fn part(&self, document: &Document, reply: &Reply<'_>) -> Result<Part, String> {
        let share = |hit: bool| Part { numerator: f64::from(u8::from(hit)), denominator: 1.0 };
        let nats = |scores: &Scores, denominator: usize| Part {
            numerator: -scores.logprob.first().copied().unwrap_or(f64::NAN),
            denominator: denominator as f64,
        };
        Ok(match (&document.work, reply) {
            (Work::Choices { choices, right, .. }, Reply::Scores(scores)) => {
                share(self.picks(choices, right, scores))
            }
            (Work::Continuation(_), Reply::Scores(scores)) => match self.rule {
                Rule::Greedy => share(scores.greedy.first() == Some(&true)),
                _ => nats(scores, 1),
            },
            (Work::Whole(text), Reply::Scores(scores)) => match self.rule {
                Rule::WordPerplexity => nats(scores, whitespace::words(text)),
                _ => nats(scores, text.len()),
            },
            (Work::Text { right }, Reply::Text(text)) => match &self.rule {
                Rule::ExactMatch(exact) => share(exact.matches(text, right)?),
                _ => share(false),
            },
            _ => return Err("answered in another form than it was asked".into()),
        })
    }

    fn picks(&self, choices: &[String], right: &[usize], scores: &Scores) -> bool {
        let over = |length: fn(&String) -> usize| {
            likeliest(scores.logprob.iter().zip(choices).map(|(value, choice)| value / length(choice) as f64))
        };
        let picked = match self.rule {
            Rule::Greedy => return right.iter().any(|place| scores.greedy.get(*place) == Some(&true)),
            Rule::PerCharacter => over(|choice| choice.chars().count()),
            Rule::PerByte => over(String::len),
            Rule::MutualInformation => likeliest(
                scores.logprob.iter().zip(&scores.unconditional).map(|(with, without)| with - without),
            ),
            _ => likeliest(scores.logprob.iter().copied()),
        };
        picked.is_some_and(|picked| right.contains(&picked))
    }
}

/// Place of the largest value, the first of equals.
fn likeliest(values: impl Iterator<Item = f64>) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (index, value) in values.enumerate() {
        if best.is_none_or(|(_, most)| value > most) {
            best = Some((index, value));
        }
    }
    best.map(|(index, _)| index)
}

#[cfg(test)]
mod tests;
