//! Places that cannot be written, and disks that fill up: what was there stays.

use std::{fs, process::Command};

use super::ROW;
use crate::support::{Project, disk::SmallDisk, mini};

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

#[test]
fn a_reader_that_wants_no_more_is_no_error() {
    let project = Project::new();
    for verb in [&["runs", "--help"][..], &["plugin", "list"], &["plugin", "list", "--json"]] {
        let (reader, writer) = std::io::pipe().expect("a pipe opens");
        drop(reader);
        let output = Command::new(env!("CARGO_BIN_EXE_realign"))
            .args(verb)
            .current_dir(project.path(""))
            .env("REALIGN_HOME", project.path("home"))
            .stdout(writer)
            .output()
            .expect("realign starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), said.as_ref()), (Some(0), ""), "{verb:?}");
    }
}
