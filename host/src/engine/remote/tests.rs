use std::{env, fs, path::Path, time::Duration};

use realign_engine_abi::{
    message::{AdapterFile, Reply, Request, ScoreRow},
    train::{AdamW, AdapterShape, TrainBegin},
};

use super::*;
use crate::engine::{
    group::Group,
    hosts::Hosts,
    testing::{POISON, launch, launch_faulty},
};

/// In place of ssh: runs the command here, in a shell, after what a login shell prints.
const SHELL: &str = "echo 'Welcome to blue.'; while [ $# -gt 1 ]; do shift; done; exec sh -c \"$1\"";

/// Two machines that are this one, with addresses of their own.
struct Machines(tempfile::TempDir);

impl Machines {
    fn new() -> Self {
        let machines = Self(tempfile::tempdir().unwrap());
        fs::write(machines.0.path().join("model"), "test model").unwrap();
        machines.name(&["127.0.0.1", "127.0.0.2"]);
        machines
    }

    fn name(&self, ips: &[&str]) {
        let host = |(name, ip): (&&str, &&str)| serde_json::json!({ "ssh": name, "ips": [ip] });
        let hosts: Vec<serde_json::Value> = ["red", "blue"].iter().zip(ips).map(host).collect();
        fs::write(self.0.path().join("hosts.json"), serde_json::to_vec(&hosts).unwrap()).unwrap();
    }

    fn load(&self) -> Load {
        Load { model: self.0.path().join("model"), adapters: Vec::new() }
    }

    fn launch(&self, shell: &str, launch: Launch) -> Launch {
        let program = env::current_exe().unwrap();
        let test = ["engine::testing::be_a_relay", "--exact", "--ignored", "--nocapture"];
        let remote = Remote {
            hosts: Hosts::read(&self.0.path().join("hosts.json")).unwrap(),
            way: Way::Ssh {
                ssh: ["sh", "-c", shell, "ssh"].map(str::to_owned).into(),
                command: [program.to_str().unwrap()]
                    .iter()
                    .chain(&test)
                    .map(|&word| word.to_owned())
                    .collect(),
            },
            library: program,
        };
        Launch { remote: Some(Arc::new(remote)), ..launch }
    }

    fn start(&self, shell: &str, launch: Launch) -> Result<Group> {
        Group::start(&self.launch(shell, launch), &self.load(), 2).map(|(group, _)| group)
    }

    fn refused(&self, shell: &str) -> String {
        let error = self.start(shell, launch()).unwrap_err();
        assert_eq!(error.exit(), crate::exit::Exit::Engine);
        error.to_string().replace(self.0.path().to_str().unwrap(), "[here]")
    }
}

fn score(token: u32) -> Request {
    Request::Score(vec![ScoreRow { context: vec![token], continuations: vec![vec![3]] }])
}

fn begin(resume: Option<PathBuf>) -> TrainBegin {
    let adapter = AdapterShape { rank: 1, scale: 2.0, layers: 1, modules: vec!["mlp.up_proj".into()] };
    let optimiser = AdamW { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weight_decay: 0.0, clip_norm: None };
    TrainBegin { adapter, optimiser, seed: 1, resume, ranks: 2 }
}

