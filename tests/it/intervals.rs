//! One number of a run has one interval, whichever report shows it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    recorded::breaking,
    support::{Project, lines, mini},
};

fn document(project: &Project, arguments: &[&str]) -> Value {
    serde_json::from_str(&project.realign(&[arguments, &["--json"]].concat()).out).expect("JSON")
}

/// What a run reports: each metric's estimate.
fn reported(project: &Project, run: &str) -> BTreeMap<String, Value> {
    let record = document(project, &["report", run]);
    let metrics = record["metrics"].as_array().expect("metrics").iter();
    metrics
        .map(|metric| (metric["name"].as_str().expect("a name").to_owned(), metric["estimate"].clone()))
        .collect()
}

/// The line of a table that begins with this name.
fn row<'a>(table: &'a str, begin: &str) -> &'a str {
    table.lines().find(|line| line.split_whitespace().next() == Some(begin)).expect("a row")
}

/// The interval of a run's number as its report prints it: `52.1 to 97.4`.
fn printed(report: &str, metric: &str) -> String {
    let words: Vec<&str> = row(report, metric).split_whitespace().collect();
    let to = words.iter().position(|word| *word == "to").expect("an interval");
    words[to - 1..=to + 1].join(" ")
}

/// Compares both runs in every way that there is. Gives the metrics that were compared.
fn agree_everywhere(project: &Project) -> Vec<String> {
    let own = ["first", "second"].map(|run| reported(project, run));
    let compared = document(project, &["compare", "first", "second"]);
    let metrics = compared["compared"]["metrics"].as_array().expect("metrics");
    let name = |metric: &Value| metric["metric"].as_str().expect("a name").to_owned();
    for metric in metrics {
        let name = name(metric);
        for (side, own) in ["before", "after"].iter().zip(&own) {
            assert!(own[&name].is_object(), "{name} is measured");
            assert_eq!(metric[side], own[&name], "compare: {name} {side}");
        }
    }
    let kept = compared["compared"]["retention"]["benchmarks"].as_array().into_iter().flatten();
    for benchmark in kept {
        for (side, own) in ["before", "after"].iter().zip(&own) {
            let name = benchmark["name"].as_str().expect("a name");
            assert_eq!(benchmark[side]["estimate"], own[name], "kept: {name} {side}");
        }
    }
    let board = document(project, &["leaderboard", "first", "second"]);
    for ranking in board["rankings"].as_array().expect("rankings") {
        let name = name(ranking);
        for ranked in ranking["runs"].as_array().expect("runs") {
            let run = usize::try_from(ranked["run"].as_u64().expect("a place")).expect("small");
            assert_eq!(ranked["estimate"], own[run][&name], "leaderboard: {name} of run {run}");
        }
    }
    let history = document(project, &["history", "first", "second"]);
    for (entry, own) in history.as_array().expect("runs").iter().zip(&own) {
        for (name, value) in entry["values"].as_object().expect("values") {
            assert_eq!(value, &own[name], "history: {name}");
        }
    }
    for name in metrics.iter().map(name) {
        let own = printed(&project.realign(&["report", "second"]).out, &name);
        for verb in ["leaderboard", "history"] {
            let text = project.realign(&[verb, "first", "second", "--metric", &name]).out;
            assert!(row(&text, "second").contains(&own), "{verb}: {name} is not {own}\n{text}");
        }
    }
    metrics.iter().map(name).collect()
}

/// A detector that fails on one cell, which only bounds see, a voice, and answers to neutral tasks; the second run is worse.
#[test]
fn every_number_of_a_persona_has_one_interval_in_every_report() {
    let project = breaking(1);
    mini::with_voice(&project);
    let eval = |name| {
        project.realign(&["eval", "suite.toml", "--model", "recorded:responses.jsonl", "--name", name])
    };
    eval("first");
    let responses = project.read("responses.jsonl");
    project.write(
        "responses.jsonl",
        responses.replace("Thanks for asking. We will look into number 3", "No. I do"),
    );
    eval("second");
    let compared = agree_everywhere(&project);
    assert_eq!(
        compared,
        [
            "adherence",
            "over-characterisation",
            "style-match",
            "trait/blame",
            "trait/brief",
            "trait/offers",
            "trait/team",
            "trait/thanks"
        ]
    );
}

/// Bits per byte are a ratio of sums: texts weigh by their length in the number, and the same in a mean of items.
#[test]
fn a_ratio_of_sums_has_one_interval_in_every_report() {
    let project = Project::new();
    let task = "task: prose\ndataset_path: json\ndataset_kwargs: {data_files: {test: prose.jsonl}}\ntest_split: test\n\
                output_type: loglikelihood_rolling\ndoc_to_text: \"\"\ndoc_to_target: text\n\
                metric_list: [{metric: bits_per_byte}]\n";
    project.write("prose.yaml", task);
    let text = |index: usize| "a word and ".repeat(1 + index * index);
    project.write("prose.jsonl", lines((0..12).map(|index| json!({ "text": text(index) }))));
    for (run, loss) in [("first", 0.1), ("second", 0.12)] {
        let answer = |index: usize| {
            let logprob = -(0.5 + loss * index as f64) * text(index).len() as f64;
            json!({ "id": index.to_string(), "loglikelihood": [logprob], "tokens": [1], "greedy": [false] })
        };
        project.write("recorded.jsonl", lines((0..12).map(answer)));
        let eval = ["eval", "--task", "prose.yaml", "--model", "recorded:recorded.jsonl", "--name", run];
        project.realign(&eval).exits(0);
    }
    assert_eq!(agree_everywhere(&project), ["prose/bits_per_byte"]);
    let text = project.realign(&["compare", "first", "second"]).out;
    assert!(
        text.contains("prose/bits_per_byte: every item weighs the same in the change, and not in the values"),
        "{text}"
    );
}
