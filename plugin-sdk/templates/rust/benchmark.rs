//! Benchmark: does the model name what is asked for?

use realign_plugin::prelude::*;

/// There is nothing to set.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Names {}

/// One row of the data file. Keys that are not listed are ignored.
#[derive(Deserialize)]
struct Data {
    group: Option<String>,
    question: String,
    answer: String,
}

impl Benchmark for Names {
    type Config = Self;
    const ABOUT: About = about!(r#"{"type": "object", "additionalProperties": false}"#);
    const ASKS: &'static [&'static str] = &[Question::GENERATE];

    fn metrics() -> Vec<Metric> {
        vec![Metric::share("accuracy")]
    }

    fn prepare(config: Self, _: &Setup<'_>) -> Result<Self, Failure> {
        Ok(config)
    }

    fn item(&self, row: &Row) -> Result<Item, Failure> {
        let Data { group, question, answer } = row.read()?;
        if answer.is_empty() {
            return Err(Failure::data(format!("row {:?}: answer is empty", row.id)));
        }
        Item::new(row, group, Prompt::Raw(question), &answer)
    }

    fn questions(&self, item: &Item) -> Result<Vec<Question>, Failure> {
        Ok(vec![Question::greedy(item.prompt.clone(), 16)])
    }

    fn grade(&self, item: &Item, answers: &Answers<'_>) -> Result<Outcome, Failure> {
        let right: String = item.read()?;
        let said = answers.generate(0)?.text.to_lowercase();
        Ok(Scored::value("accuracy", if said.contains(&right.to_lowercase()) { 1.0 } else { 0.0 }).into())
    }
}

export_benchmark!(Names);

#[cfg(test)]
mod tests {
    use realign_plugin::testing::{self, Mismatch};

    #[test]
    fn cases_hold() -> Result<(), Mismatch> {
        testing::benchmark::<super::Names>(include_str!("../cases.toml"))
    }
}
