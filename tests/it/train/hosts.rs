//! Training over several machines, through the binary. The machines are this one: `ssh` is a script, and each has a
//! loopback address of its own.

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use super::{SFT, adapter, project, real, train};
use crate::support::Project;

/// Runs the command that ssh would bring to another machine, here.
const SSH: &str = "#!/bin/sh\nwhile [ $# -gt 1 ]; do shift; done\nexec sh -c \"$1\"\n";

fn write_hosts(project: &Project) {
    project.write(
        "hosts.json",
        r#"[{"ssh": "red", "ips": ["127.0.0.1"]}, {"ssh": "blue", "ips": ["127.0.0.2"]}]"#,
    );
    project.write("ssh.sh", SSH);
}

fn over_hosts(project: &Project, output: &str) -> Command {
    let mut command = train(project, "sft", output);
    command
        .args(["--hostfile", "hosts.json", "--patience", "10"])
        .env("REALIGN_SSH", format!("sh {}", project.path("ssh.sh").display()));
    command
}

#[test]
fn two_hosts_train_the_adapter_of_two_ranks() {
    let Some(project) = real(SFT) else { return };
    write_hosts(&project);
    let ranks = train(&project, "sft", "ranks").args(["--ranks", "2"]).output().expect("it runs");
    assert!(ranks.status.success(), "{}", String::from_utf8_lossy(&ranks.stderr));
    let hosts = over_hosts(&project, "hosts").output().expect("it runs");
    let said = String::from_utf8_lossy(&hosts.stderr).into_owned();
    assert!(hosts.status.success(), "{said}");
    assert!(said.contains("without authentication or encryption"), "{said}");
    assert_eq!(adapter(&project, "hosts"), adapter(&project, "ranks"));
}

/// Processes that a process has started.
pub(super) fn started_by(process: &str) -> Vec<String> {
    let found = Command::new("pgrep").args(["-P", process]).output().expect("pgrep runs");
    String::from_utf8_lossy(&found.stdout).lines().map(str::to_owned).collect()
}

/// The worker behind the relay: the only process below one that the command has started.
fn relayed_worker(command: &str) -> String {
    let mut below: Vec<String> = started_by(command).iter().flat_map(|child| started_by(child)).collect();
    while let Some(next) = below.first().map(|child| started_by(child)).filter(|next| !next.is_empty()) {
        below = next;
    }
    below.pop().expect("a worker behind a relay")
}

#[test]
fn a_rank_that_dies_on_another_host_changes_nothing() {
    let Some(project) = real(&SFT.replace("max_steps = 24", "max_steps = 160")) else { return };
    write_hosts(&project);
    let whole = train(&project, "sft", "whole").args(["--ranks", "2"]).output().expect("it runs");
    assert!(whole.status.success(), "{}", String::from_utf8_lossy(&whole.stderr));
    for (signal, said) in [("-KILL", "killed by signal 9"), ("-STOP", "no sign of life for 10 s")] {
        let output = signal.trim_start_matches('-');
        let child = over_hosts(&project, output)
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts");
        let begun = (0..3000).any(|_| {
            thread::sleep(Duration::from_millis(10));
            fs::read_to_string(project.path(&format!("{output}/steps.jsonl")))
                .is_ok_and(|text| text.lines().count() > 5)
        });
        assert!(begun, "no step was taken");
        let worker = relayed_worker(&child.id().to_string());
        assert!(Command::new("kill").args([signal, &worker]).status().expect("kill runs").success());
        let ended = child.wait_with_output().expect("it ends");
        let notes = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(ended.status.success(), "{notes}");
        // On a busy machine the rank that waits for the stopped one may be the first to be found silent.
        let found = notes.contains("the engine worker died (rank 1 on blue: ")
            || (signal == "-STOP" && notes.contains("the engine worker died (rank 0 on red: "));
        assert!(found && notes.contains(said), "{notes}");
        assert_eq!(adapter(&project, output), adapter(&project, "whole"));
    }
}

#[test]
fn what_cannot_be_meant_by_a_host_file_is_refused() {
    let project = project(Project::new(), SFT);
    write_hosts(&project);
    let run = |arguments: &[&str]| {
        let command = [&["train", "sft", "train.toml", "--output", "run"], arguments].concat();
        project.realign(&command).exits(2).err.trim_end().to_owned()
    };
    assert!(run(&["--hostfile", "hosts.json", "--ranks", "2"]).contains("cannot be used with"));
    project.write("bad.json", r#"[["127.0.0.1:5000"], ["127.0.0.2:5000"]]"#);
    insta::assert_snapshot!(run(&["--hostfile", "bad.json"]), @r#"
    error: bad.json: host 1: not an object
     hint: one entry for each rank, as mlx.launch reads it: [{"ssh": "red", "ips": ["10.0.0.1"]}, ...]
    "#);
    project.write("train.toml", format!("ranks = 3\n{SFT}"));
    insta::assert_snapshot!(run(&["--hostfile", "hosts.json"]), @r"
    error: train.toml: ranks: 3, hosts.json names 2 hosts
     hint: leave `ranks` out: a host file has one entry for each rank
    ");
}
