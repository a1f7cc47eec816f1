//! Models, and what they are asked.

use std::fs;

use super::{ANSWER, ROW};
use crate::support::{Project, mini};

#[test]
fn a_missing_model_file() {
    let project = Project::new();
    mini::write(&project);
    insta::assert_snapshot!(project.realign(&["eval", "suite.toml", "--model", "missing.gguf"]).shown());
}

/// Scores one row with a model file made from the small model's bytes; `None` where no engine is set up.
fn with_model_file(change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Option<String> {
    let project = Project::with_engine()?;
    project.write("in.jsonl", ROW);
    project.write("model.gguf", change(fs::read(project.small_model()).expect("the model")));
    let run = project.realign(&["score", "--model", "model.gguf", "--input", "in.jsonl", "--output", "out"]);
    assert!(!project.path("out").exists(), "nothing was computed, so nothing is written");
    Some(run.shown())
}

#[test]
fn a_model_file_that_is_something_else() {
    if let Some(shown) = with_model_file(|_| b"PK\x03\x04 this is a zip file".to_vec()) {
        insta::assert_snapshot!(shown);
    }
}

#[test]
fn a_model_file_of_no_bytes() {
    if let Some(shown) = with_model_file(|_| Vec::new()) {
        insta::assert_snapshot!(shown);
    }
}

#[test]
fn a_model_file_cut_in_its_header() {
    if let Some(shown) = with_model_file(|whole| whole[..5000].to_vec()) {
        insta::assert_snapshot!(shown);
    }
}

#[test]
fn a_model_file_cut_in_its_tensors() {
    if let Some(shown) = with_model_file(|whole| whole[..whole.len() / 2].to_vec()) {
        insta::assert_snapshot!(shown);
    }
}

#[test]
fn a_tensor_of_the_wrong_shape() {
    let shown = with_model_file(|mut whole| {
        let name = b"blk.3.attn_k.weight";
        let at = whole.windows(name.len()).position(|window| window == name).expect("the tensor");
        // Behind the name: the number of dimensions, then the dimensions.
        let rows = at + name.len() + 4 + 8;
        whole[rows..rows + 8].copy_from_slice(&96_u64.to_le_bytes());
        whole
    });
    if let Some(shown) = shown {
        insta::assert_snapshot!(shown);
    }
}

#[test]
fn a_tensor_whose_name_is_misspelt() {
    let shown = with_model_file(|mut whole| {
        let name = b"blk.3.attn_k.weight";
        let at = whole.windows(name.len()).position(|window| window == name).expect("the tensor");
        whole[at..at + name.len()].copy_from_slice(b"blk.3.atn_kk.weight");
        whole
    });
    if let Some(shown) = shown {
        insta::assert_snapshot!(shown);
    }
}

/// Generates from one line of input with recorded answers.
fn generated(line: &str, recorded: impl AsRef<[u8]>) -> String {
    let project = Project::new();
    project.write("in.jsonl", line);
    project.write("model.jsonl", recorded);
    let run = project.realign(&[
        "generate",
        "--model",
        "recorded:model.jsonl",
        "--input",
        "in.jsonl",
        "--output",
        "out.jsonl",
    ]);
    assert!(!project.path("out.jsonl").exists(), "{}", run.shown());
    run.shown()
}

#[test]
fn a_conversation_without_messages() {
    insta::assert_snapshot!(generated("{\"id\":\"a\",\"messages\":[]}\n", ANSWER));
}

#[test]
fn a_role_that_does_not_exist() {
    let line = "{\"id\":\"a\",\"messages\":[{\"role\":\"usr\",\"content\":\"Hi\"}]}\n";
    insta::assert_snapshot!(generated(line, ANSWER));
}

#[test]
fn recorded_answers_that_are_not_text() {
    let mut recorded = ANSWER.as_bytes().to_vec();
    recorded.extend(b"{\"id\":\"b\xff\",\"response\":\"no\"}\n");
    insta::assert_snapshot!(generated("{\"id\":\"a\",\"prompt\":\"Hi\"}\n", recorded));
}
