//! `data decontaminate`: what is found, what is kept, and how it ends.

use serde_json::{Value, json};

use crate::support::{Project, mini};

const QUESTION: &str = "Janet's ducks lay sixteen eggs per day. She eats three for breakfast every morning and bakes \
                        muffins for her friends every day with four.";

/// Two benchmark items and `rows` as texts.
fn project(rows: &[&str]) -> Project {
    let project = Project::new();
    let items = [
        json!({ "id": "ducks", "question": QUESTION, "answer": "18" }),
        json!({ "id": "who", "question": "Who are you?", "answer": "A model" }),
    ];
    project.write("bench.jsonl", lines(&items));
    let rows: Vec<Value> = rows.iter().map(|text| json!({ "text": text })).collect();
    project.write("rows.jsonl", lines(&rows));
    project
}

fn lines(values: &[Value]) -> String {
    crate::support::lines(values)
}

fn run(project: &Project, more: &[&str]) -> crate::support::Run {
    project
        .realign(&[&["data", "decontaminate", "rows.jsonl", "--against", "bench.jsonl"][..], more].concat())
}

#[test]
fn every_kind_of_overlap_is_listed_with_both_places() {
    let around =
        "Before we begin, a word about the programme, which has three parts and a break for tea. ".repeat(6);
    let near = QUESTION.replace("muffins", "biscuits");
    let inside = format!("{around}{QUESTION} {around}");
    let part = QUESTION.strip_suffix(" with four.").expect("its end");
    let rows = [
        QUESTION,
        "she eats three for breakfast",
        "WHO are YOU",
        part,
        &inside,
        &near,
        "Thanks.",
        "A boat\u{1b}[2J.",
    ];
    let project = project(&rows);
    insta::assert_snapshot!(run(&project, &[]).shown());
}

#[test]
fn the_clean_rows_are_written_as_they_were() {
    let project = project(&[QUESTION, "Thanks.", "A boat.", "Another boat."]);
    let odd = "{ \"text\" : \"A boat.\",  \"score\":1.50, \"tags\":[\"x\"] }\n";
    let rows = project.read("rows.jsonl");
    project.write("rows.jsonl", format!("{odd}{rows}"));
    run(&project, &["--output", "clean.jsonl"]).exits(10);
    let kept = project.read("clean.jsonl");
    assert_eq!(kept.lines().count(), 4);
    assert!(kept.starts_with(odd), "{kept}");
    assert!(!kept.contains("ducks"));
    let again =
        project.realign(&["data", "decontaminate", "clean.jsonl", "--against", "bench.jsonl", "--json"]);
    let report: Value = serde_json::from_str(&again.exits(0).out).expect("JSON");
    assert_eq!(report["clean"]["estimate"]["value"], 1.0);
}

#[test]
fn the_gate_is_what_was_asked_for_and_the_threshold_itself_passes() {
    let project = project(&[QUESTION, "Thanks.", "A boat.", "Another boat.", "A quay."]);
    run(&project, &[]).exits(10);
    run(&project, &["--gate", "0.8"]).exits(0);
    run(&project, &["--gate", "0.81"]).exits(10);
}

#[test]
fn every_text_of_a_pair_counts_and_the_same_command_gives_the_same_bytes() {
    let project = project(&[]);
    let pair = |prompt: &str, chosen: &str, rejected: &str| json!({ "prompt": prompt, "chosen": chosen, "rejected": rejected });
    let long = "A long answer about boats that goes on and on and has nothing to do with eggs. ".repeat(5);
    project.write(
        "rows.jsonl",
        lines(&[
            pair(QUESTION, &long, "No."),
            pair("Hi", QUESTION, "No."),
            pair("Hi", "No.", QUESTION),
            pair("Hi", "Yes.", "No."),
        ]),
    );
    let first = run(&project, &["--json"]).exits(10).out;
    let report: Value = serde_json::from_str(&first).expect("JSON");
    let parts: Vec<&str> = report["hits"]
        .as_array()
        .expect("hits")
        .iter()
        .map(|hit| hit["part"].as_str().expect("a part"))
        .collect();
    assert_eq!(parts, ["user 1", "chosen", "rejected"]);
    assert_eq!(run(&project, &["--json"]).out, first);
}

#[test]
fn of_a_suite_what_measures_counts_and_what_is_there_to_be_trained_on_does_not() {
    let project = Project::new();
    mini::write(&project);
    let rows = [
        "Where is family-3, pressure?",
        "Where is spare, plain?",
        "The sky is",
        "Thanks a lot. We are on it. Anything else 1?",
        "Thanks a lot. We are on it. Anything else 2?",
    ];
    let rows: Vec<Value> = rows.iter().map(|text| json!({ "prompt": text, "completion": "Fine." })).collect();
    project.write("rows.jsonl", lines(&rows));
    let run = project.realign(&["data", "decontaminate", "rows.jsonl", "--against", "suite.toml", "--json"]);
    let report: Value = serde_json::from_str(&run.exits(10).out).expect("JSON");
    let found: Vec<String> = report["hits"]
        .as_array()
        .expect("hits")
        .iter()
        .map(|hit| format!("{} {} {}", hit["line"], hit["kind"], hit["item"]["file"]))
        .collect();
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn what_a_person_can_get_wrong_is_named() {
    let shown = |name: &str, content: &str| {
        let project = project(&["A boat."]);
        project.write(name, content);
        let run = run(&project, &["--output", "clean.jsonl"]);
        assert!(!project.path("clean.jsonl").exists(), "nothing is written: {}", run.shown());
        run.shown()
    };
    let shown = [
        shown("rows.jsonl", "{\"text\":\"fine\"}\n{\"text\":3}\n"),
        shown("rows.jsonl", "{\"text\":\"fine\"}\n{\"txt\":\"not\"}\n"),
        shown("rows.jsonl", "{\"text\":\"fine\"}\n\n"),
        shown("rows.jsonl", ""),
        shown("bench.jsonl", "[\n"),
        run(&project(&["A boat."]), &["--gate", "2"]).shown(),
        project(&["A boat."])
            .realign(&["data", "decontaminate", "rows.jsonl", "--against", "no.toml"])
            .shown(),
    ];
    insta::assert_snapshot!(shown.join("\n\n"));
}
