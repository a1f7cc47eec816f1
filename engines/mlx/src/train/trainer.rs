//! The adapter on its way: begun, stepped, saved.
//!
//! The numbers live in plain vectors; the arrays that a pass needs are made from them after every update. The
//! model always carries the current corrections, so whatever is asked between two steps (generation, scoring,
//! divergence) is answered by the model as it has become.

use std::{collections::BTreeMap, path::Path};

use mlx_rs::Array;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use realign_engine_abi::{
    message::Reply,
    train::{
        AdamW, AdapterShape, Divergence, Objective, StepReport, TrainBegin, TrainRow, TrainStep, TrainingInfo,
    },
};

use crate::{
    adapter::{Adapter, Factors, Site, mlx_lm, names::Projection},
    disk::Folder,
    error::{Error, Result},
    llama::{config::Config, correction::Corrections, forward::Llama, weights::array},
    train::{
        adamw::{Moments, clip, update},
        batch::Batch,
        loss::{Side, pair_loss},
        moments,
        pass::{Measure, Trained, gradient, measured_divergences, measured_log_probs, states},
    },
};

/// Highest rank: far above what pays.
const MAX_RANK: u32 = 1024;

/// An adapter that is being trained.
#[derive(Debug)]
pub struct Trainer {
    adapter: Adapter,
    moments: BTreeMap<Site, [Moments; 2]>,
    settings: AdamW,
    steps: u64,
    layers: usize,
}

impl Trainer {
    /// A fresh adapter, or the one of a checkpoint.
    ///
    /// # Errors
    /// A request error naming what does not fit the model or makes no sense; a model error naming what is wrong
    /// with the checkpoint.
    pub fn begin(config: &Config, begin: &TrainBegin) -> Result<Self> {
        check(config, begin)?;
        let fresh = initial(config, &begin.adapter, begin.seed)?;
        let (adapter, moments, steps) = match &begin.resume {
            None => {
                let moments = fresh.corrections.iter().map(|(&site, factors)| (site, zero(factors))).collect();
                (fresh, moments, 0)
            }
            Some(path) => {
                resume(config, path, &fresh).map_err(|error| error.within(path.display()))?
            }
        };
        Ok(Self { adapter, moments, settings: begin.optimiser, steps, layers: config.layers })
    }

    /// How much is trained, and for how long it has been.
    #[must_use]
    pub fn info(&self) -> TrainingInfo {
        TrainingInfo { parameters: self.adapter.parameters(), steps: self.steps }
    }

    /// The corrections as they are now, multiplied by `factor`.
    ///
    /// # Errors
    /// A request error if an array is too large for MLX.
    pub fn corrections(&self, factor: f32) -> Result<Corrections> {
        let factors = self.trained()?.into_iter().map(|(site, [a, b])| (site, (a, b)));
        Ok(Corrections { scale: self.adapter.scale * factor, factors: factors.collect() })
    }

