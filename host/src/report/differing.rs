//! Two values of one key, cut so that a reader sees where they differ.
//!
//! A value is a text, a digest, or several digests joined by ` + ` (the adapters on a model, in their order). What both sides begin
//! with is left out before anything is cut, so two values that differ never look equal.

use super::text::{clean, short};

/// What stands between the parts of a value.
const JOINT: &str = " + ";
/// Most characters of one part.
const MOST: usize = 24;
/// Characters that are kept of what both parts begin with, so that the place can be found.
const KEPT: usize = 4;
/// Digits of a SHA-256 digest, and how many of them are shown.
const DIGEST: (usize, usize) = (64, 12);

/// Both values for one line; `None` is a key that a side does not have.
#[must_use]
pub fn differing(before: Option<&str>, after: Option<&str>) -> [String; 2] {
    let (Some(before), Some(after)) = (before, after) else {
        return [before, after]
            .map(|value| value.map_or_else(|| "absent".to_owned(), |value| list(&parts(value), 0)));
    };
    let sides = [parts(before), parts(after)];
    let shared = sides[0].iter().zip(&sides[1]).take_while(|(one, other)| one == other).count();
    // A side that is all shared has nothing of its own to show; its last part says what the other one goes on from.
    let from = shared.min(sides[0].len() - 1).min(sides[1].len() - 1);
    let shown = [0, 1].map(|side| list(&sides[side], from));
    if shown[0] == shown[1] { apart(before, after) } else { shown }
}

fn parts(value: &str) -> Vec<&str> {
    value.split(JOINT).collect()
}

/// The parts from a place on, each cut; an ellipsis stands for those before.
fn list(parts: &[&str], from: usize) -> String {
    let before = (from > 0).then(|| "…".to_owned());
    before.into_iter().chain(parts[from..].iter().map(|part| one(part))).collect::<Vec<_>>().join(JOINT)
}

fn one(part: &str) -> String {
    let (digits, shown) = DIGEST;
    let is_digest = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_digest { part[..shown].to_owned() } else { short(&clean(part), MOST) }
}

/// Two texts that are equal where they were cut, from shortly before the first character that differs.
fn apart(before: &str, after: &str) -> [String; 2] {
    let shared = before.chars().zip(after.chars()).take_while(|(one, other)| one == other).count();
    [before, after].map(|text| {
        let rest: String = text.chars().skip(shared.saturating_sub(KEPT)).collect();
        format!("…{}", short(&clean(&rest), MOST))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Digest;

    fn shown(before: &str, after: &str) -> String {
        differing(Some(before), Some(after)).join(" -> ")
    }

    #[test]
    fn another_adapter_behind_the_same_one_is_seen() {
        let [sft, optimised, improved] =
            ["sft", "5", "6"].map(|name| Digest::of(name.as_bytes()).to_string());
        insta::assert_snapshot!(shown(&sft, &format!("{sft} + {optimised}")), @"34aef458a17f -> 34aef458a17f + ef2d127de37b");
        insta::assert_snapshot!(shown(&format!("{sft} + {optimised}"), &format!("{sft} + {improved}")), @"… + ef2d127de37b -> … + e7f6c011776e");
        insta::assert_snapshot!(differing(None, Some(&sft)).join(" -> "), @"absent -> 34aef458a17f");
    }

    #[test]
    fn texts_are_shown_from_where_they_part() {
        let long = "a description of something that is longer than a line may be";
        insta::assert_snapshot!(shown("f16", "f32"), @"f16 -> f32");
        insta::assert_snapshot!(shown(&format!("{long}, at first"), &format!("{long}, then")), @"…be, at first -> …be, then");
        insta::assert_snapshot!(shown(long, &format!("{long}, then")), @"…y be -> …y be, then");
        let [one, other] = ["1", "2"].map(|end| format!("{}{end}", "0".repeat(63)));
        insta::assert_snapshot!(shown(&one, &other), @"…00001 -> …00002");
    }
}
