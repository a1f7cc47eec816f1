use super::*;
use crate::{
    ids::Digest,
    metrics::card::benchmark::{BenchmarkInput, benchmark},
    model::Direction,
    plugins::card::Carded,
    sandbox::Kind,
};

fn card(name: &str) -> Card {
    let digest = || Digest::of(b"");
    let numbers = benchmark(&BenchmarkInput {
        metric: "accuracy",
        direction: Some(Direction::Higher),
        range: None,
        items: 8,
        groups: 4,
        chance: Some(0.25),
        guessing: None,
        baseline: None,
        failed: 0,
    });
    Card {
        format: 1,
        formula: "card/1".into(),
        name: name.into(),
        evaluator: Carded {
            id: "facts".into(),
            version: "0.1.0".into(),
            kind: Kind::Benchmark,
            component: digest(),
            config: digest(),
            state: digest(),
            data: digest(),
            instrument: None,
        },
        polarity: None,
        threshold: None,
        cross_fitted: false,
        numbers: Numbers::Benchmark(Box::new(numbers)),
        worst: Vec::new(),
    }
}

#[test]
fn a_benchmarks_card_says_what_is_missing() {
    insta::assert_snapshot!(render(&[card("facts")]));
}

#[test]
fn names_are_escaped_on_the_page() {
    let text = page(&[card("<b>facts</b>")]);
    assert!(text.contains("&lt;b&gt;facts") && !text.contains("<b>"), "{text}");
}
