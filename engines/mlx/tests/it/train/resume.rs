//! The same requests give the same bytes, also across an interruption.

use std::{collections::BTreeMap, fs, path::Path};

use realign_engine_abi::{
    message::{AdapterFile, EngineOptions, Load, Reply, Request},
    train::{Divergence, KlRow, LogProbs, PreferenceLoss, TrainBegin, TrainRow, TrainStep},
};
use realign_engine_mlx::engine::Engine;

use super::{
    LOSSES, alike, begin, divergences, example, log_probs, pair, preference, referenced, rows, save,
    supervised, take, trained,
};
use crate::support::{File, ask, failure, on_disk, tiny, tokens};

fn step(number: u64) -> TrainStep {
    supervised(vec![rows(&[example(number, 4, 6), example(number + 40, 3, 5)])], 0.01)
}

/// Every other step is one of pairs whose reference it measures itself.
fn mixed(number: u64) -> TrainStep {
    if number.is_multiple_of(2) {
        return step(number);
    }
    let pairs = [alike(number, 4, 3, 6, 2), pair(number + 40, 7, 5, 3)];
    preference(LOSSES[0], vec![rows(&pairs)], 0.01)
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
        take(&mut engine, mixed(number));
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
            take(&mut engine, mixed(number));
        }
        save(&mut engine, folder.path());
        drop(engine);
        let mut engine = tiny();
        let again = TrainBegin { resume: Some(folder.path().to_owned()), ..begin() };
        let reply = ask(&mut engine, Request::TrainBegin(again));
        let Reply::Training(info) = reply else { panic!("{reply:?}") };
        assert_eq!(info.steps, stop);
        for number in stop..4 {
            take(&mut engine, mixed(number));
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

/// A model whose adapter has gone far beyond anything that it can compute with.
fn broken() -> Engine {
    let mut engine = trained();
    take(&mut engine, TrainStep { rate: 1e30, ..step(0) });
    engine
}

#[test]
fn a_broken_model_is_never_a_converged_one_whatever_the_loss() {
    for loss in LOSSES {
        let mut engine = broken();
        let reference = if matches!(loss, PreferenceLoss::Orpo { .. } | PreferenceLoss::Simpo { .. }) {
            Vec::new()
        } else {
            vec![-9.0, -9.0]
        };
        let row = TrainRow { example: pair(1, 4, 5, 5), reference };
        let reply = ask(&mut engine, Request::TrainStep(preference(loss, vec![vec![row]], 0.1)));
        let Reply::Diverged(Divergence { batch, what }) = reply else { panic!("{loss:?}: {reply:?}") };
        assert_eq!((batch, what.as_str()), (Some(0), "loss"), "{loss:?}");
    }
}

#[test]
fn a_gradient_that_overflows_changes_nothing() {
    let mut engine = trained();
    let before = saved(&mut engine);
    let rows = referenced(&mut engine, &[pair(1, 4, 5, 5)]);
    // The loss of a fresh adapter is ln 2 whatever beta is; its slope is not.
    let step = preference(PreferenceLoss::Dpo { beta: 1e40 }, vec![rows], 0.1);
    let reply = ask(&mut engine, Request::TrainStep(step));
    let Reply::Diverged(Divergence { batch, what }) = reply else { panic!("{reply:?}") };
    assert_eq!((batch, what.as_str()), (None, "gradient"));
    assert!(saved(&mut engine) == before);
}

#[test]
fn measurements_of_a_broken_model_are_errors_and_not_numbers() {
    let mut engine = broken();
    let row = KlRow { context: tokens(1, 3), response: tokens(2, 3), ended: false };
    let divergence = failure(ask(&mut engine, Request::Kl(vec![row])));
    insta::assert_snapshot!(divergence, @"the model computes divergences that are not finite");
    let asked = LogProbs { adapted: true, examples: vec![example(1, 3, 3)] };
    let log_probs = failure(ask(&mut engine, Request::LogProbs(asked)));
    insta::assert_snapshot!(log_probs, @"the model computes log-probabilities that are not finite");
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

#[test]
fn finished_adapters_are_compared_with_the_bare_model_as_one_that_was_trained_on_it() {
    let row = [KlRow { context: tokens(5, 6), response: tokens(6, 5), ended: true }];
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut engine = trained();
    (0..3).for_each(|number| drop(take(&mut engine, step(number))));
    save(&mut engine, first.path());
    let moved = divergences(&mut engine, &row);
    let adapter = |folder: &tempfile::TempDir| AdapterFile { folder: folder.path().to_owned(), factor: 1.0 };
    let mut bare = tiny();
    assert_eq!(ask(&mut bare, Request::Adapt(vec![adapter(&first)])), Reply::Adapted);
    assert_eq!(divergences(&mut bare, &row), moved, "the same corrections, to the bit");

    // A second stage sees only its own beginning; the bare model sees both.
    let model = on_disk(&File::tiny().bytes());
    let mut engine = Engine::new(&EngineOptions {}).unwrap();
    ask(&mut engine, Request::Load(Load { model: model.path().to_owned(), adapters: vec![adapter(&first)] }));
    ask(&mut engine, Request::TrainBegin(begin()));
    (5..8).for_each(|number| drop(take(&mut engine, step(number))));
    save(&mut engine, second.path());
    let stage = divergences(&mut engine, &row);
    assert_eq!(ask(&mut bare, Request::Adapt(vec![adapter(&first), adapter(&second)])), Reply::Adapted);
    let both = divergences(&mut bare, &row);
    assert_ne!(both, stage);
    let policy = |engine: &mut Engine| log_probs(engine, &[example(3, 4, 6)], true)[0][0];
    assert!((policy(&mut bare) - policy(&mut engine)).abs() < 1e-4, "it is the same policy");
}