    /// Takes one step and puts the new corrections on the model. `progress` is told of (batches done, batches in
    /// all) and says whether to go on; a step that is stopped or not finite changes nothing.
    ///
    /// # Errors
    /// A request error naming the batch that does not fit the model or the objective, or if `progress` asked to
    /// stop.
    pub fn step(
        &mut self,
        model: &mut Llama,
        step: &TrainStep,
        end: u32,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Reply> {
        let work = Work::plan(model, step, end)?;
        let trained = self.trained()?;
        let mut sum = Sum::new(&trained);
        let scale = self.adapter.scale;
        for (number, (batch, rows)) in work.batches.iter().zip(&step.batches).enumerate() {
            if !progress(number as u64, work.total()) {
                return Err(Error::stopped());
            }
            let mut weigh = |values: &[f32]| Ok(sum.losses(step.objective, batch, rows, &work, values));
            if step.update {
                let found = gradient(model, batch, &trained, scale, Measure::LogProb, &mut weigh)?;
                sum.add(&found.arrays)?;
            } else {
                let corrections = self.corrections(1.0)?;
                weigh(&measured_log_probs(model, batch, Some(&corrections))?)?;
            }
            if !sum.loss.is_finite() {
                return Ok(diverged(Some(number), "loss"));
            }
        }
        if let Some(anchors) = &work.anchors {
            let weight = step.kl_weight / anchors.targets.len() as f64;
            let mut weigh = |values: &[f32]| {
                sum.kl = Some(values.iter().map(|&value| f64::from(value)).sum::<f64>() / values.len() as f64);
                #[expect(clippy::cast_possible_truncation, reason = "weights of f32 gradients")]
                Ok(vec![weight as f32; values.len()])
            };
            if step.update {
                let reference = states(model, anchors, None)?;
                let measure = Measure::Divergence(&reference);
                let found = gradient(model, anchors, &trained, scale, measure, &mut weigh)?;
                sum.add(&found.arrays)?;
            } else {
                let corrections = self.corrections(1.0)?;
                weigh(&measured_divergences(model, anchors, Some(&corrections))?)?;
            }
        }
        progress(work.total(), work.total());
        let report = sum.report(&work);
        if step.update {
            let (norm, factor) = clip(&self.settings, &sum.gradients);
            if !norm.is_finite() {
                return Ok(diverged(None, "gradient"));
            }
            self.update((step.rate, factor), &sum.gradients);
            model.corrections = Some(self.corrections(1.0)?);
            return Ok(Reply::Step(StepReport { gradient_norm: norm, ..report }));
        }
        Ok(Reply::Step(report))
    }

    /// Writes adapter and moments into an existing empty folder, flushed to disk.
    ///
    /// # Errors
    /// A request error if something cannot be written.
    pub fn save(&self, folder: &Path) -> Result<()> {
        mlx_lm::write(folder, &self.adapter, self.layers)?;
        moments::write(folder, &self.moments, self.steps)
    }

    fn trained(&self) -> Result<Trained> {
        let rank = self.adapter.rank;
        let pair = |(&site, factors): (&Site, &Factors)| {
            let a = array(&factors.a, &[factors.a.len() / rank, rank])?;
            let b = array(&factors.b, &[rank, factors.b.len() / rank])?;
            Ok((site, [a, b]))
        };
        self.adapter.corrections.iter().map(pair).collect()
    }

    fn update(&mut self, (rate, factor): (f64, f64), gradients: &[Vec<f32>]) {
        self.steps += 1;
        let pace = (self.steps, rate, factor);
        let moved = self.adapter.corrections.values_mut().zip(self.moments.values_mut());
        for ((factors, moments), gradients) in moved.zip(gradients.chunks_exact(2)) {
            update(&self.settings, pace, &mut factors.a, &mut moments[0], &gradients[0]);
            update(&self.settings, pace, &mut factors.b, &mut moments[1], &gradients[1]);
        }
    }
}

/// A step's batches, checked before the first one runs.
struct Work {
    batches: Vec<Batch>,
    anchors: Option<Batch>,
    /// Scored tokens of the step: what supervised losses are divided by.
    tokens: f64,
    /// Rows of the step: what preference losses are divided by.
    rows: f64,
}

impl Work {
    fn plan(model: &Llama, step: &TrainStep, end: u32) -> Result<Self> {
        let Objective::Supervised | Objective::Preference { .. } = step.objective;
        let batch = |(number, rows): (usize, &Vec<TrainRow>)| {
            let wanted = if step.objective.needs_reference() { 2 } else { 0 };
            if let Some(row) = rows.iter().position(|row| row.reference.len() != wanted) {
                let found = rows[row].reference.len();
                return Err(Error::request(format!("row {row}: {found} reference numbers, not {wanted}")));
            }
            let examples: Vec<_> = rows.iter().map(|row| &row.example).collect();
            Batch::new(&model.config, &examples, Some(step.objective.answers()))
                .map_err(|error| error.within(format!("batch {number}")))
        };
        let batches = step.batches.iter().enumerate().map(batch).collect::<Result<Vec<_>>>()?;
        if batches.is_empty() {
            return Err(Error::request("the step has no batches"));
        }
        if !(step.rate.is_finite() && step.rate >= 0.0 && step.kl_weight.is_finite() && step.kl_weight >= 0.0) {
            let (rate, weight) = (step.rate, step.kl_weight);
            return Err(Error::request(format!("rate {rate} or kl weight {weight} is not a number from 0 up")));
        }
        let anchors = (!step.anchors.is_empty())
            .then(|| Batch::of_responses(&model.config, &step.anchors, end))
            .transpose()
            .map_err(|error| error.within("anchors"))?;
        let tokens = batches.iter().map(|batch| batch.targets.len()).sum::<usize>() as f64;
        let rows = step.batches.iter().map(Vec::len).sum::<usize>() as f64;
        Ok(Self { batches, anchors, tokens, rows })
    }

    fn total(&self) -> u64 {
        (self.batches.len() + usize::from(self.anchors.is_some())) as u64
    }
}

/// What the batches of a step add up to.
struct Sum {
    loss: f64,
    kl: Option<f64>,
    log_probs: Vec<Vec<f64>>,
    /// `A` and `B` of each place, in order.
    gradients: Vec<Vec<f32>>,
}

impl Sum {
    fn new(trained: &Trained) -> Self {
        let zero = |array: &Array| vec![0.0; array.size()];
        let gradients = trained.iter().flat_map(|(_, factors)| factors).map(zero).collect();
        Self { loss: 0.0, kl: None, log_probs: Vec::new(), gradients }
    }

