//! Finding a passage among the texts of items.
//!
//! | Passage has | Is found where |
//! |---|---|
//! | any number of words | a text of an item has the same words (of fewer than 5 words: the item's longest text) |
//! | 13 words or more | 80 % of its runs of 13 words stand in the items' texts |
//! | 5 to 12 words | it stands whole in a text of an item |
//! | 5 words or more | it resembles a text of an item by 0.8 |
//! | any number of words | it has 80 % of the runs of 13 words of an item's text in it, or the whole of an item whose longest text has 8 to 12 words |
//!
//! A short passage has no run of 13 words. It must not be clean for that reason, and a "Yes." in a list of choices must not make
//! every "Yes." contaminated: hence the 5 words, and the item's longest text below that.
//!
//! The last rule asks the other way round. A whole question inside a long row is a small share of the row, and it has been
//! trained on all the same.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::source::Item;
use crate::{
    data::near::Near,
    metrics::overlap::{NGRAM, shingles, words},
};

/// Share of runs from which a passage is found, and least resemblance.
const LEAST: f64 = 0.8;
/// Passages of fewer words are told from others only by an item's longest text.
const SHORT: usize = 5;
/// Items of fewer words are ordinary speech inside a longer passage.
const WHOLE: usize = 8;
/// A word that no item has.
const UNKNOWN: u32 = u32::MAX;

/// How a passage was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The same words.
    Exact,
    /// Share of its runs of words that stand in items; a short passage is a run of its own.
    Ngram,
    /// Share of an item's runs of words that stand in it.
    Contains,
    /// Resemblance.
    Near,
}

/// One way in which a passage was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match {
    /// Place of the item.
    pub item: usize,
    /// How.
    pub kind: Kind,
    /// 1, a share of runs, or a Jaccard index.
    pub score: f64,
}

#[derive(Debug)]
struct Text {
    item: usize,
    /// Whether it is its item's longest.
    main: bool,
    words: Vec<u32>,
    /// Different runs of 13 words.
    runs: usize,
}

/// Texts of items, to be asked for passages.
#[derive(Debug)]
pub struct Index {
    vocabulary: HashMap<String, u32>,
    texts: Vec<Text>,
    /// The first text with these words, longest texts before others.
    exact: HashMap<Vec<u32>, usize>,
    /// Which texts have a run of 13 words, ascending.
    runs: HashMap<Vec<u32>, Vec<usize>>,
    /// Which texts have a word, ascending.
    holders: HashMap<u32, Vec<usize>>,
    near: Near,
    /// Texts that resemblance is asked of, by their place in `near`.
    near_texts: Vec<usize>,
}

impl Index {
    /// Indexes the texts of items.
    #[must_use]
    pub fn new(items: &[Item]) -> Self {
        let mut index = Self {
            vocabulary: HashMap::new(),
            texts: Vec::new(),
            exact: HashMap::new(),
            runs: HashMap::new(),
            holders: HashMap::new(),
            near: Near::new(Vec::new()),
            near_texts: Vec::new(),
        };
        let mut near = Vec::new();
        for (item, Item { texts, .. }) in items.iter().enumerate() {
            let texts: Vec<Vec<String>> = texts.iter().map(|text| words(text)).collect();
            let longest = texts.iter().map(Vec::len).max().unwrap_or(0);
            let main = texts.iter().position(|words| words.len() == longest);
            for (place, words) in texts.iter().enumerate().filter(|(_, words)| !words.is_empty()) {
                if words.len() >= SHORT {
                    near.push(shingles(words));
                    index.near_texts.push(index.texts.len());
                }
                index.add(item, main == Some(place), words);
            }
        }
        index.near = Near::new(near);
        index
    }

    fn add(&mut self, item: usize, main: bool, words: &[String]) {
        let mut number = |word: &String| {
            let next = u32::try_from(self.vocabulary.len()).unwrap_or(UNKNOWN);
            *self.vocabulary.entry(word.clone()).or_insert(next)
        };
        let words: Vec<u32> = words.iter().map(&mut number).collect();
        let place = self.texts.len();
        let known = self.exact.entry(words.clone()).or_insert(place);
        if main && self.texts.get(*known).is_some_and(|text| !text.main) {
            *known = place;
        }
        for word in &words {
            let texts = self.holders.entry(*word).or_default();
            if texts.last() != Some(&place) {
                texts.push(place);
            }
        }
        let mut runs = 0;
        for run in words.windows(NGRAM) {
            let texts = self.runs.entry(run.to_vec()).or_default();
            if texts.last() != Some(&place) {
                texts.push(place);
                runs += 1;
            }
        }
        self.texts.push(Text { item, main, words, runs });
    }

    /// The best match of each item that a passage matches, by item.
    #[must_use]
    pub fn find(&self, passage: &str) -> BTreeMap<usize, Match> {
        let spelt = words(passage);
        let words: Vec<u32> =
            spelt.iter().map(|word| self.vocabulary.get(word).copied().unwrap_or(UNKNOWN)).collect();
        let mut found = BTreeMap::new();
        if words.is_empty() {
            return found;
        }
        let mut add = |text: usize, kind: Kind, score: f64| {
            let item = self.texts[text].item;
            let new = Match { item, kind, score };
            let known = found.entry(item).or_insert(new);
            if (new.kind, -new.score) < (known.kind, -known.score) {
                *known = new;
            }
        };
        if let Some(&text) = self.exact.get(&words)
            && (words.len() >= SHORT || self.texts[text].main)
        {
            add(text, Kind::Exact, 1.0);
        }
        self.by_runs(&words, &mut add);
        if (SHORT..NGRAM).contains(&words.len()) {
            self.inside_items(&words, &mut add);
        }
        self.short_items(&words, &mut add);
        if words.len() >= SHORT {
            for (place, index) in self.near.to(&shingles(&spelt), LEAST) {
                add(self.near_texts[place], Kind::Near, index);
            }
        }
        found
    }

