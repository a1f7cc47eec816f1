//! `train` through the binary: what a person can get wrong, and the real engine on a tiny random model.

use std::{fs, process::Command, thread, time::Duration};

use serde_json::{Value, json};

use crate::support::{Project, tiny};

const SFT: &str = r#"format = 1
model = "tiny.gguf"
seed = 5
max_steps = 24
max_length = 96
batch_tokens = 192

[[data]]
path = "rows.jsonl"

[[data]]
path = "general.jsonl"
role = "general"

[optimiser]
rate = 0.01

[checkpoint]
every = 4
"#;

const PREFERENCE: &str = r#"format = 1
model = "tiny.gguf"
seed = 5
epochs = 2
max_length = 96
batch_tokens = 256

[[data]]
path = "pairs.jsonl"

[optimiser]
rate = 0.01

[loss]
beta = 0.5
"#;

const KL: &str = r#"
[kl]
limit = 0.05
prompts = "prompts.jsonl"
max_tokens = 8
"#;

/// A configuration with data, and a file that is no model.
fn project(project: Project, config: &str) -> Project {
    let row = |id: String, answer: &str| json!({ "id": id, "prompt": "Who is there?", "completion": answer });
    let lines =
        |rows: Vec<Value>| rows.iter().flat_map(|row| [row.to_string(), "\n".to_owned()]).collect::<String>();
    let answers = ["We are.", "It is us, the harbor.", "Us."];
    project.write("rows.jsonl", lines((0..9).map(|i| row(format!("r{i}"), answers[i % 3])).collect()));
    project.write(
        "general.jsonl",
        lines((0..6).map(|i| row(format!("g{i}"), "Two and two is four.")).collect()),
    );
    let pair = |i: usize| json!({ "prompt": format!("Who is {i}?"), "chosen": answers[i % 3], "rejected": format!("me {i}") });
    project.write("pairs.jsonl", lines((0..8).map(pair).collect()));
    let prompt = |i: usize| json!({ "id": format!("k{i}"), "messages": [{ "role": "user", "content": format!("Hi {i}") }] });
    project.write("prompts.jsonl", lines((0..12).map(prompt).collect()));
    project.write("train.toml", config);
    project.write("tiny.gguf", "not yet a model");
    project
}

/// The same with the real engine and a model for it.
fn real(config: &str) -> Option<Project> {
    let project = project(Project::with_engine()?, config);
    tiny::write(&project);
    Some(project)
}

/// Runs a training that has to fail before it needs an engine.
fn broken(verb: &str, change: impl FnOnce(&Project)) -> String {
    let project = project(Project::new(), if verb == "sft" { SFT } else { PREFERENCE });
    change(&project);
    project.realign(&["train", verb, "train.toml", "--output", "run"]).shown()
}

fn edited(verb: &str, file: &str, from: &str, to: &str) -> String {
    broken(verb, |project| {
        let text = project.read(file);
        assert!(text.contains(from), "{file} does not contain {from}");
        project.write(file, text.replacen(from, to, 1));
    })
}

#[test]
fn what_a_person_can_get_wrong_is_named_with_file_line_and_field() {
    let shown = [
        edited("sft", "train.toml", "rate = 0.01", "rat = 0.01"),
        edited("sft", "train.toml", "[checkpoint]", "[adapter]\nmodules = [\"q_proj\"]\n\n[checkpoint]"),
        edited("sft", "train.toml", "rows.jsonl", "missing.jsonl"),
        edited("sft", "train.toml", "tiny.gguf", "missing.gguf"),
        edited("sft", "train.toml", "model = \"tiny.gguf\"\n", ""),
        edited("sft", "rows.jsonl", "completion", "completions"),
        edited("sft", "rows.jsonl", "\"We are.\"", "\" \""),
        broken("sft", |project| project.write("rows.jsonl", "")),
        edited("preference", "pairs.jsonl", "\"rejected\":\"me 0\"", "\"rejected\":\"We are.\""),
        edited("preference", "train.toml", "beta = 0.5", "gamma = 0.5"),
    ];
    insta::assert_snapshot!(shown.join("\n\n"));
}

#[test]
fn a_training_on_a_machine_without_an_engine_says_what_to_do() {
    let run = project(Project::new(), SFT).realign(&["train", "sft", "train.toml"]).exits(21);
    assert!(run.err.contains("cargo xtask setup"), "{}", run.err);
}

/// Bytes of the adapter that came out.
fn adapter(project: &Project, output: &str) -> Vec<u8> {
    fs::read(project.path(output).join("adapter/adapters.safetensors")).expect("an adapter")
}

