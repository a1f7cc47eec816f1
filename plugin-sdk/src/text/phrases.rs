//! Many phrases at once.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{phrase::Phrase, words::Word};

/// Phrases that are looked for together. A word is compared with those alone that begin with its first byte, so that a long list
/// costs little more than a short one.
///
/// Written down as the list of its phrases.
///
/// ```
/// use realign_plugin::text::{Phrase, Phrases, words};
///
/// let phrases: Phrases = ["thank you", "sorry"].into_iter().filter_map(Phrase::new).collect();
/// assert_eq!(phrases.find(&words("Sorry, and thank you.")), [0..5, 11..20]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Phrase>", into = "Vec<Phrase>")]
pub struct Phrases {
    list: Vec<Phrase>,
    /// For each first byte, which phrases begin with it.
    beginning: Vec<Vec<usize>>,
    /// Words of the longest.
    longest: usize,
}

/// A find: which phrase, and which words.
struct Find {
    phrase: usize,
    words: Range<usize>,
}

impl Phrases {
    /// Bytes from the first word to the last of every find, ordered by where they begin. Finds of one phrase do not overlap, those
    /// of different ones may, and be the same.
    #[must_use]
    pub fn find(&self, words: &[Word<'_>]) -> Vec<Range<usize>> {
        let mut found: Vec<Find> = Vec::new();
        for at in 0..words.len() {
            for phrase in self.at(words, at) {
                let mut near = found.iter().rev().take_while(|find| find.words.start + self.longest > at);
                if !near.any(|find| find.phrase == phrase && find.words.end > at) {
                    found.push(Find { phrase, words: at..at + self.list[phrase].len() });
                }
            }
        }
        let bytes = |Find { words: run, .. }: Find| words[run.start].start..words[run.end - 1].end;
        found.into_iter().map(bytes).collect()
    }

    /// Whether one of them occurs.
    #[must_use]
    pub fn is_in(&self, words: &[Word<'_>]) -> bool {
        (0..words.len()).any(|at| self.at(words, at).next().is_some())
    }

    /// The phrases that are found at the word with this number.
    fn at(&self, words: &[Word<'_>], at: usize) -> impl Iterator<Item = usize> {
        let first = words[at].text.as_bytes().first();
        let candidates = first.map_or(&[][..], |byte| self.beginning[usize::from(*byte)].as_slice());
        candidates.iter().copied().filter(move |phrase| self.list[*phrase].begins(&words[at..]))
    }
}

impl From<Vec<Phrase>> for Phrases {
    fn from(phrases: Vec<Phrase>) -> Self {
        let mut beginning = vec![Vec::new(); 256];
        for (number, phrase) in phrases.iter().enumerate() {
            if let Some(byte) = phrase.first_byte() {
                beginning[usize::from(byte)].push(number);
            }
        }
        let longest = phrases.iter().map(Phrase::len).max().unwrap_or(0);
        Self { list: phrases, beginning, longest }
    }
}

impl From<Phrases> for Vec<Phrase> {
    fn from(phrases: Phrases) -> Self {
        phrases.list
    }
}

impl FromIterator<Phrase> for Phrases {
    fn from_iter<I: IntoIterator<Item = Phrase>>(phrases: I) -> Self {
        phrases.into_iter().collect::<Vec<_>>().into()
    }
}
