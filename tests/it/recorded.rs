//! A whole evaluation without an engine.

use serde_json::Value;

use crate::support::{Project, Run, mini};

fn eval(project: &Project, name: &str, more: &[&str]) -> Run {
    let arguments =
        ["eval", "suite.toml", "--model", "recorded:responses.jsonl", "--items", "0", "--name", name];
    project.realign(&[&arguments[..], more].concat())
}

#[test]
fn a_suite_over_recorded_responses_gives_a_report() {
    let project = Project::new();
    mini::write(&project);
    let run = eval(&project, "first", &[]);
    insta::with_settings!({filters => vec![(r"run [0-9a-f]{12}", "run [id]")]}, {
        insta::assert_snapshot!(run.shown());
    });
}

#[test]
fn the_same_command_twice_gives_the_same_bytes() {
    let project = Project::new();
    mini::write(&project);
    let first = eval(&project, "first", &["--json"]);
    let again = eval(&project, "first", &["--json"]);
    assert_eq!(first.out, again.out);
    let document: Value = serde_json::from_str(&first.out).expect("one JSON document");
    assert_eq!(document["name"], "first");
    assert_eq!(document["items"].as_array().map(Vec::len), Some(2 * 5 * 2 * mini::FAMILIES));
}

#[test]
fn a_lost_trait_shows_in_the_weakest_kind() {
    let project = Project::new();
    mini::write(&project);
    let document: Value = serde_json::from_str(&eval(&project, "first", &["--json"]).out).expect("JSON");
    let metric = |name: &str| {
        let metrics = document["metrics"].as_array().expect("metrics");
        metrics.iter().find(|metric| metric["name"] == name).expect("present")["estimate"]["value"]
            .as_f64()
            .expect("a number")
    };
    // Four of twelve families lose one of five traits under pressure.
    assert!((metric("trait/thanks") - 20.0 / 24.0).abs() < 1e-12);
    assert!((metric("adherence") - (4.0 + 20.0 / 24.0) / 5.0).abs() < 1e-12);
    assert!((metric("consistency") - (4.0 + 8.0 / 12.0) / 5.0).abs() < 1e-12);
}

#[test]
fn a_run_compared_with_itself_cannot_be_told_apart() {
    let project = Project::new();
    mini::write(&project);
    eval(&project, "first", &[]);
    let run = project.realign(&["compare", "first", "first"]).exits(11);
    insta::assert_snapshot!(run.out.trim_end());
}

#[test]
fn worse_responses_have_regressed() {
    let project = Project::new();
    mini::write(&project);
    eval(&project, "first", &[]);
    let worse = project.read("responses.jsonl").replace("Thanks for asking.", "Well, that is your fault.");
    project.write("responses.jsonl", worse);
    eval(&project, "second", &[]);
    let run = project.realign(&["compare", "first", "second"]).exits(10);
    assert!(run.out.contains("regressed"), "{}", run.out);
}

#[test]
fn another_threshold_makes_runs_not_comparable_and_names_the_detector() {
    let project = Project::new();
    mini::write(&project);
    eval(&project, "first", &[]);
    let moved = project.read("suite.toml").replacen("threshold = 0.5", "threshold = 0.6", 1);
    project.write("suite.toml", moved);
    eval(&project, "second", &[]);
    let run = project.realign(&["compare", "first", "second"]).exits(12);
    assert!(run.out.contains("not comparable") && run.out.contains("detector/thanks"), "{}", run.out);
}

#[test]
fn a_name_belongs_to_one_plan() {
    let project = Project::new();
    mini::write(&project);
    eval(&project, "first", &[]);
    let run = eval(&project, "first", &["--limit", "3"]).exits(2);
    assert!(run.err.contains("exists with another plan"), "{}", run.err);
}

#[test]
fn a_missing_response_is_named() {
    let project = Project::new();
    mini::write(&project);
    let all = project.read("responses.jsonl");
    project
        .write("responses.jsonl", all.lines().skip(1).map(|line| line.to_owned() + "\n").collect::<String>());
    let run = eval(&project, "first", &[]).exits(22);
    assert!(run.err.contains("family-0/plain"), "{}", run.err);
}

#[test]
fn runs_are_listed() {
    let project = Project::new();
    mini::write(&project);
    eval(&project, "first", &[]);
    let run = project.realign(&["runs", "--json"]).exits(0);
    let rows: Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(rows[0]["name"], "first");
    assert_eq!(rows[0]["state"], "finished");
}
