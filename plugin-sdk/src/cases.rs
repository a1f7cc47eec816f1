//! The format of `cases.toml`: examples of what an evaluator makes of which input, run natively by the author's tests
//! and through the sandbox by the host. Serde types and the comparison; no evaluator is called here.
//!
//! ```toml
//! format = 1
//!
//! [job]
//! config = { word = "thanks" }       # handed to prepare; {} if left out
//! # profile = { schema = 1, ... }    # handed to prepare; a stand-in if left out
//!
//! [[data]]                           # rows for prepare, as many as wanted
//! body = { text = "We will look into it.", label = "exemplars" }
//!
//! [[case]]
//! name = "the word is found"
//! response = "Many thanks"           # detectors and scorers; a benchmark has row = { ... } instead
//! expect = { presence = 1.0 }        # metric = number, or metric = [lowest, highest]
//! spans = ["thanks"]                 # optional: the marked texts, in order
//!
//! [[case]]
//! name = "a number is refused"
//! config = { word = 3 }              # instead of the job's
//! response = ""
//! expect = { error = "config" }      # beginning of "code: message"; or not-applicable = "part of the reason"
//! ```
//!
//! Further keys of a case: `repeat = 1000` (the response that many times), `first_rows = 4` (only so many rows of
//! data), `context`, `prompt = [{ role, content }]`, `answers = [{ ... }]` (what the host answers, one body per
//! question) and `questions = [{ ... }]` (the bodies of the questions expected).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::contract::{Message, Row, Sample};

/// Numbers that differ by less than this are equal; a reader writes `0.3333333`, not all sixteen digits.
const TOLERANCE: f64 = 1e-6;

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cases {
    /// Version of the format; 1.
    pub format: u32,
    /// What the evaluator is prepared with.
    #[serde(default)]
    pub job: Job,
    /// Rows for `prepare`.
    #[serde(default)]
    pub data: Vec<Data>,
    /// The examples.
    #[serde(rename = "case")]
    pub cases: Vec<Case>,
}

/// Configuration and profile.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// JSON object; empty if left out.
    pub config: Option<Value>,
    /// JSON object; a stand-in with every field if left out.
    pub profile: Option<Value>,
}

/// One row for `prepare`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// Id of the row; its number if left out.
    pub id: Option<String>,
    /// JSON object.
    pub body: Value,
}

/// One example.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// Configuration instead of the job's.
    pub config: Option<Value>,
    /// Use only so many rows of data.
    pub first_rows: Option<usize>,
    /// The response to judge; for detectors and scorers.
    pub response: Option<String>,
    /// How often the response is repeated.
    pub repeat: Option<usize>,
    /// Context kind; `plain` if left out.
    pub context: Option<String>,
    /// What the model was given.
    #[serde(default)]
    pub prompt: Vec<Message>,
    /// Body of the row of the data file; for benchmarks.
    pub row: Option<Value>,
    /// Bodies of the host's answers, in the order of the questions.
    #[serde(default)]
    pub answers: Vec<Value>,
    /// Bodies of the questions that must be asked.
    pub questions: Option<Vec<Value>>,
    /// Metric to number or range; or `error` or `not-applicable` to text.
    pub expect: BTreeMap<String, Expected>,
    /// Texts that must be marked, in order.
    pub spans: Option<Vec<String>>,
}

/// What one key of `expect` wants.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Expected {
    /// Exactly, up to 1e-6.
    Number(f64),
    /// Between the two, both included.
    Range([f64; 2]),
    /// For `error` and `not-applicable`.
    Text(String),
}

/// What came of a case, whichever way it was run.
#[derive(Debug, Clone, PartialEq)]
pub enum Got {
    /// It was measured.
    Scored {
        /// Metric to value.
        values: BTreeMap<String, f64>,
        /// The marked texts, in order.
        spans: Vec<String>,
    },
    /// It gave no occasion to judge, and why.
    NotApplicable(String),
    /// It failed, wherever in the run: code and message.
    Failed(String, String),
}

impl Cases {
    /// Refuses what serde cannot: another format, no cases, a case without exactly one input.
    ///
    /// # Errors
    ///
    /// A line that names the case.
    pub fn check(&self) -> Result<(), String> {
        if self.format != 1 {
            return Err(format!("format is {}, 1 is known", self.format));
        }
        if self.cases.is_empty() {
            return Err("there is no [[case]]".to_owned());
        }
        let wrong = self.cases.iter().find(|case| case.response.is_some() == case.row.is_some());
        wrong.map_or(Ok(()), |case| Err(format!("case {:?} needs either response or row", case.name)))
    }

