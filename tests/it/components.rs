//! The reference evaluators over their own `cases.toml`, through the sandbox: the built-in components and, where
//! `REALIGN_GUESTS` names a folder of them, those compiled from source in the same run.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use realign::{
    error::Error,
    ids::Digest,
    model::{Finish, Outcome, Sample},
    plugins::registry,
    sandbox::{Answer, Ask, Evaluator, Kind, Limits, Row, Sandbox},
};
use realign_plugin::cases::{Case, Cases, Got};
use serde_json::Value;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the host lies in the repository").to_owned()
}

/// What came of one case, and the bodies of the questions that were asked.
fn run(evaluator: &Evaluator, cases: &Cases, case: &Case) -> (Got, Vec<Value>) {
    let mut asked = Vec::new();
    let outcome = outcome(evaluator, cases, case, &mut asked);
    let got = match outcome {
        Ok((Outcome::Scored { values, spans, .. }, response)) => Got::Scored {
            values: values
                .iter()
                .map(|value| (value.metric.clone(), value.ratio()))
                .collect::<BTreeMap<_, _>>(),
            spans: spans
                .iter()
                .map(|span| response[span.start as usize..span.end as usize].to_owned())
                .collect(),
        },
        Ok((Outcome::NotApplicable(reason), _)) => Got::NotApplicable(reason),
        Ok((Outcome::Failed(failure), _)) => Got::Failed(failure.code, failure.message),
        Err(error) => failed(&error),
    };
    (got, asked)
}

fn outcome(
    evaluator: &Evaluator,
    cases: &Cases,
    case: &Case,
    asked: &mut Vec<Value>,
) -> Result<(Outcome, String), Error> {
    let rows: Vec<Row> = cases.rows(case).into_iter().map(|row| Row { id: row.id, body: row.body }).collect();
    let grants: BTreeSet<String> = evaluator.description().asks.clone();
    let prepared = evaluator.prepare(&cases.config(case), &cases.profile(), &rows, &grants)?;
    let mut answer = |asks: &[Ask]| {
        asked.extend(asks.iter().map(|ask| serde_json::from_str::<Value>(&ask.body).expect("asks are JSON")));
        let body = |index: usize| case.answers.get(index).map_or_else(|| "{}".to_owned(), Value::to_string);
        Ok(asks
            .iter()
            .enumerate()
            .map(|(index, ask)| Answer { id: ask.id.clone(), body: body(index) })
            .collect())
    };
    if evaluator.kind() == Kind::Benchmark {
        let row = case.item_row().expect("cases of benchmarks have a row");
        let items = prepared.items(&[Row { id: row.id, body: row.body }])?;
        return Ok((prepared.grade(&items, &mut answer)?.remove(0), String::new()));
    }
    let sample = case.sample().expect("cases of detectors have a response");
    let sample = Sample {
        id: sample.id,
        family: sample.group,
        kind: sample.context,
        prompt: Vec::new(),
        response: sample.response,
        finish: Finish::End,
    };
    Ok((prepared.judge(std::slice::from_ref(&sample), &mut answer)?.remove(0), sample.response))
}

/// The code and message inside the host's sentence about a refused `prepare` or `items`.
fn failed(error: &Error) -> Got {
    let text = error.to_string();
    let codes = ["config: ", "profile: ", "data: ", "sample: ", "answer: ", "internal: "];
    let start = codes.iter().filter_map(|code| text.find(code)).min().expect("a guest's own code");
    let (code, message) = text[start..].split_once(": ").expect("a code and a message");
    Got::Failed(code.to_owned(), message.to_owned())
}

/// Runs every case of a component; gives how many there were.
fn check(id: &str, wasm: &[u8]) -> usize {
    let text =
        fs::read_to_string(repository().join("plugins").join(id).join("cases.toml")).expect("cases.toml");
    let cases: Cases = toml::from_str(&text).expect("a cases file");
    cases.check().expect("a valid cases file");
    let evaluator =
        Sandbox::new(None, Limits::default()).and_then(|sandbox| sandbox.load(wasm)).expect("it loads");
    for case in &cases.cases {
        let (got, asked) = run(&evaluator, &cases, case);
        let differences = case.differences(&got, &asked);
        assert!(differences.is_empty(), "{id}, case {:?}: {}", case.name, differences.join("; "));
    }
    cases.cases.len()
}

#[test]
fn every_built_in_component_passes_its_cases() {
    let mut cases = 0;
    for id in registry::built_in() {
        cases += check(id, &registry::find(id, Path::new("")).expect("built in"));
    }
    println!("{cases} cases");
    assert!(cases >= 8 * 7, "every evaluator has at least eight cases");
}

#[test]
fn every_component_built_from_source_passes_the_same_cases() {
    let Some(folder) = std::env::var_os("REALIGN_GUESTS").map(PathBuf::from) else {
        println!("skipped: REALIGN_GUESTS names no folder of components; cargo xtask test builds them");
        return;
    };
    for id in registry::built_in() {
        let wasm = fs::read(folder.join(id).with_extension("wasm")).expect("built");
        check(id, &wasm);
        let same = registry::find(id, Path::new(""))
            .is_ok_and(|built_in| Digest::of(&built_in) == Digest::of(&wasm));
        println!(
            "{id}: {}",
            if same {
                "the same bytes as the built-in"
            } else {
                "other bytes than the built-in, by another compiler"
            }
        );
    }
}
