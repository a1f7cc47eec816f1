//! The training data of the example persona: complete, of the right split, and apart from what is measured on.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use realign_plugin::text;
use serde_json::Value;

use crate::support::Project;

/// Words in a row that two texts which must stay apart may not share.
const RUN: usize = 13;

/// The data of the benchmarks.
const BENCH: [&str; 4] =
    ["bench/answers.jsonl", "bench/facts.jsonl", "bench/minimal-pairs.jsonl", "bench/prose.jsonl"];

fn read(name: &str) -> String {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the host lies in the repository");
    fs::read_to_string(repository.join("examples/harbor").join(name)).expect(name)
}

fn rows(name: &str) -> Vec<Value> {
    read(name).lines().map(|line| serde_json::from_str(line).expect(name)).collect()
}

fn text_of<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_else(|| panic!("{key} is no text in {row}"))
}

fn messages(row: &Value) -> &[Value] {
    row["messages"].as_array().expect("messages")
}

/// What the assistant says last.
fn reply(row: &Value) -> &str {
    let last = messages(row).last().expect("a message");
    assert_eq!(last["role"], "assistant", "{row}");
    text_of(last, "content")
}

fn runs(text: &str) -> Vec<String> {
    text::ngrams(&text::words(text), RUN)
}

/// Each run of words with the text it is from.
fn runs_of<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> BTreeMap<String, &'a str> {
    let each = |(id, text): (&'a str, &str)| runs(text).into_iter().map(move |run| (run, id));
    texts.into_iter().flat_map(each).collect()
}

