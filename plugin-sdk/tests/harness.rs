//! The native harness says what is wrong, and questions make the way to the host and back.

use realign_plugin::{
    prelude::*,
    testing::{self, Mismatch},
};

/// Present if the model finds the response likelier than not, in nats per token.
#[derive(Serialize, Deserialize)]
struct Likely {
    threshold: f64,
}

impl TraitDetector for Likely {
    type Config = Self;
    const ABOUT: About = about!("{}");
    const ASKS: &'static [&'static str] = &[Question::LOGLIKELIHOOD];

    fn prepare(config: Self, setup: &Setup<'_>) -> Result<Self, Failure> {
        if setup.profile.examples.is_empty() {
            return Err(Failure::profile("examples are empty"));
        }
        Ok(config)
    }

    fn questions(&self, sample: &Sample) -> Result<Vec<Question>, Failure> {
        match sample.response.as_str() {
            "" => Ok(Vec::new()),
            "unreadable" => Err(Failure::sample("unreadable")),
            text => Ok(vec![Question::Loglikelihood { text: text.to_owned() }]),
        }
    }

    fn detect(&self, sample: &Sample, answers: &Answers<'_>) -> Result<Outcome, Failure> {
        if sample.response.is_empty() {
            return Ok(Outcome::NotApplicable("empty".to_owned()));
        }
        let likelihood = answers.loglikelihood(0)?;
        Ok(Outcome::presence(f64::from(likelihood.logprob / likelihood.tokens as f64 >= self.threshold)))
    }
}

const JOB: &str = "format = 1\n[job]\nconfig = { threshold = -1.0 }\n";

fn run(cases: &str) -> Result<(), Mismatch> {
    testing::trait_detector::<Likely>(&format!("{JOB}{cases}"))
}

#[test]
fn questions_are_answered_by_sample_also_in_a_batch() -> Result<(), Mismatch> {
    run(r#"
[[case]]
name = "likely"
response = "a"
answers = [{ logprob = -1.5, tokens = 2, bytes = 1 }]
questions = [{ text = "a" }]
expect = { presence = 1 }
[[case]]
name = "nothing to ask"
response = ""
questions = []
expect = { not-applicable = "empty" }
[[case]]
name = "unlikely"
response = "b"
answers = [{ logprob = -9, tokens = 2, bytes = 1 }]
expect = { presence = 0 }
[[case]]
name = "no question can be made"
response = "unreadable"
expect = { error = "sample: unreadable" }
[[case]]
name = "answer of another shape"
response = "c"
answers = [{ text = "?" }]
expect = { error = "answer" }
[[case]]
name = "the profile can be refused"
response = ""
config = { threshold = "high" }
expect = { error = "config" }
"#)
}

#[test]
fn differences_are_listed_by_case() {
    let mismatch = run(r#"
[[case]]
name = "wrong number"
response = "a"
answers = [{ logprob = -1.5, tokens = 2, bytes = 1 }]
questions = [{ text = "b" }]
spans = ["a"]
expect = { presence = 0, recall = [0.5, 1] }
[[case]]
name = "no failure"
response = ""
expect = { error = "sample" }
[[case]]
name = "too few answers"
response = "a"
expect = { presence = 1 }
[[case]]
name = "nothing expected"
response = ""
expect = {}
"#)
    .expect_err("nothing fits");
    insta::assert_snapshot!(mismatch.to_string(), @r#"
    case "wrong number": presence: expected 0, got 1
    case "wrong number": recall: expected 0.5 to 1, got no such metric in {"presence": 1.0}
    case "wrong number": spans: expected ["a"], got []
    case "wrong number": questions: expected [{"text":"b"}], got [{"text":"a"}]
    case "no failure": error: expected "sample", got not applicable: empty
    case "too few answers": presence: expected 1, got failure internal: 1 questions, cases.toml has 0 answers
    case "nothing expected": expect is empty
    "#);
}

#[test]
fn files_that_make_no_sense_are_refused() {
    let refused =
        |cases: &str| testing::trait_detector::<Likely>(cases).expect_err("it makes no sense").to_string();
    insta::assert_snapshot!(refused("format = 2\ncase = []"), @"cases.toml: format is 2, 1 is known");
    insta::assert_snapshot!(refused("format = 1\ncase = []"), @"cases.toml: there is no [[case]]");
    insta::assert_snapshot!(refused("format = 1\ncase = [{ name = 'x', expect = {} }]"), @r#"cases.toml: case "x" needs either response or row"#);
    insta::assert_snapshot!(refused("format = 1\ncase = [{ name = 'x', respones = '', expect = {} }]"), @r"
    cases.toml: TOML parse error at line 2, column 23
      |
    2 | case = [{ name = 'x', respones = '', expect = {} }]
      |                       ^^^^^^^^
    unknown field `respones`, expected one of `name`, `config`, `first_rows`, `response`, `repeat`, `context`, `prompt`, `row`, `answers`, `questions`, `expect`, `spans`
    ");
}

/// An evaluator with everything wrong that a description can have, whose outcome depends on the batch.
#[derive(Serialize, Deserialize)]
struct Careless {}

impl StyleScorer for Careless {
    type Config = Self;
    const ABOUT: About = About { id: "Not An Id", version: "1", summary: "", config_schema: "[]" };

    fn metrics() -> Vec<Metric> {
        vec![Metric::score("fit")]
    }

    fn prepare(config: Self, _: &Setup<'_>) -> Result<Self, Failure> {
        Ok(config)
    }

    fn score(&self, _: &Sample, _: &Answers<'_>) -> Result<Outcome, Failure> {
        use std::sync::atomic::{AtomicU32, Ordering};
        static CALLS: AtomicU32 = AtomicU32::new(0);
        Ok(Outcome::fit(f64::from(CALLS.fetch_add(1, Ordering::Relaxed))))
    }
}

#[test]
fn bad_descriptions_and_hidden_state_are_found() {
    let cases = "format = 1\n[[case]]\nname = 'x'\nresponse = 'x'\nexpect = { match = [0, 99] }";
    let mismatch = testing::style_scorer::<Careless>(cases).expect_err("it is careless");
    insta::assert_snapshot!(mismatch.to_string(), @r#"
    id "Not An Id" must be 1 to 64 of a-z, 0-9 and -
    summary is empty: set description in Cargo.toml
    config schema is not a JSON object but []
    first metric is "fit", must be "match"
    case "x": alone Scored(Scored { values: [Value { metric: "match", numerator: 0.0, denominator: 1.0 }], spans: [], notes: [] }), together with others Scored(Scored { values: [Value { metric: "match", numerator: 1.0, denominator: 1.0 }], spans: [], notes: [] })
    case "x": alone Scored(Scored { values: [Value { metric: "match", numerator: 0.0, denominator: 1.0 }], spans: [], notes: [] }), in reverse order Scored(Scored { values: [Value { metric: "match", numerator: 2.0, denominator: 1.0 }], spans: [], notes: [] })
    "#);
}
