//! Examples as rows of one forward pass, and where their scored tokens are predicted.
//!
//! Answers of one example share their beginning: the context, and the tokens that all of them begin with. That is a trunk
//! and the rest of each answer a branch, so what is shared is computed, measured and differentiated once. Where the
//! tokenizer drew the line between context and answer does not matter. What all rows of a batch begin with, such as one
//! system prompt, is their lead and run once for all of them. The last token of a sequence predicts nothing and is not
//! run.

use std::collections::BTreeMap;

use realign_engine_abi::train::{Answer, Example, KlRow};

use crate::{
    error::{Error, Result},
    llama::{
        config::Config,
        layout::{Layout, Row},
    },
    prefix::common,
};

/// Sequences that run together.
#[derive(Debug)]
pub struct Batch {
    trunks: Vec<Vec<u32>>,
    branches: Vec<Vec<Vec<u32>>>,
    /// Leading tokens of all rows, packed once, with the first one.
    pub lead: usize,
    /// Packed index of the token that predicts each measured token; twice the same where answers part.
    pub positions: Vec<usize>,
    /// The measured tokens. One that several answers share is measured once.
    pub targets: Vec<u32>,
    /// For each scored token of each answer, the number of the measured one and the number of the answer, counted over
    /// the batch.
    pub owners: Vec<(usize, usize)>,
    /// Answers of each row.
    pub answers: Vec<usize>,
}

impl Batch {
    /// A batch of examples, each with `answers` answers where that is given.
    ///
    /// # Errors
    /// A request error naming the row that is empty, scores nothing, holds an unknown token or is longer than the
    /// model's context window.
    pub fn new(config: &Config, examples: &[&Example], answers: Option<usize>) -> Result<Self> {
        let mut batch = Self::empty();
        for (number, example) in examples.iter().enumerate() {
            check(config, example, answers).map_err(|error| error.within(format!("row {number}")))?;
            batch.push(example);
        }
        if batch.trunks.is_empty() {
            return Err(Error::request("a batch has no rows"));
        }
        batch.share();
        Ok(batch)
    }

    /// A batch of responses, each token of which is scored; `end` follows where a turn was ended.
    ///
    /// # Errors
    /// As for [`Self::new`].
    pub fn of_responses(config: &Config, rows: &[KlRow], end: u32) -> Result<Self> {
        let examples: Vec<Example> = rows.iter().map(|row| whole(row, end)).collect();
        Self::new(config, &examples.iter().collect::<Vec<_>>(), Some(1))
    }

    fn empty() -> Self {
        let [positions, answers] = [const { Vec::new() }; 2];
        let (trunks, branches) = (Vec::new(), Vec::new());
        Self { trunks, branches, lead: 0, positions, targets: Vec::new(), owners: Vec::new(), answers }
    }

