//! The tensors of a model one at a time: exactly those of the architecture, finite, in the order that attention
//! needs, with adapters folded in.
//!
//! A Llama GGUF stores the rows of the query and key projections so that the two halves of each rotated pair
//! are neighbours. This engine rotates the first half of a head against its second half, as Hugging Face does, so
//! the rows are put back: row `2i + j` of a head becomes row `j x head/2 + i`. Skipping this does not fail, it is
//! silently wrong.

use std::collections::BTreeSet;

use crate::{
    adapter::{Adapter, fold::fold, names::Projection},
    error::{Error, Result},
    llama::{
        config::Config,
        source::{Head, Part, Source},
    },
};

/// Takes the tensors of a source.
pub struct Tensors<'a> {
    source: &'a dyn Source,
    config: &'a Config,
    /// Folded in, one after the other.
    adapters: &'a [Adapter],
    taken: BTreeSet<String>,
    total: u64,
    parameters: u64,
    progress: &'a mut dyn FnMut(u64, u64) -> bool,
}

impl<'a> Tensors<'a> {
    /// Nothing is read yet; `progress` will be told of (tensors done, tensors in all) and says whether to go on.
    pub fn new(
        source: &'a dyn Source,
        config: &'a Config,
        adapters: &'a [Adapter],
        progress: &'a mut dyn FnMut(u64, u64) -> bool,
    ) -> Self {
        let total = source.names().len() as u64;
        Self { source, config, adapters, taken: BTreeSet::new(), total, parameters: 0, progress }
    }

    /// The shape that the tensors must make.
    #[must_use]
    pub const fn config(&self) -> &'a Config {
        self.config
    }

    /// Whether the model has a head of its own, that is [`Part::Head`].
    #[must_use]
    pub fn has_own_head(&self) -> bool {
        match self.source.head() {
            Head::Own => true,
            Head::Tied => false,
            Head::IfPresent => self.source.shape(&self.source.name(Part::Head)).is_some(),
        }
    }

    /// Reads a tensor.
    ///
    /// # Errors
    /// A model error if it is missing, of another shape, or holds a number that is not finite; a request error if
    /// `progress` asked to stop.
    pub fn numbers(&mut self, part: Part) -> Result<Vec<f32>> {
        let name = self.source.name(part);
        let mut numbers = self.stored(&name, &part.shape(self.config))?;
        self.parameters += numbers.len() as u64;
        self.taken.insert(name);
        if !(self.progress)(self.taken.len() as u64, self.total) {
            return Err(Error::stopped());
        }
        let Part::Projection(site) = part else { return Ok(numbers) };
        let rotated = matches!(site.projection, Projection::Query | Projection::Key);
        if rotated && self.source.pairs_are_neighbours() {
            numbers = unpermute(&numbers, self.config.head, self.config.hidden);
        }
        for adapter in self.adapters {
            numbers = fold(adapter, site, numbers)?;
        }
        Ok(numbers)
    }

    /// Ends the reading and returns how many numbers there were.
    ///
    /// # Errors
    /// A model error if a tensor is left that is not part of the architecture.
    pub fn finish(mut self) -> Result<u64> {
        let (head, embedding) = (self.source.name(Part::Head), self.source.name(Part::Embedding));
        if self.source.head() == Head::Tied && self.source.shape(&head).is_some() {
            let shape = Part::Head.shape(self.config);
            if self.stored(&head, &shape)? != self.stored(&embedding, &shape)? {
                return Err(Error::model(format!(
                    "tensor {head} differs from {embedding}, to which it is tied"
                ))
                .hint("the configuration and the tensors contradict each other; fetch the model again"));
            }
            self.taken.insert(head);
        }
        match self.source.names().into_iter().find(|name| !self.taken.contains(*name)) {
            None => Ok(self.parameters),
            Some(name) => Err(Error::model(format!("tensor {name} is not part of the llama architecture"))
                .hint("it would be ignored and the numbers would be wrong; choose a model without it")),
        }
    }

    fn stored(&self, name: &str, want: &[usize]) -> Result<Vec<f32>> {
        let shape = self.source.shape(name).ok_or_else(|| {
            Error::model(format!("tensor {name} is missing"))
                .hint("the file is incomplete or not a llama model; fetch it again")
        })?;
        if shape != want {
            return Err(Error::model(format!("tensor {name} has shape {shape:?}, not {want:?}"))
                .hint("the tensors do not fit the metadata; fetch the file again"));
        }
        let numbers = self.source.numbers(name)?;
        if let Some(index) = numbers.iter().position(|number| !number.is_finite()) {
            return Err(Error::model(format!("tensor {name} holds {} at {index}", numbers[index]))
                .hint("the file is damaged; fetch it again"));
        }
        Ok(numbers)
    }
}

/// Puts the rows of rotated pairs back: row `2i + j` of each head to row `j x head/2 + i`.
fn unpermute(stored: &[f32], head: usize, inputs: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(stored.len());
    for rows in stored.chunks_exact(head * inputs) {
        for target in 0..head {
            let (half, pair) = (target / (head / 2), target % (head / 2));
            let source = (2 * pair + half) * inputs;
            out.extend_from_slice(&rows[source..source + inputs]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_neighbouring_pairs_are_put_into_two_halves() {
        let stored: Vec<f32> = (0_u8..16).map(f32::from).collect();
        // Two heads of width 4 with 2 inputs: rows 0 2 1 3 of each head.
        let expected = [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15_u8].map(f32::from);
        assert_eq!(unpermute(&stored, 4, 2), expected);
    }
}
