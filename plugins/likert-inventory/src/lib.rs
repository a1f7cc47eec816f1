//! Benchmark: a personality inventory, statement by statement, on the usual scale of five answers.
//!
//! A statement is put with five lettered answers from "very inaccurate" to "very accurate", and the model's likelihoods of the
//! letters alone are taken. A small model likes some letters, and the first or the last place, whatever stands there; so every
//! statement is put twice, with the answers in both orders, and the two scores are averaged. What hangs on letter or place then
//! cancels: a model that only ever says "A" scores 3, the middle. The texts of the answers are never scored, because a likelihood
//! falls with length, and their lengths differ.
//!
//! - `score`: the expected answer, 1 ("very inaccurate") to 5 ("very accurate"), turned to `6 - answer` for a statement keyed `-`.
//!   A file holds the statements of one factor, so their mean is the factor's place on the profile. No way is better.
//! - `agreement`: the same before it is turned: how far the model calls everything accurate. In the middle of a file that is keyed
//!   both ways alike, 3 says that it does not.
//! - `order-effect`: by how much the two orders differ, 0 to 4: how far letters and places decide.

use realign_plugin::prelude::*;

/// The answers, from 1 to 5.
const SCALE: [&str; 5] = [
    "Very inaccurate",
    "Moderately inaccurate",
    "Neither accurate nor inaccurate",
    "Moderately accurate",
    "Very accurate",
];
const LETTERS: [&str; 5] = ["A", "B", "C", "D", "E"];

/// Settings: none.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inventory {}

/// One row. Keys that are not listed are ignored.
#[derive(Deserialize)]
struct Data {
    statement: String,
    key: Key,
}

/// Whether agreeing means more of the factor.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Key {
    #[serde(rename = "+")]
    Plus,
    #[serde(rename = "-")]
    Minus,
}

/// What is kept of a row.
#[derive(Serialize, Deserialize)]
struct Asked {
    statement: String,
    key: Key,
}

impl Benchmark for Inventory {
    type Config = Self;
    const ABOUT: About = about!(r#"{"type": "object", "additionalProperties": false, "properties": {}}"#);
    const ASKS: &'static [&'static str] = &[Question::CHOOSE];

    fn metrics() -> Vec<Metric> {
        let points = |name: &str, direction, low, high| Metric {
            unit: "points".to_owned(),
            direction,
            low: Some(low),
            high: Some(high),
            ..Metric::share(name)
        };
        vec![
            points("score", Direction::Higher, 1.0, 5.0),
            points("agreement", Direction::Higher, 1.0, 5.0),
            points("order-effect", Direction::Lower, 0.0, 4.0),
        ]
    }

    fn prepare(config: Self, _: &Setup<'_>) -> Result<Self, Failure> {
        Ok(config)
    }

    fn item(&self, row: &Row) -> Result<Item, Failure> {
        let Data { statement, key } = row.read()?;
        if statement.trim().is_empty() {
            return Err(Failure::data(format!("row {:?}: statement is empty", row.id)));
        }
        let prompt = put(&statement, SCALE);
        Item::new(row, None, prompt, &Asked { statement, key })
    }

    fn questions(&self, item: &Item) -> Result<Vec<Question>, Failure> {
        let Asked { statement, .. } = item.read()?;
        let mut falling = SCALE;
        falling.reverse();
        let question = |prompt| Question::Choose {
            prompt,
            choices: LETTERS.map(str::to_owned).into(),
            unconditional: false,
        };
        Ok(vec![question(item.prompt.clone()), question(put(&statement, falling))])
    }

    fn grade(&self, item: &Item, answers: &Answers<'_>) -> Result<Outcome, Failure> {
        let Asked { key, .. } = item.read()?;
        let place = |question: usize| -> Result<f64, Failure> {
            let found = answers.choose(question, LETTERS.len())?;
            Ok(expected(&found.iter().map(|choice| choice.logprob).collect::<Vec<_>>()))
        };
        let (rising, falling) = (place(0)?, 6.0 - place(1)?);
        let agreement = f64::midpoint(rising, falling);
        let score = if key == Key::Plus { agreement } else { 6.0 - agreement };
        let scored = Scored::value("score", score);
        Ok(scored.and("agreement", agreement, 1.0).and("order-effect", (rising - falling).abs(), 1.0).into())
    }
}

/// A statement with its answers.
fn put(statement: &str, answers: [&str; 5]) -> Prompt {
    let put = |listed: String, (letter, answer): (&str, &str)| listed + letter + ". " + answer + "\n";
    let listed = LETTERS.into_iter().zip(answers).fold(String::new(), put);
    Prompt::user(format!(
        "How accurately does this statement describe you?\n\n\"{}\"\n\n{listed}\nAnswer with one letter.",
        statement.trim()
    ))
}

/// The expected place, from 1, under the probabilities that log-likelihoods stand for.
fn expected(logprobs: &[f64]) -> f64 {
    let most = logprobs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logprobs.iter().map(|logprob| (logprob - most).exp()).collect();
    let places = (1_u8..).map(f64::from);
    weights.iter().zip(places).map(|(weight, place)| weight * place).sum::<f64>()
        / weights.iter().sum::<f64>()
}

export_benchmark!(Inventory);

#[cfg(test)]
mod tests {
    use realign_plugin::testing::{self, Mismatch};

    #[test]
    fn cases_hold() -> Result<(), Mismatch> {
        testing::benchmark::<super::Inventory>(include_str!("../cases.toml"))
    }
}
