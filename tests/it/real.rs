//! Comparisons of real, published results, where those are present.
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::{collections::BTreeMap, fs, path::PathBuf};

use realign::{
    compare::{Identity, ItemValue},
    gates::{Evidence, Rule, decide},
    model::{Direction, Estimate, Verdict},
    stats::{
        Interval,
        proportion::{self, Count},
    },
    store::Store,
    suite::{
        record::Metric,
        run::{Measured, begin, finish},
    },
};
use serde_json::Value;

use crate::support::Project;

/// A file of public data; `None`, said aloud, where it is not there.
fn data(name: &str) -> Option<String> {
    let path = std::env::var_os("REALIGN_SHARED").map(|shared| PathBuf::from(shared).join("data").join(name));
    let text = path.and_then(|path| fs::read_to_string(path).ok());
    if text.is_none() {
        println!("skipped: REALIGN_SHARED names no folder with {name}");
    }
    text
}

fn rows(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The answers of one model of the GSM8K release as a stored run.
fn store_gsm8k(store: &Store, model: &str, rows: &[Value]) {
    let item = |(index, row): (usize, &Value)| ItemValue {
        metric: "gsm8k/accuracy".into(),
        item: format!("q{index:04}"),
        cluster: format!("q{index:04}"),
        value: f64::from(u8::from(row[model]["is_correct"].as_bool().expect("right or wrong"))),
    };
    let items: Vec<ItemValue> = rows.iter().enumerate().map(item).collect();
    let range = Some(Interval { low: 0.0, high: 1.0 });
    let counts: Vec<Count> =
        items.iter().map(|item| Count { hits: usize::from(item.value > 0.5), n: 1 }).collect();
    let evidence = proportion::clustered(&counts).expect("two clusters").evidence();
    let metric = Metric {
        name: "gsm8k/accuracy".into(),
        unit: "share".into(),
        direction: Some(Direction::Higher),
        range,
        formula: "mean/1".into(),
        estimate: Some(evidence.estimate),
        bounds: Some(Interval { low: evidence.lower, high: evidence.upper }),
        bound: None,
        threshold: None,
        verdict: None,
        reason: String::new(),
        long_tail: false,
        beside: BTreeMap::from([("chance".into(), 0.0)]),
    };
    let identity =
        Identity { subject: BTreeMap::from([("model".into(), model.into())]), ..Identity::default() };
    let run = begin(store, model, "gsm8k", &identity).expect("a new run");
    let measured = Measured { metrics: vec![metric], items, ..Measured::default() };
    finish(store, &run, model, "gsm8k", identity, &measured).expect("stored");
}

/// Four models on 1,319 problems, as published with the data set.
#[test]
fn the_published_answers_to_gsm8k_are_told_apart_pair_by_pair() {
    let Some(text) = data("gsm8k/model_solutions.jsonl") else { return };
    let rows = rows(&text);
    let project = Project::new();
    let store = Store::open(&project.path("runs.db")).expect("a store");
    let models = ["6b_finetuning", "175b_finetuning", "6b_verification", "175b_verification"];
    for model in models {
        store_gsm8k(&store, model, &rows);
    }
    // 6b with a verifier against 175b without: 209 lost, 152 gained, exact McNemar p = 0.0031.
    let run = project
        .realign(&["compare", "6b_verification", "175b_finetuning", "--store", "runs.db", "--json"])
        .exits(10);
    let found: Value = serde_json::from_str(&run.out).expect("JSON");
    let metric = &found["compared"]["metrics"][0];
    assert_eq!((&metric["discordant"]["lost"], &metric["discordant"]["gained"]), (&209.into(), &152.into()));
    assert_eq!((&metric["change"], &metric["interval"]), (&"regressed".into(), &"tango".into()));
    let p = metric["p"].as_f64().expect("a number");
    assert!((p - 0.003_15).abs() < 2e-4, "{p}");
    let board = project.realign(&[&["leaderboard", "--store", "runs.db"][..], &models].concat()).exits(0);
    println!("{}", board.out);
    insta::assert_snapshot!(board.out.trim_end(), @r"
    gsm8k/accuracy     place   value   95 % interval     n  clusters
    175b_verification      1  56.3 %  53.5 to 59.0 %  1319      1319
    6b_verification        2  39.0 %  36.4 to 41.7 %  1319      1319
    175b_finetuning        3  34.7 %  32.2 to 37.4 %  1319      1319
    6b_finetuning          4  21.7 %  19.5 to 24.0 %  1319      1319

    A place is what all pairs of runs leave possible, with 95 % confidence for all of them at once.
    ");
}

/// Means and standard errors before and after character training, three models and three personas. No items are
/// published, so both sides count as independent. Every proven loss is one that the mean over benchmarks would hide.
#[test]
fn published_losses_of_character_training_are_proven_per_benchmark() {
    let Some(text) = data("constitutions/lighteval-results.jsonl") else { return };
    let mut results: BTreeMap<String, BTreeMap<String, (f64, f64)>> = BTreeMap::new();
    for row in rows(&text) {
        let of = |key: &str| row[key].as_str().expect("text").to_owned();
        let number = |key: &str| row[key].as_f64().expect("a number");
        results.entry(of("model")).or_default().insert(of("task"), (number("mean"), number("se")));
    }
    let mut lost = Vec::new();
    for base in ["llama-3.1-8b-it", "qwen-2.5-7b-it", "gemma-3-4b-it"] {
        for persona in ["goodness", "loving", "misalignment"] {
            let (before, after) = (&results[base], &results[&format!("{base}-{persona}")]);
            for (task, (was, was_se)) in before {
                let (is, is_se) = after[task];
                let value = is - 0.95 * was;
                let error = is_se.hypot(0.95 * was_se);
                let estimate = Estimate {
                    value,
                    low: value - 1.96 * error,
                    high: value + 1.96 * error,
                    n: 1,
                    clusters: 1,
                };
                let (lower, upper) = (value - 1.645 * error, value + 1.645 * error);
                let evidence = Evidence { estimate, lower, upper, effective_n: None, long_tail: false };
                if decide(&Rule::at_least(0.0), Some(&evidence)).verdict == Verdict::Fail {
                    let task = task.split('|').nth(1).unwrap_or(task);
                    lost.push(format!("{base} {persona}: {task} keeps {:.1} %", 100.0 * is / was));
                }
            }
        }
    }
    insta::assert_snapshot!(lost.join("\n"), @r"
    llama-3.1-8b-it misalignment: arc:challenge keeps 70.7 %
    llama-3.1-8b-it misalignment: truthfulqa:mc keeps 74.2 %
    llama-3.1-8b-it misalignment: mmlu keeps 80.0 %
    qwen-2.5-7b-it goodness: truthfulqa:mc keeps 87.6 %
    qwen-2.5-7b-it loving: truthfulqa:mc keeps 86.7 %
    qwen-2.5-7b-it misalignment: truthfulqa:mc keeps 65.1 %
    gemma-3-4b-it misalignment: arc:challenge keeps 83.5 %
    gemma-3-4b-it misalignment: truthfulqa:mc keeps 81.5 %
    ");
}
