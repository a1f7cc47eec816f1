//! `data ifd`: the engine on a tiny model, against log-probabilities of the raw text.

use serde_json::{Value, json};

use crate::support::{Project, Run, tiny};

fn lines(rows: &[Value]) -> String {
    crate::support::lines(rows)
}

fn rows() -> Vec<Value> {
    (0..6)
        .map(|number| json!({ "id": format!("r{number}"), "instruction": format!("Say {number} in words"), "response": format!("the inner {number}") }))
        .collect()
}

fn ifd(project: &Project, more: &[&str]) -> Run {
    project.realign(&[&["data", "ifd", "rows.jsonl", "--model", "tiny.gguf"][..], more].concat())
}

#[test]
fn both_ratios_are_what_the_raw_text_of_the_template_gives() {
    let Some(project) = Project::with_engine() else { return };
    tiny::write(&project);
    project.write("rows.jsonl", lines(&rows()));
    let run = ifd(&project, &["--json"]).exits(0);
    let report: Value = serde_json::from_str(&run.out).expect("JSON");
    for (number, row) in rows().iter().enumerate() {
        let asked = row["instruction"].as_str().expect("text");
        let answer = row["response"].as_str().expect("text");
        let given = nats_per_token(&project, &format!("<|im_start|>user\n{asked}<|im_end|>\n"), answer);
        let alone = nats_per_token(&project, "", answer);
        let found = &report["rows"][number];
        let close = |name: &str, want: f64| {
            let got = found[name].as_f64().expect("a number");
            assert!((got - want).abs() < 1e-4, "row {number}, {name}: {got} against {want}");
        };
        close("nll_ratio", given / alone);
        close("perplexity_ratio", (given - alone).exp());
    }
}

/// Mean negative log-probability of an answer behind a raw text and the opening of an assistant's turn. The line break that
/// ends the opening is scored with the answer and taken off again, because scoring moves blanks behind the border.
fn nats_per_token(project: &Project, before: &str, answer: &str) -> f64 {
    let request = json!({ "id": "a", "context": format!("{before}<|im_start|>assistant"), "continuations": [format!("\n{answer}"), "\n"] });
    project.write("score.jsonl", lines(&[request]));
    project
        .realign(&["score", "--model", "tiny.gguf", "--input", "score.jsonl", "--output", "scored.jsonl"])
        .exits(0);
    let scored: Value = serde_json::from_str(&project.read("scored.jsonl")).expect("JSON");
    let both = |field: &str| [0, 1].map(|place| scored[field][place].as_f64().expect("a number"));
    let ([with, border], [tokens, of_border]) = (both("loglikelihood"), both("tokens"));
    -(with - border) / (tokens - of_border)
}

#[test]
fn a_share_of_the_rows_is_kept_as_they_were_written() {
    let Some(project) = Project::with_engine() else { return };
    tiny::write(&project);
    project.write("rows.jsonl", lines(&rows()));
    let run = ifd(&project, &["--keep-share", "0.34", "--output", "kept.jsonl", "--json"]).exits(0);
    let report: Value = serde_json::from_str(&run.out).expect("JSON");
    let kept = report["kept"]["lines"].as_array().expect("lines");
    assert_eq!(
        kept.len() + usize::try_from(report["kept"]["missing"].as_u64().expect("a number")).expect("small"),
        2
    );
    let all = project.read("rows.jsonl");
    let line = |line: &Value| usize::try_from(line.as_u64().expect("a line")).expect("it fits") - 1;
    let expected = crate::support::lines(kept.iter().map(|kept| all.lines().nth(line(kept)).expect("there")));
    assert_eq!(project.read("kept.jsonl"), expected);
    assert!(ifd(&project, &[]).exits(0).out.lines().all(|line| line.chars().count() <= 100));
}

#[test]
fn a_row_that_has_to_be_cut_is_an_error_and_so_is_one_without_an_instruction() {
    let Some(project) = Project::with_engine() else { return };
    tiny::write(&project);
    let shown = |row: &Value| {
        project.write("rows.jsonl", lines(&[rows()[0].clone(), row.clone()]));
        let run = ifd(&project, &["--keep-share", "1", "--output", "kept.jsonl"]);
        assert!(!project.path("kept.jsonl").exists(), "nothing is written: {}", run.shown());
        run.shown()
    };
    let shown = [
        shown(&json!({ "instruction": "Say it", "response": "x".repeat(5000) })),
        shown(&json!({ "text": "Once" })),
        shown(&json!({ "instruction": "Say it", "response": " " })),
    ];
    insta::assert_snapshot!(shown.join("\n\n"));
}
