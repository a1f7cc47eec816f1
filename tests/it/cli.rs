//! Help, usage errors and exit codes.

use crate::support::Project;

const VERBS: [&[&str]; 22] = [
    &["doctor"],
    &["score"],
    &["generate"],
    &["eval"],
    &["compare"],
    &["leaderboard"],
    &["history"],
    &["report"],
    &["verify"],
    &["validate"],
    &["runs"],
    &["train", "sft"],
    &["train", "preference"],
    &["adapter", "export"],
    &["adapter", "fuse"],
    &["adapter", "scale"],
    &["plugin", "list"],
    &["plugin", "inspect"],
    &["plugin", "build"],
    &["plugin", "lock"],
    &["calibrate"],
    &["plan"],
];

#[test]
fn help_lists_the_verbs_and_the_exit_codes() {
    insta::assert_snapshot!(Project::new().realign(&["--help"]).exits(0).out);
}

#[test]
fn every_verb_explains_itself_with_an_example() {
    for verb in VERBS {
        let help = Project::new().realign(&[verb, &["--help"]].concat()).exits(0).out;
        assert!(help.contains("Example"), "{verb:?}:\n{help}");
        assert!(
            help.lines().all(|line| line.chars().count() <= 100),
            "{verb:?} is wider than 100 columns:\n{help}"
        );
    }
}

#[test]
fn the_hidden_worker_verb_is_not_in_the_help() {
    assert!(!Project::new().realign(&["--help"]).exits(0).out.contains("engine-worker"));
}

#[test]
fn wrong_usage_ends_with_2() {
    for arguments in [&["nonsense"][..], &["eval"], &["eval", "suite.toml"], &["score", "--model", "smollm2"]]
    {
        Project::new().realign(arguments).exits(2);
    }
}

#[test]
fn zero_workers_are_refused() {
    let run = Project::new().realign(&["runs", "--workers", "0"]).exits(2);
    insta::assert_snapshot!(run.err.trim(), @"error: --workers: 0, at least 1 is needed");
}

#[test]
fn a_machine_without_an_engine_is_told_what_to_do() {
    let project = Project::new();
    project.write("model.gguf", "GGUF");
    project.write("in.jsonl", "{\"id\":\"a\",\"context\":\"b\",\"continuations\":[\"c\"]}\n");
    let run = project
        .realign(&["score", "--model", "model.gguf", "--input", "in.jsonl", "--output", "out.jsonl"])
        .exits(21);
    insta::assert_snapshot!(run.err.trim());
    assert!(!project.path("out.jsonl").exists(), "nothing is written where nothing was computed");
}

#[test]
fn doctor_without_an_engine_says_so_and_ends_with_21() {
    let run = Project::new().realign(&["doctor"]).exits(21);
    assert!(run.out.contains("cargo xtask setup"), "{}", run.out);
}
