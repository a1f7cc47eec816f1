//! Every file that a person can get wrong: one line that names file, field and fix, and the right exit code.

use std::{fs, process::Command};

use crate::{
    hostile::assemble,
    support::{Project, disk::SmallDisk, mini},
};

/// One row to be scored.
const ROW: &str = "{\"id\":\"a\",\"context\":\"b\",\"continuations\":[\"c\"]}\n";

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

const ANSWER: &str = "{\"id\":\"a\",\"response\":\"yes\"}\n";

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
    project.write("in.jsonl", ROW);
    project
        .write("model.jsonl", "{\"id\":\"a\",\"loglikelihood\":[-1.0],\"tokens\":[1],\"greedy\":[true]}\n");
    let arguments =
        ["score", "--model", "recorded:model.jsonl", "--input", "in.jsonl", "--output", "no/such/out.jsonl"];
    insta::assert_snapshot!(project.realign(&arguments).shown());
}

#[test]
fn a_disk_that_is_full_before_the_run_is_stored() {
    let project = Project::new();
    mini::write(&project);
    let Some(disk) = SmallDisk::mount(&project, 96) else {
        return;
    };
    let eval = |store: &str| {
        let arguments = ["eval", "suite.toml", "--model", "recorded:responses.jsonl", "--items", "0"];
        project.realign(&[&arguments[..], &["--name", "run", "--json", "--store", store]].concat())
    };
    let full = eval("disk/runs.db");
    assert!(full.out.is_empty(), "a result that is not stored is none: {}", full.out);
    insta::assert_snapshot!(full.shown());
    // With more room the same command goes on and gives what it gives anywhere.
    disk.grow();
    assert_eq!(eval("disk/runs.db").out, eval("elsewhere.db").out);
    drop(disk);
}

#[test]
fn a_disk_that_is_full_when_scores_are_written_keeps_the_old_ones() {
    let project = Project::new();
    project.write("in.jsonl", ROW);
    project
        .write("model.jsonl", "{\"id\":\"a\",\"loglikelihood\":[-1.0],\"tokens\":[1],\"greedy\":[true]}\n");
    let Some(disk) = SmallDisk::mount(&project, 8) else {
        return;
    };
    project.write("disk/out.jsonl", "the scores of yesterday");
    let _ = fs::write(project.path("disk/rest"), [0; 16 << 10]);
    let run = project.realign(&[
        "score",
        "--model",
        "recorded:model.jsonl",
        "--input",
        "in.jsonl",
        "--output",
        "disk/out.jsonl",
    ]);
    assert_eq!(project.read("disk/out.jsonl"), "the scores of yesterday");
    insta::assert_snapshot!(run.shown());
    drop(disk);
}

#[test]
fn a_full_disk_leaves_what_was_there() {
    // A device that refuses every byte stands for a full disk.
    if !std::path::Path::new("/dev/full").exists() {
        println!("skipped: this system has no /dev/full");
        return;
    }
    let project = Project::new();
    for verb in ["runs --help", "plugin list", "plugin list --json"] {
        let command = format!("{} {verb} > /dev/full", env!("CARGO_BIN_EXE_realign"));
        let status = Command::new("sh")
            .args(["-c", &command])
            .current_dir(project.path(""))
            .env("REALIGN_HOME", project.path("home"))
            .status()
            .expect("sh starts");
        assert_eq!(status.code(), Some(23), "{verb}");
    }
}