    /// Both shares of runs of 13 words.
    fn by_runs(&self, words: &[u32], add: &mut impl FnMut(usize, Kind, f64)) {
        let (mut runs, mut known) = (0_usize, 0_usize);
        let mut common: BTreeMap<usize, usize> = BTreeMap::new();
        let mut seen = std::collections::HashSet::new();
        for run in words.windows(NGRAM) {
            runs += 1;
            let Some(texts) = self.runs.get(run) else { continue };
            known += 1;
            if seen.insert(run) {
                for text in texts {
                    *common.entry(*text).or_default() += 1;
                }
            }
        }
        if known == 0 {
            return;
        }
        let share = known as f64 / runs as f64;
        // The share is that of all items together; the item named is the one that has most of the runs.
        let most = common.iter().max_by_key(|(text, count)| (**count, std::cmp::Reverse(**text)));
        if share >= LEAST
            && let Some((text, _)) = most
        {
            add(*text, Kind::Ngram, share);
        }
        for (text, count) in &common {
            let share = *count as f64 / self.texts[*text].runs as f64;
            if share >= LEAST {
                add(*text, Kind::Contains, share);
            }
        }
    }

    /// Texts in which a short passage stands whole.
    fn inside_items(&self, words: &[u32], add: &mut impl FnMut(usize, Kind, f64)) {
        // Only texts that have the rarest word need be looked through.
        let holders: Option<Vec<&Vec<usize>>> = words.iter().map(|word| self.holders.get(word)).collect();
        let rarest = holders.and_then(|holders| holders.into_iter().min_by_key(|texts| texts.len()));
        for place in rarest.into_iter().flatten() {
            if self.texts[*place].words.windows(words.len()).any(|run| run == words) {
                add(*place, Kind::Ngram, 1.0);
            }
        }
    }

    /// Short items that stand whole in a passage.
    fn short_items(&self, words: &[u32], add: &mut impl FnMut(usize, Kind, f64)) {
        for length in WHOLE..NGRAM {
            for run in words.windows(length) {
                let Some(&text) = self.exact.get(run) else { continue };
                if self.texts[text].main {
                    add(text, Kind::Contains, 1.0);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::source::Place, *};

    const LONG: &str = "Janet's ducks lay sixteen eggs per day. She eats three for breakfast every morning and bakes muffins \
                        for her friends every day with four.";
    const SHORT_ITEM: &str = "Which planet of the sun has the most moons?";

    fn index() -> Index {
        let item = |line, texts: &[&str]| Item {
            place: Place { file: "bench.jsonl".into(), line },
            texts: texts.iter().map(|text| (*text).to_owned()).collect(),
        };
        Index::new(&[
            item(1, &[LONG, "18"]),
            item(2, &[SHORT_ITEM, "Saturn", "Yes"]),
            item(3, &["Who are you?"]),
        ])
    }

    fn found(passage: &str) -> Option<(usize, Kind)> {
        let matches = index().find(passage);
        assert!(matches.len() <= 1, "{matches:?}");
        matches.into_values().next().map(|found| (found.item, found.kind))
    }

    #[test]
    fn the_same_words_are_found_whatever_their_case_and_punctuation() {
        assert_eq!(found(&LONG.to_uppercase().replace('.', " ...")), Some((0, Kind::Exact)));
        assert_eq!(found(SHORT_ITEM), Some((1, Kind::Exact)));
    }

    #[test]
    fn a_passage_of_thirteen_words_or_more_is_found_by_its_runs() {
        let most = LONG.rsplit_once(" with").expect("a part").0;
        assert_eq!(found(most), Some((0, Kind::Ngram)));
        let other = "This is another question altogether, about a man who has some geese and sells all of them at once.";
        assert_eq!(found(other), None);
    }

    #[test]
    fn a_short_passage_is_not_clean_because_it_has_no_run_of_thirteen_words() {
        assert_eq!(found("she eats three for breakfast"), Some((0, Kind::Ngram)));
        assert_eq!(found("she eats seven for breakfast"), None);
        assert_eq!(found("Who are you?"), Some((2, Kind::Exact)));
    }

    #[test]
    fn a_short_answer_among_choices_makes_no_passage_contaminated() {
        assert_eq!(found("Yes."), None);
        assert_eq!(found("Saturn"), None);
        assert_eq!(found(" ... "), None);
    }

    #[test]
    fn a_whole_item_inside_a_long_row_is_found() {
        let around =
            "Before we begin, a word about today's programme, which has three parts and a break for tea. "
                .repeat(5);
        assert_eq!(found(&format!("{around}{LONG} {around}")), Some((0, Kind::Contains)));
        assert_eq!(found(&format!("{around}{SHORT_ITEM} {around}")), Some((1, Kind::Contains)));
    }

    #[test]
    fn one_other_word_is_found_by_resemblance() {
        let found = index().find(&LONG.replace("muffins", "biscuits"));
        let Match { item, kind, score } = found[&0];
        assert_eq!((item, kind), (0, Kind::Near));
        assert!((0.8..1.0).contains(&score), "{score}");
    }
}