    /// Adds a batch's losses; returns the weight of each scored token's log-probability in the gradient.
    fn losses(
        &mut self,
        objective: Objective,
        batch: &Batch,
        rows: &[TrainRow],
        work: &Work,
        values: &[f32],
    ) -> Vec<f32> {
        let sums = batch.sums(values);
        // The derivative of the loss with respect to each answer's sum.
        let mut slopes = Vec::new();
        match objective {
            Objective::Supervised => {
                self.loss -= sums.iter().flatten().sum::<f64>() / work.tokens;
                slopes.resize(sums.len(), -1.0 / work.tokens);
            }
            Objective::Preference { loss, nll } => {
                for ((sums, lengths), row) in sums.iter().zip(batch.lengths()).zip(rows) {
                    let side = |answer: usize| Side {
                        policy: sums[answer],
                        reference: row.reference.get(answer).copied().unwrap_or(0.0),
                        tokens: lengths[answer],
                    };
                    let pair = pair_loss(loss, nll, side(0), side(1));
                    self.loss += pair.loss / work.rows;
                    slopes.extend([pair.chosen / work.rows, pair.rejected / work.rows]);
                }
            }
        }
        self.log_probs.extend(sums);
        #[expect(clippy::cast_possible_truncation, reason = "weights of f32 gradients")]
        batch.owners.iter().map(|&owner| slopes[owner] as f32).collect()
    }

    fn add(&mut self, gradients: &[Array]) -> Result<()> {
        for (sum, gradient) in self.gradients.iter_mut().zip(gradients) {
            let gradient = gradient.contiguous()?;
            for (sum, gradient) in sum.iter_mut().zip(gradient.try_as_slice::<f32>()?) {
                *sum += gradient;
            }
        }
        Ok(())
    }

    fn report(&self, work: &Work) -> StepReport {
        let all = || work.batches.iter().chain(&work.anchors);
        StepReport {
            loss: self.loss,
            scored_tokens: work.batches.iter().map(|batch| batch.targets.len() as u64).sum(),
            tokens: all().map(|batch| batch.tokens() as u64).sum(),
            gradient_norm: 0.0,
            kl: self.kl,
            logprobs: self.log_probs.clone(),
        }
    }
}

fn diverged(batch: Option<usize>, what: &str) -> Reply {
    Reply::Diverged(Divergence { batch, what: what.into() })
}

fn check(config: &Config, begin: &TrainBegin) -> Result<()> {
    let AdapterShape { rank, scale, layers, ref modules } = begin.adapter;
    if !(1..=MAX_RANK).contains(&rank) {
        return Err(Error::request(format!("adapter rank {rank} is not from 1 to {MAX_RANK}")));
    }
    if !(scale.is_finite() && scale > 0.0) {
        return Err(Error::request(format!("adapter scale {scale} is not a positive number")));
    }
    if layers == 0 || layers as usize > config.layers {
        return Err(Error::request(format!(
            "{layers} adapted layers; the model has {}",
            config.layers
        ))
        .hint("name a number from 1 to the model's layers"));
    }
    if modules.is_empty() {
        return Err(Error::request("no modules are adapted").hint("name at least one, such as self_attn.q_proj"));
    }
    let AdamW { beta1, beta2, epsilon, weight_decay, clip_norm } = begin.optimiser;
    let decays = [beta1, beta2].iter().all(|beta| (0.0..1.0).contains(beta));
    let positive = epsilon > 0.0 && weight_decay >= 0.0 && clip_norm.is_none_or(|limit| limit > 0.0);
    if !(decays && positive) {
        return Err(Error::request(format!("optimiser settings make no sense: {:?}", begin.optimiser))
            .hint("betas are from 0 to below 1, epsilon and clip_norm above 0, weight_decay from 0 up"));
    }
    Ok(())
}

/// `A` uniform within `+-1/sqrt(inputs)`, `B` zero: the adapted model is the model.
fn initial(config: &Config, shape: &AdapterShape, seed: u64) -> Result<Adapter> {
    let rank = shape.rank as usize;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut projections = shape
        .modules
        .iter()
        .map(|name| Projection::from_name(name))
        .collect::<Result<Vec<_>>>()?;
    projections.sort_unstable();
    projections.dedup();
    let mut corrections = BTreeMap::new();
    for block in config.layers - shape.layers as usize..config.layers {
        for &projection in &projections {
            let (inputs, outputs) = projection.shape(config);
            let bound = 1.0 / (inputs as f32).sqrt();
            // 24 bits, each value of the grid equally likely.
            let mut uniform = || ((random.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.0) * bound;
            let a = (0..inputs * rank).map(|_| uniform()).collect();
            corrections.insert(Site { block, projection }, Factors { a, b: vec![0.0; rank * outputs] });
        }
    }
    Ok(Adapter { rank, scale: shape.scale, corrections })
}

fn zero(factors: &Factors) -> [Moments; 2] {
    [Moments::zero(factors.a.len()), Moments::zero(factors.b.len())]
}

type Resumed = (Adapter, BTreeMap<Site, [Moments; 2]>, u64);

fn resume(config: &Config, path: &Path, fresh: &Adapter) -> Result<Resumed> {
    let folder = Folder::open(path)?;
    let adapter = mlx_lm::read(&folder, config)?;
    let shape = |adapter: &Adapter| {
        (adapter.rank, adapter.scale.to_bits(), adapter.corrections.keys().copied().collect::<Vec<_>>())
    };
    if shape(&adapter) != shape(fresh) {
        return Err(Error::request("the checkpoint's adapter has another rank, scale or places than asked for")
            .hint("go on with the settings that the checkpoint was made with"));
    }
    let (moments, steps) = moments::read(&folder, &adapter)?;
    Ok((adapter, moments, steps))
}
