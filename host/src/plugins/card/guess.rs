//! A model that knows nothing: what a benchmark measures of it is what guessing gives.
//!
//! Log-probabilities of choices are seeded noise, whatever their length, and the same for the same question; every byte of
//! a text is as likely as the 255 others; every generation is empty.

use serde_json::{Value, json};

use crate::{
    ids::{Digest, Seed},
    sandbox::{Answer, Ask},
};

/// Nats of any choice, up to its noise.
const SURPRISE: f64 = 10.0;

/// Answers without knowledge, one per question.
#[must_use]
pub fn answers(asks: &[Ask], seed: Seed) -> Vec<Answer> {
    asks.iter().map(|ask| Answer { id: ask.id.clone(), body: body(ask, seed).to_string() }).collect()
}

fn body(ask: &Ask, seed: Seed) -> Value {
    let asked: Value = serde_json::from_str(&ask.body).unwrap_or_default();
    match ask.kind.as_str() {
        "choose" => {
            let choices = asked["choices"].as_array().map_or(&[][..], Vec::as_slice);
            let answer = |(place, choice): (usize, &Value)| {
                let question = Digest::of(format!("{place}\n{}", ask.body).as_bytes());
                let noise = seed.derive(question.as_str()).0 as f64 / u64::MAX as f64;
                let bytes = choice.as_str().map_or(0, str::len);
                json!({
                    "logprob": -SURPRISE * (1.0 + noise),
                    "tokens": 1,
                    "bytes": bytes,
                    "greedy": false,
                    "unconditional": if asked["unconditional"] == true { json!(-SURPRISE) } else { Value::Null },
                })
            };
            json!({ "choices": choices.iter().enumerate().map(answer).collect::<Vec<_>>() })
        }
        "loglikelihood" => {
            let bytes = asked["text"].as_str().map_or(0, str::len);
            json!({ "logprob": -(bytes as f64) * 256.0_f64.ln(), "tokens": bytes.max(1), "bytes": bytes })
        }
        "generate" => json!({ "text": "", "tokens": 0, "finish": "end" }),
        kind => json!({ "error": format!("ask kind `{kind}` cannot be guessed") }),
    }
}
