//! What cannot be trained is refused before anything runs.

use insta::assert_snapshot;
use realign_engine_abi::{
    message::Request,
    train::{AdamW, AdapterShape, PreferenceLoss, TrainBegin, TrainRow, TrainStep},
};

use super::{begin, example, pair, preference, rows, save, supervised, take, trained};
use crate::support::{ask, failure, tiny};

fn refused(begin: TrainBegin) -> String {
    failure(ask(&mut tiny(), Request::TrainBegin(begin))).message
}

fn adapter(change: impl FnOnce(&mut AdapterShape)) -> String {
    let mut begin = begin();
    change(&mut begin.adapter);
    refused(begin)
}

fn step(step: TrainStep) -> String {
    failure(ask(&mut trained(), Request::TrainStep(step))).message
}

#[test]
fn adapters_that_do_not_fit_the_model_are_refused_by_name() {
    assert_snapshot!(adapter(|shape| shape.rank = 0), @"adapter rank 0 is not from 1 to 1024");
    assert_snapshot!(adapter(|shape| shape.layers = 9), @"9 adapted layers; the model has 2");
    assert_snapshot!(adapter(|shape| shape.scale = f32::NAN), @"adapter scale NaN is not a positive number");
    assert_snapshot!(adapter(|shape| shape.modules = vec!["mlp.gate".into()]), @r#"module "mlp.gate" cannot be adapted"#);
    assert_snapshot!(adapter(|shape| shape.modules.clear()), @"no modules are adapted");
    let optimiser = AdamW { beta1: 1.0, ..begin().optimiser };
    assert!(refused(TrainBegin { optimiser, ..begin() }).starts_with("optimiser settings make no sense"));
}

#[test]
fn rows_that_cannot_be_learned_from_are_named() {
    let of = |rows: Vec<TrainRow>| step(supervised(vec![rows], 0.1));
    assert_snapshot!(of(Vec::new()), @"batch 0: a batch has no rows");
    let mut empty = example(1, 3, 3);
    empty.answers[0].scored.fill(false);
    assert_snapshot!(of(rows(&[example(2, 3, 3), empty])), @"batch 0: row 1: answer 0 has no scored token or a mark too many");
    assert_snapshot!(of(rows(&[example(2, 90, 9)])), @"batch 0: row 0: answer 0 ends after 98 tokens, the limit is 96");
    assert_snapshot!(of(rows(&[pair(2, 5, 5, 5)])), @"batch 0: row 0: 2 answers, the objective takes 1");
    let dpo = PreferenceLoss::Dpo { beta: 0.1 };
    let mut some = rows(&[pair(2, 5, 5, 5), pair(3, 5, 5, 5)]);
    some[0].reference = vec![-9.0, -9.0];
    assert_snapshot!(step(preference(dpo, vec![some], 0.1)), @"batch 0: row 1: 0 reference numbers, not 2");
    assert_snapshot!(step(supervised(Vec::new(), 0.1)), @"the step has no rows");
}

#[test]
fn a_checkpoint_of_another_adapter_is_refused_and_one_that_is_damaged_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = trained();
    take(&mut engine, supervised(vec![rows(&[example(1, 3, 3)])], 0.1));
    save(&mut engine, folder.path());
    let resume = Some(folder.path().to_owned());
    let place = format!("{}: ", folder.path().display());
    let mut other = TrainBegin { resume: resume.clone(), ..begin() };
    other.adapter.modules.pop();
    assert_snapshot!(
        refused(other).replace(&place, ""),
        @"the checkpoint's adapter has another rank, scale or places than asked for"
    );
    std::fs::write(folder.path().join("optimizer.json"), "{}").unwrap();
    assert_snapshot!(
        refused(TrainBegin { resume, ..begin() }).replace(&place, ""),
        @"optimizer.json: steps is missing, not a whole number"
    );
}
