//! Examples as rows of one forward pass, and where their scored tokens are predicted.
//!
//! Answers of one example share its context: the context is a trunk and each answer a branch, so the context is
//! computed, and differentiated, once. The last token of a sequence predicts nothing and is not run.

use realign_engine_abi::train::{Answer, Example, KlRow};

use crate::{
    error::{Error, Result},
    llama::{config::Config, layout::Row},
};

/// Sequences that run together.
#[derive(Debug)]
pub struct Batch {
    trunks: Vec<Vec<u32>>,
    branches: Vec<Vec<Vec<u32>>>,
    /// Packed index of the token that predicts each scored token.
    pub positions: Vec<usize>,
    /// The scored tokens.
    pub targets: Vec<u32>,
    /// For each scored token, the number of its answer, counted over the batch.
    pub owners: Vec<usize>,
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
        if batch.trunks.is_empty() { Err(Error::request("a batch has no rows")) } else { Ok(batch) }
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
        let [positions, owners, answers] = [const { Vec::new() }; 3];
        Self { trunks: Vec::new(), branches: Vec::new(), positions, targets: Vec::new(), owners, answers }
    }

    /// The rows as a forward pass takes them.
    #[must_use]
    pub fn rows(&self) -> Vec<Row<'_>> {
        let sequences = self.trunks.iter().zip(&self.branches);
        sequences
            .map(|(trunk, rest)| Row { trunk, branches: rest.iter().map(Vec::as_slice).collect() })
            .collect()
    }

    /// Tokens that are run.
    #[must_use]
    pub fn tokens(&self) -> usize {
        let branches = self.branches.iter().flatten().map(Vec::len).sum::<usize>();
        self.trunks.iter().map(Vec::len).sum::<usize>() + branches
    }

    /// Sums over the scored tokens of each answer of each row.
    #[must_use]
    pub fn sums(&self, numbers: &[f32]) -> Vec<Vec<f64>> {
        let mut flat = vec![0.0; self.answers.iter().sum()];
        for (&owner, &number) in self.owners.iter().zip(numbers) {
            flat[owner] += f64::from(number);
        }
        let mut flat = flat.into_iter();
        self.answers.iter().map(|&count| flat.by_ref().take(count).collect()).collect()
    }

    /// Scored tokens of each answer of each row.
    #[must_use]
    pub fn lengths(&self) -> Vec<Vec<f64>> {
        self.sums(&vec![1.0; self.owners.len()])
    }

    fn push(&mut self, example: &Example) {
        let first = self.tokens();
        let context = example.context.len();
        let flat: usize = self.answers.iter().sum();
        let mut start = context;
        for (number, answer) in example.answers.iter().enumerate() {
            let scored =
                answer.tokens.iter().zip(&answer.scored).enumerate().filter(|(_, (_, scored))| **scored);
            for (index, (&token, _)) in scored {
                // The first token of an answer is predicted by the context's last.
                let predictor = if index == 0 { context - 1 } else { start + index - 1 };
                self.positions.push(first + predictor);
                self.targets.push(token);
                self.owners.push(flat + number);
            }
            start += answer.tokens.len() - 1;
        }
        let mut run: Vec<Vec<u32>> =
            example.answers.iter().map(|answer| answer.tokens[..answer.tokens.len() - 1].to_vec()).collect();
        let mut trunk = example.context.clone();
        if let [alone] = run.as_slice() {
            trunk.extend_from_slice(alone);
            run.clear();
        }
        self.trunks.push(trunk);
        self.branches.push(run);
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
        assert_eq!(batch.lengths(), [vec![2.0], vec![2.0, 3.0]]);
        let lengths: Vec<usize> = batch.rows().iter().map(Row::len).collect();
        assert_eq!(lengths, [4, 6]);
    }

    #[test]
    fn the_end_of_a_turn_is_a_token_of_the_response() {
        let row = KlRow { context: vec![1], response: vec![2, 3], ended: true };
        assert_eq!(whole(&row, 9).answers[0].tokens, [2, 3, 9]);
        assert_eq!(whole(&KlRow { ended: false, ..row }, 9).answers[0].tokens, [2, 3]);
    }
}
