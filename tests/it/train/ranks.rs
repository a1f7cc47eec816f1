//! Several processes train together, through the binary: with the result of one, and after the loss of one.

use std::{
    fs,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use super::{KL, PREFERENCE, SFT, adapter, losses, project, real, train};
use crate::support::Project;

/// Steps of all rows of an epoch, with anchors. The update is smooth where gradients are almost 0, so that rounding
/// stays rounding.
const WHOLE_EPOCHS: &str = r#"format = 1
model = "tiny.gguf"
seed = 5
max_steps = 6
max_length = 96
batch_tokens = 4096

[[data]]
path = "rows.jsonl"

[[data]]
path = "general.jsonl"
role = "general"

[optimiser]
rate = 0.01
epsilon = 1e-3

[kl]
anchors = "prompts.jsonl"
anchor_rows = 3
weight = 0.5
max_tokens = 8
"#;

/// A supervised training to its end.
fn trained(project: &Project, output: &str, more: &[&str]) {
    ended(project, "sft", output, more);
}

fn ended(project: &Project, verb: &str, output: &str, more: &[&str]) {
    let run = train(project, verb, output).args(more).output().expect("it runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

/// The numbers of the adapter that came out.
fn numbers(project: &Project, output: &str) -> Vec<f32> {
    let bytes = adapter(project, output);
    let (length, rest) = bytes.split_first_chunk::<8>().expect("a header's length");
    let header = usize::try_from(u64::from_le_bytes(*length)).expect("a length");
    rest[header..]
        .chunks_exact(4)
        .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
        .collect()
}

/// Largest difference relative to the largest number.
fn difference(left: &[f32], right: &[f32]) -> f32 {
    assert_eq!(left.len(), right.len());
    let size = left.iter().fold(0.0_f32, |size, number| size.max(number.abs()));
    left.iter().zip(right).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) / size
}

#[test]
fn one_batch_many_batches_and_several_ranks_train_one_adapter() {
    let Some(project) = real(WHOLE_EPOCHS) else { return };
    trained(&project, "batch", &[]);
    // 13 rows: four ranks have 3 or 4 of them.
    trained(&project, "two", &["--ranks", "2"]);
    trained(&project, "four", &["--ranks", "4"]);
    project.write(
        "train.toml",
        WHOLE_EPOCHS.replace("batch_tokens = 4096", "batch_tokens = 2\naccumulate = 13"),
    );
    trained(&project, "batches", &[]);
    trained(&project, "shared", &["--ranks", "2"]);
    let alone = numbers(&project, "batch");
    for output in ["two", "four", "batches", "shared"] {
        let difference = difference(&alone, &numbers(&project, output));
        assert!(difference < 1e-5, "{output}: {difference}");
    }
    assert_eq!(losses(&project, "two").len(), 6);
}

#[test]
fn pairs_are_shared_with_their_references_and_reported_in_their_places() {
    let Some(project) = real(&PREFERENCE.replace("rate = 0.01", "rate = 0.01\nepsilon = 1e-3")) else {
        return;
    };
    ended(&project, "preference", "one", &[]);
    ended(&project, "preference", "three", &["--ranks", "3"]);
    let adapters = difference(&numbers(&project, "one"), &numbers(&project, "three"));
    assert!(adapters < 1e-5, "{adapters}");
    let margins = |output: &str| -> Vec<f32> {
        let text = project.read(&format!("{output}/steps.jsonl"));
        let margin =
            |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["margin"].as_f64();
        #[expect(clippy::cast_possible_truncation, reason = "they are compared as f32")]
        text.lines().map(|line| margin(line).expect("a margin") as f32).collect()
    };
    let margins = difference(&margins("one"), &margins("three"));
    assert!(margins < 1e-3, "{margins}");
}

#[test]
fn ranks_without_a_row_take_part() {
    // Each step has the one row that fits its batch.
    let Some(project) = real(&WHOLE_EPOCHS.replace("4096", "2")) else { return };
    trained(&project, "one", &[]);
    trained(&project, "three", &["--ranks", "3"]);
    let difference = difference(&numbers(&project, "one"), &numbers(&project, "three"));
    assert!(difference < 1e-5, "{difference}");
}

#[test]
fn two_runs_with_ranks_have_one_adapter_and_so_has_one_that_was_killed() {
    let Some(project) = real(SFT) else { return };
    let ranks = ["--ranks", "2"];
    trained(&project, "whole", &ranks);
    for milliseconds in [400, 700, 1000, 1300] {
        let mut child = train(&project, "sft", "killed").args(ranks).spawn().expect("it starts");
        thread::sleep(Duration::from_millis(milliseconds));
        child.kill().expect("killed");
        child.wait().expect("gone");
    }
    trained(&project, "killed", &ranks);
    assert_eq!(adapter(&project, "killed"), adapter(&project, "whole"));
    let other = train(&project, "sft", "killed").output().expect("it runs");
    assert_eq!(other.status.code(), Some(2));
    let said = String::from_utf8_lossy(&other.stderr).into_owned();
    assert!(said.contains("config.ranks was 2 and is 1"), "{said}");
}

/// Workers of a training.
fn workers(child: &Child) -> Vec<String> {
    let found = Command::new("pgrep").args(["-P", &child.id().to_string()]).output().expect("pgrep runs");
    String::from_utf8_lossy(&found.stdout).lines().map(str::to_owned).collect()
}

fn signal(process: &str, name: &str) {
    assert!(Command::new("kill").args([name, process]).status().expect("kill runs").success());
}

fn is_running(process: &str) -> bool {
    Command::new("kill").args(["-0", process]).stderr(Stdio::null()).status().expect("kill runs").success()
}

#[test]
fn a_rank_that_is_killed_or_stopped_ends_the_group_and_changes_nothing() {
    let Some(project) = real(&SFT.replace("max_steps = 24", "max_steps = 160")) else { return };
    // Five seconds instead of twenty until a process that stands still is taken for dead.
    let ranks = ["--ranks", "2", "--patience", "5"];
    trained(&project, "whole", &ranks);
    for (name, rank, said) in [("-KILL", 1, "killed by signal 9"), ("-STOP", 0, "no sign of life for 5 s")] {
        let output = name.trim_start_matches('-');
        let mut command = train(&project, "sft", output);
        let child =
            command.args(ranks).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it starts");
        let begun = (0..2000).any(|_| {
            thread::sleep(Duration::from_millis(10));
            fs::read_to_string(project.path(&format!("{output}/steps.jsonl")))
                .is_ok_and(|text| text.lines().count() > 5)
        });
        assert!(begun, "no step was taken");
        let workers = workers(&child);
        assert_eq!(workers.len(), 2);
        signal(&workers[rank], name);
        let ended = child.wait_with_output().expect("it ends");
        let notes = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(ended.status.success(), "{notes}");
        assert!(notes.contains("the engine worker died (rank ") && notes.contains(said), "{notes}");
        assert_eq!(adapter(&project, output), adapter(&project, "whole"));
        assert!(!workers.iter().any(|worker| is_running(worker)), "no rank is left behind");
    }
}

#[test]
fn divergence_is_measured_and_limited_with_ranks() {
    let Some(project) = real(&format!("{SFT}{KL}every = 6\nguard = \"rollback\"\n")) else { return };
    let run = train(&project, "sft", "run").args(["--ranks", "2"]).output().expect("it runs");
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    let passed = project.path("run/adapter").exists();
    assert_eq!(run.status.code(), Some(if passed { 0 } else { 10 }), "{said}");
    assert!(said.contains("back to step "), "the group began again at a checkpoint: {said}");
}

#[test]
fn what_cannot_be_meant_by_ranks_is_refused() {
    let project = project(Project::new(), SFT);
    let run = |arguments: &[&str], variable: Option<&str>| {
        let mut command = train(&project, "sft", "run");
        command.args(arguments).envs(variable.map(|name| (name, "0")));
        let output = command.output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
        format!("exit {}\n{said}", output.status.code().expect("a code"))
    };
    insta::assert_snapshot!(run(&["--ranks", "0"], None), @r"
    exit 2
    error: train.toml: ranks: 0 is outside 1 to 256
    ");
    insta::assert_snapshot!(run(&["--ranks", "257"], None), @r"
    exit 2
    error: train.toml: ranks: 257 is outside 1 to 256
    ");
    insta::assert_snapshot!(run(&[], Some("MLX_RANK")), @r"
    exit 2
    error: MLX_RANK is set and MLX_HOSTFILE is not
     hint: both say that this is one process of several, as `mlx.launch --backend ring` sets them; or unset it
    ");
    insta::assert_snapshot!(run(&["--ranks", "2"], Some("MLX_HOSTFILE")), @r"
    exit 2
    error: MLX_HOSTFILE is set and MLX_RANK is not
     hint: both say that this is one process of several, as `mlx.launch --backend ring` sets them; or unset it
    ");
    let many = run(&["--ranks", "256"], None);
    assert!(many.starts_with("exit 21\nnote: 256 ranks on "), "{many}");
}
