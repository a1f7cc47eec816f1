//! Training by processes that somebody else has started, through the binary: each is given what `mlx.launch` gives.

use std::{
    fs,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{SFT, adapter, hosts::started_by, project, real, train};
use crate::support::Project;

/// A rank's copy of the host file: groups are told from one another by what it says.
fn hosts(project: &Project, rank: usize, ports: [u16; 2]) -> String {
    let name = format!("hosts-{rank}.json");
    project.write(&name, format!("[[\"127.0.0.1:{}\"], [\"127.0.0.1:{}\"]]", ports[0], ports[1]));
    project.path(&name).display().to_string()
}

fn rank(project: &Project, output: &str, rank: usize, ports: [u16; 2], patience: &str) -> Command {
    let mut command = train(project, "sft", output);
    command
        .args(["--patience", patience])
        .env("MLX_RANK", rank.to_string())
        .env("MLX_HOSTFILE", hosts(project, rank, ports))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn start(project: &Project, output: &str, ports: [u16; 2]) -> [Child; 2] {
    [1, 0].map(|number| rank(project, output, number, ports, "10").spawn().expect("it starts"))
}

/// Both ends, rank 1 first.
fn ended(processes: [Child; 2]) -> [Output; 2] {
    processes.map(|process| process.wait_with_output().expect("it ends"))
}

fn said(output: &Output) -> String {
    format!("exit {}\n{}", output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn processes_that_somebody_else_starts_train_the_adapter_of_as_many_ranks() {
    let Some(project) = real(SFT) else { return };
    let ranks = train(&project, "sft", "ranks").args(["--ranks", "2"]).output().expect("it runs");
    assert!(ranks.status.success(), "{}", said(&ranks));
    let [other, first] = ended(start(&project, "members", [40001, 40002]));
    assert!(other.status.success() && first.status.success(), "{}\n{}", said(&first), said(&other));
    assert!(other.stdout.is_empty(), "one process reports");
    assert_eq!(adapter(&project, "members"), adapter(&project, "ranks"));
}

/// Whether a process is there and not only to be waited for.
fn runs(process: &str) -> bool {
    let state = Command::new("ps").args(["-o", "stat=", "-p", process]).output().expect("ps runs");
    let state = String::from_utf8_lossy(&state.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}

#[test]
fn the_loss_of_a_rank_ends_every_process_and_the_same_command_goes_on() {
    let Some(project) = real(&SFT.replace("max_steps = 24", "max_steps = 160")) else { return };
    let whole = train(&project, "sft", "whole").args(["--ranks", "2"]).output().expect("it runs");
    assert!(whole.status.success(), "{}", said(&whole));
    for (place, (signal, hits_worker)) in (0_u16..).zip([("-KILL", true), ("-STOP", true), ("-KILL", false)])
    {
        let output = format!("run-{place}");
        let ports = [41001 + 10 * place, 41002 + 10 * place];
        let processes = start(&project, &output, ports);
        let begun = (0..3000).any(|_| {
            thread::sleep(Duration::from_millis(10));
            fs::read_to_string(project.path(&format!("{output}/steps.jsonl")))
                .is_ok_and(|text| text.lines().count() > 5)
        });
        assert!(begun, "no step was taken");
        let ids = processes.each_ref().map(|process| process.id().to_string());
        let workers: Vec<String> = ids.iter().flat_map(|id| started_by(id)).collect();
        assert_eq!(workers.len(), 2, "each has a worker of its own");
        let hit = if hits_worker { &workers[0] } else { &ids[0] };
        assert!(Command::new("kill").args([signal, hit]).status().expect("kill runs").success());
        let since = Instant::now();
        let [other, first] = ended(processes);
        assert!(since.elapsed() < Duration::from_secs(30), "it took {:?}", since.elapsed());
        assert_eq!(first.status.code(), Some(21), "{}", said(&first));
        assert!(said(&first).contains("start all ranks again with the same command"), "{}", said(&first));
        if hits_worker {
            assert_eq!(other.status.code(), Some(21), "{}", said(&other));
        }
        let gone = (0..500).any(|_| {
            thread::sleep(Duration::from_millis(10));
            !workers.iter().any(|worker| runs(worker))
        });
        assert!(gone, "a worker is left");
        let [other, first] = ended(start(&project, &output, ports));
        assert!(other.status.success() && first.status.success(), "{}\n{}", said(&first), said(&other));
        assert_eq!(adapter(&project, &output), adapter(&project, "whole"));
    }
}

#[test]
fn ranks_that_do_not_belong_together_or_never_come_are_named() {
    let Some(project) = real(SFT) else { return };
    let last = |output: Output| {
        assert!(!output.status.success());
        said(&output).replace(&project.path("").display().to_string(), "[project]/").trim_end().to_owned()
    };
    let other = rank(&project, "another", 1, [42001, 42002], "10").spawn().expect("it starts");
    let first = rank(&project, "run", 0, [42001, 42002], "10").output().expect("it ends");
    insta::assert_snapshot!(last(first), @r"
    exit 2
    error: rank 1 was started with another command line, or in another folder
     hint: start every process with the same command, in the same folder
    ");
    insta::assert_snapshot!(last(other.wait_with_output().expect("it ends")), @r"
    exit 21
    error: rank 1: rank 0 is gone, or stands still
     hint: look at what it said; the same command, started by all ranks again, goes on from the last checkpoint
    ");
    let alone = |number| last(rank(&project, "run", number, [42011, 42012], "1").output().expect("it ends"));
    insta::assert_snapshot!(alone(0), @r"
    exit 21
    error: rank 1 did not come within 1 s
     hint: start every rank of the host file with the same command, and look at what it said
    ");
    insta::assert_snapshot!(alone(1), @r"
    exit 21
    error: rank 1: rank 0 did not come within 1 s
     hint: start every rank of the host file with the same command, and look at what rank 0 said
    ");
    project.write("train.toml", format!("ranks = 3\n{SFT}"));
    let [other, first] = ended(start(&project, "run", [42021, 42022]));
    insta::assert_snapshot!(last(first), @r"
    exit 2
    error: train.toml: ranks: 3, MLX_HOSTFILE names 2
     hint: leave `ranks` out: whoever starts the processes decides how many there are
    ");
    assert_eq!(other.status.code(), Some(2), "{}", said(&other));
}

#[test]
fn what_is_no_group_is_refused_before_anything_is_read() {
    let project = project(Project::new(), SFT);
    let refused = |variables: &[(&str, &str)], more: &[&str]| {
        let mut command = train(&project, "sft", "run");
        command.args(more).envs(variables.iter().copied());
        let output = command.output().expect("it ends");
        said(&output).replace(&project.path("").display().to_string(), "[project]/").trim_end().to_owned()
    };
    project.write("hosts.json", r#"[["127.0.0.1:1"], ["10.0.0.2:1"]]"#);
    insta::assert_snapshot!(refused(&[("MLX_RANK", "1")], &[]), @r"
    exit 2
    error: MLX_RANK is set and MLX_HOSTFILE is not
     hint: both say that this is one process of several, as `mlx.launch --backend ring` sets them; or unset it
    ");
    insta::assert_snapshot!(refused(&[("MLX_RANK", "0"), ("MLX_HOSTFILE", "hosts.json")], &[]), @r"
    exit 2
    error: hosts.json: 10.0.0.2 is no loopback address, and processes of several machines cannot join
     hint: start training once, on the first machine, and name the others with --hostfile HOSTS.json
    ");
    insta::assert_snapshot!(refused(&[("MLX_RANK", "7"), ("MLX_HOSTFILE", "hosts.json")], &[]), @r"
    exit 2
    error: MLX_RANK is `7`, hosts.json names ranks 0 to 1
    ");
    insta::assert_snapshot!(refused(&[("MLX_RANK", "0"), ("MLX_HOSTFILE", "none.json")], &[]), @r"
    exit 22
    error: cannot read none.json: no such file or directory
     hint: check the name, and that you may read it
    ");
}
