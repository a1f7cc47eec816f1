//! Checks as Markdown, as GitHub shows it below a job (`$GITHUB_STEP_SUMMARY`).

use std::fmt::Write as _;

use super::{
    checks::{Check, sentence},
    text::clean,
};
use crate::model::Verdict;

/// A heading, the sentence, and a table; what did not pass comes first.
#[must_use]
pub fn markdown(title: &str, checks: &[Check]) -> String {
    let mut text = format!("### {}\n\n{}\n", cell(title), cell(&sentence(checks)));
    if checks.is_empty() {
        return text;
    }
    text += "\n| check | verdict | value | asked for | why |\n|---|---|---|---|---|\n";
    for passed in [false, true] {
        for check in checks.iter().filter(|check| (check.verdict == Verdict::Pass) == passed) {
            let cells = [&check.name, check.word, &check.value, &check.rule, &check.reason].map(cell);
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
    }
    text
}

/// Text that no table, link or tag can come out of.
fn cell(text: &str) -> String {
    let mut cell = String::new();
    for character in clean(text).chars() {
        match character {
            '\n' => cell.push(' '),
            '&' => cell += "&amp;",
            '<' => cell += "&lt;",
            '>' => cell += "&gt;",
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '!' | '~' => {
                cell.push('\\');
                cell.push(character);
            }
            _ => cell.push(character),
        }
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_in_its_cell_and_what_failed_comes_first() {
        let check = |name: &str, verdict, word| Check {
            name: name.into(),
            verdict,
            word,
            value: "1".into(),
            rule: "2".into(),
            reason: "a | b\n<script> [x](y)".into(),
        };
        let checks = [check("fine", Verdict::Pass, "pass"), check("lost", Verdict::Fail, "fail")];
        insta::assert_snapshot!(markdown("run *a*", &checks), @r"
        ### run \*a\*

        1 of 2 pass: lost fail

        | check | verdict | value | asked for | why |
        |---|---|---|---|---|
        | lost | fail | 1 | 2 | a \| b &lt;script&gt; \[x\](y) |
        | fine | pass | 1 | 2 | a \| b &lt;script&gt; \[x\](y) |
        ");
    }
}
