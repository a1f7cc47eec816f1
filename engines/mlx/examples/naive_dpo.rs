//! Preference training as it is written down, to measure what sharing saves: `naive_dpo MODEL LAYERS BETA`.
//!
//! Four passes a batch, none of which knows of another: the chosen and the rejected texts under the policy, forward and
//! backward, and both under the reference, each with the prompt before it and the log-probabilities of all of its
//! tokens, of which those of the answer count. Everything else is what the engine does itself. A line of standard input
//! is `{"prompt": 64, "rate": 1e-4, "pairs": [[[tokens], [tokens]], ..]}` with whole texts, chosen first; the line that
//! answers it holds the loss.

#![expect(clippy::print_stdout, reason = "an example prints its answers")]

use std::{env::args, error::Error, io::stdin};

use realign_engine_abi::train::{
    AdamW, AdapterShape, Answer, Example, PROJECTIONS, PreferenceLoss, TrainBegin,
};
use realign_engine_mlx::{
    checkpoint::Checkpoint,
    error::Result,
    llama::{attention::Kernels, config::Config, forward::Llama},
    raw,
    train::{
        adamw::{clip, update},
        batch::Batch,
        loss::{Pair, Side, pair_loss},
        pass::{Frozen, Measure, Trained, first_block, measured_log_probs},
        start::Start,
    },
};
use serde_json::{Value, from_value, json};

const OPTIMISER: AdamW =
    AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01, clip_norm: None };

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let [model, layers, beta] =
        <[String; 3]>::try_from(args().skip(1).collect::<Vec<_>>()).map_err(|_| "give MODEL LAYERS BETA")?;
    raw::prepare()?;
    let llama = Checkpoint::open(model.as_ref())?.load(&[], Kernels::Host, &mut |_, _| true)?;
    let loss = PreferenceLoss::Dpo { beta: beta.parse()? };
    let mut start = Start::new(&llama.config, &begin(layers.parse()?))?;
    for line in stdin().lines() {
        let mut line: Value = serde_json::from_str(&line?)?;
        let pairs: Vec<[Vec<u32>; 2]> = from_value(line["pairs"].take())?;
        let (prompt, rate) = (from_value(line["prompt"].take())?, from_value(line["rate"].take())?);
        let [chosen, rejected] = [0, 1].map(|answer| Texts::new(&llama.config, &pairs, prompt, answer));
        println!("{}", json!({ "loss": step(&llama, &mut start, loss, rate, [chosen?, rejected?])? }));
    }
    Ok(())
}

fn begin(layers: u32) -> TrainBegin {
    let modules = PROJECTIONS.map(String::from).to_vec();
    let adapter = AdapterShape { rank: 8, scale: 2.0, layers, modules };
    TrainBegin { adapter, optimiser: OPTIMISER, seed: 1, resume: None, ranks: 1 }
}

/// One of the two texts of each pair.
struct Texts {
    /// All tokens but the first are scored.
    batch: Batch,
    /// How many scored tokens of a text belong to the prompt.
    prompt: usize,
    /// How many scored tokens each text has.
    lengths: Vec<usize>,
}

impl Texts {
    fn new(config: &Config, pairs: &[[Vec<u32>; 2]], prompt: usize, answer: usize) -> Result<Self> {
        let example = |pair: &[Vec<u32>; 2]| {
            let (first, tokens) = pair[answer].split_at(1);
            let answer = Answer { tokens: tokens.to_vec(), scored: vec![true; tokens.len()] };
            Example { context: first.to_vec(), answers: vec![answer] }
        };
        let examples: Vec<Example> = pairs.iter().map(example).collect();
        let batch = Batch::new(config, &examples.iter().collect::<Vec<_>>(), Some(1))?;
        let lengths = pairs.iter().map(|pair| pair[answer].len() - 1).collect();
        Ok(Self { batch, prompt: prompt - 1, lengths })
    }

