//! Requests about an adapter that is trained on the loaded model.

use realign_engine_abi::{
    message::{AdapterFile, Reply},
    train::{KlRow, LogProbs, TrainBegin, TrainSave, TrainStep},
};

use super::{Engine, Model, no_model};
use crate::{
    adapter::{self, join::joined},
    error::{Error, Result},
    llama::correction::Corrections,
    train::{
        batch::Batch,
        pass::{Frozen, measured_log_probs},
        trainer::Trainer,
    },
};

impl Engine {
    pub(super) fn train_begin(&mut self, begin: &TrainBegin) -> Result<Reply> {
        let model = self.model.as_mut().ok_or_else(no_model)?;
        let trainer = Trainer::begin(&model.llama.config, begin)?;
        model.llama.corrections = Some(trainer.corrections(1.0)?);
        let info = trainer.info();
        self.trainer = Some(trainer);
        Ok(Reply::Training(info))
    }

    pub(super) fn train_step(
        &mut self,
        step: &TrainStep,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Reply> {
        let (model, trainer) = self.training()?;
        trainer.step(&mut model.llama, step, model.tokenizer.end(), progress)
    }

    pub(super) fn train_save(&mut self, save: &TrainSave) -> Result<Reply> {
        self.training()?.1.save(&save.folder)?;
        Ok(Reply::Saved)
    }

    pub(super) fn adapter_factor(&mut self, factor: f32) -> Result<Reply> {
        if !(0.0..=16.0).contains(&factor) {
            return Err(Error::request(format!("adapter factor {factor} is not from 0 to 16")));
        }
        let (model, trainer) = self.training()?;
        model.llama.corrections = Some(trainer.corrections(factor)?);
        Ok(Reply::Scaled)
    }

    /// Several adapters become one: what they do is added.
    pub(super) fn adapt(&mut self, files: &[AdapterFile]) -> Result<Reply> {
        let model = self.model.as_mut().ok_or_else(no_model)?;
        let adapters = files.iter().map(|file| adapter::read(file, &model.llama.config));
        let adapter = joined(&adapters.collect::<Result<Vec<_>>>()?, &model.llama.config)?;
        model.llama.corrections = Some(adapter.corrections(1.0)?);
        self.trainer = None;
        Ok(Reply::Adapted)
    }

    pub(super) fn log_probs(&self, wanted: &LogProbs) -> Result<Reply> {
        let llama = &self.model()?.llama;
        let corrections = llama.corrections.as_ref().filter(|_| wanted.adapted);
        let batch = Batch::new(&llama.config, &wanted.examples.iter().collect::<Vec<_>>(), None)?;
        let values = finite(measured_log_probs(llama, &batch, corrections)?, "log-probabilities")?;
        Ok(Reply::LogProbs(batch.sums(&values)))
    }

    pub(super) fn divergences(&self, rows: &[KlRow]) -> Result<Reply> {
        let model = self.model()?;
        let batch = Batch::of_responses(&model.llama.config, rows, model.tokenizer.end())?;
        let corrections = model.llama.corrections.as_ref();
        let first = corrections.and_then(Corrections::first_block).unwrap_or(0);
        let frozen = Frozen::new(&model.llama, &batch, first)?;
        let values = finite(frozen.divergences(corrections)?, "divergences")?;
        let mut by_row = vec![Vec::new(); rows.len()];
        for &(measured, row) in &batch.owners {
            by_row[row].push(values[measured]);
        }
        Ok(Reply::Kl(by_row))
    }

    fn training(&mut self) -> Result<(&mut Model, &mut Trainer)> {
        let model = self.model.as_mut().ok_or_else(no_model)?;
        let trainer = self
            .trainer
            .as_mut()
            .ok_or_else(|| Error::request("no adapter is being trained").hint("send `train-begin` first"))?;
        Ok((model, trainer))
    }
}

fn finite(values: Vec<f32>, what: &str) -> Result<Vec<f32>> {
    if values.iter().all(|value| value.is_finite()) {
        return Ok(values);
    }
    Err(Error::model(format!("the model computes {what} that are not finite"))
        .hint("its weights or its adapter are damaged; take an earlier checkpoint"))
}
