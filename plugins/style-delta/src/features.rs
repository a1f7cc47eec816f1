//! A text as a vector of rates. Nothing grows with the length of the text, and nothing looks at content words.

use std::collections::BTreeMap;

use realign_plugin::text::{self, Word};

/// Frequent English function and courtesy words.
const FUNCTION_WORDS: [&str; 56] = [
    "the", "a", "an", "this", "that", "these", "there", "and", "but", "or", "so", "if", "because", "when",
    "which", "who", "of", "to", "in", "on", "at", "for", "with", "from", "by", "as", "about", "is", "are",
    "was", "be", "been", "have", "has", "do", "will", "would", "can", "could", "may", "must", "should",
    "not", "no", "i", "you", "we", "it", "they", "us", "my", "your", "our", "please", "just", "very",
];

/// Words in a window of the type-token ratio; about half a short reply.
const WINDOW: usize = 25;

/// The feature vector of a text, or `None` if it has no words. Its length is the same for all texts.
pub(crate) fn measure(text: &str) -> Option<Vec<f64>> {
    let words = text::words(text);
    if words.is_empty() {
        return None;
    }
    let count = words.len() as f64;
    let share = |matching: usize| matching as f64 / count;
    let frequencies = text::counts(words.iter().map(|word| &*word.text));
    let frequency = |function_word: &&str| frequencies.get(*function_word).copied().unwrap_or(0);
    let mut features: Vec<f64> = FUNCTION_WORDS.iter().map(|word| frequency(word) as f64 / count).collect();
    let Characters { letters, capitals, digits, marks } = Characters::of(text);
    let characters: usize = words.iter().map(|word| word.text.chars().count()).sum();
    features.extend([
        count / text::sentences(text).count().max(1) as f64,
        share(characters),
        capitals as f64 / letters.max(1) as f64,
        share(words.iter().filter(|word| word.text.contains('\'')).count()),
        variety(&words),
    ]);
    features.extend(marks.map(share));
    features.push(share(digits));
    Some(features)
}

/// Groups of marks that are counted together.
const MARKS: usize = 8;

/// How many characters of each kind a text has.
#[derive(Default)]
struct Characters {
    letters: usize,
    capitals: usize,
    digits: usize,
    marks: [usize; MARKS],
}

impl Characters {
    fn of(text: &str) -> Self {
        let mut counts = Self::default();
        for c in text.chars() {
            counts.letters += usize::from(c.is_alphabetic());
            counts.capitals += usize::from(c.is_uppercase());
            counts.digits += usize::from(c.is_ascii_digit());
            if let Some(group) = group(c) {
                counts.marks[group] += 1;
            }
        }
        counts
    }
}

/// The group that a mark belongs to, below [`MARKS`].
const fn group(c: char) -> Option<usize> {
    Some(match c {
        ',' => 0,
        '.' | '…' => 1,
        '!' => 2,
        '?' => 3,
        ';' | ':' => 4,
        '-' | '–' | '—' => 5,
        '"' | '“' | '”' | '(' | ')' => 6,
        '\n' => 7,
        _ => return None,
    })
}

/// Moving-average type-token ratio (MATTR, DOI 10.1080/09296171003643098): the mean share of different words over all windows of
/// [`WINDOW`] words, so that it does not fall with length as the plain ratio does. A shorter text is one window.
fn variety(words: &[Word<'_>]) -> f64 {
    let size = WINDOW.min(words.len());
    let mut inside = BTreeMap::<&str, usize>::new();
    let mut different = 0;
    for (index, word) in words.iter().enumerate() {
        *inside.entry(&word.text).or_default() += 1;
        if let Some(left) = index.checked_sub(size) {
            let leaving = &*words[left].text;
            match inside.get_mut(leaving) {
                Some(more @ 2..) => *more -= 1,
                _ => drop(inside.remove(leaving)),
            }
        }
        if index + 1 >= size {
            different += inside.len();
        }
    }
    different as f64 / ((words.len() - size + 1) * size) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeating_a_text_changes_hardly_any_rate() {
        let text = "We will see, and then we write. Is that all right? ";
        let (once, often) =
            (measure(text).expect("it has words"), measure(&text.repeat(50)).expect("it has words"));
        // Only the variety of words may differ: a window of a repeated text holds repeated words.
        let different = once.iter().zip(&often).filter(|(a, b)| (*a - *b).abs() > 1e-9).count();
        assert_eq!(different, 1);
    }

    #[test]
    fn variety_is_the_share_of_different_words() {
        assert!((variety(&text::words("a b a b")) - 0.5).abs() < 1e-12);
        assert!((variety(&text::words("a b c d")) - 1.0).abs() < 1e-12);
        // Twenty-six words, two windows: the first holds "a" twice, the second every word once.
        let alphabet = "a a b c d e f g h i j k l m n o p q r s t u v w x y";
        assert!((variety(&text::words(alphabet)) - 49.0 / 50.0).abs() < 1e-12);
    }
}
