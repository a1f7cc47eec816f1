//! Benchmark: how many bits the model needs per byte of given texts.
//!
//! For one text: -ln P(text) / ln 2 bits over its UTF-8 bytes; over several: the sum of the bits over the sum of the
//! bytes, so long texts weigh more. Unlike perplexity per token it does not depend on the tokenizer. Lower is better.

use std::f64::consts::LN_2;

use realign_plugin::prelude::*;

/// There is nothing to set.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BitsPerByte {}

/// One row of the data file. Keys that are not listed are ignored.
#[derive(Deserialize)]
struct Data {
    group: Option<String>,
    text: String,
}

impl Benchmark for BitsPerByte {
    type Config = Self;
    const ABOUT: About = about!(r#"{"type": "object", "additionalProperties": false}"#);
    const ASKS: &'static [&'static str] = &[Question::LOGLIKELIHOOD];

    fn metrics() -> Vec<Metric> {
        vec![Metric {
            unit: "bits/byte".to_owned(),
            direction: Direction::Lower,
            high: None,
            aggregation: Aggregation::RatioOfSums,
            ..Metric::share("bits-per-byte")
        }]
    }

    fn prepare(config: Self, _: &Setup<'_>) -> Result<Self, Failure> {
        Ok(config)
    }

    fn item(&self, row: &Row) -> Result<Item, Failure> {
        let Data { group, text } = row.read()?;
        if text.is_empty() {
            return Err(Failure::data(format!("row {:?}: text is empty", row.id)));
        }
        Item::new(row, group, Prompt::Raw(text.clone()), &text)
    }

    fn questions(&self, item: &Item) -> Result<Vec<Question>, Failure> {
        Ok(vec![Question::Loglikelihood { text: item.read()? }])
    }

    fn grade(&self, _: &Item, answers: &Answers<'_>) -> Result<Outcome, Failure> {
        let likelihood = answers.loglikelihood(0)?;
        if likelihood.bytes == 0 || likelihood.logprob > 0.0 {
            let what = format!("log-probability {} over {} bytes", likelihood.logprob, likelihood.bytes);
            return Err(Failure::answer(format!("{what}, it must not be above 0, over at least 1 byte")));
        }
        // Not the negation, which makes -0 of a certain text.
        let bits = likelihood.logprob.abs() / LN_2;
        Ok(Scored::default().and("bits-per-byte", bits, likelihood.bytes as f64).into())
    }
}

export_benchmark!(BitsPerByte);

#[cfg(test)]
mod tests {
    use realign_plugin::testing::{self, Mismatch};

    #[test]
    fn cases_hold() -> Result<(), Mismatch> {
        testing::benchmark::<super::BitsPerByte>(include_str!("../cases.toml"))
    }
}