    /// The rows as a forward pass takes them.
    #[must_use]
    pub fn rows(&self) -> Vec<Row<'_>> {
        let sequences = self.trunks.iter().zip(&self.branches);
        sequences
            .map(|(trunk, rest)| Row { trunk, branches: rest.iter().map(Vec::as_slice).collect() })
            .collect()
    }

    /// Tokens of the rows: what answers share counts once, the lead for every row, so that no split of rows changes it.
    #[must_use]
    pub fn tokens(&self) -> usize {
        let branches = self.branches.iter().flatten().map(Vec::len).sum::<usize>();
        self.trunks.iter().map(Vec::len).sum::<usize>() + branches
    }

    /// The tokens that are run, in packed order.
    #[must_use]
    pub fn packed(&self) -> Vec<u32> {
        let skip = |row| if row == 0 { 0 } else { self.lead };
        let rows = self.rows();
        rows.iter().enumerate().flat_map(|(row, tokens)| tokens.tokens().skip(skip(row))).collect()
    }

    /// Packs what all rows begin with once.
    fn share(&mut self) {
        let [first, rest @ ..] = self.trunks.as_slice() else { return };
        let lead = rest.iter().map(|trunk| common(first, trunk)).min().unwrap_or(0);
        let lengths: Vec<usize> = self.rows().iter().map(Row::len).collect();
        // Where each token of the rows one after another lies once the lead is packed once.
        let layout = Layout::behind(&self.rows(), lead);
        let places =
            lengths.iter().enumerate().flat_map(|(row, &length)| (0..length).map(move |index| (row, index)));
        let moved: Vec<usize> = places.map(|(row, index)| layout.token(row, index)).collect();
        self.positions.iter_mut().for_each(|position| *position = moved[*position]);
        self.lead = lead;
    }

    /// Scored tokens of all answers.
    #[must_use]
    pub const fn scored(&self) -> usize {
        self.owners.len()
    }

    /// Sums over the scored tokens of each answer of each row, of a number per measured token.
    #[must_use]
    pub fn sums(&self, numbers: &[f32]) -> Vec<Vec<f64>> {
        let mut flat = vec![0.0; self.answers.iter().sum()];
        for &(measured, owner) in &self.owners {
            flat[owner] += f64::from(numbers[measured]);
        }
        let mut flat = flat.into_iter();
        self.answers.iter().map(|&count| flat.by_ref().take(count).collect()).collect()
    }

    /// Scored tokens of each answer of each row.
    #[must_use]
    pub fn lengths(&self) -> Vec<Vec<f64>> {
        self.sums(&vec![1.0; self.targets.len()])
    }

    /// The weight of each measured token's number in a gradient, from the slope of each answer's sum.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "weights of f32 gradients")]
    pub fn weights(&self, slopes: &[f64]) -> Vec<f32> {
        let mut weights = vec![0.0; self.targets.len()];
        for &(measured, owner) in &self.owners {
            weights[measured] += slopes[owner];
        }
        weights.into_iter().map(|weight| weight as f32).collect()
    }

    fn push(&mut self, example: &Example) {
        let first = self.tokens();
        let (context, stem) = (example.context.len(), example.stem());
        let flat: usize = self.answers.iter().sum();
        let mut known = BTreeMap::new();
        // Where a token of the answer's own would lie if the answer stood alone behind the context.
        let mut start = context;
        for (number, answer) in example.answers.iter().enumerate() {
            let scored =
                answer.tokens.iter().zip(&answer.scored).enumerate().filter(|(_, (_, scored))| **scored);
            for (index, (&token, _)) in scored {
                // Up to the first token of its own an answer is predicted by the trunk.
                let predictor = if index <= stem { context + index - 1 } else { start + index - 1 };
                let measured = *known.entry((predictor, token)).or_insert(self.targets.len());
                if measured == self.targets.len() {
                    self.positions.push(first + predictor);
                    self.targets.push(token);
                }
                self.owners.push((measured, flat + number));
            }
            start += answer.tokens.len() - 1 - stem;
        }
        let shared = example.answers.first().map_or(&[][..], |answer| &answer.tokens[..stem]);
        self.trunks.push([&example.context, shared].concat());
        let own = |answer: &Answer| answer.tokens[stem..answer.tokens.len() - 1].to_vec();
        self.branches.push(example.answers.iter().map(own).collect());
        self.answers.push(example.answers.len());
    }
}

/// A response as an example in which every token is scored.
fn whole(row: &KlRow, end: u32) -> Example {
    let mut tokens = row.response.clone();
    tokens.extend(row.ended.then_some(end));
    let scored = vec![true; tokens.len()];
    Example { context: row.context.clone(), answers: vec![Answer { tokens, scored }] }
}

