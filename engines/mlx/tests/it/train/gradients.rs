//! Gradients: against finite differences, against MLX's own operations, and however a step is split.

use std::collections::BTreeMap;

use mlx_rs::Array;
use realign_engine_abi::train::{Example, KlRow, PreferenceLoss};
use realign_engine_mlx::{
    adapter::{Site, names::Projection},
    checkpoint::Checkpoint,
    error::Result,
    llama::{attention::Kernels, correction::Corrections, forward::Llama},
    raw,
    train::{
        batch::Batch,
        pass::{Frozen, Gradient, Measure, Trained, first_block, measured_log_probs},
    },
};

use super::{alike, example, pair, preference, referenced, rows, save, supervised, take, trained};
use crate::support::{File, on_disk, tokens};

const RANK: usize = 3;
/// Scale of the corrections.
const SCALE: f32 = 0.7;

pub(super) fn model(kernels: Kernels) -> Llama {
    raw::prepare().unwrap();
    let file = on_disk(&File::tiny().bytes());
    Checkpoint::open(file.path()).unwrap().load(&[], kernels, &mut |_, _| true).unwrap()
}

fn numbers(seed: u64, count: usize) -> Vec<f32> {
    tokens(seed, count).iter().map(|&token| token as f32 / 1000.0 - 0.1).collect()
}

/// Factors that are nowhere zero, on queries of both blocks, and on keys and down of the last.
pub(super) fn trained_arrays(model: &Llama) -> Trained {
    let sites = [(0, Projection::Query), (1, Projection::Query), (1, Projection::Key), (1, Projection::Down)];
    let mut seed = 0;
    let site = |(block, projection): (usize, Projection)| {
        let (inputs, outputs) = projection.shape(&model.config);
        seed += 1;
        let array = |seed, rows: usize, columns: usize| {
            let shape = [rows, columns].map(|dimension| i32::try_from(dimension).unwrap());
            Array::from_slice(&numbers(seed, rows * columns), &shape)
        };
        (Site { block, projection }, [array(seed, inputs, RANK), array(seed + 10, RANK, outputs)])
    };
    sites.into_iter().map(site).collect()
}

fn corrections(trained: &Trained) -> Corrections {
    let factors = trained.iter().map(|(site, [a, b])| (*site, (a.clone(), b.clone())));
    Corrections { scale: SCALE, factors: factors.collect::<BTreeMap<_, _>>() }
}

/// Ragged, with branches, with a beginning that answers share, and with a token that is not scored.
fn examples() -> Vec<Example> {
    let mut ragged = pair(1, 7, 5, 3);
    ragged.answers[0].scored[2] = false;
    vec![ragged, alike(2, 3, 2, 2, 6)]
}

fn batch(model: &Llama) -> Batch {
    Batch::new(&model.config, &examples().iter().collect::<Vec<_>>(), None).unwrap()
}

/// Weights that differ from token to token.
fn weights(count: usize) -> Vec<f32> {
    (0..count).map(|index| 0.3 + 0.1 * index as f32).collect()
}

pub(super) fn gradient(
    model: &Llama,
    batch: &Batch,
    trained: &Trained,
    measure: Measure<'_>,
    weigh: &mut dyn FnMut(&[f32]) -> Result<Vec<f32>>,
) -> Gradient {
    Frozen::new(model, batch, first_block(trained)).unwrap().gradient(trained, SCALE, measure, weigh).unwrap()
}

fn log_prob_gradient(kernels: Kernels) -> Gradient {
    let model = model(kernels);
    let (batch, trained) = (batch(&model), trained_arrays(&model));
    let mut weigh = |values: &[f32]| Ok(weights(values.len()));
    gradient(&model, &batch, &trained, Measure::LogProb, &mut weigh)
}

pub(super) fn flat(gradient: &Gradient) -> Vec<f32> {
    let slice = |array: &Array| array.contiguous().unwrap().try_as_slice::<f32>().unwrap().to_vec();
    gradient.arrays.iter().flat_map(slice).collect()
}

#[test]
fn gradients_through_loops_in_rust_and_through_mlx_operations_agree() {
    let (host, mlx) = (flat(&log_prob_gradient(Kernels::Host)), flat(&log_prob_gradient(Kernels::Mlx)));
    let size = host.iter().fold(0.0_f32, |size, number| size.max(number.abs()));
    let worst = host.iter().zip(&mlx).map(|(host, mlx)| (host - mlx).abs()).fold(0.0, f32::max);
    assert!(size > 0.1 && worst < 2e-5 * size, "{worst} of {size}");
}

/// The weighted sum that a gradient belongs to.
fn weighted(values: &[f32]) -> f64 {
    values.iter().zip(weights(values.len())).map(|(&value, weight)| f64::from(value * weight)).sum()
}

