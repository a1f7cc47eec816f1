//! The engine and the small model through the binary.

use std::{fs, process::Command, thread, time::Duration};

use serde_json::{Value, json};

use crate::support::{Project, mini};

/// Responses to a few prompts with a number of workers.
fn generate(project: &Project, store: &str, workers: &str, prompts: usize) -> String {
    let prompt = |index: usize| {
        let content = format!("Name {index} animals.");
        json!({ "id": format!("p{index}"), "messages": [{ "role": "user", "content": content }] })
    };
    let input: String = (0..prompts).map(|index| prompt(index).to_string() + "\n").collect();
    project.write("in.jsonl", input);
    let output = format!("out-{store}.jsonl");
    let arguments =
        ["generate", "--model", "smollm2", "--input", "in.jsonl", "--output", &output, "--max-tokens", "12"];
    project
        .realign(
            &[
                &arguments[..],
                &["--temperature", "0.8", "--seed", "3", "--workers", workers, "--store", store],
            ]
            .concat(),
        )
        .exits(0);
    project.read(&output)
}

#[test]
fn the_model_knows_the_capital_of_france() {
    let Some(project) = Project::with_engine() else {
        return;
    };
    project.write(
        "in.jsonl",
        "{\"id\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"What is the capital of France?\"}]}\n",
    );
    project
        .realign(&[
            "generate",
            "--model",
            "smollm2",
            "--input",
            "in.jsonl",
            "--output",
            "out.jsonl",
            "--max-tokens",
            "24",
        ])
        .exits(0);
    let row: Value = serde_json::from_str(project.read("out.jsonl").trim()).expect("JSON");
    assert!(row["response"].as_str().expect("text").contains("Paris"), "{row}");
    assert_eq!(row["finish"], "end");
}

#[test]
fn one_worker_and_two_give_the_same_bytes() {
    let Some(project) = Project::with_engine() else {
        return;
    };
    assert_eq!(generate(&project, "one.db", "1", 20), generate(&project, "two.db", "2", 20));
}

#[test]
fn a_second_run_finds_its_batches_in_the_store() {
    let Some(project) = Project::with_engine() else {
        return;
    };
    let first = generate(&project, "runs.db", "1", 3);
    assert_eq!(first, generate(&project, "runs.db", "1", 3));
}

/// Starts the small suite on the real model.
fn eval(project: &Project, store: &str) -> Command {
    project.command(&[
        "eval",
        "suite.toml",
        "--model",
        "smollm2",
        "--name",
        "run",
        "--json",
        "--workers",
        "1",
        "--store",
        store,
    ])
}

#[test]
fn an_evaluation_killed_at_any_point_ends_with_the_same_bytes() {
    let Some(project) = Project::with_engine() else {
        return;
    };
    mini::write(&project);
    let whole = eval(&project, "whole.db").output().expect("it runs");
    assert!(!whole.stdout.is_empty(), "{}", String::from_utf8_lossy(&whole.stderr));
    for milliseconds in [300, 1500, 3500] {
        let mut child = eval(&project, "killed.db").spawn().expect("it starts");
        thread::sleep(Duration::from_millis(milliseconds));
        child.kill().expect("killed");
        child.wait().expect("gone");
    }
    let resumed = eval(&project, "killed.db").output().expect("it runs");
    assert_eq!(String::from_utf8_lossy(&resumed.stdout), String::from_utf8_lossy(&whole.stdout));
}

#[test]
fn a_killed_worker_is_replaced_and_changes_nothing() {
    let Some(project) = Project::with_engine() else {
        return;
    };
    let undisturbed = generate(&project, "calm.db", "1", 40);
    let arguments = [
        "generate",
        "--model",
        "smollm2",
        "--input",
        "in.jsonl",
        "--output",
        "out.jsonl",
        "--max-tokens",
        "12",
    ];
    let mut child = project
        .command(
            &[
                &arguments[..],
                &["--temperature", "0.8", "--seed", "3", "--workers", "1", "--store", "hit.db"],
            ]
            .concat(),
        )
        .spawn()
        .expect("it starts");
    let killed = (0..100).any(|_| {
        thread::sleep(Duration::from_millis(50));
        worker_of(child.id()).is_some_and(|worker| {
            thread::sleep(Duration::from_millis(1200));
            Command::new("kill").args(["-9", &worker]).status().is_ok_and(|status| status.success())
        })
    });
    assert!(killed, "a worker was found and killed");
    assert!(child.wait().expect("it ends").success());
    assert_eq!(project.read("out.jsonl"), undisturbed);
}

/// The first child process of a process.
fn worker_of(parent: u32) -> Option<String> {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
    children.split_whitespace().next().map(str::to_owned)
}

#[test]
fn model_files_that_are_no_models_are_refused_by_name() {
    let Some(project) = Project::with_engine() else {
        return;
    };
    project.write("in.jsonl", "{\"id\":\"a\",\"context\":\"b\",\"continuations\":[\"c\"]}\n");
    project.write("foreign.gguf", "PK\u{3}\u{4} this is a zip file");
    project.write("empty.gguf", "");
    let home = std::env::var_os("REALIGN_HOME").expect("with_engine looked");
    let whole = fs::read(std::path::Path::new(&home).join("models/SmolLM2-135M-Instruct.Q4_1.gguf"))
        .expect("the model");
    project.write("truncated.gguf", &whole[..whole.len() / 2]);
    for name in ["foreign.gguf", "empty.gguf", "truncated.gguf"] {
        let run = project
            .realign(&["score", "--model", name, "--input", "in.jsonl", "--output", "out.jsonl"])
            .exits(22);
        assert!(run.err.contains(name), "{}", run.err);
        assert_eq!(run.err.lines().filter(|line| line.starts_with("error:")).count(), 1, "{}", run.err);
        assert!(!project.path("out.jsonl").exists());
    }
}
