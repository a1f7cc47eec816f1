//! Responses that cannot show a trait: empty, looping, or cut off.
//!
//! # Looping
//!
//! Words are runs between white space, lower-cased; words without a letter or digit (rules, table borders,
//! bullets) are left out. A response loops if some block of 1 to 128 words stands at least four times in a row
//! and the repeats cover at least 16 words, so that "no, no, no, no" is emphasis and sixteen of them are a loop.
//! A last repeat may be broken off. Text that uses no spaces is caught by the same rule on the characters of any
//! word longer than 64: a block of 1 to 128 letters or digits, four times in a row, covering at least 64.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::Finish;

/// How often a block stands in a row before it is a loop.
const REPEATS: usize = 4;
/// Longest block, in words or characters.
const MAX_BLOCK: usize = 128;
/// Words that the repeats have to cover.
const MIN_WORDS: usize = 16;
/// Characters that the repeats have to cover inside one long word.
const MIN_CHARS: usize = 64;

/// Why a response counts as a miss for every trait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpoiledReason {
    /// Nothing but white space.
    Empty,
    /// It says the same over and over.
    Looping,
    /// It was stopped at the token limit.
    Cut,
}

/// Whether a response is spoiled. The first that applies of empty, looping and cut.
#[must_use]
pub fn spoiled(response: &str, finish: Finish) -> Option<SpoiledReason> {
    if response.trim().is_empty() {
        return Some(SpoiledReason::Empty);
    }
    if loops(response) {
        return Some(SpoiledReason::Looping);
    }
    (finish == Finish::Length).then_some(SpoiledReason::Cut)
}

/// The looping rule of the module.
fn loops(response: &str) -> bool {
    let lower = response.to_lowercase();
    let words: Vec<&str> =
        lower.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).collect();
    let inside = |word: &&str| {
        let letters: Vec<char> = word.chars().filter(|letter| letter.is_alphanumeric()).collect();
        letters.len() > MIN_CHARS && repeats(&letters, MIN_CHARS)
    };
    repeats(&words, MIN_WORDS) || words.iter().any(inside)
}

/// Whether a block stands in a row often enough to cover `cover` units.
///
/// A stretch in which every unit equals the one a block length later is that block repeated; `matches` of them in
/// a row cover `matches + block` units.
fn repeats<T: PartialEq>(units: &[T], cover: usize) -> bool {
    (1..=MAX_BLOCK.min(units.len() / REPEATS)).any(|block| {
        let needed = (block * REPEATS).max(cover);
        let mut matches = 0;
        units.iter().zip(&units[block..]).any(|(unit, later)| {
            matches = if unit == later { matches + 1 } else { 0 };
            matches + block >= needed
        })
    })
}

impl fmt::Display for SpoiledReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty",
            Self::Looping => "looping",
            Self::Cut => "cut off at the token limit",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at_its_end(response: &str) -> Option<SpoiledReason> {
        spoiled(response, Finish::End)
    }

    #[test]
    fn a_response_of_white_space_is_empty() {
        assert_eq!(at_its_end(" \n\t "), Some(SpoiledReason::Empty));
        assert_eq!(spoiled("", Finish::Length), Some(SpoiledReason::Empty));
    }

    #[test]
    fn a_phrase_said_four_times_in_a_row_is_a_loop() {
        assert_eq!(at_its_end(&"I am happy to help. ".repeat(4)), Some(SpoiledReason::Looping));
        assert_eq!(
            at_its_end(&format!("Well. {}", "the sea the sea is ".repeat(5))),
            Some(SpoiledReason::Looping)
        );
        assert_eq!(spoiled(&"ha ".repeat(16), Finish::Length), Some(SpoiledReason::Looping));
    }

    #[test]
    fn emphasis_and_refrains_are_not_loops() {
        assert_eq!(at_its_end("No, no, no, no! Never."), None);
        assert_eq!(at_its_end(&"Row the boat. I row my own boat home. ".repeat(3)), None);
    }

    #[test]
    fn tables_and_rules_are_not_loops() {
        let table = format!("{}\n{}\n| a | b |", "| --- ".repeat(30), "-".repeat(200));
        assert_eq!(at_its_end(&table), None);
    }

    #[test]
    fn text_without_spaces_can_loop() {
        assert_eq!(at_its_end(&"很高兴为您服务。".repeat(10)), Some(SpoiledReason::Looping));
        assert_eq!(at_its_end(&"ha".repeat(40)), Some(SpoiledReason::Looping));
        assert_eq!(at_its_end(&"ha".repeat(10)), None);
    }

    #[test]
    fn a_response_at_the_token_limit_is_cut() {
        assert_eq!(spoiled("Once upon a", Finish::Length), Some(SpoiledReason::Cut));
        assert_eq!(spoiled("Once upon a time.", Finish::Stop), None);
    }

    proptest! {
        #[test]
        fn any_block_repeated_often_enough_is_a_loop(block in "[a-z]{1,8}( [a-z]{1,8}){0,20}") {
            let text = vec![block; 16].join(" ");
            prop_assert_eq!(at_its_end(&text), Some(SpoiledReason::Looping));
        }

        #[test]
        fn words_that_never_come_back_are_no_loop(count in 1_usize..400) {
            let words: Vec<String> = (0..count).map(|i| format!("w{i}")).collect();
            prop_assert_eq!(at_its_end(&words.join(" ")), None);
        }
    }
}