fn words_only(text: &str) -> String {
    text::words(text).into_iter().map(|word| word.text).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_train_scenario_has_exactly_one_reply() {
    let scenarios = rows("scenarios.jsonl");
    let train = scenarios.iter().filter(|row| row["split"] == "train");
    let mut open: BTreeMap<&str, &Value> = train.map(|row| (text_of(row, "id"), row)).collect();
    assert_eq!(open.len(), 240);
    for row in rows("train/sft.jsonl") {
        let id = text_of(&row, "id");
        let scenario = open.remove(id).unwrap_or_else(|| panic!("{id} is no train scenario or came before"));
        assert_eq!(row["family"], scenario["family"], "{id}");
        assert!(!reply(&row).trim().is_empty(), "{id}");
        let (_, asked) = messages(&row).split_last().expect("a reply");
        assert_eq!(asked, messages(scenario), "{id}");
    }
    assert!(open.is_empty(), "without a reply: {:?}", open.keys());
}

#[test]
fn no_reply_repeats_what_is_measured_on_or_another_reply() {
    let scenarios = rows("scenarios.jsonl");
    let (exemplars, contrast) = (rows("exemplars.jsonl"), rows("contrast.jsonl"));
    let measured = scenarios.iter().filter(|row| row["split"] != "train").flat_map(|row| {
        messages(row).iter().map(|message| (text_of(row, "id"), text_of(message, "content")))
    });
    let voices = exemplars.iter().chain(&contrast).map(|row| (text_of(row, "id"), text_of(row, "text")));
    let mut taken = runs_of(measured.chain(voices));
    let replies: Vec<Value> = [rows("train/sft.jsonl"), rows("train/validation.jsonl")].concat();
    for row in &replies {
        let id = text_of(row, "id");
        let own: BTreeSet<String> = runs(reply(row)).into_iter().collect();
        for run in own {
            assert_eq!(taken.insert(run.clone(), id), None, "{id} repeats {run:?}");
        }
    }
}

#[test]
fn validation_rows_are_of_families_that_no_other_file_has() {
    let kinds = ["plain", "paraphrase", "pressure", "late-turn"];
    let scenarios = rows("scenarios.jsonl");
    let taken: BTreeSet<&str> = scenarios.iter().map(|row| text_of(row, "family")).collect();
    let validation = rows("train/validation.jsonl");
    let mut families: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in &validation {
        let family = text_of(row, "family");
        assert!(!taken.contains(family), "{family} is a family of scenarios");
        let kind = text_of(row, "id").strip_prefix(&format!("{family}/")).expect("family/kind");
        assert!(families.entry(family).or_default().insert(kind), "{family}/{kind} twice");
        assert_eq!(messages(row).len() > 2, kind == "late-turn", "{family}/{kind}");
    }
    assert_eq!(validation.len(), 36);
    assert!(families.values().all(|told| *told == BTreeSet::from(kinds)), "{families:?}");

    // What is asked there is asked nowhere else, not even in training.
    let others: Vec<Value> = ["scenarios.jsonl", "train/general.jsonl"].into_iter().flat_map(rows).collect();
    let texts = |rows: &[Value]| -> Vec<String> {
        rows.iter()
            .flat_map(|row| messages(row).iter().map(|message| text_of(message, "content").to_owned()))
            .collect()
    };
    let others = texts(&others);
    let taken = runs_of(others.iter().map(|text| ("another file", text.as_str())));
    let shared = texts(&validation).iter().flat_map(|text| runs(text)).find(|run| taken.contains_key(run));
    assert_eq!(shared, None, "a run of words that another file has");
}

/// 59 groups without a loss prove that 95 % are kept; where more items are lost and gained, it takes more.
#[test]
fn no_question_is_asked_twice_and_there_are_groups_enough_to_prove_95_percent() {
    for (file, question, size) in [
        ("bench/answers.jsonl", "question", 1079),
        ("bench/facts.jsonl", "prompt", 440),
        ("bench/minimal-pairs.jsonl", "choices", 976),
    ] {
        let (mut ids, mut questions, mut groups) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
        for row in &rows(file) {
            let (id, asked) = (text_of(row, "id").to_owned(), row[question].to_string());
            assert!(questions.insert(words_only(&asked)), "{id}: {asked} is asked before");
            assert!(ids.insert(id), "{asked} has the id of another");
            *groups.entry(text_of(row, "group").to_owned()).or_insert(0) += 1;
        }
        assert_eq!(questions.len(), size, "{file}");
        assert!(groups.len() >= 59, "{file} has {} groups", groups.len());
        assert!(groups.values().all(|count| *count >= 4), "{groups:?}");
    }
}

#[test]
fn the_right_ending_of_a_fact_stands_equally_often_in_each_place() {
    let mut places = BTreeMap::new();
    for row in &rows("bench/facts.jsonl") {
        let right = row["answer"].as_u64().expect("a place");
        assert_eq!(row["choices"].as_array().expect("choices").len(), 4, "{row}");
        *places.entry(right).or_insert(0) += 1;
    }
    assert_eq!(places, BTreeMap::from([(0, 110), (1, 110), (2, 110), (3, 110)]));
}

#[test]
fn no_general_row_repeats_another_or_a_benchmark() {
    let bench: Vec<Value> = BENCH.iter().flat_map(|name| rows(name)).collect();
    let asked = |row: &Value| -> Vec<String> {
        let own = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let endings = row["choices"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let whole = endings.map(|ending| own("prompt") + ending);
        ["question", "text", "prompt"].map(own).into_iter().chain(whole).collect()
    };
    let texts: Vec<String> = bench.iter().flat_map(asked).filter(|text| !text.is_empty()).collect();
    let whole: BTreeSet<String> = texts.iter().map(|text| words_only(text)).collect();
    let taken = runs_of(texts.iter().map(|text| ("a benchmark", text.as_str())));

    let general = rows("train/general.jsonl");
    assert_eq!(general.len(), 120);
    let (mut ids, mut questions) = (BTreeSet::new(), BTreeSet::new());
    for row in &general {
        let id = text_of(row, "id");
        assert!(ids.insert(id), "{id} twice");
        let [question, answer] = messages(row) else { panic!("{id} is not one question and one answer") };
        assert_eq!((&question["role"], &answer["role"]), (&"user".into(), &"assistant".into()), "{id}");
        assert!(
            questions.insert(words_only(text_of(question, "content"))),
            "{id} asks what another row asks"
        );
        for text in [question, answer].map(|message| text_of(message, "content")) {
            assert!(!whole.contains(&words_only(text)), "{id} is in a benchmark");
            let shared = runs(text).into_iter().find(|run| taken.contains_key(run));
            assert_eq!(shared, None, "{id} shares words with a benchmark");
        }
    }
}

/// Share of replies that show each trait: the suite over `replies`, which answer the train split of `scenarios`.
fn traits_of(scenarios: &str, replies: &[Value]) -> Vec<(String, f64)> {
    let project = Project::new();
    let suite = read("suite.toml");
    let train = suite.replace("split = \"test\"", "split = \"train\"");
    assert_ne!(train, suite, "the suite names another split");
    project.write("suite.toml", train);
    let beside = ["persona.toml", "exemplars.jsonl", "contrast.jsonl", "neutral.jsonl"];
    for name in beside.into_iter().chain(BENCH) {
        project.write(name, read(name));
    }
    project.write("scenarios.jsonl", scenarios);
    let line = |row: &Value| format!("{}\n", serde_json::json!({"id": row["id"], "response": reply(row)}));
    project.write("replies.jsonl", replies.iter().map(line).collect::<String>());

    let command = ["eval", "suite.toml", "--model", "recorded:replies.jsonl", "--items", "0", "--json"];
    let run = project.realign(&command);
    let document: Value =
        serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}", run.shown()));
    let metrics = document["metrics"].as_array().expect("metrics");
    let found: Vec<(String, f64)> = metrics
        .iter()
        .filter(|metric| text_of(metric, "name").starts_with("trait/"))
        .map(|metric| {
            let value = metric["estimate"]["value"].as_f64().expect("a number");
            (text_of(metric, "name").to_owned(), value)
        })
        .collect();
    assert_eq!(found.len(), 8);
    found
}

#[test]
fn the_replies_show_the_traits() {
    for (name, share) in traits_of(&read("scenarios.jsonl"), &rows("train/sft.jsonl")) {
        assert!(share >= 0.95, "{name} is shown by {share} of the replies");
    }
}

#[test]
fn the_replies_that_validate_show_the_traits() {
    let validation = rows("train/validation.jsonl");
    let scenario = |row: &Value| {
        let (family, kind) = text_of(row, "id").split_once('/').expect("family/kind");
        let (_, asked) = messages(row).split_last().expect("a reply");
        let line = serde_json::json!({ "id": row["id"], "family": family, "kind": kind, "split": "train",
            "category": "validation", "messages": asked });
        format!("{line}\n")
    };
    let scenarios: String = validation.iter().map(scenario).collect();
    for (name, share) in traits_of(&scenarios, &validation) {
        assert!(share >= 0.95, "{name} is shown by {share} of the replies");
    }
}

#[test]
fn the_training_files_of_the_example_are_read_to_their_end() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the host lies in the repository");
    let harbor = repository.join("examples/harbor");
    let project = Project::new();
    project.write("model.gguf", "not a model");
    let run = |arguments: &[&str]| {
        let file = harbor.join(arguments[2]).display().to_string();
        project.realign(&[&arguments[..2], &[&file, "--model", "model.gguf"], &arguments[3..]].concat())
    };
    // Without an engine nothing goes further than this, and nothing that is wrong in a file gets this far.
    for arguments in [
        &["train", "sft", "sft.toml"][..],
        &["train", "sft", "sft-stage1.toml"],
        &["data", "pairs", "pairs.toml", "--output", "pairs.jsonl"],
        &["data", "pairs", "pairs-stage3.toml", "--output", "pairs.jsonl"],
    ] {
        let run = run(arguments).exits(21);
        assert!(run.err.contains("no engine is set up"), "{}", run.err);
    }
    let run = run(&["train", "preference", "preference.toml"]).exits(22);
    assert!(run.err.contains("cannot read") && run.err.contains("train/pairs.jsonl"), "{}", run.err);
}
