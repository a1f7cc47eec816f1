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
    adapter::{Adapter, Site, mlx_lm},
    error::{Error, Result},
    llama::{config::Config, correction::Corrections, forward::Llama},
    raw::group::Group,
    train::{
        adamw::{Moments, clip, update},
        moments,
        pass::{Frozen, Measure, Trained, first_block},
        start::Start,
        step::{Sum, Work, measures_reference},
        together::{Part, agree, join},
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
    /// Who trains together with this process.
    group: Option<Group>,
}

impl Trainer {
    /// A fresh adapter, or the one of a checkpoint.
    ///
    /// # Errors
    /// A request error naming what does not fit the model or makes no sense; a model error naming what is wrong
    /// with the checkpoint.
    pub fn begin(config: &Config, begin: &TrainBegin) -> Result<Self> {
        let Start { adapter, moments, steps } = Start::new(config, begin)?;
        let group = (begin.ranks > 1).then(|| Group::join(begin.ranks as usize)).transpose()?;
        Ok(Self { adapter, moments, settings: begin.optimiser, steps, layers: config.layers, group })
    }

    /// How much is trained, and for how long it has been.
    #[must_use]
    pub fn info(&self) -> TrainingInfo {
        let rank = self.group.as_ref().map_or(0, Group::rank);
        #[expect(clippy::cast_possible_truncation, reason = "a group has far fewer than 2^32 ranks")]
        let rank = rank as u32;
        TrainingInfo { parameters: self.adapter.parameters(), steps: self.steps, rank }
    }

    /// The corrections as they are now, multiplied by `factor`.
    ///
    /// # Errors
    /// A request error if an array is too large for MLX.
    pub fn corrections(&self, factor: f32) -> Result<Corrections> {
        self.adapter.corrections(factor)
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
        let group = self.group.as_ref();
        let work = agree(group, Work::plan(&model.config, step, end))?;
        if work.counts.rows == 0.0 {
            return Err(Error::request("the step has no rows"));
        }
        let trained: Trained = self.adapter.arrays()?;
        let part = self.share(model, step, &work, &trained, progress);
        let sum = match join(group, part, Sum::new(&trained))? {
            Part::Done(sum) => sum,
            Part::Diverged(divergence) => return Ok(Reply::Diverged(divergence)),
        };
        let mut norm = 0.0;
        if step.update {
            let (length, factor) = clip(&self.settings, &sum.gradients);
            if !length.is_finite() {
                return Ok(Reply::Diverged(Divergence { batch: None, what: "gradient".into() }));
            }
            norm = length;
            if !self.update((step.rate, factor), &sum.gradients) {
                return Ok(Reply::Diverged(Divergence { batch: None, what: "update".into() }));
            }
            model.corrections = Some(self.corrections(1.0)?);
        }
        Ok(Reply::Step(StepReport { gradient_norm: norm, ..sum.report(work.counts) }))
    }

    /// Runs this process's batches.
    fn share(
        &self,
        model: &Llama,
        step: &TrainStep,
        work: &Work,
        trained: &Trained,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Part> {
        let mut sum = Sum::new(trained);
        let scale = self.adapter.scale;
        // Measured with, not trained with: a gradient makes its own.
        let corrections = (!step.update).then(|| self.corrections(1.0)).transpose()?;
        let first = first_block(trained);
        for (number, (batch, rows)) in work.batches.iter().zip(&step.batches).enumerate() {
            if !progress(number as u64, work.total()) {
                return Err(Error::stopped());
            }
            sum.count(batch, true);
            let frozen = Frozen::new(model, batch, first)?;
            if measures_reference(step.objective, rows) {
                sum.refer(batch.sums(&frozen.log_probs(None)?));
            } else {
                sum.refer(rows.iter().map(|row| row.reference.clone()));
            }
            let mut weigh = |values: &[f32]| Ok(sum.losses(step.objective, batch, work, values));
            if step.update {
                let found = frozen.gradient(trained, scale, Measure::LogProb, &mut weigh)?;
                sum.add(&found.arrays)?;
            } else {
                weigh(&frozen.log_probs(corrections.as_ref())?)?;
            }
            if let Some(what) = sum.unsound() {
                return Ok(Part::Diverged(Divergence { batch: Some(number), what: what.into() }));
            }
        }
        if let Some(anchors) = &work.anchors {
            #[expect(clippy::cast_possible_truncation, reason = "weights of f32 gradients")]
            let weight = (step.kl_weight / work.counts.anchors) as f32;
            sum.count(anchors, false);
            let mut weigh = |values: &[f32]| {
                sum.divergence = values.iter().map(|&value| f64::from(value)).sum();
                Ok(vec![weight; values.len()])
            };
            let frozen = Frozen::new(model, anchors, first)?;
            if step.update {
                let reference = frozen.states(None)?;
                let measure = Measure::Divergence(&reference);
                let found = frozen.gradient(trained, scale, measure, &mut weigh)?;
                sum.add(&found.arrays)?;
            } else {
                weigh(&frozen.divergences(corrections.as_ref())?)?;
            }
            if let Some(what) = sum.unsound() {
                return Ok(Part::Diverged(Divergence { batch: None, what: what.into() }));
            }
        }
        progress(work.total(), work.total());
        Ok(Part::Done(sum))
    }

    /// Writes adapter and moments into an existing empty folder, flushed to disk.
    ///
    /// # Errors
    /// An unwritable error if something cannot be written.
    pub fn save(&self, folder: &Path) -> Result<()> {
        mlx_lm::write(folder, &self.adapter, self.layers)?;
        moments::write(folder, &self.moments, self.steps)
    }

    /// Whether the update was finite; one that was not is not kept.
    fn update(&mut self, (rate, factor): (f64, f64), gradients: &[Vec<f32>]) -> bool {
        let pace = (self.steps + 1, rate, factor);
        let (mut adapter, mut moments) = (self.adapter.clone(), self.moments.clone());
        let moved = adapter.corrections.values_mut().zip(moments.values_mut());
        for ((factors, moments), gradients) in moved.zip(gradients.chunks_exact(2)) {
            update(&self.settings, pace, &mut factors.a, &mut moments[0], &gradients[0]);
            update(&self.settings, pace, &mut factors.b, &mut moments[1], &gradients[1]);
        }
        let finite = |numbers: &[f32]| numbers.iter().all(|number| number.is_finite());
        let sound = adapter.corrections.values().all(|factors| finite(&factors.a) && finite(&factors.b));
        let steady =
            moments.values().flatten().all(|moments| finite(&moments.first) && finite(&moments.second));
        if sound && steady {
            (self.adapter, self.moments, self.steps) = (adapter, moments, self.steps + 1);
        }
        sound && steady
    }
}
