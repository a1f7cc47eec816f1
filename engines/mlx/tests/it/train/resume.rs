//! The same requests give the same bytes, also across an interruption.

use std::{collections::BTreeMap, fs, path::Path};

use realign_engine_abi::{
    message::{Reply, Request},
    train::{Divergence, TrainBegin, TrainStep},
};
use realign_engine_mlx::engine::Engine;

use super::{begin, example, rows, save, supervised, take, trained};
use crate::support::{ask, failure, tiny};

fn step(number: u64) -> TrainStep {
    supervised(vec![rows(&[example(number, 4, 6), example(number + 40, 3, 5)])], 0.01)
}

/// All files of a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let read =
        |entry: fs::DirEntry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap());
    fs::read_dir(folder).unwrap().map(|entry| read(entry.unwrap())).collect()
}

fn saved(engine: &mut Engine) -> BTreeMap<String, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    save(engine, folder.path());
    files(folder.path())
}

fn undisturbed(steps: u64) -> BTreeMap<String, Vec<u8>> {
    let mut engine = trained();
    for number in 0..steps {
        take(&mut engine, step(number));
    }
    saved(&mut engine)
}

#[test]
fn two_runs_with_one_seed_end_with_the_same_bytes() {
    let names: Vec<String> = undisturbed(0).into_keys().collect();
    assert_eq!(
        names,
        ["adapter_config.json", "adapters.safetensors", "optimizer.json", "optimizer.safetensors"]
    );
    assert_eq!(undisturbed(3), undisturbed(3));
    assert_ne!(undisturbed(3), undisturbed(2));
}

#[test]
fn a_run_that_goes_on_from_any_checkpoint_ends_with_the_same_bytes() {
    let whole = undisturbed(4);
    for stop in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let mut engine = trained();
        for number in 0..stop {
            take(&mut engine, step(number));
        }
        save(&mut engine, folder.path());
        drop(engine);
        let mut engine = tiny();
        let again = TrainBegin { resume: Some(folder.path().to_owned()), ..begin() };
        let reply = ask(&mut engine, Request::TrainBegin(again));
        let Reply::Training(info) = reply else { panic!("{reply:?}") };
        assert_eq!(info.steps, stop);
        for number in stop..4 {
            take(&mut engine, step(number));
        }
        assert!(saved(&mut engine) == whole, "stopped after {stop}");
    }
}

#[test]
fn a_step_that_is_not_finite_changes_nothing_and_says_where() {
    let mut engine = trained();
    take(&mut engine, step(0));
    let before = saved(&mut engine);
    // Finite, and far beyond anything that the model can compute with.
    take(&mut engine, TrainStep { rate: 1e30, ..step(1) });
    let broken = saved(&mut engine);
    assert_ne!(before, broken);
    let reply = ask(&mut engine, Request::TrainStep(step(2)));
    let Reply::Diverged(Divergence { batch, what }) = reply else { panic!("{reply:?}") };
    assert_eq!((batch, what.as_str()), (Some(0), "loss"));
    assert!(saved(&mut engine) == broken, "nothing changed");
}

#[test]
fn an_update_that_overflows_is_not_kept() {
    let mut engine = trained();
    take(&mut engine, step(0));
    let before = saved(&mut engine);
    let reply = ask(&mut engine, Request::TrainStep(TrainStep { rate: 1e39, ..step(1) }));
    let Reply::Diverged(Divergence { batch, what }) = reply else { panic!("{reply:?}") };
    assert_eq!((batch, what.as_str()), (None, "update"));
    assert!(saved(&mut engine) == before, "nothing changed");
    take(&mut engine, step(1));
}

#[test]
fn a_step_that_is_stopped_changes_nothing() {
    let mut engine = trained();
    let before = saved(&mut engine);
    let stopped = engine.call(Request::TrainStep(step(0)), &mut |_| realign_engine_abi::ffi::Flow::Stop);
    assert_eq!(failure(stopped).message, "stopped by the caller");
    assert!(saved(&mut engine) == before);
}
