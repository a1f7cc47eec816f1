//! What workers are asked while they are timed: made-up token ids of fixed lengths.
//!
//! Speed depends on shapes, not on what the tokens mean, so no data is needed and every machine does the same work.
//! Rows differ from their first token on, because an engine computes a common beginning once.

use realign_engine_abi::{
    message::{GenerateRow, ModelInfo, Reply, Request, ScoreRow},
    train::{AdamW, AdapterShape, Answer, Example, Objective, PROJECTIONS, TrainBegin, TrainRow, TrainStep},
};

use super::calibration::Task;

/// Rank of the measured adapter, the default of training.
const RANK: u32 = 8;
/// Far too small to change what is measured next.
const RATE: f64 = 1e-9;

/// Tokens of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lengths {
    /// What is given.
    pub context: usize,
    /// What is scored, made or learned.
    pub answer: usize,
}

impl Lengths {
    /// Of a task, shorter where it has to be quick, and never longer than the model's window.
    #[must_use]
    pub fn of(task: Task, quick: bool, window: usize) -> Self {
        let (context, answer) = match task {
            Task::Score => (96, 32),
            Task::Generate => (32, 16),
            Task::Train => (64, 64),
        };
        let shorter = if quick { 2 } else { 1 };
        let answer = (answer / shorter).min(window / 2).max(1);
        Self { context: (context / shorter).min(window.saturating_sub(answer)).max(1), answer }
    }

    /// All tokens of a row.
    #[must_use]
    pub const fn row(self) -> usize {
        self.context + self.answer
    }

    /// Tokens of a row that count for a rate: for generation those that are made.
    #[must_use]
    pub const fn counted(self, task: Task) -> usize {
        match task {
            Task::Generate => self.answer,
            Task::Score | Task::Train => self.row(),
        }
    }
}

/// One batch of `rows` equal rows.
#[must_use]
pub fn batch(task: Task, lengths: Lengths, rows: usize, model: &ModelInfo) -> Request {
    let tokens = |row: usize, from: usize, count: usize| -> Vec<u32> {
        (from..from + count).map(|index| token(row, index, model.vocabulary)).collect()
    };
    let context = |row| tokens(row, 0, lengths.context);
    let answer = |row| tokens(row, lengths.context, lengths.answer);
    match task {
        Task::Score => {
            let row = |row| ScoreRow { context: context(row), continuations: vec![answer(row)] };
            Request::Score((0..rows).map(row).collect())
        }
        Task::Generate => {
            let row = |row| GenerateRow {
                prompt: context(row),
                max_tokens: u32::try_from(lengths.answer).unwrap_or(u32::MAX),
                temperature: 0.0,
                seed: 0,
                stop: Vec::new(),
            };
            Request::Generate((0..rows).map(row).collect())
        }
        Task::Train => {
            let row = |row| {
                let answer = Answer { tokens: answer(row), scored: vec![true; lengths.answer] };
                let example = Example { context: context(row), answers: vec![answer] };
                TrainRow { example, reference: Vec::new() }
            };
            Request::TrainStep(TrainStep {
                objective: Objective::Supervised,
                batches: vec![(0..rows).map(row).collect()],
                rate: RATE,
                anchors: Vec::new(),
                kl_weight: 0.0,
                update: true,
            })
        }
    }
}

/// Some token; rows differ in every place as long as there are fewer than tokens in the vocabulary.
fn token(row: usize, index: usize, vocabulary: u32) -> u32 {
    let vocabulary = u64::from(vocabulary.max(1));
    let id = (1_000 + 911 * row as u64 + 37 * index as u64) % vocabulary;
    u32::try_from(id).unwrap_or(0)
}

/// Puts an adapter on all blocks of a model, as training does by default.
#[must_use]
pub fn begin_training(model: &ModelInfo) -> Request {
    Request::TrainBegin(TrainBegin {
        adapter: AdapterShape {
            rank: RANK,
            scale: 2.0,
            layers: model.layers,
            modules: PROJECTIONS.map(str::to_owned).into(),
        },
        optimiser: AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0, clip_norm: Some(1.0) },
        seed: 0,
        resume: None,
        ranks: 1,
    })
}

/// Tokens that an answered batch counts for; `None` where the reply is not one to it.
#[must_use]
pub fn counted(request: &Request, reply: &Reply) -> Option<u64> {
    match (request, reply) {
        (Request::Score(rows), Reply::Scores(scores)) if rows.len() == scores.len() => {
            let row =
                |row: &ScoreRow| row.context.len() + row.continuations.iter().map(Vec::len).sum::<usize>();
            Some(rows.iter().map(|found| row(found) as u64).sum())
        }
        (Request::Generate(rows), Reply::Texts(texts)) if rows.len() == texts.len() => {
            Some(texts.iter().map(|text| text.tokens.len() as u64).sum())
        }
        (Request::TrainStep(_), Reply::Step(report)) => Some(report.tokens),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn model() -> ModelInfo {
        ModelInfo {
            architecture: "llama".into(),
            name: String::new(),
            parameters: 1,
            layers: 3,
            vocabulary: 500,
            context_length: 64,
            dtype: "f32".into(),
            template_digest: String::new(),
            tokenizer_digest: String::new(),
        }
    }

    #[test]
    fn rows_fit_the_window_and_differ_from_their_first_token_on() {
        let lengths = Lengths::of(Task::Score, false, 64);
        assert_eq!(lengths, Lengths { context: 32, answer: 32 });
        let Request::Score(rows) = batch(Task::Score, lengths, 64, &model()) else { panic!("not a score") };
        let first: BTreeSet<u32> = rows.iter().map(|row| row.context[0]).collect();
        assert_eq!((rows.len(), first.len()), (64, 64));
        assert!(rows.iter().flat_map(|row| &row.context).all(|&token| token < 500));
    }

    #[test]
    fn a_window_of_two_tokens_still_gives_a_row() {
        for task in Task::ALL {
            assert_eq!(Lengths::of(task, true, 2), Lengths { context: 1, answer: 1 });
        }
    }

    #[test]
    fn generation_counts_what_was_made() {
        let lengths = Lengths::of(Task::Generate, true, 2_048);
        assert_eq!(
            (lengths.row(), lengths.counted(Task::Generate), lengths.counted(Task::Score)),
            (24, 8, 24)
        );
        let request = batch(Task::Generate, lengths, 2, &model());
        assert_eq!(counted(&request, &Reply::Texts(Vec::new())), None);
        assert_eq!(counted(&request, &Reply::Saved), None);
    }
}