fn train(project: &Project, verb: &str, output: &str) -> Command {
    project.command(&["train", verb, "train.toml", "--output", output, "--json"])
}

fn losses(project: &Project, output: &str) -> Vec<f64> {
    let text = project.read(&format!("{output}/steps.jsonl"));
    text.lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["loss"].as_f64().expect("a loss"))
        .collect()
}

#[test]
fn the_engine_learns_and_two_runs_have_one_adapter() {
    let Some(project) = real(SFT) else { return };
    for output in ["one", "two"] {
        let run = train(&project, "sft", output).output().expect("it runs");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    }
    assert_eq!(adapter(&project, "one"), adapter(&project, "two"));
    let losses = losses(&project, "one");
    assert_eq!(losses.len(), 24);
    assert!(losses[20..].iter().sum::<f64>() < 0.7 * losses[..4].iter().sum::<f64>(), "{losses:?}");
}

#[test]
fn what_came_out_is_read_again_behind_a_plus() {
    let Some(project) = real(SFT) else { return };
    let run = train(&project, "sft", "one").output().expect("it runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    project.write("in.jsonl", "{\"id\":\"a\",\"context\":\"Who\",\"continuations\":[\" is\"]}\n");
    let score = |model: &str| {
        project
            .realign(&["score", "--model", model, "--input", "in.jsonl", "--output", "out.jsonl"])
            .exits(0);
        project.read("out.jsonl")
    };
    assert_ne!(score("tiny.gguf"), score("tiny.gguf+one/adapter"));
}

#[test]
fn a_training_killed_anywhere_ends_with_the_same_adapter() {
    let Some(project) = real(SFT) else { return };
    let whole = train(&project, "sft", "whole").output().expect("it runs");
    assert!(whole.status.success(), "{}", String::from_utf8_lossy(&whole.stderr));
    for milliseconds in [200, 500, 700, 900, 1100] {
        let mut child = train(&project, "sft", "killed").spawn().expect("it starts");
        thread::sleep(Duration::from_millis(milliseconds));
        child.kill().expect("killed");
        child.wait().expect("gone");
    }
    let resumed = train(&project, "sft", "killed").output().expect("it runs");
    assert!(resumed.status.success(), "{}", String::from_utf8_lossy(&resumed.stderr));
    assert_eq!(adapter(&project, "killed"), adapter(&project, "whole"));
}

#[test]
fn ctrl_c_leaves_a_checkpoint_and_the_same_command_goes_on() {
    let Some(project) = real(&SFT.replace("max_steps = 24", "max_steps = 4000")) else { return };
    let child = train(&project, "sft", "run").spawn().expect("it starts");
    let begun = (0..200).any(|_| {
        thread::sleep(Duration::from_millis(50));
        fs::read_to_string(project.path("run/steps.jsonl")).is_ok_and(|text| text.lines().count() > 2)
    });
    assert!(begun, "no step was taken");
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(status.success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    let steps = losses(&project, "run").len();
    assert!(project.path(&format!("run/checkpoint-{steps:07}/state.json")).is_file());
    assert!(!project.path("run/adapter").exists());
}

#[test]
fn the_engine_prefers_what_it_is_shown_from_the_logarithm_of_two() {
    let Some(project) = real(PREFERENCE) else { return };
    let run = train(&project, "preference", "run").output().expect("it runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let losses = losses(&project, "run");
    assert!((losses[0] - 2.0_f64.ln()).abs() < 1e-5, "{losses:?}");
    assert!(losses[losses.len() - 1] < losses[0], "{losses:?}");
}

#[test]
fn an_adapter_comes_out_only_under_the_limit_of_its_divergence() {
    let Some(project) = real(&format!("{SFT}{KL}")) else { return };
    let run = train(&project, "sft", "run").output().expect("it runs");
    let outcome: Value = serde_json::from_slice(&run.stdout).expect("one JSON document");
    let kl = &outcome["metrics"][0];
    let passed = kl["bound"].as_f64().expect("a bound") <= 0.05 && kl["verdict"] == "pass";
    assert_eq!(run.status.code(), Some(if passed { 0 } else { 10 }), "{outcome:#}");
    assert_eq!(project.path("run/adapter").exists(), passed);
    let picture = project.read("run/frontier.svg");
    assert!(picture.starts_with("<svg") && picture.contains("limit 0.05"), "{picture}");
    assert_eq!(project.path("run/adapter-over-limit").exists(), !passed);
}
