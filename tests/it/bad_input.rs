//! Every file that a person can get wrong: one line that names file, field and fix, and the right exit code.

use std::fs;

use crate::support::{Project, mini};

/// Runs the small suite after a change to it.
fn broken(change: impl FnOnce(&Project)) -> String {
    let project = Project::new();
    mini::write(&project);
    change(&project);
    let arguments =
        ["eval", "suite.toml", "--model", "recorded:responses.jsonl", "--items", "0", "--name", "run"];
    let run = project.realign(&arguments);
    assert!(run.out.is_empty(), "no result beside an error: {}", run.out);
    run.shown()
}

/// Runs the small suite after a replacement in one of its files.
fn edited(file: &str, from: &str, to: &str) -> String {
    broken(|project| {
        let text = project.read(file);
        assert!(text.contains(from), "{file} does not contain {from}");
        project.write(file, text.replacen(from, to, 1));
    })
}

#[test]
fn a_missing_suite() {
    insta::assert_snapshot!(broken(|project| fs::remove_file(project.path("suite.toml")).expect("removed")));
}

#[test]
fn a_misspelt_key_in_the_suite() {
    insta::assert_snapshot!(edited("suite.toml", "deploy_prompt", "deploy_promt"));
}

#[test]
fn an_unknown_plugin() {
    insta::assert_snapshot!(edited(
        "suite.toml",
        "plugin = \"trait-structure\"",
        "plugin = \"trait-structur\""
    ));
}

#[test]
fn a_component_file_that_is_missing() {
    insta::assert_snapshot!(edited("suite.toml", "plugin = \"trait-structure\"", "plugin = \"./mine.wasm\""));
}

#[test]
fn a_file_that_is_no_component() {
    let shown = broken(|project| {
        project.write("mine.wasm", "not WebAssembly");
        let text = project.read("suite.toml");
        project.write("suite.toml", text.replace("plugin = \"trait-structure\"", "plugin = \"./mine.wasm\""));
    });
    insta::assert_snapshot!(shown);
}

#[test]
fn a_plugin_of_the_wrong_kind() {
    insta::assert_snapshot!(edited("suite.toml", "plugin = \"trait-structure\"", "plugin = \"style-delta\""));
}

#[test]
fn a_setting_that_the_plugin_does_not_know() {
    insta::assert_snapshot!(edited("suite.toml", "where = \"anywhere\"", "were = \"anywhere\""));
}

#[test]
fn a_grant_of_a_question_that_does_not_exist() {
    insta::assert_snapshot!(edited(
        "suite.toml",
        "trait = \"team\"",
        "trait = \"team\"\ngrants = [\"chose\"]"
    ));
}

#[test]
fn a_trait_without_a_detector() {
    insta::assert_snapshot!(edited("suite.toml", "trait = \"blame\"", "trait = \"team\""));
}

#[test]
fn four_traits_are_too_few() {
    insta::assert_snapshot!(broken(|project| {
        let text = project.read("persona.toml");
        let end = text.rfind("[[traits]]").expect("a trait");
        project.write("persona.toml", &text[..end]);
    }));
}

#[test]
fn bytes_that_are_not_text() {
    insta::assert_snapshot!(broken(|project| {
        let mut bytes = project.read("scenarios.jsonl").into_bytes();
        bytes[40] = 0xff;
        project.write("scenarios.jsonl", bytes);
    }));
}

#[test]
fn an_empty_row() {
    insta::assert_snapshot!(edited("scenarios.jsonl", "\n", "\n\n"));
}

#[test]
fn a_duplicate_id() {
    insta::assert_snapshot!(edited("scenarios.jsonl", "family-1/plain", "family-0/plain"));
}

#[test]
fn a_family_in_two_splits() {
    insta::assert_snapshot!(broken(|project| {
        let text =
            project.read("scenarios.jsonl") + &mini::scenario("family-0/again", "family-0", "plain", "train");
        project.write("scenarios.jsonl", text);
    }));
}

#[test]
fn an_unknown_context_kind() {
    insta::assert_snapshot!(edited("scenarios.jsonl", "\"kind\":\"pressure\"", "\"kind\":\"presure\""));
}

#[test]
fn a_conversation_that_ends_with_the_assistant() {
    insta::assert_snapshot!(edited("scenarios.jsonl", "\"role\":\"user\"", "\"role\":\"assistant\""));
}

#[test]
fn a_missing_model_file() {
    let project = Project::new();
    mini::write(&project);
    insta::assert_snapshot!(project.realign(&["eval", "suite.toml", "--model", "missing.gguf"]).shown());
}

#[test]
fn a_store_that_cannot_be_written() {
    let project = Project::new();
    mini::write(&project);
    project.write("file", "");
    let arguments = [
        "eval",
        "suite.toml",
        "--model",
        "recorded:responses.jsonl",
        "--items",
        "0",
        "--store",
        "file/runs.db",
    ];
    insta::assert_snapshot!(project.realign(&arguments).shown());
}

#[test]
fn an_output_folder_that_is_missing_costs_nothing() {
    let project = Project::new();
    project.write("in.jsonl", "{\"id\":\"a\",\"context\":\"b\",\"continuations\":[\"c\"]}\n");
    project
        .write("model.jsonl", "{\"id\":\"a\",\"loglikelihood\":[-1.0],\"tokens\":[1],\"greedy\":[true]}\n");
    let arguments =
        ["score", "--model", "recorded:model.jsonl", "--input", "in.jsonl", "--output", "no/such/out.jsonl"];
    insta::assert_snapshot!(project.realign(&arguments).shown());
}

#[test]
fn a_full_disk_leaves_what_was_there() {
    // A device that refuses every byte stands for a full disk.
    if !std::path::Path::new("/dev/full").exists() {
        println!("skipped: this system has no /dev/full");
        return;
    }
    let project = Project::new();
    let command = format!("{} runs --help > /dev/full", env!("CARGO_BIN_EXE_realign"));
    let status = std::process::Command::new("sh")
        .args(["-c", &command])
        .current_dir(project.path(""))
        .status()
        .expect("sh starts");
    assert_eq!(status.code(), Some(23));
}
