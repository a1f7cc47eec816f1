//! Text helpers hold on to their promises for any text.

use proptest::prelude::*;
use realign_plugin::text::{self, Phrase, Phrases, Weights};

fn split(text: &str) -> Vec<&str> {
    text::sentences(text).map(|range| &text[range]).collect()
}

#[test]
fn sentences_end_where_a_reader_would_end_them() {
    assert_eq!(split("Yes. No! Why? Well…"), ["Yes.", "No!", "Why?", "Well…"]);
    assert_eq!(
        split("“Come in!” she said. (Really.) Fine"),
        ["“Come in!”", "she said.", "(Really.)", "Fine"]
    );
    assert_eq!(
        split("Dr. Hall, e.g. Ann, left at 5 p.m. on 3.5.2020."),
        ["Dr. Hall, e.g. Ann, left at 5 p.m. on 3.5.2020."]
    );
    assert_eq!(split("DR. Hall, E.G. ANN, left."), ["DR. Hall, E.G. ANN, left."]);
    assert_eq!(split("We open at 9 a.m. Come early."), ["We open at 9 a.m.", "Come early."]);
    assert_eq!(split("Steps:\n1. Open it.\n2. Close it."), ["Steps:", "1. Open it.", "2. Close it."]);
    assert_eq!(split("好的。谢谢！"), ["好的。", "谢谢！"]);
    assert_eq!(split("Hm... 😊 !!!"), ["Hm..."]);
    assert!(split(" \n ").is_empty());
}

#[test]
fn phrases_match_whole_words_only() {
    let find =
        |phrase: &str, text: &str| Phrase::new(phrase).expect("it has words").find(&text::words(text)).len();
    assert_eq!(find("we'll", "We’ll see what WE'LL do, well"), 2);
    assert_eq!(find("thank you", "thank, you; thank your"), 1);
    assert_eq!(find("guarantee*", "Guaranteed: a guarantee is no guaranty"), 2);
    assert_eq!(find("no no", "no no no"), 1);
    assert!(Phrase::new(" * ").is_none());
}

/// The words by their definition, character by character.
fn defined(text: &str) -> Vec<(String, usize, usize)> {
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let is = |at: usize, of: fn(char) -> bool| chars.get(at).is_some_and(|(_, c)| of(*c));
    let accent = |c| ('\u{300}'..='\u{36f}').contains(&c);
    let apostrophe = |c| matches!(c, '\'' | '‘' | '’' | 'ʼ' | '′');
    let mut found = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let first = at;
        if is(at, char::is_alphanumeric) {
            while is(at, char::is_alphanumeric)
                || is(at, accent)
                || (is(at, apostrophe) && is(at + 1, char::is_alphanumeric))
            {
                at += 1;
            }
            let (start, end) = (chars[first].0, chars.get(at).map_or(text.len(), |(end, _)| *end));
            found.push((text::normalise(&text[start..end]), start, end));
        }
        at += 1;
    }
    found
}

#[test]
fn phrases_are_written_down_as_their_list() {
    let list = ["thank you", "apolog*"].map(|phrase| Phrase::new(phrase).expect("it has words"));
    let written = serde_json::to_string(&list).expect("JSON");
    let phrases: Phrases = list.into_iter().collect();
    assert_eq!(serde_json::to_string(&phrases).expect("JSON"), written);
    assert_eq!(serde_json::from_str::<Phrases>(&written).expect("phrases"), phrases);
}

#[test]
fn ngrams_and_counts_of_few_words() {
    let words = text::words("a b a b");
    assert_eq!(text::ngrams(&words, 3), ["a b a", "b a b"]);
    assert!(text::ngrams(&words, 5).is_empty());
    assert!(text::ngrams(&words, 0).is_empty());
    let counts = text::counts(text::ngrams(&words, 2));
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [("a b".to_owned(), 2), ("b a".to_owned(), 1)]);
}

