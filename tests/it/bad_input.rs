//! Every file that a person can get wrong: one line that names file, field and fix, and the right exit code.
//!
//! Suites, plugins and data here; [`models`] and requests to them; [`outputs`], stores and full disks.

mod models;
mod outputs;

use std::fs;

use crate::{
    hostile::assemble,
    support::{Project, mini},
};

/// One row to be scored.
const ROW: &str = "{\"id\":\"a\",\"context\":\"b\",\"continuations\":[\"c\"]}\n";

/// One recorded answer.
const ANSWER: &str = "{\"id\":\"a\",\"response\":\"yes\"}\n";

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
    insta::assert_snapshot!(with_component(b"not WebAssembly"));
}

/// Runs the small suite with the component of one detector replaced.
fn with_component(wasm: &[u8]) -> String {
    broken(|project| {
        project.write("mine.wasm", wasm);
        let text = project.read("suite.toml");
        project.write("suite.toml", text.replace("plugin = \"trait-structure\"", "plugin = \"./mine.wasm\""));
    })
}

#[test]
fn a_component_that_imports_something() {
    let wasm = wat::parse_str(
        r#"(component (import "wasi:filesystem/preopens@0.2.0" (instance (export "get-directories" (func)))))"#,
    );
    insta::assert_snapshot!(with_component(&wasm.expect("a component")));
}

#[test]
fn a_component_of_another_contract() {
    insta::assert_snapshot!(with_component(&wat::parse_str("(component)").expect("a component")));
}

#[test]
fn a_component_that_is_cut() {
    let whole = assemble::guest("honest");
    insta::assert_snapshot!(with_component(&whole[..whole.len() / 2]));
}

#[test]
fn a_module_that_was_not_made_a_component() {
    insta::assert_snapshot!(with_component(&wat::parse_str("(module)").expect("a module")));
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
fn a_misspelt_key_in_the_persona() {
    insta::assert_snapshot!(edited("persona.toml", "polarity", "polarty"));
}

#[test]
fn a_suite_that_is_no_toml() {
    insta::assert_snapshot!(edited("suite.toml", "seed = 7", "seed = seven"));
}

#[test]
fn a_threshold_that_is_no_share() {
    insta::assert_snapshot!(edited("suite.toml", "threshold = 0.99", "threshold = 99"));
}

#[test]
fn a_metric_that_the_benchmark_does_not_have() {
    insta::assert_snapshot!(edited("suite.toml", "metric = \"accuracy\"", "metric = \"acuracy\""));
}

#[test]
fn a_misspelt_field_in_a_row_of_texts() {
    insta::assert_snapshot!(edited("exemplars.jsonl", "\"use\"", "\"uze\""));
}

#[test]
fn a_file_without_rows() {
    insta::assert_snapshot!(broken(|project| project.write("contrast.jsonl", "")));
}

#[test]
fn a_row_that_the_benchmark_cannot_use_is_found_before_the_model_is_asked() {
    let project = Project::new();
    mini::write(&project);
    project.write("facts.jsonl", project.read("facts.jsonl").replace("\"choices\"", "\"choises\""));
    // There is no answer to any request in here.
    project.write("responses.jsonl", ANSWER);
    let run = project.realign(&["eval", "suite.toml", "--model", "recorded:responses.jsonl"]);
    insta::assert_snapshot!(run.shown());
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
fn eleven_traits_are_too_many() {
    insta::assert_snapshot!(broken(|project| {
        let more = (6..=11).map(|number| {
            format!("\n[[traits]]\nid = \"trait-{number}\"\ndescription = \"One more.\"\npolarity = \"required\"\n")
        });
        let text = project.read("persona.toml") + &more.collect::<String>();
        project.write("persona.toml", text);
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
