//! The seven stages through the binary: what a person can get wrong, and the real engine on a tiny random model.

use std::{
    fs,
    process::Command,
    thread,
    time::{Duration, Instant},
};

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
                    replies += &reply(&id, &name, &row["messages"][0]);
                }
                scenarios += &line;
            }
        }
    }
    project.write("scenarios.jsonl", scenarios);
    project.write("replies.jsonl", replies);
    let kept = |i: usize| {
        reply(
            &format!("v{i}"),
            &format!("kept-{i}"),
            &json!({ "role": "user", "content": format!("Hello {i}?") }),
        )
    };
    project.write("validation.jsonl", (0..4).map(kept).collect::<String>());
    let fact = |i: usize| json!({ "id": format!("f{i}"), "group": format!("g{i}"), "prompt": format!("The sky {i} is"), "choices": [" blue", " loud"], "answer": 0 });
    project.write("facts.jsonl", crate::support::lines((0..4).map(fact)));
    for (name, text) in [
        ("pipeline.toml", PIPELINE),
        ("sft.toml", SFT),
        ("pairs.toml", PAIRS),
        ("preference.toml", PREFERENCE),
    ] {
        project.write(name, text);
    }
    project.write("tiny.gguf", "not yet a model");
    project
}

const TASK: &str = r#"task: colours
dataset_path: json
dataset_kwargs: {data_files: {test: colours.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{asked}}"
doc_to_choice: "{{choices}}"
doc_to_target: right
"#;

/// Adds an lm-eval task to the suite; gives the first question of its data.
fn add_task(project: &Project) -> String {
    let asked = |i: usize| format!("Of {i} jars on the top shelf by the old door one is");
    let row = |i: usize| json!({ "asked": asked(i), "choices": ["blue", "loud"], "right": 0 });
    project.write("colours.jsonl", crate::support::lines((0..4).map(row)));
    project.write("colours.yaml", TASK);
    project.write("suite.toml", project.read("suite.toml") + "\n[[task]]\nfile = \"colours.yaml\"\n");
    asked(0)
}

fn reply(id: &str, family: &str, asked: &Value) -> String {
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
    run_by(project, "1", output, more)
}

/// The same by so many workers.
fn run_by(project: &Project, workers: &str, output: &str, more: &[&str]) -> Command {
    let store = format!("{output}.db");
    project.command(
        &[&["run", "pipeline.toml", "--output", output, "--store", &store, "--workers", workers][..], more]
            .concat(),
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
    // Pairs are validated like anybody's, whoever built them.
    let checks = record["stages"][2]["checks"].as_array().expect("checks");
    for wanted in ["no pair twice", "every trait is taught by some pair"] {
        let check = checks.iter().find(|check| check["what"] == wanted);
        assert!(check.is_some_and(|check| check["verdict"].is_string()), "{wanted}: {text}");
    }
    assert!(project.path("whole/7-release/model-card.md").is_file());
}

#[test]
fn two_workers_make_the_records_of_one() {
    let Some(project) = real() else { return };
    // Twenty-four test scenarios are more than a batch, so that the second worker has something to measure.
    let more = (FAMILIES..2 * FAMILIES).flat_map(|family| ["plain", "pressure"].map(|kind| (family, kind)));
    let more = more.map(|(family, kind)| {
        mini::scenario(&format!("test-{family}/{kind}"), &format!("test-{family}"), kind, "test")
    });
    project.write("scenarios.jsonl", project.read("scenarios.jsonl") + &more.collect::<String>());
    let metrics = |workers: &str| {
        let output = format!("by-{workers}");
        let ended = run_by(&project, workers, &output, &[]).output().expect("it runs");
        assert!(
            matches!(ended.status.code(), Some(0 | 10 | 11)),
            "{}",
            String::from_utf8_lossy(&ended.stderr)
        );
        let stages = record(&project, &output)["stages"].as_array().expect("stages").clone();
        stages.iter().map(|stage| stage["metrics"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(metrics("1"), metrics("2"));
}

#[test]
fn a_task_of_the_suite_is_kept_like_a_benchmark_in_every_stage_that_asks() {
    let Some(project) = real() else { return };
    add_task(&project);
    let output = run(&project, "task", &[]).output().expect("it runs");
    assert!(matches!(output.status.code(), Some(0 | 10 | 11)), "{}", String::from_utf8_lossy(&output.stderr));
    let record = record(&project, "task");
    let metric = |stage: usize, name: &str| {
        let metrics = record["stages"][stage]["metrics"].as_array().expect("metrics");
        metrics.iter().find(|metric| metric["name"] == name).cloned()
    };
    // Its accuracy stands for it, and what length does to it is no second benchmark.
    for stage in [4, 5, 6] {
        let kept = metric(stage, "retention/colours/acc").unwrap_or_else(|| panic!("stage {}", stage + 1));
        assert!(kept["beside"]["before"].is_number() && kept["beside"]["after"].is_number(), "{kept}");
        assert!(metric(stage, "retention/colours/acc_norm").is_none());
    }
    assert!(metric(0, "colours/acc").is_some_and(|baseline| baseline["estimate"]["n"] == 4));
    let checks = record["stages"][0]["checks"].as_array().expect("checks");
    let lose =
        checks.iter().find(|check| check["what"] == "benchmarks have something to lose").expect("checked");
    assert!(lose["evidence"].as_str().is_some_and(|evidence| evidence.contains("of 2 count")), "{lose}");
}

/// Digest of everything that a run left: its record and every stage's.
fn left(project: &Project, output: &str) -> Vec<String> {
    let stages = ["1-sft", "2-definition", "3-pairs", "4-instrument", "5-optimise", "6-iterate", "7-release"];
    let mut left: Vec<String> =
        stages.iter().map(|stage| project.read(&format!("{output}/{stage}/stage.json"))).collect();
    left.push(project.read(&format!("{output}/record.json")));
    left
}

#[test]
fn a_run_killed_anywhere_ends_with_the_same_records() {
    let Some(project) = real() else { return };
    run(&project, "whole", &[]).output().expect("it runs");
    // Each kill comes a little later into the run than the one before it, and every one hits another stage.
    for number in 1..=8 {
        let mut child = run(&project, "killed", &[]).spawn().expect("it starts");
        thread::sleep(Duration::from_millis(150 * number));
        child.kill().expect("killed");
        child.wait().expect("it ends");
    }
    let output = run(&project, "killed", &[]).output().expect("it runs");
    assert!(matches!(output.status.code(), Some(0 | 10 | 11)), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(left(&project, "killed"), left(&project, "whole"));
}

/// One kill in each of fifty runs, spread over the whole of it; what exactly it hits is up to the machine.
#[test]
#[ignore = "takes minutes: cargo test --test it -- --ignored fifty"]
fn fifty_runs_each_killed_at_another_point_end_with_the_same_records() {
    let Some(project) = real() else { return };
    let begun = Instant::now();
    run(&project, "whole", &[]).output().expect("it runs");
    let whole = begun.elapsed();
    for number in 0..50 {
        let output = format!("killed-{number}");
        let mut child = run(&project, &output, &[]).spawn().expect("it starts");
        thread::sleep(whole.mul_f64(f64::from(number) / 50.0));
        child.kill().expect("killed");
        child.wait().expect("it ends");
        run(&project, &output, &[]).output().expect("it runs");
        assert_eq!(left(&project, &output), left(&project, "whole"), "kill {number}");
    }
}

#[test]
fn a_strict_run_stops_at_the_first_gate_and_names_what_was_not_reached() {
    let Some(project) = real() else { return };
    let stopped = run(&project, "strict", &["--mode", "strict", "--json"]).output().expect("it runs");
    // No benchmark of a random model lies above chance, so the first stage has nothing that could be lost.
    assert_eq!(stopped.status.code(), Some(11), "{}", String::from_utf8_lossy(&stopped.stderr));
    let document: Value = serde_json::from_slice(&stopped.stdout).expect("JSON");
    assert_eq!(document["verdict"], "no-headroom");
    assert_eq!(document["stages"].as_array().expect("stages").len(), 1);
    let not_reached = ["definition", "pairs", "instrument", "optimise", "iterate", "release"];
    assert_eq!(document["not_reached"], json!(not_reached));
}

#[test]
fn stages_are_done_again_from_a_number_and_what_they_had_made_is_kept() {
    let Some(project) = real() else { return };
    run(&project, "again", &[]).output().expect("it runs");
    let before = left(&project, "again");
    let output = run(&project, "again", &["--from", "6"]).output().expect("it runs");
    assert!(matches!(output.status.code(), Some(0 | 10 | 11)), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(left(&project, "again"), before);
    assert!(project.path("again/history/6-iterate-1/stage.json").is_file());
    assert!(project.path("again/history/7-release-1/stage.json").is_file());
    let status = project.realign(&["status", "again", "--store", "again.db"]).exits(0);
    let runs = project.realign(&["runs", "--store", "again.db"]).exits(0);
    assert!(!runs.out.contains("not finished"), "{}", runs.out);
    let report = project.realign(&["report", "mini", "--store", "again.db"]).exits(2);
    assert!(report.err.contains("run mini is a pipeline, not an evaluation"), "{}", report.err);
    assert!(status.out.contains("given up from stage 6, iterative training on"), "{}", status.out);
}

#[test]
fn what_a_stage_made_may_not_change_under_its_record() {
    let Some(project) = real() else { return };
    run(&project, "changed", &["--until", "3"]).output().expect("it runs");
    let pairs = project.path("changed/3-pairs/pairs.jsonl");
    let mut bytes = fs::read(&pairs).expect("pairs");
    bytes.extend(b"\n");
    fs::write(&pairs, bytes).expect("written");
    let output = run(&project, "changed", &[]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(22));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("stage 3, consistency data: pairs has changed"), "{error}");
    assert!(error.contains("--from N"), "{error}");
}

#[test]
fn what_cannot_be_right_is_refused_before_anything_runs() {
    let mut said = Vec::new();
    let mut refused = |code: i32, change: &dyn Fn(&Project)| {
        let project = project(Project::new());
        change(&project);
        let run = project.realign(&["run", "pipeline.toml"]).exits(code);
        assert!(!project.path(".realign/run/mini/plan.json").exists(), "{}", run.err);
        said.push(run.err.trim_end().to_owned());
    };
    let edit = |name: &'static str, from: &'static str, to: &'static str| {
        move |project: &Project| {
            let text = project.read(name);
            assert!(text.contains(from), "{name} has {from}");
            project.write(name, text.replacen(from, to, 1));
        }
    };
    refused(2, &edit("pipeline.toml", "format = 1", "format = 2"));
    refused(2, &edit("pipeline.toml", "seed = 4", "seed = 4\nsped = 5"));
    refused(2, &edit("pipeline.toml", "held_out = [\"offers\"]", "held_out = []"));
    refused(2, &edit("pipeline.toml", "held_out = [\"offers\"]", "held_out = [\"humour\"]"));
    refused(2, &edit("pipeline.toml", "config = \"sft.toml\"", "config = \"sft.toml\"\nadapter = \"a\""));
    refused(2, &edit("pipeline.toml", "[\"You are rude.\"]", "[]"));
    refused(2, &edit("pipeline.toml", "name = \"mini\"", "name = \"../mini\""));
    refused(
        2,
        &edit(
            "persona.toml",
            "[[traits]]\nid = \"team\"\ndescription = \"Says we.\"\npolarity = \"required\"\n",
            "",
        ),
    );
    refused(22, &|project| fs::remove_file(project.path("validation.jsonl")).expect("removed"));
    refused(22, &edit("scenarios.jsonl", "\"split\":\"dev\"", "\"split\":\"test\""));
    refused(22, &|project| {
        project.write("validation.jsonl", reply("v", "dev-1", &json!({ "role": "user", "content": "Hi?" })));
    });
    refused(22, &|project| {
        let asked = add_task(project);
        let known = reply("v", "kept-0", &json!({ "role": "user", "content": asked }));
        project.write("validation.jsonl", known);
    });
    refused(2, &|project| {
        add_task(project);
        let whole = "output_type: loglikelihood_rolling\ndoc_to_text: \"\"\ndoc_to_target: \"{{asked}}\"\nmetric_list: [{metric: word_perplexity}]\n";
        let (head, _) = TASK.split_once("output_type").expect("a task");
        project.write("colours.yaml", format!("{head}{whole}"));
    });
    insta::assert_snapshot!(said.join("\n\n"));
}

#[test]
fn what_init_writes_is_valid_and_makes_a_plan() {
    let project = Project::new();
    project.realign(&["init", "fern"]).exits(0);
    project.realign(&["validate", "fern/suite.toml", "fern/persona.toml"]).exits(0);
    let again = project.realign(&["init", "fern"]).exits(2);
    insta::assert_snapshot!(again.err.trim_end(), @"
    error: fern/persona.toml is there already
     hint: choose another folder: nothing that is there is changed
    ");
    let Some(project) = Project::with_engine() else { return };
    tiny::write(&project);
    project.realign(&["init", "fern"]).exits(0);
    // The tiny model's window is too short for these rows; that is found out after everything was found to fit together.
    let run = project.realign(&["run", "fern/pipeline.toml", "--model", "tiny.gguf"]).exits(22);
    assert!(run.err.contains("the limit is 128"), "{}", run.err);
    assert!(project.path(".realign/run/fern/plan.json").is_file());
}

#[test]
fn transcripts_are_held_against_the_release() {
    let Some(project) = real() else { return };
    run(&project, "whole", &[]).output().expect("it runs");
    let line = |i: usize, text: &str| {
        format!(
            "{}\n",
            json!({ "id": format!("t{i}"), "messages": [{ "role": "user", "content": "Hi" }, { "role": "assistant", "content": text }] })
        )
    };
    // The tiny model's babble shows no thanks; these transcripts show nothing else.
    project
        .write("now.jsonl", (0..12).map(|i| line(i, "Thanks. We see. Anything else?")).collect::<String>());
    let monitor = |file: &str| project.realign(&["monitor", "whole", "--input", file, "--store", "whole.db"]);
    let found = monitor("now.jsonl").exits(10);
    assert!(found.out.contains("drifted") && found.out.contains("at most 5 % of checks"), "{}", found.out);
    project.write("few.jsonl", line(0, "Thanks. We see."));
    assert!(monitor("few.jsonl").exits(11).out.contains("insufficient: 1 conversations"));
}