    /// The sums over the answers, under the policy and the reference.
    fn sides(&self, policy: &[f32], reference: &[f32]) -> Vec<Side> {
        let mut start = 0;
        let side = |&length: &usize| {
            let answer = start + self.prompt..start + length;
            start += length;
            let tokens = answer.len() as f64;
            let [policy, reference] = [policy, reference]
                .map(|all| all[answer.clone()].iter().map(|&value| f64::from(value)).sum());
            Side { policy, reference, tokens }
        };
        self.lengths.iter().map(side).collect()
    }

    /// The weight of each scored token: the slope of the mean loss in an answer, 0 in a prompt.
    #[expect(clippy::cast_possible_truncation, reason = "weights of f32 gradients")]
    fn weights(&self, slopes: impl Iterator<Item = f64>) -> Vec<f32> {
        let of_text = |(&length, slope): (&usize, f64)| {
            let slope = (slope / self.lengths.len() as f64) as f32;
            (0..length).map(move |token| if token < self.prompt { 0.0 } else { slope })
        };
        self.lengths.iter().zip(slopes).flat_map(of_text).collect()
    }
}

fn step(
    llama: &Llama,
    start: &mut Start,
    loss: PreferenceLoss,
    rate: f64,
    [chosen, rejected]: [Texts; 2],
) -> Result<f64> {
    let [of_chosen, of_rejected] =
        [&chosen, &rejected].map(|texts| measured_log_probs(llama, &texts.batch, None));
    let (of_chosen, of_rejected) = (of_chosen?, of_rejected?);
    let trained = trained(start);
    let (scale, measure) = (start.adapter.scale, Measure::LogProb);
    // Blocks below the adapted ones keep nothing and have no gradient here either.
    let first = first_block(&trained);
    let (mut mean, mut pulls) = (0.0, Vec::new());
    // The rejected texts run while the chosen ones wait for their weights, which depend on both.
    let mut weigh_chosen = |values: &[f32]| {
        let sides = chosen.sides(values, &of_chosen);
        let (mut pairs, mut weights) = (Vec::new(), Vec::new());
        let mut weigh_rejected = |values: &[f32]| {
            let others = rejected.sides(values, &of_rejected);
            pairs = sides.iter().zip(others).map(|(&own, other)| pair_loss(loss, 0.0, own, other)).collect();
            weights = chosen.weights(pairs.iter().map(|pair: &Pair| pair.chosen));
            Ok(rejected.weights(pairs.iter().map(|pair| pair.rejected)))
        };
        pulls = Frozen::new(llama, &rejected.batch, first)?
            .gradient(&trained, scale, measure, &mut weigh_rejected)?
            .arrays;
        mean = pairs.iter().map(|pair: &Pair| pair.loss).sum::<f64>() / pairs.len() as f64;
        Ok(weights)
    };
    let found =
        Frozen::new(llama, &chosen.batch, first)?.gradient(&trained, scale, measure, &mut weigh_chosen)?;
    let mut gradients = Vec::new();
    for (own, other) in found.arrays.iter().zip(&pulls) {
        let sum = own.add(other)?.contiguous()?;
        gradients.push(sum.try_as_slice::<f32>()?.to_vec());
    }
    let pace = (start.steps + 1, rate, clip(&OPTIMISER, &gradients).1);
    let moved = start.adapter.corrections.values_mut().zip(start.moments.values_mut());
    for ((factors, moments), gradients) in moved.zip(gradients.chunks_exact(2)) {
        update(&OPTIMISER, pace, &mut factors.a, &mut moments[0], &gradients[0]);
        update(&OPTIMISER, pace, &mut factors.b, &mut moments[1], &gradients[1]);
    }
    start.steps += 1;
    Ok(mean)
}

fn trained(start: &Start) -> Trained {
    let rank = start.adapter.rank;
    let array = |numbers: &[f32], wide: bool| {
        let other = numbers.len() / rank;
        let [lines, columns] = if wide { [rank, other] } else { [other, rank] };
        let shape = [lines, columns].map(|extent| i32::try_from(extent).expect("factors are small"));
        mlx_rs::Array::from_slice(numbers, &shape)
    };
    let factors = start.adapter.corrections.iter();
    factors.map(|(&site, factors)| (site, [array(&factors.a, false), array(&factors.b, true)])).collect()
}