fn check(config: &Config, example: &Example, answers: Option<usize>) -> Result<()> {
    if answers.is_some_and(|answers| answers != example.answers.len()) || example.answers.is_empty() {
        let wanted = answers.map_or_else(|| "at least 1".to_owned(), |answers| answers.to_string());
        return Err(Error::request(format!(
            "{} answers, the objective takes {wanted}",
            example.answers.len()
        )));
    }
    if example.context.is_empty() {
        return Err(Error::request("the context is empty").hint("it must have at least one token"));
    }
    for (number, answer) in example.answers.iter().enumerate() {
        if answer.tokens.len() != answer.scored.len() || !answer.scored.contains(&true) {
            return Err(Error::request(format!("answer {number} has no scored token or a mark too many"))
                .hint("each token has one mark, and at least one of them counts"));
        }
        // The last token is predicted but never run.
        let length = example.context.len() + answer.tokens.len() - 1;
        if length > config.context {
            let limit = config.context;
            return Err(Error::request(format!(
                "answer {number} ends after {length} tokens, the limit is {limit}"
            ))
            .hint("shorten the example; the model has no room for more"));
        }
        config.check_tokens(example.context.iter().chain(&answer.tokens).copied())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(tokens: &[u32], scored: &[bool]) -> Answer {
        Answer { tokens: tokens.to_vec(), scored: scored.to_vec() }
    }

    #[test]
    fn an_answer_is_predicted_by_what_stands_before_each_of_its_tokens() {
        let mut batch = Batch::empty();
        batch.push(&Example { context: vec![1, 2], answers: vec![answer(&[3, 4, 5], &[true, false, true])] });
        batch.push(&Example {
            context: vec![6, 7, 8],
            answers: vec![answer(&[9, 10], &[true; 2]), answer(&[11, 12, 13], &[true; 3])],
        });
        // Packed: 1 2 3 4 | 6 7 8 9 11 12.
        assert_eq!(batch.tokens(), 10);
        assert_eq!(batch.positions, [1, 3, 6, 7, 6, 8, 9]);
        assert_eq!(batch.targets, [3, 5, 9, 10, 11, 12, 13]);
        assert_eq!(batch.sums(&[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0]), [vec![3.0], vec![12.0, 112.0]]);
        assert_eq!(batch.weights(&[1.0, 2.0, 3.0]), [1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 3.0]);
        assert_eq!(batch.lengths(), [vec![2.0], vec![2.0, 3.0]]);
        let lengths: Vec<usize> = batch.rows().iter().map(Row::len).collect();
        assert_eq!(lengths, [4, 6]);
    }

    #[test]
    fn tokens_that_answers_begin_with_are_run_and_measured_once_wherever_the_context_ends() {
        let of = |context: &[u32], answers: [Answer; 2]| {
            let mut batch = Batch::empty();
            batch.push(&Example { context: vec![9, 9], answers: vec![answer(&[9], &[true])] });
            batch.push(&Example { context: context.to_vec(), answers: answers.to_vec() });
            batch
        };
        let long = of(
            &[1],
            [answer(&[2, 3, 4, 5], &[false, true, true, true]), answer(&[2, 3, 6], &[false, true, true])],
        );
        let short = of(&[1, 2], [answer(&[3, 4, 5], &[true; 3]), answer(&[3, 6], &[true; 2])]);
        // Packed: 9 9 | 1 2 3 4; the second answer has no token of its own that is run.
        for batch in [&long, &short] {
            assert_eq!(batch.tokens(), 6);
            assert_eq!(batch.positions, [1, 3, 4, 5, 4]);
            assert_eq!(batch.targets, [9, 3, 4, 5, 6]);
            assert_eq!(batch.owners, [(0, 0), (1, 1), (2, 1), (3, 1), (1, 2), (4, 2)]);
            assert_eq!(batch.lengths(), [vec![1.0], vec![3.0, 2.0]]);
            assert_eq!(batch.weights(&[1.0, 2.0, -4.0]), [1.0, -2.0, 2.0, 2.0, -4.0]);
            assert_eq!(batch.rows()[1].trunk, [1, 2, 3]);
        }
        // One answer is the beginning of the other: its last token is predicted for both and run for the longer one.
        let inside = of(&[1], [answer(&[2, 3], &[true; 2]), answer(&[2, 3, 4], &[true; 3])]);
        assert_eq!((inside.tokens(), inside.scored()), (5, 6));
        assert_eq!(inside.positions, [1, 2, 3, 4]);
    }

    #[test]
    fn what_all_rows_begin_with_is_run_once() {
        let mut batch = Batch::empty();
        batch.push(&Example { context: vec![1, 2, 3], answers: vec![answer(&[4, 5], &[true; 2])] });
        batch.push(&Example {
            context: vec![1, 2],
            answers: vec![answer(&[6], &[true]), answer(&[7, 8], &[true; 2])],
        });
        batch.share();
        // Packed: 1 2 3 4 | 7.
        assert_eq!((batch.lead, batch.tokens()), (2, 7));
        assert_eq!(batch.packed(), [1, 2, 3, 4, 7]);
        assert_eq!(batch.positions, [2, 3, 1, 1, 4]);
        assert_eq!(batch.targets, [4, 5, 6, 7, 8]);
        let mut alone = Batch::empty();
        alone.push(&Example { context: vec![1, 2], answers: vec![answer(&[3], &[true])] });
        alone.share();
        assert_eq!((alone.lead, alone.tokens()), (0, 2), "a row alone shares with nobody");
    }

    #[test]
    fn the_end_of_a_turn_is_a_token_of_the_response() {
        let row = KlRow { context: vec![1], response: vec![2, 3], ended: true };
        assert_eq!(whole(&row, 9).answers[0].tokens, [2, 3, 9]);
        assert_eq!(whole(&KlRow { ended: false, ..row }, 9).answers[0].tokens, [2, 3]);
    }
}
