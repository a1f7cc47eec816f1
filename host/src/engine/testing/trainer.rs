//! Training by arithmetic: one weight, moved by the real messages along the real losses.
//!
//! A token with id t has the log-probability `-(t/128 - w)^2`, w being the weight times the factor; the model without its
//! adapter has w = 0. The divergence at every token is w^2, and 5 behind a poisoned context. The gradient is a difference quotient.

use std::fs;

use realign_engine_abi::{
    message::{AdapterFile, EngineError, ErrorKind, Reply, Request},
    train::{
        Divergence, Example, KlRow, Objective, PreferenceLoss, StepReport, TrainBegin, TrainRow, TrainStep,
        TrainingInfo,
    },
};
use serde::{Deserialize, Serialize};

use super::POISON;

/// An adapter of one weight with its optimiser.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Weight {
    value: f64,
    moment: f64,
    steps: u64,
}

/// The trainer of one worker.
#[derive(Debug, Default)]
pub(super) struct Trainer {
    weight: Option<Weight>,
    scale: f32,
    factor: Option<f32>,
}

impl Trainer {
    /// Answers the requests of training; `None` for any other.
    pub(super) fn answer(&mut self, request: &Request) -> Option<Reply> {
        Some(match request {
            Request::TrainBegin(begin) => self.begin(begin),
            Request::TrainStep(step) => self.step(step),
            Request::TrainSave(save) => {
                let weight = self.weight.expect("training has begun");
                let write = |name: &str, text: String| fs::write(save.folder.join(name), text).unwrap();
                write("adapters.safetensors", serde_json::to_string(&weight.value).unwrap());
                write("optimizer.safetensors", serde_json::to_string(&weight).unwrap());
                write(
                    "adapter_config.json",
                    serde_json::json!({ "lora_parameters": { "scale": self.scale } }).to_string(),
                );
                Reply::Saved
            }
            Request::LogProbs(asked) => {
                let weight = if asked.adapted { self.live() } else { 0.0 };
                Reply::LogProbs(asked.examples.iter().map(|example| sums(example, weight)).collect())
            }
            Request::Kl(rows) => Reply::Kl(rows.iter().map(|row| self.kl(row)).collect()),
            Request::Adapt(files) => {
                let weight = |file: &AdapterFile| {
                    let read = |name: &str| fs::read_to_string(file.folder.join(name)).unwrap();
                    let about: serde_json::Value =
                        serde_json::from_str(&read("adapter_config.json")).unwrap();
                    let scale = about["lora_parameters"]["scale"].as_f64().unwrap();
                    serde_json::from_str::<f64>(&read("adapters.safetensors")).unwrap() * scale / 2.0
                };
                // A fresh adapter's scale is 2, which is what one weight stands for.
                let value = files.iter().map(weight).sum();
                (self.weight, self.factor) = (Some(Weight { value, ..Weight::default() }), None);
                Reply::Adapted
            }
            Request::AdapterFactor(factor) => {
                self.factor = Some(*factor);
                Reply::Scaled
            }
            _ => return None,
        })
    }

    fn live(&self) -> f64 {
        self.weight.map_or(0.0, |weight| weight.value) * f64::from(self.factor.unwrap_or(1.0))
    }

    fn begin(&mut self, begin: &TrainBegin) -> Reply {
        let weight = match &begin.resume {
            None => Weight::default(),
            Some(folder) => match fs::read_to_string(folder.join("optimizer.safetensors")) {
                Ok(text) => serde_json::from_str(&text).unwrap(),
                Err(error) => {
                    let message = format!("cannot read the checkpoint: {}", error.kind());
                    return Reply::Error(EngineError {
                        kind: ErrorKind::Model,
                        message,
                        hint: String::new(),
                    });
                }
            },
        };
        self.scale = begin.adapter.scale;
        self.factor = None;
        self.weight = Some(weight);
        Reply::Training(TrainingInfo { parameters: 1, steps: weight.steps, rank: 0 })
    }

