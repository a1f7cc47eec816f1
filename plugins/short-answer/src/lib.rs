//! Benchmark: does the model's answer hold an accepted one?
//!
//! The model is asked the question as a user's message, greedily, with at most 24 tokens. Only the first sentence
//! counts: a model that goes on after its answer is not graded on what follows, and one that lists everything in later
//! sentences gains nothing. An accepted answer matches as whole words, without regard to case.

use realign_plugin::{prelude::*, text::Phrase};

/// Most tokens of an answer: enough for one sentence around a word or two.
const MAX_TOKENS: u32 = 24;

/// There is nothing to set.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShortAnswer {}

/// One row of the data file. Keys that are not listed are ignored.
#[derive(Deserialize)]
struct Data {
    group: Option<String>,
    question: String,
    accept: Vec<String>,
}

impl Benchmark for ShortAnswer {
    type Config = Self;
    const ABOUT: About = about!(r#"{"type": "object", "additionalProperties": false}"#);
    const ASKS: &'static [&'static str] = &[Question::GENERATE];

    fn metrics() -> Vec<Metric> {
        vec![Metric { chance: Some(0.0), ..Metric::share("accuracy") }]
    }

    fn prepare(config: Self, _: &Setup<'_>) -> Result<Self, Failure> {
        Ok(config)
    }

    fn item(&self, row: &Row) -> Result<Item, Failure> {
        let Data { group, question, accept } = row.read()?;
        let wrong = |what: String| Failure::data(format!("row {:?}: {what}", row.id));
        if question.trim().is_empty() {
            return Err(wrong("question is empty".to_owned()));
        }
        if accept.is_empty() {
            return Err(wrong("accept is empty, at least one answer is needed".to_owned()));
        }
        let phrase = |answer: &String| {
            let exact = answer.trim_end_matches('*');
            Phrase::new(exact).ok_or_else(|| wrong(format!("accepted answer {answer:?} has no word")))
        };
        let phrases = accept.iter().map(phrase).collect::<Result<Vec<_>, _>>()?;
        Item::new(row, group, Prompt::user(question), &phrases)
    }

    fn questions(&self, item: &Item) -> Result<Vec<Question>, Failure> {
        Ok(vec![Question::greedy(item.prompt.clone(), MAX_TOKENS)])
    }

    fn grade(&self, item: &Item, answers: &Answers<'_>) -> Result<Outcome, Failure> {
        let accepted: Vec<Phrase> = item.read()?;
        let answer = answers.generate(0)?.text;
        let first = text::sentences(&answer).next().map_or("", |range| &answer[range]);
        let words = text::words(first);
        let correct = accepted.iter().any(|phrase| phrase.is_in(&words));
        Ok(Scored::value("accuracy", f64::from(correct)).note("answer", first).into())
    }
}

export_benchmark!(ShortAnswer);

#[cfg(test)]
mod tests {
    use realign_plugin::testing::{self, Mismatch};

    #[test]
    fn cases_hold() -> Result<(), Mismatch> {
        testing::benchmark::<super::ShortAnswer>(include_str!("../cases.toml"))
    }
}
