//! The engine and the small model through the binary.

use std::{
    fs,
    os::unix::process::ExitStatusExt as _,
    process::{Child, Command},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{grants, support::Project};

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

/// The small suite on the real model, with a detector that asks it too.
fn eval(project: &Project, store: &str) -> Command {
    let arguments = ["eval", "suite.toml", "--model", "smollm2", "--name", "run", "--json"];
    project.command(&[&arguments[..], &["--workers", "1", "--store", store]].concat())
}

/// Waits until a store keeps `batches`, which a process that is still running must bring about.
fn wait_for(project: &Project, store: &str, batches: usize, child: &mut Child) {
    while project.batches(store) < batches {
        assert_eq!(child.try_wait().expect("a child"), None, "it ended before {batches} batches were kept");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn an_evaluation_killed_at_any_point_ends_with_the_same_bytes() {
    let Some(project) = Project::with_engine() else {
        return;
    };
    grants::write(&project, "grants = [\"generate\"]");
    let whole = eval(&project, "whole.db").output().expect("it runs");
    assert!(!whole.stdout.is_empty(), "{}", String::from_utf8_lossy(&whole.stderr));
    let total = project.batches("whole.db");
    assert!(total >= 6, "{total} batches leave no room to be killed in");
    for batches in [1, total / 2, total - 2] {
        let mut child = eval(&project, "killed.db").spawn().expect("it starts");
        wait_for(&project, "killed.db", batches, &mut child);
        child.kill().expect("killed");
        assert_eq!(child.wait().expect("gone").signal(), Some(9), "it ended by itself");
        let kept = project.batches("killed.db");
        assert!((batches..total).contains(&kept), "{kept} of {total} batches were kept when it was killed");
        let runs = project.realign(&["runs", "--json", "--store", "killed.db"]).exits(0).out;
        assert!(runs.contains("\"running\""), "the run was finished before it was killed: {runs}");
    }
    let resumed = eval(&project, "killed.db").output().expect("it runs");
    assert_eq!(String::from_utf8_lossy(&resumed.stdout), String::from_utf8_lossy(&whole.stdout));
    assert_eq!(project.batches("killed.db"), total);
    let (found, wanted) = (project.results("killed.db"), project.results("whole.db"));
    assert!(wanted.len() > 24, "{} rows are less than a record and its responses", wanted.len());
    assert_eq!(found, wanted, "what is stored beside the record differs");
}

/// Sends `signal` to the only worker of a running `generate` in the middle of a batch, checks that another worker takes
/// over, and gives the responses.
fn disturbed(project: &Project, store: &str, signal: &str, total: usize) -> String {
    let arguments = ["generate", "--model", "smollm2", "--input", "in.jsonl", "--output", "out.jsonl"];
    let decoding = ["--max-tokens", "12", "--temperature", "0.8", "--seed", "3"];
    let place = ["--workers", "1", "--patience", "20", "--store", store];
    let mut child =
        project.command(&[&arguments[..], &decoding, &place].concat()).spawn().expect("it starts");
    wait_for(project, store, 1, &mut child);
    let worker = worker_of(child.id()).expect("a running generate has a worker");
    // A stopped worker finishes nothing, so the batch that is missing now is missing when the signal comes: the host has
    // handed it out.
    send("STOP", &worker);
    assert!(project.batches(store) < total, "every batch was finished before the worker was disturbed");
    send(signal, &worker);
    let replaced = loop {
        match worker_of(child.id()) {
            Some(other) if other != worker => break true,
            _ if child.try_wait().expect("a child").is_some() => break false,
            _ => thread::sleep(Duration::from_millis(20)),
        }
    };
    assert!(replaced, "nobody took over from the worker");
    assert!(child.wait().expect("it ends").success());
    project.read("out.jsonl")
}

#[test]
fn a_killed_worker_is_replaced_and_changes_nothing() {
    let Some(project) = Project::with_engine() else {
        return;
    };
    let undisturbed = generate(&project, "calm.db", "1", 40);
    let total = project.batches("calm.db");
    assert_eq!(disturbed(&project, "hit.db", "KILL", total), undisturbed);
}

#[test]
fn a_worker_that_hangs_is_replaced_and_changes_nothing() {
    let Some(project) = Project::with_engine() else {
        return;
    };
    let undisturbed = generate(&project, "calm.db", "1", 40);
    let total = project.batches("calm.db");
    assert_eq!(disturbed(&project, "hung.db", "STOP", total), undisturbed);
}

fn send(signal: &str, process: &str) {
    let sent = Command::new("kill").args(["-s", signal, process]).status();
    assert!(sent.is_ok_and(|status| status.success()), "{signal} cannot be sent to {process}");
}

/// A child of a process, whichever of its threads started it.
fn worker_of(parent: u32) -> Option<String> {
    let threads = fs::read_dir(format!("/proc/{parent}/task")).ok()?;
    let children = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("children")).ok();
    let children: String = threads.filter_map(Result::ok).filter_map(children).collect();
    children.split_whitespace().next().map(str::to_owned)
}
