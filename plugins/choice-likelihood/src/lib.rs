//! Benchmark: is the correct continuation the most likely one?
//!
//! Two metrics, both a share of items: `accuracy` picks the choice with the largest sum of log-probabilities,
//! `accuracy-normalised` the one with the largest log-probability per UTF-8 byte, so that short choices have no advantage.
//! The first of equally likely choices is picked. What guessing gives depends on the data, so it is not in the
//! description: every outcome carries it in the note `chance`.

use realign_plugin::{ask::Choice, prelude::*};

/// There is nothing to set.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChoiceLikelihood {}

/// One row of the data file. Keys that are not listed are ignored.
#[derive(Deserialize)]
struct Data {
    group: Option<String>,
    prompt: String,
    choices: Vec<String>,
    answer: usize,
}

/// What grading needs.
#[derive(Serialize, Deserialize)]
struct Task {
    choices: Vec<String>,
    answer: usize,
}

impl Benchmark for ChoiceLikelihood {
    type Config = Self;
    const ABOUT: About = about!(r#"{"type": "object", "additionalProperties": false}"#);
    const ASKS: &'static [&'static str] = &[Question::CHOOSE];

    fn metrics() -> Vec<Metric> {
        vec![Metric::share("accuracy"), Metric::share("accuracy-normalised")]
    }

    fn prepare(config: Self, _: &Setup<'_>) -> Result<Self, Failure> {
        Ok(config)
    }

    fn item(&self, row: &Row) -> Result<Item, Failure> {
        let Data { group, prompt, choices, answer } = row.read()?;
        let wrong = |what: String| Err(Failure::data(format!("row {:?}: {what}", row.id)));
        if choices.len() < 2 {
            return wrong(format!("{} choices, at least 2 are needed", choices.len()));
        }
        if answer >= choices.len() {
            return wrong(format!(
                "answer is {answer}, the last of {} choices is {}",
                choices.len(),
                choices.len() - 1
            ));
        }
        if let Some(number) = choices.iter().position(String::is_empty) {
            return wrong(format!("choice {number} is empty"));
        }
        Item::new(row, group, Prompt::Raw(prompt), &Task { choices, answer })
    }

    fn questions(&self, item: &Item) -> Result<Vec<Question>, Failure> {
        let Task { choices, .. } = item.read()?;
        Ok(vec![Question::Choose { prompt: item.prompt.clone(), choices, unconditional: false }])
    }

    fn grade(&self, item: &Item, answers: &Answers<'_>) -> Result<Outcome, Failure> {
        let Task { choices, answer } = item.read()?;
        let likelihoods = answers.choose(0, choices.len())?;
        let hit = |score: fn((&Choice, &String)) -> f64| {
            f64::from(first_best(likelihoods.iter().zip(&choices).map(score)) == Some(answer))
        };
        let chance = 1.0 / choices.len() as f64;
        let scored = Scored::default().and("accuracy", hit(|(likelihood, _)| likelihood.logprob), 1.0).and(
            "accuracy-normalised",
            hit(|(likelihood, text)| likelihood.logprob / text.len() as f64),
            1.0,
        );
        Ok(scored.note("chance", chance.to_string()).into())
    }
}

/// Index of the largest score, the first of equal ones.
fn first_best(scores: impl Iterator<Item = f64>) -> Option<usize> {
    let best = |best: Option<(usize, f64)>, (index, score): (usize, f64)| match best {
        Some((_, highest)) if highest >= score => best,
        _ => Some((index, score)),
    };
    scores.enumerate().fold(None, best).map(|(index, _)| index)
}

export_benchmark!(ChoiceLikelihood);

#[cfg(test)]
mod tests {
    use realign_plugin::testing::{self, Mismatch};

    #[test]
    fn cases_hold() -> Result<(), Mismatch> {
        testing::benchmark::<super::ChoiceLikelihood>(include_str!("../cases.toml"))
    }
}
