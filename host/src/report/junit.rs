//! Checks as a `JUnit` file, which every build server reads.
//!
//! One test case per check. What did not pass is a failure, whose type is the verdict: an `inconclusive` check must not
//! pass silently, and most servers count a skipped test as passed.

use maud::{PreEscaped, html};

use super::{checks::Check, text::clean};
use crate::model::Verdict;

/// The file; `suite` is what was run, `run` its name.
#[must_use]
pub fn junit(suite: &str, run: &str, checks: &[Check]) -> String {
    let failures = checks.iter().filter(|check| check.verdict != Verdict::Pass).count();
    let body = html! {
        testsuites name="realign" tests=(checks.len()) failures=(failures) {
            testsuite name=(clean(run)) tests=(checks.len()) failures=(failures) errors="0" skipped="0" {
                @for check in checks {
                    testcase classname=(clean(suite)) name=(clean(&check.name)) {
                        @if check.verdict != Verdict::Pass {
                            failure type=(check.word) message=(clean(&format!("{}: {}", check.word, check.reason))) {
                                (clean(&check.value)) " against " (clean(&check.rule))
                            }
                        }
                    }
                }
            }
        }
    };
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n", PreEscaped(body.into_string()).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_pass_is_a_failure_and_hostile_text_is_text() {
        let check = |name: &str, verdict, word| Check {
            name: name.into(),
            verdict,
            word,
            value: "90.0 %".into(),
            rule: ">= 95.0 %".into(),
            reason: "it \"lies\" <below> & under\u{1b}".into(),
        };
        let checks =
            [check("kept", Verdict::Pass, "pass"), check("a<b", Verdict::Inconclusive, "inconclusive")];
        insta::assert_snapshot!(junit("suite", "run", &checks), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="realign" tests="2" failures="1"><testsuite name="run" tests="2" failures="1" errors="0" skipped="0"><testcase classname="suite" name="kept"></testcase><testcase classname="suite" name="a&lt;b"><failure type="inconclusive" message="inconclusive: it &quot;lies&quot; &lt;below&gt; &amp; under�">90.0 % against &gt;= 95.0 %</failure></testcase></testsuite></testsuites>
        "#);
    }
}
