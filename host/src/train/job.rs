//! A training, ready to run: everything read, checked, tokenized and planned.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use realign_engine_abi::{
    message::TokenizeInput,
    train::{AdapterShape, KlRow, Objective, TrainBegin, TrainRow, TrainStep},
};
use serde_json::{Value, json};

use super::{
    config::{BatchTokens, Kind, LossSpec, Role, TrainFile},
    data::{self, Row},
    examples::{self, Item},
    folder::{self, Folder},
    kl::Asked,
    plan::{self, Step},
    prompts::Prompt,
    reference,
    schedule::Schedule,
    session::Session,
    sources::Sources,
};
use crate::{
    error::{Error, Result},
    ids::Digest,
    store::Store,
};

/// Version of what a step computes: the order of rows and the engine's arithmetic. Another version ends with other bits
/// of the same adapter, so a run does not go on over it.
const TRAINER: u32 = 3;

/// Told what is being done and how far it is: stage, done, total.
pub type Stage<'a> = dyn FnMut(&str, usize, usize) + 'a;

/// A training, ready to run.
#[derive(Debug)]
pub struct Job {
    /// What is trained.
    pub kind: Kind,
    /// Name of the run.
    pub name: String,
    /// The configuration.
    pub file: TrainFile,
    /// What is minimised.
    pub objective: Objective,
    /// All steps.
    pub steps: Vec<Step>,
    /// Their rates.
    pub schedule: Schedule,
    /// Everything that decides the result.
    pub plan: Value,
    /// Its digest.
    pub digest: Digest,
    /// Prompts of the guard and the search, and of the confirmation.
    pub asked: Option<(Asked, Asked)>,
    /// Neutral prompts, measured beside the confirmation.
    pub neutral: Option<Asked>,
    rows: Vec<Item>,
    validation: Vec<(Item, Vec<f64>)>,
    anchors: Vec<KlRow>,
    layers: u32,
    /// Most padded tokens in a batch.
    batch_tokens: u32,
}

impl Sources {
    /// Tokenizes and plans for the session's model, opens the folder, and asks the model without an adapter for what the
    /// objective needs. `measured` gives the batch that was best on this machine, where it is asked for.
    ///
    /// # Errors
    /// A row does not fit the model, the folder belongs to another training, no batch was measured, or the engine fails.
    pub fn prepare(
        self,
        session: &mut Session,
        root: &Path,
        measured: impl FnOnce(&Session) -> Option<u32>,
        stage: &mut Stage<'_>,
    ) -> Result<(Job, Folder)> {
        let Self { kind, name, mut file, rows, validation, prompts, neutral, anchors, digests, instrument } =
            self;
        let batch_tokens = file.batch_tokens.settle(recorded_batch(root)?, || measured(session))?;
        file.batch_tokens = BatchTokens::Fixed(batch_tokens);
        let model = session.model().clone();
        let layers = file.adapter.layers.of(model.layers);
        if layers > model.layers {
            return Err(Error::usage(format!("adapter.layers: {layers}, the model has {}", model.layers))
                .hint("or \"all\""));
        }
        let limit = file.max_length.min(model.context_length) as usize;
        let rows = tokenize(session, &rows, limit)?;
        let validation = tokenize(session, &validation, limit)?;
        let plan = json!({
            "format": super::state::FORMAT,
            "trainer": TRAINER,
            "kind": kind,
            "config": TrainFile { model: None, ..file.clone() },
            "data": digests.iter().map(|(path, digest)| (path.display().to_string(), json!(digest)))
                .collect::<serde_json::Map<_, _>>(),
            "model": session.subject(),
            "watch": instrument,
        });
        let folder = Folder::open(root, &plan)?;
        let objective = file.loss.as_ref().map_or(Objective::Supervised, LossSpec::objective);
        let store = Store::open(&folder.path("cache.db"))?;
        // Training rows have theirs measured in the step that first sees them.
        let references = if objective.needs_reference() {
            let mut done = |done, total| stage("reference", done, total);
            reference::log_probs(session, &validation, &store, &mut done)?
        } else {
            vec![Vec::new(); validation.len()]
        };
        let validation: Vec<_> = validation.into_iter().zip(references).collect();
        let asked = match (prompts, &file.kl) {
            (Some((search, confirm)), Some(kl)) => Some((
                Asked::new(session, search, kl.max_tokens)?,
                Asked::new(session, confirm, kl.max_tokens)?,
            )),
            _ => None,
        };
        let neutral = match &file.kl {
            Some(kl) if asked.is_some() && !neutral.is_empty() => {
                Some(Asked::new(session, neutral, kl.max_tokens)?)
            }
            _ => None,
        };
        let anchors = match &file.kl {
            Some(kl) => anchor_rows(session, anchors, kl.max_tokens, &file, &store)?,
            None => Vec::new(),
        };
        let steps = plan::plan(&shapes(rows.iter()), &settings(&file, batch_tokens));
        let count =
            u32::try_from(steps.len()).map_err(|_| Error::usage("max_steps: more steps than fit 32 bits"))?;
        let schedule = Schedule::new(&file.optimiser, count);
        let digest = folder::digest(&plan);
        let job = Job {
            kind,
            name,
            file,
            objective,
            steps,
            schedule,
            plan,
            digest,
            asked,
            neutral,
            rows,
            validation,
            anchors,
            layers,
            batch_tokens,
        };
        Ok((job, folder))
    }
}

