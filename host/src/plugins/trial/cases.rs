//! `cases.toml` through the sandbox: every example with settings, data and answers of its own.

use std::collections::BTreeMap;

use realign_plugin::cases::{Case, Cases, Got};
use serde_json::Value;

use super::CaseResult;
use crate::{
    error::{Error, Result},
    model::{ChatMessage, Finish, Outcome, Sample},
    sandbox::{Answer, Ask, Evaluator, Kind, Prepared, Row},
};

/// Codes that an evaluator fails with by its own word.
const OWN_CODES: [&str; 6] = ["config: ", "profile: ", "data: ", "sample: ", "answer: ", "internal: "];

/// Runs every case.
///
/// # Errors
/// Exit 20 where the safety net stopped the component twice.
pub fn run(evaluator: &Evaluator, cases: &Cases) -> Result<Vec<CaseResult>> {
    cases.cases.iter().map(|case| one(evaluator, cases, case)).collect()
}

/// The component as a case wants it prepared.
///
/// # Errors
/// As [`Evaluator::prepare`].
pub fn prepare(evaluator: &Evaluator, cases: &Cases, case: &Case) -> Result<Prepared> {
    let rows: Vec<Row> = cases.rows(case).into_iter().map(|row| Row { id: row.id, body: row.body }).collect();
    let grants = evaluator.description().asks.clone();
    evaluator.prepare(&cases.config(case), &cases.profile(), &rows, &grants)
}

/// The sample of a case of a detector or a style scorer.
#[must_use]
pub fn sample(case: &Case) -> Option<Sample> {
    let sample = case.sample()?;
    Some(Sample {
        id: sample.id,
        family: sample.group,
        kind: sample.context,
        prompt: sample
            .prompt
            .into_iter()
            .map(|message| ChatMessage { role: message.role, content: message.content })
            .collect(),
        response: sample.response,
        finish: Finish::End,
    })
}

fn one(evaluator: &Evaluator, cases: &Cases, case: &Case) -> Result<CaseResult> {
    let mut asked = Vec::new();
    let got = match outcome(evaluator, cases, case, &mut asked) {
        Ok(Some((outcome, response))) => got(outcome, &response),
        Ok(None) => Got::Failed("case".into(), wrong_input(evaluator.kind()).into()),
        Err(error) => refused(error)?,
    };
    Ok(CaseResult { name: case.name.clone(), differences: case.differences(&got, &asked) })
}

const fn wrong_input(kind: Kind) -> &'static str {
    match kind {
        Kind::Benchmark => "a benchmark needs row, not response",
        Kind::TraitDetector | Kind::StyleScorer => "a detector or scorer needs response, not row",
    }
}

/// What came of a case, with its response; `None` where it has the other kind's input.
fn outcome(
    evaluator: &Evaluator,
    cases: &Cases,
    case: &Case,
    asked: &mut Vec<Value>,
) -> Result<Option<(Outcome, String)>> {
    let prepared = prepare(evaluator, cases, case)?;
    let mut answer =
        |asks: &[Ask]| {
            let first = asked.len();
            asked.extend(asks.iter().map(|ask| {
                serde_json::from_str(&ask.body).unwrap_or_else(|_| Value::String(ask.body.clone()))
            }));
            let body = |place: usize| {
                case.answers.get(first + place).map_or_else(
                    || r#"{"error":"cases.toml has no answer to this question"}"#.to_owned(),
                    Value::to_string,
                )
            };
            let answer = |(place, ask): (usize, &Ask)| Answer { id: ask.id.clone(), body: body(place) };
            Ok(asks.iter().enumerate().map(answer).collect())
        };
    if evaluator.kind() == Kind::Benchmark {
        let Some(row) = case.item_row() else { return Ok(None) };
        let items = prepared.items(&[Row { id: row.id, body: row.body }])?;
        let outcome = prepared.grade(&items, &mut answer)?.pop();
        return Ok(outcome.map(|outcome| (outcome, String::new())));
    }
    let Some(sample) = sample(case) else { return Ok(None) };
    let outcome = prepared.judge(std::slice::from_ref(&sample), &mut answer)?.pop();
    Ok(outcome.map(|outcome| (outcome, sample.response)))
}

/// The outcome in the terms of the cases.
fn got(outcome: Outcome, response: &str) -> Got {
    match outcome {
        Outcome::Scored { values, spans, .. } => Got::Scored {
            values: values
                .iter()
                .map(|value| (value.metric.clone(), value.ratio()))
                .collect::<BTreeMap<_, _>>(),
            spans: spans
                .iter()
                .map(|span| {
                    response.get(span.start as usize..span.end as usize).unwrap_or_default().to_owned()
                })
                .collect(),
        },
        Outcome::NotApplicable(reason) => Got::NotApplicable(reason),
        Outcome::Failed(failure) => Got::Failed(failure.code, failure.message),
    }
}

/// The code and message inside the host's sentence about a refused `prepare` or `items`.
///
/// # Errors
/// The error itself where the evaluator did not refuse: a time-out.
fn refused(error: Error) -> Result<Got> {
    let text = error.to_string();
    match OWN_CODES.iter().filter_map(|code| text.find(code)).min() {
        Some(start) => {
            let (code, message) = text[start..].split_once(": ").unwrap_or_default();
            Ok(Got::Failed(code.to_owned(), message.to_owned()))
        }
        // A limit that was hit in `prepare` is a difference of this case like any other.
        None if text.contains(" failed: ") => {
            let failure = text.split_once(" failed: ").map_or("", |(_, failure)| failure);
            let (code, message) = failure.split_once(": ").unwrap_or((failure, ""));
            Ok(Got::Failed(code.to_owned(), message.to_owned()))
        }
        None => Err(error),
    }
}
