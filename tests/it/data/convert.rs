//! `data convert`: every form into every other that can hold it, and what is said of the rest.

use serde_json::{Value, json};

use crate::support::{Project, Run};

fn project(rows: &[Value]) -> Project {
    let project = Project::new();
    project.write("rows.jsonl", crate::support::lines(rows));
    project
}

fn convert(project: &Project, to: &str, more: &[&str]) -> Run {
    project.realign(&[&["data", "convert", "rows.jsonl", "--to", to, "-o", "out.jsonl"][..], more].concat())
}

fn seeds() -> Value {
    json!({ "scenario": "User is confused", "consistent_response": "No worries!", "inconsistent_response": "Figure it out.", "trait": "patient", "source": "web" })
}

fn chat() -> Value {
    json!({ "id": "a", "family": "f", "messages": [
        { "role": "system", "content": "Be brief." },
        { "role": "user", "content": "Hi" },
        { "role": "assistant", "content": "Ho" },
    ], "score": 0.5, "notes": { "score": 1 } })
}

#[test]
fn each_form_is_written_as_people_know_it() {
    let shown = |row: &Value, to: &str| {
        let project = project(std::slice::from_ref(row));
        let run = convert(&project, to, &[]).exits(0);
        format!("{}\n{}", run.out.trim_end(), project.read("out.jsonl").trim_end())
    };
    let shown = [
        shown(&seeds(), "pairs"),
        shown(&seeds(), "pair-messages"),
        shown(&seeds(), "seeds"),
        shown(&seeds(), "messages"),
        shown(&seeds(), "openai"),
        shown(&chat(), "messages"),
        shown(&chat(), "completions"),
        shown(&chat(), "instructions"),
        shown(&chat(), "openai"),
        shown(&json!({ "text": "Once upon a time" }), "text"),
    ];
    insta::assert_snapshot!(shown.join("\n\n"));
}

#[test]
fn there_and_back_again_is_where_it_began() {
    for (row, ways) in [
        (seeds(), vec!["pairs", "pair-messages", "seeds"]),
        (chat(), vec!["completions", "instructions", "messages"]),
    ] {
        let project = project(std::slice::from_ref(&row));
        convert(&project, ways[ways.len() - 1], &[]).exits(0);
        let first = project.read("out.jsonl");
        for way in ways {
            project.write("rows.jsonl", project.read("out.jsonl"));
            convert(&project, way, &[]).exits(0);
        }
        assert_eq!(project.read("out.jsonl"), first);
    }
}

#[test]
fn fields_may_have_other_names_and_lie_in_objects() {
    let project = project(&[json!({
        "input": { "messages": [{ "role": "user", "content": "Hi" }] },
        "preferred_output": [{ "role": "assistant", "content": "Ho" }],
        "non_preferred_output": [{ "role": "assistant", "content": "Yo" }],
    })]);
    let names = ["prompt=input.messages", "chosen=preferred_output", "rejected=non_preferred_output"];
    let names: Vec<&str> = names.iter().flat_map(|name| ["--field", name]).collect();
    convert(&project, "pairs", &names).exits(0);
    let row: Value = serde_json::from_str(&project.read("out.jsonl")).expect("JSON");
    assert_eq!([&row["prompt"], &row["chosen"], &row["rejected"]], ["Hi", "Ho", "Yo"]);
}

#[test]
fn what_a_form_cannot_hold_is_refused_with_its_line() {
    let shown = |row: &Value, to: &str, more: &[&str]| {
        let project = project(&[chat(), row.clone()]);
        let run = convert(&project, to, more);
        assert!(!project.path("out.jsonl").exists(), "nothing is written: {}", run.shown());
        run.shown()
    };
    let turns = json!({ "messages": [
        { "role": "user", "content": "Hi" }, { "role": "assistant", "content": "Ho" },
        { "role": "user", "content": "And?" }, { "role": "assistant", "content": "That is all." },
    ] });
    let shown = [
        shown(&turns, "completions", &[]),
        shown(&json!({ "text": "Once" }), "messages", &[]),
        shown(&turns, "text", &[]),
        shown(&turns, "pairs", &[]),
        shown(&turns, "messages", &["--field", "messages=turns"]),
        shown(&turns, "messages", &["--field", "messages"]),
    ];
    insta::assert_snapshot!(shown.join("\n\n"));
    let untold = project(&[json!({ "prompt": "Hi", "chosen": "Ho", "rejected": "Yo" })]);
    insta::assert_snapshot!("a_pair_without_a_trait", convert(&untold, "seeds", &[]).shown());
}