    #[expect(clippy::cast_possible_truncation, reason = "a test's divergence")]
    fn kl(&self, row: &KlRow) -> Vec<f32> {
        let moved = if row.context.contains(&POISON) { 5.0 } else { self.live().powi(2) };
        vec![moved as f32; row.response.len() + usize::from(row.ended)]
    }

    fn step(&mut self, step: &TrainStep) -> Reply {
        let weight = self.weight.as_mut().expect("training has begun");
        let mut rows: Vec<TrainRow> = step.batches.iter().flatten().cloned().collect();
        for row in &mut rows {
            if step.objective.needs_reference() && row.reference.is_empty() {
                row.reference = sums(&row.example, 0.0);
            }
        }
        let kl = weight.value.powi(2);
        let objective = |at: f64| {
            let penalty = if step.anchors.is_empty() { 0.0 } else { step.kl_weight * at.powi(2) };
            loss(&step.objective, &rows, at) + penalty
        };
        let report = StepReport {
            loss: loss(&step.objective, &rows, weight.value),
            scored_tokens: rows.iter().map(|row| scored(&row.example)).sum(),
            tokens: rows.iter().map(|row| row.example.context.len() as u64 + scored(&row.example)).sum(),
            gradient_norm: 0.0,
            kl: (!step.anchors.is_empty()).then_some(kl),
            logprobs: rows.iter().map(|row| sums(&row.example, weight.value)).collect(),
            references: rows.iter().map(|row| row.reference.clone()).collect(),
        };
        if !report.loss.is_finite() {
            return diverged(0);
        }
        if !step.update {
            return Reply::Step(report);
        }
        let gradient = (objective(weight.value + 1e-6) - objective(weight.value - 1e-6)) / 2e-6;
        weight.moment = 0.5 * weight.moment + gradient;
        weight.value -= step.rate * weight.moment;
        weight.steps += 1;
        Reply::Step(StepReport { gradient_norm: gradient.abs(), ..report })
    }
}

/// The first batch with [`POISON`] in a context.
pub(super) fn poisoned(step: &TrainStep) -> Option<usize> {
    let poisoned = |row: &TrainRow| row.example.context.contains(&POISON);
    step.batches.iter().position(|batch| batch.iter().any(poisoned))
}

/// The reply to a step that stopped being finite.
pub(super) fn diverged(batch: usize) -> Reply {
    Reply::Diverged(Divergence { batch: Some(batch), what: "loss".into() })
}

fn scored(example: &Example) -> u64 {
    example.answers.iter().flat_map(|answer| &answer.scored).filter(|&&scored| scored).count() as u64
}

fn sums(example: &Example, weight: f64) -> Vec<f64> {
    let sum = |answer: &realign_engine_abi::train::Answer| {
        let marked = answer.tokens.iter().zip(&answer.scored).filter(|(_, scored)| **scored);
        marked.map(|(&token, _)| -(f64::from(token) / 128.0 - weight).powi(2)).sum()
    };
    example.answers.iter().map(sum).collect()
}

fn loss(objective: &Objective, rows: &[TrainRow], weight: f64) -> f64 {
    match objective {
        Objective::Supervised => {
            let tokens: u64 = rows.iter().map(|row| scored(&row.example)).sum();
            -rows.iter().map(|row| sums(&row.example, weight)[0]).sum::<f64>() / tokens as f64
        }
        Objective::Preference { loss: PreferenceLoss::Dpo { beta }, .. } => {
            let of = |row: &TrainRow| {
                let sums = sums(&row.example, weight);
                let gain = (sums[0] - row.reference[0]) - (sums[1] - row.reference[1]);
                (1.0 + (-beta * gain).exp()).ln()
            };
            rows.iter().map(of).sum::<f64>() / rows.len() as f64
        }
        Objective::Preference { .. } => unreachable!("no test asks for it"),
    }
}
