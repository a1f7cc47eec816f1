//! The adapter on its way: begun, stepped, saved.
//!
//! The numbers live in plain vectors; the arrays that a pass needs are made from them after every update. The
//! model always carries the current corrections, so whatever is asked between two steps (generation, scoring,
//! divergence) is answered by the model as it has become.

use std::{collections::BTreeMap, path::Path};

use realign_engine_abi::{
    message::Reply,
    train::{AdamW, Divergence, StepReport, TrainBegin, TrainStep, TrainingInfo},
};

use crate::{
    adapter::{Adapter, Factors, Site, mlx_lm},
    error::{Error, Result},
    llama::{config::Config, correction::Corrections, forward::Llama, weights::array},
    train::{
        adamw::{Moments, clip, update},
        moments,
        pass::{Measure, Trained, gradient, measured_divergences, measured_log_probs, states},
        start::Start,
        step::{Sum, Work},
    },
};

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
        let Start { adapter, moments, steps } = Start::new(config, begin)?;
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
        let work = Work::plan(&model.config, step, end)?;
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
                sum.kl =
                    Some(values.iter().map(|&value| f64::from(value)).sum::<f64>() / values.len() as f64);
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

fn diverged(batch: Option<usize>, what: &str) -> Reply {
    Reply::Diverged(Divergence { batch, what: what.into() })
}
