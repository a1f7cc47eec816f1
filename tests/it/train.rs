//! `train` through the binary: what a person can get wrong, and the real engine on a tiny random model.

use std::{fs, process::Command, thread, time::Duration};

use serde_json::{Value, json};

use crate::support::{Project, mini, tiny};

mod hosts;
mod interrupts;
mod members;
mod ranks;
mod references;
mod warnings;

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

const WATCH: &str = r#"
[watch]
suite = "suite.toml"
every = 12
held_out = ["offers"]
"#;

/// A training with a suite that watches: the families of the mini suite, as dev families.
fn watched(config: &str) -> Option<Project> {
    let project = real(config)?;
    write_suite(&project);
    Some(project)
}

fn write_suite(project: &Project) {
    mini::write(project);
    let scenarios =
        project.read("scenarios.jsonl").replace("\"spare", "\"kept").replace("\"test\"", "\"dev\"");
    project.write("scenarios.jsonl", scenarios.replace("\"train\"", "\"test\""));
}

#[test]
fn a_suite_watches_the_training_and_judges_what_comes_out() {
    let Some(project) = watched(&format!("{SFT}{WATCH}")) else { return };
    let run = train(&project, "sft", "run").output().expect("it runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let outcome: Value = serde_json::from_slice(&run.stdout).expect("JSON");
    let steps: Vec<&Value> =
        outcome["watched"].as_array().expect("a list").iter().map(|watched| &watched["step"]).collect();
    assert_eq!(steps, [0, 12, 24]);
    let numbers = &outcome["exported"]["numbers"];
    for name in ["adherence", "trait/offers", "facts/accuracy"] {
        assert!(numbers[name]["value"].is_number(), "{name}: {numbers:#}");
    }
    let runs = project.realign(&["runs"]).exits(0);
    for name in ["-before", "-step-12", "-step-24", "-exported"] {
        assert!(runs.out.contains(name), "{name}: {}", runs.out);
    }
}

#[test]
fn a_watched_training_killed_anywhere_ends_with_the_same_outcome() {
    let Some(project) = watched(&format!("{SFT}{WATCH}")) else { return };
    let whole = train(&project, "sft", "whole").output().expect("it runs");
    assert!(whole.status.success(), "{}", String::from_utf8_lossy(&whole.stderr));
    for milliseconds in [900, 1500, 2500, 3500] {
        let mut child =
            train(&project, "sft", "killed").args(["--store", "other.db"]).spawn().expect("it starts");
        thread::sleep(Duration::from_millis(milliseconds));
        child.kill().expect("killed");
        child.wait().expect("gone");
    }
    let resumed = train(&project, "sft", "killed").args(["--store", "other.db"]).output().expect("it runs");
    assert!(resumed.status.success(), "{}", String::from_utf8_lossy(&resumed.stderr));
    assert_eq!(adapter(&project, "killed"), adapter(&project, "whole"));
    assert_eq!(resumed.stdout, whole.stdout, "the same outcome, whatever was killed");
}

#[test]
fn an_evaluator_that_chose_pairs_cannot_watch_over_them() {
    let project = project(Project::new(), &format!("{PREFERENCE}{WATCH}"));
    write_suite(&project);
    let pair =
        json!({ "prompt": "Who?", "chosen": "We.", "rejected": "I.", "notes": { "chosen_by": ["offers"] } });
    let other = json!({ "prompt": "Where?", "chosen": "Here.", "rejected": "There." });
    project.write("pairs.jsonl", format!("{pair}\n{other}\n"));
    let run = project.realign(&["train", "preference", "train.toml", "--output", "run"]).exits(22);
    insta::assert_snapshot!(run.shown(), @r"
    exit 22
    error: pairs.jsonl line 1: the pair was chosen by trait `offers`, which watch.held_out names
     hint: an evaluator that chose cannot watch: name the traits that held_out of pairs.toml names
    ");
    project.write(
        "pairs.jsonl",
        format!("{other}\n{}\n", json!({ "prompt": "Who?", "chosen": "We.", "rejected": "I." })),
    );
    project.write("train.toml", project.read("train.toml").replace("\"offers\"", "\"offer\""));
    let run = project.realign(&["train", "preference", "train.toml", "--output", "run"]).exits(2);
    insta::assert_snapshot!(run.shown(), @r"
    exit 2
    error: train.toml: watch.held_out: the suite has no detector of a trait `offer`
    ");
}
