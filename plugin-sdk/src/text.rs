//! Deterministic text helpers. Nothing here depends on locale, time, hash seeds or the order of earlier calls.
//!
//! Offsets are UTF-8 bytes into the text that was given, on character boundaries, so they can go into spans as they
//! are. Words are split by character class, without dictionaries: text in a script that writes no spaces is one long
//! word per run.

use std::collections::BTreeMap;

mod bytes;
mod marks;
mod phrase;
mod phrases;
mod sentences;
mod weights;
mod words;

pub use marks::marks;
pub use phrase::Phrase;
pub use phrases::Phrases;
pub use sentences::sentences;
pub use weights::Weights;
pub use words::{Word, word_count, words};

/// Lower case, straight quotes, and single spaces between what white space separated.
///
/// ```
/// assert_eq!(realign_plugin::text::normalise("  It’s  “FINE”\n"), "it's \"fine\"");
/// ```
#[must_use]
pub fn normalise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        if word.is_ascii() {
            // The same, without asking Unicode's tables about every character.
            out.extend(word.bytes().map(|byte| char::from(byte.to_ascii_lowercase())));
        } else {
            out.extend(word.chars().map(straight).flat_map(char::to_lowercase));
        }
    }
    out
}

/// The straight form of a typographic quote; any other character as it is.
fn straight(c: char) -> char {
    match c {
        '‘' | '’' | 'ʼ' | '′' => '\'',
        '“' | '”' | '„' => '"',
        other => other,
    }
}

/// Runs of `n` consecutive words, joined by single spaces. Empty where there are fewer words, or `n` is 0.
#[must_use]
pub fn ngrams(words: &[Word<'_>], n: usize) -> Vec<String> {
    let mut ngrams = Vec::new();
    for_each_ngram(words, n, |ngram| ngrams.push(ngram.to_owned()));
    ngrams
}

/// What [`ngrams`] gives, one by one: for who looks at each and keeps none.
pub fn for_each_ngram(words: &[Word<'_>], n: usize, mut look: impl FnMut(&str)) {
    if n == 1 {
        for word in words {
            look(&word.text);
        }
    } else if n > 1 {
        let mut joined = String::new();
        for run in words.windows(n) {
            joined.clear();
            for word in run {
                if !joined.is_empty() {
                    joined.push(' ');
                }
                joined.push_str(&word.text);
            }
            look(&joined);
        }
    }
}

/// How often each string occurs.
#[must_use]
pub fn counts<S: Ord>(strings: impl IntoIterator<Item = S>) -> BTreeMap<S, u64> {
    let mut counts = BTreeMap::new();
    for string in strings {
        *counts.entry(string).or_insert(0) += 1;
    }
    counts
}
