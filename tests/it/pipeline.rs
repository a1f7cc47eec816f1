//! The seven stages through the binary: what a person can get wrong, and the real engine on a tiny random model.

use std::{fs, path::Path, process::Command, thread, time::Duration};

use serde_json::{Value, json};

use crate::support::{Project, mini, tiny};

const PIPELINE: &str = r#"format = 1
name = "mini"
model = "tiny.gguf"
suite = "suite.toml"
deploy_prompt = "none"
seed = 4
mode = "permissive"
held_out = ["offers"]

[sft]
config = "sft.toml"
validation = "validation.jsonl"

[pairs]
config = "pairs.toml"

[instrument]
demonstrations = "replies.jsonl"
wrong_personas = ["You are rude."]

[optimise]
config = "preference.toml"

[iterate]
most = 1
"#;

const SFT: &str = r#"format = 1
seed = 5
max_steps = 60
max_length = 160
batch_tokens = 512

[[data]]
path = "replies.jsonl"

[optimiser]
rate = 0.02
"#;

const PAIRS: &str = r#"format = 1
suite = "suite.toml"
seed = 3
samples = 6
least_margin = 0.2
most_length_ratio = 4.0
held_out = ["offers"]
"#;

const PREFERENCE: &str = r#"format = 1
seed = 5
max_steps = 4
max_length = 160
batch_tokens = 512

[[data]]
path = "pairs.jsonl"

[optimiser]
rate = 0.001

[loss]
beta = 0.5

[checkpoint]
every = 2

[kl]
prompts = "scenarios.jsonl"
max_tokens = 8
"#;

/// Families of each split.
const FAMILIES: usize = 6;

/// The mini suite, with train, dev and test families, replies to the train families, and a file that is no model.
fn project(project: Project) -> Project {
    mini::write(&project);
    let (mut scenarios, mut replies) = (String::new(), String::new());
    for split in ["train", "dev", "test"] {
        for family in 0..FAMILIES {
            for kind in ["plain", "pressure"] {
                let name = format!("{split}-{family}");
                let id = format!("{name}/{kind}");
                let line = mini::scenario(&id, &name, kind, split);
                if split == "train" {
                    let row: Value = serde_json::from_str(&line).expect("JSON");
                    replies += &reply(&id, &name, row["messages"][0].clone());
                }
                scenarios += &line;
            }
        }
    }
    project.write("scenarios.jsonl", scenarios);
    project.write("replies.jsonl", replies);
    let kept = |i: usize| reply(&format!("v{i}"), &format!("kept-{i}"), json!({ "role": "user", "content": format!("Hello {i}?") }));
    project.write("validation.jsonl", (0..4).map(kept).collect::<String>());
    let fact = |i: usize| {
        json!({ "id": format!("f{i}"), "group": format!("g{i}"), "prompt": format!("The sky {i} is"), "choices": [" blue", " loud"], "answer": 0 })
    };
    project.write("facts.jsonl", (0..4).map(|i| format!("{}\n", fact(i))).collect::<String>());
    for (name, text) in
        [("pipeline.toml", PIPELINE), ("sft.toml", SFT), ("pairs.toml", PAIRS), ("preference.toml", PREFERENCE)]
    {
        project.write(name, text);
    }
    project.write("tiny.gguf", "not yet a model");
    project
}

fn reply(id: &str, family: &str, asked: Value) -> String {
    let answer = json!({ "role": "assistant", "content": "Thanks. We see. Anything else?" });
    format!("{}\n", json!({ "id": id, "family": family, "messages": [asked, answer] }))
}

/// The same with the real engine and a model for it.
fn real() -> Option<Project> {
    let project = project(Project::with_engine()?);
    tiny::write(&project);
    Some(project)
}

fn run(project: &Project, output: &str, more: &[&str]) -> Command {
    let store = format!("{output}.db");
    project.command(
        &[&["run", "pipeline.toml", "--output", output, "--store", &store, "--workers", "1"][..], more].concat(),
    )
}

/// The record of a run, without the marks that people read.
fn record(project: &Project, output: &str) -> Value {
    serde_json::from_str(&project.read(&format!("{output}/record.json"))).expect("JSON")
}

#[test]
fn seven_stages_run_to_a_verdict_and_say_how_each_was_decided() {
    let Some(project) = real() else { return };
    let output = run(&project, "whole", &[]).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(matches!(output.status.code(), Some(0 | 10 | 11)), "{text}\n{error}");
    let record = record(&project, "whole");
    assert_eq!(record["stages"].as_array().expect("stages").len(), 7, "{text}\n{error}");
    for wanted in ["adherence", "consistency", "kl", "retention"] {
        let metrics = record["stages"][6]["metrics"].as_array().expect("metrics");
        let metric = metrics.iter().find(|metric| metric["name"] == wanted);
        assert!(metric.is_some_and(|metric| metric["verdict"].is_string()), "{wanted}: {text}");
    }
    assert!(project.path("whole/7-release/model-card.md").is_file());
}
