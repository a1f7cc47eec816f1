//! Benchmark: does the model end on the right number?
//!
//! The question is one user message, answered greedily. The number is the last one behind the last `####`, else the last one of
//! the whole text. Numbers are compared as exact fractions: `1,024`, `$1024.00` and `1024` are one number, and so are `0.5`
//! and `1/2`. The same reading is used for the right answer, so that a row of GSM8K, whose answer ends in `#### 18`, is a
//! row here as it is.

use realign_plugin::prelude::*;

mod number;

use number::Number;

/// What stands before the final number, where the model was told so.
const MARK: &str = "####";

/// Settings.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumericAnswer {
    /// Most tokens of a response.
    #[serde(default = "most_tokens")]
    max_tokens: u32,
    /// What is said to the model behind every question.
    #[serde(default)]
    instruction: String,
}

fn most_tokens() -> u32 {
    256
}

/// One row of the data file. Keys that are not listed are ignored.
#[derive(Deserialize)]
struct Data {
    group: Option<String>,
    question: String,
    answer: Answer,
}

/// The right answer: a text that ends on it, or the number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Text(String),
    Whole(i64),
}

impl Benchmark for NumericAnswer {
    type Config = Self;
    const ABOUT: About = about!(
        r#"{"type": "object", "additionalProperties": false, "properties": {
            "max_tokens": {"type": "integer", "minimum": 1, "maximum": 1024},
            "instruction": {"type": "string"}}}"#
    );
    const ASKS: &'static [&'static str] = &[Question::GENERATE];

    fn metrics() -> Vec<Metric> {
        vec![Metric { chance: Some(0.0), ..Metric::share("accuracy") }]
    }

    fn prepare(config: Self, _: &Setup<'_>) -> Result<Self, Failure> {
        if !(1..=1024).contains(&config.max_tokens) {
            return Err(Failure::config(format!(
                "max_tokens is {}, allowed is 1 to 1024",
                config.max_tokens
            )));
        }
        Ok(config)
    }

    fn item(&self, row: &Row) -> Result<Item, Failure> {
        let Data { group, question, answer } = row.read()?;
        let wrong = |what: &str| Failure::data(format!("row {:?}: {what}", row.id));
        if question.trim().is_empty() {
            return Err(wrong("question is empty"));
        }
        let text = match answer {
            Answer::Text(text) => text,
            Answer::Whole(number) => number.to_string(),
        };
        let right = final_number(&text).ok_or_else(|| wrong("answer has no number"))?;
        let question = if self.instruction.is_empty() {
            question
        } else {
            format!("{question}\n\n{}", self.instruction)
        };
        Item::new(row, group, Prompt::user(question), &right)
    }

    fn questions(&self, item: &Item) -> Result<Vec<Question>, Failure> {
        Ok(vec![Question::greedy(item.prompt.clone(), self.max_tokens)])
    }

    fn grade(&self, item: &Item, answers: &Answers<'_>) -> Result<Outcome, Failure> {
        let right: Number = item.read()?;
        let text = answers.generate(0)?.text;
        let correct = final_number(&text) == Some(right);
        Ok(Scored::value("accuracy", f64::from(correct)).into())
    }
}

/// The last number behind the last mark; where there is none, the last of all.
fn final_number(text: &str) -> Option<Number> {
    let behind = text.rsplit_once(MARK).and_then(|(_, behind)| {
        let line = behind.trim_start().lines().next().unwrap_or_default();
        number::last(line)
    });
    behind.or_else(|| number::last(text))
}

export_benchmark!(NumericAnswer);

#[cfg(test)]
mod tests;