proptest! {
    #[test]
    fn words_lie_in_order_on_characters_in_lower_case(text in r"[a-zA-Z0-9'’. \n\-éÉß好😊\u{301}]{0,60}|\PC{0,60}") {
        let mut last = 0;
        for word in text::words(&text) {
            prop_assert!(last <= word.start && word.start < word.end);
            let slice = text.get(word.start..word.end);
            prop_assert!(slice.is_some_and(|slice| slice.starts_with(char::is_alphanumeric)));
            prop_assert_eq!(slice.map(text::normalise), Some(word.text.into_owned()), "lower case, of ASCII or not");
            last = word.end;
        }
    }

    #[test]
    fn words_are_what_their_definition_says(text in r"[a-zA-Z0-9'’ʼ. \n\-éÉßİ好😊\u{301}\u{212a}]{0,60}|\PC{0,60}") {
        let found: Vec<_> =
            text::words(&text).into_iter().map(|word| (word.text.into_owned(), word.start, word.end)).collect();
        prop_assert_eq!(text::word_count(&text), found.len());
        prop_assert_eq!(found, defined(&text));
    }

    #[test]
    fn words_are_counted_wherever_they_lie_in_eight_bytes(text in "[a-z09'’ .é\u{301}]{0,40}|[a-zA-Z0-9@\\[`{/: ']{0,40}") {
        prop_assert_eq!(text::word_count(&text), text::words(&text).len());
    }

    #[test]
    fn marks_are_what_is_neither_blank_nor_letter(text in r"[a-zA-Z0-9@`{!.\n\t！¡é ]{0,60}|\PC{0,60}") {
        let plainly: Vec<char> = text.chars().filter(|c| !matches!(c, ' ' | '@'..='\u{7f}')).collect();
        prop_assert_eq!(text::marks(&text).collect::<Vec<_>>(), plainly);
    }

    #[test]
    fn normal_text_is_lower_case_whether_ascii_or_not(text in r"[a-zA-Z0-9'’“ .\n\u{a0}éÉßİΣ]{0,60}|\PC{0,60}") {
        let straight = |c| match c {
            '‘' | '’' | 'ʼ' | '′' => '\'',
            '“' | '”' | '„' => '"',
            other => other,
        };
        let words: Vec<String> =
            text.split_whitespace().map(|word| word.chars().map(straight).flat_map(char::to_lowercase).collect()).collect();
        prop_assert_eq!(text::normalise(&text), words.join(" "));
    }

    #[test]
    fn weights_are_found_as_in_a_map(
        map in prop::collection::btree_map(r"[ab]{0,3}|longer th[ae]n [ab]{0,2}|\PC{0,4}", any::<f64>(), 0..30), text in "[ab]{0,3}|longer th[ae]n [ab]{0,2}"
    ) {
        let weights = Weights::from(map.clone());
        for text in map.keys().chain([&text]) {
            prop_assert_eq!(weights.get(text).map(f64::to_bits), map.get(text).copied().map(f64::to_bits));
        }
        prop_assert_eq!(serde_json::to_string(&weights).ok(), serde_json::to_string(&map).ok());
    }

    #[test]
    fn phrases_are_found_together_where_each_is_found_alone(
        list in prop::collection::vec("(no|not|n|é|a)[*]?( (no|a|not)[*]?){0,2}", 0..6), text in "((no|not|a|é|No) ){0,20}"
    ) {
        let list: Vec<_> = list.iter().map(|phrase| Phrase::new(phrase).expect("it has words")).collect();
        let words = text::words(&text);
        let mut alone: Vec<_> = list.iter().flat_map(|phrase| phrase.find(&words)).collect();
        let phrases: Phrases = list.into_iter().collect();
        let together = phrases.find(&words);
        prop_assert!(together.is_sorted_by_key(|find| find.start));
        prop_assert_eq!(phrases.is_in(&words), !together.is_empty());
        let mut together = together;
        for finds in [&mut together, &mut alone] {
            finds.sort_by_key(|find| (find.start, find.end));
        }
        prop_assert_eq!(together, alone);
    }

    #[test]
    fn sentences_hold_every_word_once(text in r"[a-zA-Z0-9'’.!?…。)” \n\-é好😊]{0,80}|\PC{0,80}") {
        let of_sentences: Vec<_> = split(&text).into_iter().flat_map(text::words).map(|word| word.text).collect();
        let of_text: Vec<_> = text::words(&text).into_iter().map(|word| word.text).collect();
        prop_assert_eq!(of_sentences, of_text);
    }

    #[test]
    fn a_text_holds_its_own_words_as_a_phrase(text in r"[a-z' ]{1,40}") {
        let words = text::words(&text);
        if let Some(phrase) = Phrase::new(&text) {
            prop_assert_eq!(phrase.find(&words).len(), 1);
        }
    }
}
