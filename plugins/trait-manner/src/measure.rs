//! What the rules measure.

use std::{ops::Range, sync::LazyLock};

use realign_plugin::text::{self, Phrase, Word};

use super::Person;

// Split into words once for every instance: a fresh one judges a whole batch, and the lists depend on no setting.
static GREETINGS: LazyLock<Vec<Phrase>> = LazyLock::new(|| {
    phrases(&[
        "hello",
        "hi",
        "hey",
        "dear",
        "welcome",
        "greetings",
        "good morning",
        "good afternoon",
        "good evening",
        "good day",
        "howdy",
    ])
});
/// Words of the longest greeting.
const LONGEST_GREETING: usize = 2;
static CLOSINGS: LazyLock<Vec<Phrase>> = LazyLock::new(|| {
    phrases(&[
        "regards",
        "best wishes",
        "yours",
        "sincerely",
        "goodbye",
        "bye",
        "see you",
        "take care",
        "have a nice",
        "have a good",
        "have a great",
        "have a lovely",
        "cheers",
        "all the best",
    ])
});
static HEDGES: LazyLock<Vec<Phrase>> = LazyLock::new(|| {
    phrases(&[
        "perhaps",
        "maybe",
        "possibly",
        "probably",
        "it seems",
        "it appears",
        "might",
        "may",
        "could be",
        "i think",
        "i believe",
        "i guess",
        "sort of",
        "kind of",
        "somewhat",
        "likely",
        "apparently",
        "as far as i know",
        "in my opinion",
        "not sure",
    ])
});
const I: [&str; 9] = ["i", "me", "my", "mine", "myself", "i'm", "i'll", "i've", "i'd"];
const WE: [&str; 9] = ["we", "us", "our", "ours", "ourselves", "we're", "we'll", "we've", "we'd"];

/// A reply, split once for all rules.
pub(super) struct Reply<'a> {
    text: &'a str,
    words: Vec<Word<'a>>,
    sentences: Vec<Range<usize>>,
}

impl<'a> Reply<'a> {
    pub(super) fn read(text: &'a str) -> Self {
        Self { text, words: text::words(text), sentences: text::sentences(text).collect() }
    }

    pub(super) const fn is_without_words(&self) -> bool {
        self.words.is_empty()
    }

    /// Words of a greeting stand at the very beginning.
    pub(super) fn greets(&self) -> bool {
        let beginning = &self.words[..self.words.len().min(LONGEST_GREETING)];
        GREETINGS
            .iter()
            .any(|phrase| phrase.find(beginning).first().is_some_and(|find| find.start == beginning[0].start))
    }

    /// A question mark, also a full-width, Arabic or Greek one.
    pub(super) fn asks(&self) -> bool {
        self.text.contains(['?', '\u{ff1f}', '\u{61f}', '\u{37e}'])
    }

    /// A farewell in the last sentence.
    pub(super) fn closes(&self) -> bool {
        let start = self.sentences.last().map_or(0, |last| last.start);
        let last = &self.words[self.words.partition_point(|word| word.start < start)..];
        CLOSINGS.iter().any(|phrase| phrase.is_in(last))
    }

    pub(super) fn hedges_per_sentence(&self) -> f64 {
        let count: usize = HEDGES.iter().map(|phrase| phrase.find(&self.words).len()).sum();
        count as f64 / self.sentences.len().max(1) as f64
    }

    /// The more frequent of both persons; the first person singular where they are equally frequent.
    pub(super) fn person(&self) -> Person {
        let count =
            |forms: &[&str]| self.words.iter().filter(|Word { text, .. }| forms.contains(&&**text)).count();
        match (count(&I), count(&WE)) {
            (0, 0) => Person::Nobody,
            (i, we) if i >= we => Person::I,
            _ => Person::We,
        }
    }

    /// Pictures that are shown, see [`emoji`].
    pub(super) fn emoji(&self) -> usize {
        emoji(self.text)
    }
}

/// Pictures, not characters: what a zero-width joiner or a modifier adds belongs to the picture before it, and two regional
/// indicators are one flag.
fn emoji(response: &str) -> usize {
    let (mut count, mut joined, mut half_flag) = (0, false, false);
    for c in response.chars() {
        match c {
            '\u{200d}' => joined = true,
            '\u{1f1e6}'..='\u{1f1ff}' => {
                if !half_flag {
                    count += 1;
                }
                half_flag = !half_flag;
                joined = false;
            }
            '\u{1f3fb}'..='\u{1f3ff}' | '\u{fe0f}' => {}
            _ => {
                half_flag = false;
                if is_picture(c) && !joined {
                    count += 1;
                }
                joined = false;
            }
        }
    }
    count
}

/// Blocks of characters that are shown as pictures.
const fn is_picture(c: char) -> bool {
    matches!(c, '\u{2600}'..='\u{27bf}' | '\u{2b50}' | '\u{2b55}' | '\u{231a}' | '\u{231b}' | '\u{23e9}'..='\u{23f3}'
        | '\u{1f300}'..='\u{1f64f}' | '\u{1f680}'..='\u{1f6ff}' | '\u{1f900}'..='\u{1f9ff}' | '\u{1fa70}'..='\u{1faff}')
}

fn phrases(list: &[&str]) -> Vec<Phrase> {
    list.iter().filter_map(|phrase| Phrase::new(phrase)).collect()
}
