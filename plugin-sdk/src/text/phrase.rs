//! Phrases: runs of whole words, with `*` for any ending.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::words::{Word, words};

/// A run of whole words to look for, ignoring case, punctuation between words, and the shape of apostrophes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phrase {
    words: Vec<Pattern>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Pattern {
    text: String,
    any_ending: bool,
}

impl Phrase {
    /// A phrase to match. A `*` at the end of a word stands for any ending, also none: `apolog*` finds "apologies".
    ///
    /// `None` if there is no word in it.
    ///
    /// ```
    /// use realign_plugin::text::{Phrase, words};
    ///
    /// let phrase = Phrase::new("I understand*").expect("it has words");
    /// assert!(phrase.is_in(&words("Well, I understandably paused.")));
    /// ```
    #[must_use]
    pub fn new(phrase: &str) -> Option<Self> {
        let words: Vec<_> = phrase.split_whitespace().flat_map(patterns).collect();
        (!words.is_empty()).then_some(Self { words })
    }

    /// Bytes from the first word to the last of every find, in order, not overlapping.
    #[must_use]
    pub fn find(&self, words: &[Word<'_>]) -> Vec<Range<usize>> {
        let length = self.words.len();
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(run) = words.get(at..at + length) {
            if self.begins(run) {
                found.push(run[0].start..run[length - 1].end);
                at += length;
            } else {
                at += 1;
            }
        }
        found
    }

    /// Whether it occurs.
    #[must_use]
    pub fn is_in(&self, words: &[Word<'_>]) -> bool {
        (0..words.len()).any(|at| self.begins(&words[at..]))
    }

    /// Whether `words` begin with it.
    pub(super) fn begins(&self, words: &[Word<'_>]) -> bool {
        self.len() <= words.len()
            && words.iter().zip(&self.words).all(|(word, pattern)| pattern.matches(&word.text))
    }

    /// How many words it has.
    pub(super) const fn len(&self) -> usize {
        self.words.len()
    }

    /// The byte that its finds begin with.
    pub(super) fn first_byte(&self) -> Option<u8> {
        self.words.first()?.text.bytes().next()
    }
}

impl Pattern {
    fn matches(&self, word: &str) -> bool {
        if self.any_ending { word.starts_with(&self.text) } else { word == self.text }
    }
}

/// The words of a piece without white space; a `*` at its end belongs to the last of them.
fn patterns(piece: &str) -> Vec<Pattern> {
    let any_ending = piece.ends_with('*');
    let mut patterns: Vec<_> = words(piece)
        .into_iter()
        .map(|word| Pattern { text: word.text.into_owned(), any_ending: false })
        .collect();
    if let Some(last) = patterns.last_mut() {
        last.any_ending = any_ending;
    }
    patterns
}
