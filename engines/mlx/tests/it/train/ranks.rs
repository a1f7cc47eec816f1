//! Two processes on one machine take the steps that one process would, each with its own rows.

use std::{
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command},
};

use realign_engine_abi::{
    message::{Reply, Request},
    train::{Example, KlRow, Objective, StepReport, TrainBegin, TrainStep},
};

use realign_engine_mlx::engine::Engine;

use super::{LOSSES, alike, begin, example, pair, rows, save, supervised, take, trained};
use crate::support::{ask, tiny, tokens};

const FOLDER: &str = "REALIGN_TEST_RANK_FOLDER";
const FAULT: &str = "REALIGN_TEST_RANK_FAULT";
const PAIRS: &str = "REALIGN_TEST_RANK_PAIRS";

/// Rows of a step by rank; in the second step the second rank has none. The first step is one of pairs if asked for.
fn shares(step: u64, pairs: bool) -> [Vec<Example>; 2] {
    if step == 0 && pairs {
        return [vec![alike(1, 4, 3, 6, 2), pair(40, 9, 3, 5)], vec![alike(80, 2, 5, 4, 7)]];
    }
    let first = vec![example(step, 4, 6), example(step + 40, 3, 5), example(step + 80, 7, 2)];
    if step == 1 { [first, Vec::new()] } else { [first, vec![example(step + 120, 2, 9)]] }
}

fn anchors(rank: usize) -> Vec<KlRow> {
    let row = KlRow { context: tokens(9, 4), response: tokens(8, 5 + rank), ended: true };
    vec![row]
}

fn step(examples: &[Example], anchors: Vec<KlRow>) -> TrainStep {
    let batches = if examples.is_empty() { Vec::new() } else { vec![rows(examples)] };
    let pairs = examples.iter().any(|example| example.answers.len() == 2);
    // The likelihood term keeps what answers share from cancelling.
    let objective = Objective::Preference { loss: LOSSES[0], nll: 0.1 };
    let objective = if pairs { objective } else { Objective::Supervised };
    TrainStep { objective, anchors, kl_weight: 0.5, ..supervised(batches, 0.01) }
}

#[test]
#[ignore = "not a test but a rank of the others, which start it"]
fn be_a_rank() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else { return };
    let rank: usize = env::var("MLX_RANK").unwrap().parse().unwrap();
    let mut engine = tiny();
    let reply = ask(&mut engine, Request::TrainBegin(TrainBegin { ranks: 2, ..begin() }));
    let Reply::Training(info) = reply else { panic!("{reply:?}") };
    assert_eq!(info.rank as usize, rank);
    let mut lines = Vec::new();
    for number in 0..3 {
        let pairs = env::var_os(PAIRS).is_some();
        let mut mine = step(&shares(number, pairs)[rank], anchors(rank));
        if env::var(FAULT).is_ok_and(|fault| fault == format!("{rank} refuses {number}")) {
            mine.rate = f64::NAN;
        }
        lines.push(match ask(&mut engine, Request::TrainStep(mine)) {
            Reply::Step(report) => line(&report),
            Reply::Error(error) => error.message,
            other => panic!("{other:?}"),
        });
        save_as(&mut engine, &folder.join(format!("{rank}-{number}")));
    }
    fs::write(folder.join(format!("{rank}.txt")), lines.join("\n")).unwrap();
}

fn line(report: &StepReport) -> String {
    format!("{:.4} {:.4} {}", report.loss, report.kl.unwrap(), report.tokens)
}

fn save_as(engine: &mut Engine, folder: &Path) {
    fs::create_dir(folder).unwrap();
    save(engine, folder);
}

fn start(folder: &Path, fault: &str, pairs: bool) -> [Child; 2] {
    // Ports that were free a moment ago; the ring needs them written down before it starts.
    let free = [0, 1].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    let places = free.each_ref().map(|listener| vec![listener.local_addr().unwrap().to_string()]);
    drop(free);
    let hosts = folder.join("hosts.json");
    fs::write(&hosts, serde_json::to_string(&places).unwrap()).unwrap();
    [0, 1].map(|rank: usize| {
        Command::new(env::current_exe().unwrap())
            .args(["--exact", "train::ranks::be_a_rank", "--ignored"])
            .env(FOLDER, folder)
            .env(FAULT, fault)
            .envs(pairs.then_some((PAIRS, "1")))
            .env("MLX_RANK", rank.to_string())
            .env("MLX_HOSTFILE", &hosts)
            .spawn()
            .unwrap()
    })
}

fn ranks(folder: &Path, fault: &str, pairs: bool) {
    for mut rank in start(folder, fault, pairs) {
        assert!(rank.wait().unwrap().success());
    }
}

fn numbers(path: &Path) -> Vec<f32> {
    let bytes = fs::read(path).unwrap();
    let header = usize::try_from(u64::from_le_bytes(bytes[..8].try_into().unwrap())).unwrap();
    bytes[8 + header..].chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
}

#[test]
fn two_ranks_with_uneven_shares_train_what_one_process_trains() {
    compare(false);
}

#[test]
fn two_ranks_with_uneven_shares_learn_from_pairs_what_one_process_learns() {
    compare(true);
}

fn compare(pairs: bool) {
    let folder = tempfile::tempdir().unwrap();
    ranks(folder.path(), "", pairs);
    let mut engine = trained();
    let mut lines = Vec::new();
    for number in 0..3 {
        let all = [anchors(0), anchors(1)].concat();
        let report = take(&mut engine, step(&shares(number, pairs).concat(), all));
        lines.push(line(&report));
        save_as(&mut engine, &folder.path().join(format!("alone-{number}")));
    }
    let read = |rank: &str| fs::read(folder.path().join(rank).join("adapters.safetensors")).unwrap();
    assert!((0..3).all(|step| read(&format!("0-{step}")) == read(&format!("1-{step}"))), "the same bits");
    // Moments after the first step are the gradient and its square; later ones divide what is almost 0 by itself.
    let file = |rank: &str| folder.path().join(rank).join("optimizer.safetensors");
    let (together, single) = (numbers(&file("0-0")), numbers(&file("alone-0")));
    let size = single.iter().fold(0.0_f32, |size, number| size.max(number.abs()));
    let worst = together.iter().zip(&single).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(size > 0.0 && worst < 1e-5 * size, "{worst} of {size}");
    for rank in ["0.txt", "1.txt"] {
        assert_eq!(fs::read_to_string(folder.path().join(rank)).unwrap(), lines.join("\n"));
    }
}

#[test]
fn a_rank_that_refuses_its_share_holds_nobody_up_and_nothing_changes() {
    let folder = tempfile::tempdir().unwrap();
    ranks(folder.path(), "1 refuses 1", false);
    let line = |rank: usize| {
        let text = fs::read_to_string(folder.path().join(format!("{rank}.txt"))).unwrap();
        text.lines().nth(1).unwrap().to_owned()
    };
    insta::assert_snapshot!(line(0), @"another rank refused its share of the step");
    insta::assert_snapshot!(line(1), @"rate NaN or kl weight 0.5 is not a number from 0 up");
    let read = |rank: &str| fs::read(folder.path().join(rank).join("adapters.safetensors")).unwrap();
    assert!(read("0-2") == read("1-2"), "both took the two steps that all could take");
}