#[test]
fn a_rank_of_another_machine_answers_as_one_of_this_does() {
    let machines = Machines::new();
    let mut group = machines.start(SHELL, launch()).unwrap();
    let replies = group.ask(&[score(1), score(4)]).unwrap();
    let sum = |reply: &Reply| match reply {
        Reply::Scores(rows) => rows[0][0].logprob.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(replies.iter().map(sum).collect::<Vec<_>>(), ["-2", "-5"]);
}

#[test]
fn a_checkpoint_is_brought_to_every_machine() {
    let machines = Machines::new();
    let mut group = machines.start(SHELL, launch()).unwrap();
    let checkpoint = machines.0.path().join("checkpoint");
    fs::create_dir(&checkpoint).unwrap();
    fs::write(checkpoint.join("optimizer.safetensors"), r#"{"value":1.5,"moment":0.0,"steps":7}"#).unwrap();
    // Larger than one piece.
    fs::write(checkpoint.join("adapters.safetensors"), vec![7; 9 << 20]).unwrap();
    let replies = group.begin(&begin(Some(checkpoint.clone()))).unwrap();
    let steps = |reply: &Reply| matches!(reply, Reply::Training(info) if info.steps == 7);
    assert!(replies.iter().all(steps), "{replies:?}");
    // Again, as after a rollback.
    assert!(group.begin(&begin(Some(checkpoint))).unwrap().iter().all(steps));
}

#[test]
fn a_rank_that_dies_or_stands_still_on_another_machine_ends_the_group_and_is_named() {
    let machines = Machines::new();
    let end = |fault: &str| {
        let mut launch = launch_faulty(fault, Path::new(""));
        launch.stall = Some(Duration::from_secs(3));
        machines.start(SHELL, launch).unwrap().ask(&[score(1), score(POISON)]).unwrap_err().cause
    };
    let killed = end("kill");
    assert!(killed.starts_with("rank 1 on blue: exit status "), "{killed}");
    assert!(
        killed.ends_with(
            "the worker ended: killed by signal 9 (kill; often out of memory); it last said: about to kill"
        ),
        "{killed}"
    );
    assert!(end("stop").starts_with("rank 1 on blue: no sign of life for 3 s"));
}

#[test]
fn a_long_silent_computation_on_another_machine_is_no_stall() {
    let mut launch = launch_faulty("compute", Path::new(""));
    launch.stall = Some(Duration::from_secs(3));
    let mut group = Machines::new().start(SHELL, launch).unwrap();
    assert_eq!(group.ask(&[score(1), score(POISON)]).unwrap().len(), 2);
}

#[test]
fn what_is_wrong_with_a_machine_is_found_before_a_worker_is_started() {
    let machines = Machines::new();
    let unreachable = "echo 'ssh: connect to host blue port 22: No route to host' >&2; exit 255";
    insta::assert_snapshot!(machines.refused(unreachable), @"host 2 (blue): cannot start a relay there: exit status 255; it last said: ssh: connect to host blue port 22: No route to host");
    insta::assert_snapshot!(machines.refused("echo 'sh: realign: not found' >&2; exit 127"), @"host 2 (blue): cannot start a relay there: exit status 127; it last said: sh: realign: not found");
    // While the machine is reached its model becomes another one than was looked at here.
    let other = format!("echo other > '{}'; {SHELL}", machines.load().model.display());
    insta::assert_snapshot!(machines.refused(&other), @"host 2 (blue): the model [here]/model is another one there: digest 7e4fa2eb8c7a, here e6a8036e9cb9");
    let gone = format!("rm '{}'; {SHELL}", machines.load().model.display());
    insta::assert_snapshot!(machines.refused(&gone), @"host 2 (blue): cannot read [here]/model: no such file or directory");
}

#[test]
fn addresses_of_other_machines_are_refused() {
    let machines = Machines::new();
    machines.name(&["192.0.2.7", "127.0.0.2"]);
    insta::assert_snapshot!(machines.refused(SHELL), @"host 1 (red): 192.0.2.7 is no address of this machine");
    machines.name(&["127.0.0.1", "192.0.2.7"]);
    insta::assert_snapshot!(machines.refused(SHELL), @"host 2 (blue): 192.0.2.7 is no address of this machine");
}

#[test]
fn another_program_protocol_or_engine_is_refused() {
    let here = Hello { version: "0.2.0".into(), abi: 4, engine: Ok(Digest::of(b"one")) };
    let refused = |there: Hello| same(&here, &there).unwrap_err().to_string();
    assert!(same(&here, &here.clone()).is_ok());
    insta::assert_snapshot!(refused(Hello { version: "0.1.9".into(), ..here.clone() }), @"realign 0.1.9, here 0.2.0");
    insta::assert_snapshot!(refused(Hello { abi: 3, ..here.clone() }), @"protocol 3, here 4");
    insta::assert_snapshot!(refused(Hello { engine: Ok(Digest::of(b"two")), ..here.clone() }), @"engine with digest 3fc4ccfe7458, here 7692c3ad3540");
    insta::assert_snapshot!(refused(Hello { engine: Err("cannot read x: not found".into()), ..here.clone() }), @"cannot read x: not found");
}

#[test]
fn a_command_reaches_the_other_machine_word_by_word() {
    let ssh = ["ssh", "-F", "settings"].map(str::to_owned);
    let command = ["/a b/realign", "it's"].map(str::to_owned);
    let launch = through_ssh(&launch(), (&ssh, &command), "blue");
    assert_eq!(launch.program, Path::new("ssh"));
    let arguments: Vec<_> = launch.arguments.iter().map(|word| word.to_str().unwrap()).collect();
    assert_eq!(arguments[..2], ["-F", "settings"]);
    assert_eq!(arguments[arguments.len() - 3..], ["--", "blue", r"'/a b/realign' 'it'\''s'"]);
}

#[test]
fn adapters_have_digests_of_their_own() {
    let machines = Machines::new();
    let adapter = machines.0.path().join("adapter");
    fs::create_dir(&adapter).unwrap();
    fs::write(adapter.join("adapters.safetensors"), "1").unwrap();
    fs::write(adapter.join("adapter_config.json"), "{}").unwrap();
    let load = Load { adapters: vec![AdapterFile { folder: adapter, factor: 1.0 }], ..machines.load() };
    assert_eq!(digests(&load).unwrap().len(), 2);
}