/// Rows as tokens, in their order.
///
/// # Errors
/// A row does not fit, or the engine fails.
pub(super) fn tokenize(session: &mut Session, rows: &[Row], limit: usize) -> Result<Vec<Item>> {
    let texts: Vec<Vec<TokenizeInput>> = rows.iter().map(examples::texts).collect();
    let counts: Vec<usize> = texts.iter().map(Vec::len).collect();
    let mut tokens = session.tokenize(texts.into_iter().flatten().collect())?.into_iter();
    rows.iter()
        .zip(counts)
        .map(|(row, count)| examples::build(row, tokens.by_ref().take(count).collect(), limit))
        .collect()
}

/// Anchors with a reply of their own, then those to which the model without its adapter replies.
fn anchor_rows(
    session: &mut Session,
    anchors: Vec<Prompt>,
    room: u32,
    file: &TrainFile,
    store: &Store,
) -> Result<Vec<KlRow>> {
    let replied = |prompt: &Prompt| prompt.messages.last().is_some_and(|last| last.role == "assistant");
    let (given, asked): (Vec<Prompt>, Vec<Prompt>) = anchors.into_iter().partition(replied);
    let rows: Vec<Row> = given
        .into_iter()
        .map(|prompt| Row {
            place: format!("kl.anchors {}", prompt.id),
            id: prompt.id,
            family: None,
            role: Role::General,
            chosen_by: BTreeSet::new(),
            content: data::Content::Conversation(prompt.messages),
        })
        .collect();
    let limit = file.max_length.min(session.model().context_length) as usize;
    let texts = rows.iter().flat_map(examples::texts).collect();
    let mut anchors = Vec::new();
    for (row, tokens) in rows.iter().zip(session.tokenize(texts)?) {
        anchors.push(examples::anchor(row, tokens, limit)?);
    }
    anchors.extend(reference::responses(session, &asked, room, file.seed.derive("anchors"), store)?);
    Ok(anchors)
}

fn shapes<'a>(rows: impl Iterator<Item = &'a Item>) -> Vec<plan::Shape> {
    let shape = |item: &Item| plan::Shape { length: item.length(), general: item.role == Role::General };
    rows.map(shape).collect()
}

/// The batch that the plan in a folder was made with.
fn recorded_batch(root: &Path) -> Result<Option<u32>> {
    let plan = folder::plan(&root.join(folder::PLAN))?;
    let tokens = plan.as_ref().and_then(|plan| plan.pointer("/config/batch_tokens")?.as_u64());
    Ok(tokens.and_then(|tokens| u32::try_from(tokens).ok()))
}

fn settings(file: &TrainFile, batch_tokens: u32) -> plan::Settings {
    plan::Settings {
        seed: file.seed.derive("order"),
        persona_share: file.mix.persona,
        batch_tokens: batch_tokens as usize,
        accumulate: file.accumulate as usize,
        epochs: file.epochs,
        max_steps: file.max_steps,
    }
}

impl Job {
    /// What an adapter begins with: fresh, or from a checkpoint.
    #[must_use]
    pub fn begin(&self, resume: Option<PathBuf>) -> TrainBegin {
        TrainBegin {
            adapter: AdapterShape {
                rank: self.file.adapter.rank,
                scale: self.file.adapter.scale,
                layers: self.layers,
                modules: self.file.adapter.modules.clone(),
            },
            optimiser: self.file.optimiser.adam(),
            seed: self.file.seed.derive("adapter").0,
            resume,
            ranks: self.file.ranks,
        }
    }

    /// A step by its number, counted from 1, without what the reference says of its rows.
    #[must_use]
    pub fn step(&self, number: u32, rate: f64, kl_weight: f64) -> TrainStep {
        let rows = |batch: &Vec<usize>| batch.iter().map(|&row| train_row(&self.rows[row], &[])).collect();
        TrainStep {
            objective: self.objective,
            batches: self.steps[number as usize - 1].batches.iter().map(rows).collect(),
            rate,
            anchors: self.anchors_of(number),
            kl_weight,
            update: true,
        }
    }

    /// The anchors of a step: the next few in a circle.
    fn anchors_of(&self, number: u32) -> Vec<KlRow> {
        let count = self.file.kl.as_ref().map_or(0, |kl| kl.anchor_rows as usize).min(self.anchors.len());
        let first = (number as usize - 1) * count;
        (first..first + count).map(|place| self.anchors[place % self.anchors.len()].clone()).collect()
    }

    /// All validation rows as one step that is only measured; `None` where nothing is validated.
    #[must_use]
    pub fn validation(&self) -> Option<TrainStep> {
        if self.validation.is_empty() {
            return None;
        }
        let shapes = shapes(self.validation.iter().map(|(item, _)| item));
        let batches = plan::by_length(&shapes, self.batch_tokens as usize);
        let row = |&row: &usize| train_row(&self.validation[row].0, &self.validation[row].1);
        let rows = |batch: Vec<usize>| batch.iter().map(row).collect();
        Some(TrainStep {
            objective: self.objective,
            batches: batches.into_iter().map(rows).collect(),
            rate: 0.0,
            anchors: Vec::new(),
            kl_weight: 0.0,
            update: false,
        })
    }

    /// Ids of the rows of a step, batch by batch.
    #[must_use]
    pub fn ids(&self, number: u32) -> Vec<Vec<&str>> {
        let ids = |batch: &Vec<usize>| batch.iter().map(|&row| self.rows[row].id.as_str()).collect();
        self.steps[number as usize - 1].batches.iter().map(ids).collect()
    }

    /// The most divergence that is allowed, where it is measured.
    #[must_use]
    pub fn limit(&self) -> Option<f64> {
        self.asked.as_ref().and(self.file.kl.as_ref()).map(|kl| kl.limit)
    }

    /// Rows that are trained on.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows.len()
    }
}

fn train_row(item: &Item, reference: &[f64]) -> TrainRow {
    TrainRow { example: item.example.clone(), reference: reference.to_vec() }
}
