//! Text that was written by a model, an evaluator or a file, made fit to be shown.

use super::table;

/// Replaces control characters, line breaks excepted: they steer terminals, and mean nothing on a page.
#[must_use]
pub fn clean(text: &str) -> String {
    let shown =
        |character: char| if character.is_control() && character != '\n' { '\u{fffd}' } else { character };
    text.chars().map(shown).collect()
}

/// At most so many characters, the last of them an ellipsis where something was left out.
#[must_use]
pub fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// A sentence over lines of at most 100 columns, like tables; a word that is longer has a line of its own.
#[must_use]
pub(super) fn wrapped(sentence: &str) -> String {
    let mut lines = vec![String::new()];
    for word in sentence.split(' ') {
        let line = lines.last_mut().expect("at least one line");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= usize::from(table::WIDTH) {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_never_reach_a_reader() {
        assert_eq!(clean("red \u{1b}[31m\u{7}\r text\nnext"), "red \u{fffd}[31m\u{fffd}\u{fffd} text\nnext");
        assert_eq!(clean("\u{9b}31m"), "\u{fffd}31m");
    }

    #[test]
    fn what_is_left_out_is_marked() {
        assert_eq!(short("harbour", 7), "harbour");
        assert_eq!(short("harbours", 7), "harbou…");
    }
}
