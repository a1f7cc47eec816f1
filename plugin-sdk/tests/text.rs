//! Text helpers hold on to their promises for any text.

use proptest::prelude::*;
use realign_plugin::text::{self, Phrase};

fn split(text: &str) -> Vec<&str> {
    text::sentences(text).into_iter().map(|range| &text[range]).collect()
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
            prop_assert_eq!(slice.map(text::normalise), Some(word.text), "lower case, of ASCII or not");
            last = word.end;
        }
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