/// Compares a gradient with central differences at a number of each array.
fn agrees_with_differences(found: &Gradient, trained: &Trained, of: &dyn Fn(&Trained) -> f64) {
    let step = 4e-3_f32;
    for (index, gradient) in found.arrays.iter().enumerate() {
        let place = 5 * index + 1;
        let mut moved = [trained.clone(), trained.clone()];
        for (moved, step) in moved.iter_mut().zip([step, -step]) {
            let array = &mut moved[index / 2].1[index % 2];
            let mut numbers = array.try_as_slice::<f32>().unwrap().to_vec();
            numbers[place] += step;
            *array = Array::from_slice(&numbers, array.shape());
        }
        let difference = (of(&moved[0]) - of(&moved[1])) / f64::from(2.0 * step);
        let exact = f64::from(gradient.contiguous().unwrap().try_as_slice::<f32>().unwrap()[place]);
        let off = (exact - difference).abs();
        assert!(off < 2e-2 * (0.05 + exact.abs()), "array {index}: {exact} is not {difference}");
    }
}

#[test]
fn the_gradient_of_log_probabilities_agrees_with_finite_differences() {
    let model = model(Kernels::Host);
    let (batch, trained) = (batch(&model), trained_arrays(&model));
    let found = log_prob_gradient(Kernels::Host);
    agrees_with_differences(&found, &trained, &|trained| {
        weighted(&measured_log_probs(&model, &batch, Some(&corrections(trained))).unwrap())
    });
}

#[test]
fn the_gradient_of_divergences_agrees_with_finite_differences() {
    let model = model(Kernels::Host);
    let trained = trained_arrays(&model);
    let rows: Vec<KlRow> = [(1, 4, 6), (2, 7, 3)]
        .map(|(seed, context, response)| KlRow {
            context: tokens(seed, context),
            response: tokens(seed + 9, response),
            ended: true,
        })
        .to_vec();
    let batch = Batch::of_responses(&model.config, &rows, 2).unwrap();
    let reference = Frozen::new(&model, &batch, 0).unwrap().states(None).unwrap();
    let mut weigh = |values: &[f32]| Ok(weights(values.len()));
    let measure = Measure::Divergence(&reference);
    let found = gradient(&model, &batch, &trained, measure, &mut weigh);
    assert!(found.values.iter().all(|&value| value > 0.0), "{:?}", found.values);
    agrees_with_differences(&found, &trained, &|trained| {
        let frozen = Frozen::new(&model, &batch, first_block(trained)).unwrap();
        weighted(&frozen.divergences(Some(&corrections(trained))).unwrap())
    });
}

/// The adapter after one step.
fn adapter_after(step: realign_engine_abi::train::TrainStep) -> Vec<f32> {
    let mut engine = trained();
    take(&mut engine, step);
    let folder = tempfile::tempdir().unwrap();
    save(&mut engine, folder.path());
    let bytes = std::fs::read(folder.path().join("optimizer.safetensors")).unwrap();
    let header = usize::try_from(u64::from_le_bytes(bytes[..8].try_into().unwrap())).unwrap();
    // First moments after one step are a tenth of the gradient; second moments its square.
    bytes[8 + header..].chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
}

pub(super) fn equal_within(left: &[f32], right: &[f32], limit: f32) {
    let size = left.iter().fold(0.0_f32, |size, number| size.max(number.abs()));
    let worst = left.iter().zip(right).map(|(left, right)| (left - right).abs()).fold(0.0, f32::max);
    assert!(size > 0.0 && worst < limit * size, "{worst} of {size}");
}

#[test]
fn a_batch_of_rows_gives_the_gradient_of_the_same_rows_one_by_one() {
    let examples: Vec<Example> = [(1, 4, 9), (2, 6, 2), (3, 2, 5)].map(|(s, c, n)| example(s, c, n)).to_vec();
    let together = adapter_after(supervised(vec![rows(&examples)], 0.01));
    let apart = adapter_after(supervised(rows(&examples).into_iter().map(|row| vec![row]).collect(), 0.01));
    equal_within(&together, &apart, 1e-5);
}

#[test]
fn pairs_together_give_the_gradient_of_the_same_pairs_one_by_one() {
    let pairs: Vec<Example> = [(1, 4, 9, 3), (2, 6, 2, 5)].map(|(s, p, c, r)| pair(s, p, c, r)).to_vec();
    let loss = PreferenceLoss::Dpo { beta: 0.1 };
    let batch = referenced(&mut trained(), &pairs);
    let together = adapter_after(preference(loss, vec![batch.clone()], 0.01));
    let apart = adapter_after(preference(loss, batch.into_iter().map(|row| vec![row]).collect(), 0.01));
    equal_within(&together, &apart, 1e-5);
}

#[test]
fn what_two_passes_share_below_the_first_corrected_block_changes_no_bit() {
    for kernels in [Kernels::Host, Kernels::Mlx] {
        let model = model(kernels);
        let batch = batch(&model);
        let all = trained_arrays(&model);
        let upper: Trained = all.into_iter().filter(|(site, _)| site.block > 0).collect();
        assert_eq!(first_block(&upper), 1);
        let corrections = corrections(&upper);
        let [alone, shared] = [0, 1].map(|first| Frozen::new(&model, &batch, first).unwrap());
        for corrections in [None, Some(&corrections)] {
            let of = |frozen: &Frozen<'_>| frozen.log_probs(corrections).unwrap();
            assert_eq!(of(&shared), of(&alone));
        }
        assert_ne!(shared.log_probs(None).unwrap(), shared.log_probs(Some(&corrections)).unwrap());
        let divergences = |frozen: &Frozen<'_>| frozen.divergences(Some(&corrections)).unwrap();
        assert_eq!(divergences(&shared), divergences(&alone));
    }
}