    /// JSON of the configuration for `case`.
    #[must_use]
    pub fn config(&self, case: &Case) -> String {
        case.config.as_ref().or(self.job.config.as_ref()).map_or_else(|| "{}".to_owned(), Value::to_string)
    }

    /// JSON of the profile.
    #[must_use]
    pub fn profile(&self) -> String {
        let stand_in = || {
            json!({
                "schema": 1, "persona": "Example", "trait": "example", "polarity": "required",
                "description": "a trait to try evaluators with", "examples": ["For example, this."],
            })
        };
        self.job.profile.clone().unwrap_or_else(stand_in).to_string()
    }

    /// Rows for `prepare` in `case`.
    #[must_use]
    pub fn rows(&self, case: &Case) -> Vec<Row> {
        let row = |(number, data): (usize, &Data)| Row {
            id: data.id.clone().unwrap_or_else(|| format!("row-{}", number + 1)),
            body: data.body.to_string(),
        };
        self.data.iter().take(case.first_rows.unwrap_or(usize::MAX)).enumerate().map(row).collect()
    }
}

impl Case {
    /// The sample to judge, for detectors and scorers.
    #[must_use]
    pub fn sample(&self) -> Option<Sample> {
        let response = self.response.as_ref()?.repeat(self.repeat.unwrap_or(1));
        let context = self.context.clone().unwrap_or_else(|| "plain".to_owned());
        let (id, group) = (self.name.clone(), self.name.clone());
        Some(Sample { id, group, context, prompt: self.prompt.clone(), response, notes: Vec::new() })
    }

    /// The row to make an item of, for benchmarks.
    #[must_use]
    pub fn item_row(&self) -> Option<Row> {
        Some(Row { id: self.name.clone(), body: self.row.as_ref()?.to_string() })
    }

    /// Compares what came of it, and the bodies of the questions asked, with what was expected: one line per
    /// difference, none if all is well.
    #[must_use]
    pub fn differences(&self, got: &Got, asked: &[Value]) -> Vec<String> {
        let mut lines: Vec<_> =
            self.expect.iter().filter_map(|(key, expected)| difference(key, expected, got)).collect();
        if self.expect.is_empty() {
            lines.push("expect is empty".to_owned());
        }
        if let (Some(wanted), Got::Scored { spans, .. }) = (&self.spans, got)
            && wanted != spans
        {
            lines.push(format!("spans: expected {wanted:?}, got {spans:?}"));
        }
        if let Some(wanted) = &self.questions
            && wanted != asked
        {
            lines.push(format!("questions: expected {}, got {}", json!(wanted), json!(asked)));
        }
        lines
    }
}

fn difference(key: &str, expected: &Expected, got: &Got) -> Option<String> {
    let (wanted, fits) = match (key, expected, got) {
        ("error", Expected::Text(text), got) => {
            let fits =
                matches!(got, Got::Failed(code, message) if format!("{code}: {message}").starts_with(text));
            (format!("{text:?}"), fits)
        }
        ("not-applicable", Expected::Text(text), got) => {
            (format!("{text:?}"), matches!(got, Got::NotApplicable(reason) if reason.contains(text)))
        }
        (_, Expected::Number(number), got) => {
            (number.to_string(), value(got, key).is_some_and(|value| (value - number).abs() <= TOLERANCE))
        }
        (_, Expected::Range([low, high]), got) => {
            let fits = value(got, key).is_some_and(|value| (*low..=*high).contains(&value));
            (format!("{low} to {high}"), fits)
        }
        (_, Expected::Text(text), _) => {
            (format!("{text:?}, but only error and not-applicable take a text"), false)
        }
    };
    (!fits).then(|| format!("{key}: expected {wanted}, got {}", shown(got, key)))
}

fn value(got: &Got, metric: &str) -> Option<f64> {
    match got {
        Got::Scored { values, .. } => values.get(metric).copied(),
        Got::NotApplicable(_) | Got::Failed(..) => None,
    }
}

fn shown(got: &Got, metric: &str) -> String {
    match got {
        Got::Scored { values, .. } => {
            values.get(metric).map_or_else(|| format!("no such metric in {values:?}"), f64::to_string)
        }
        Got::NotApplicable(reason) => format!("not applicable: {reason}"),
        Got::Failed(code, message) => format!("failure {code}: {message}"),
    }
}
