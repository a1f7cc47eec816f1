use serde_json::json;

use super::*;
use crate::tasks::{document::Context, field::Target, render::Row};

fn document(work: Work) -> Document {
    let context = Context::Text(String::new());
    Document { id: 0, row: Row::new(), context, work, target: Target::Index(0) }
}

fn choices(right: &[usize]) -> Document {
    let choices = vec!["yes".to_owned(), "no".to_owned(), "é".to_owned()];
    document(Work::Choices { choices, delimiter: " ".into(), right: right.to_vec() })
}

fn metrics(output: OutputType, yaml: &str) -> Result<Vec<Metric>> {
    let specs: Vec<MetricSpec> = serde_norway::from_str(yaml).expect("a list");
    Metric::all(Some(&specs), output)
}

/// Whether a metric of choices counts a document as right.
fn hit(metric: &str, right: &[usize], scores: &Scores) -> bool {
    let metric =
        metrics(OutputType::MultipleChoice, &format!("[{{metric: {metric}}}]")).expect("a metric").remove(0);
    let part = metric.part(&choices(right), &Reply::Scores(scores)).expect("measured");
    part.numerator > 0.5
}

#[test]
fn the_first_of_equal_choices_wins_and_the_norms_count_characters_and_bytes() {
    let scores = |logprob: [f64; 3]| Scores {
        logprob: logprob.into(),
        greedy: vec![false, true, false],
        ..Scores::default()
    };
    assert!(hit("acc", &[0], &scores([-1.0, -1.0, -2.0])));
    assert!(!hit("acc", &[1], &scores([-1.0, -1.0, -2.0])));
    // "yes" has three characters, "no" two, "é" one, and two bytes.
    assert!(hit("acc_norm", &[1], &scores([-3.0, -1.8, -1.0])));
    assert!(hit("acc_bytes", &[2], &scores([-3.0, -1.8, -1.0])));
    assert!(hit("exact_match", &[0, 1], &scores([-3.0, -1.8, -1.0])));
    assert!(!hit("exact_match", &[0], &scores([-3.0, -1.8, -1.0])));
    let without = Scores { unconditional: vec![-3.0, -1.0, -1.0], ..scores([-2.0, -1.0, -1.5]) };
    assert!(hit("acc_mutual_info", &[0], &without));
}

#[test]
fn a_text_is_compared_after_what_is_ignored_is_taken_out() {
    let matches = |settings: &str, text: &str| {
        let metric = metrics(OutputType::GenerateUntil, &format!("[{{metric: exact_match{settings}}}]"))
            .expect("a metric")
            .remove(0);
        let document = document(Work::Text { right: vec!["1,024 Cats".into(), "none".into()] });
        metric.part(&document, &Reply::Text(text)).expect("measured").numerator > 0.5
    };
    assert!(matches("", "none") && !matches("", "None"));
    assert!(matches(", ignore_case: true", "NONE"));
    assert!(matches(", ignore_punctuation: true", "1024 Cats!"));
    assert!(matches(", ignore_numbers: true", "7, Cats"));
    assert!(matches(", regexes_to_ignore: [',', 'The ']", "The 1024 Cats"));
}

#[test]
fn perplexities_are_of_nats_over_words_and_bytes() {
    let text = document(Work::Whole("Two wörds".into()));
    let scores = Scores { logprob: vec![-8.0], greedy: vec![false], ..Scores::default() };
    let own = Metric::all(None, OutputType::LoglikelihoodRolling).expect("its own");
    let parts: Vec<Part> =
        own.iter().map(|metric| metric.part(&text, &Reply::Scores(&scores)).expect("measured")).collect();
    assert_eq!(
        json!(own.iter().map(|metric| &metric.name).collect::<Vec<_>>()),
        json!(["word_perplexity", "byte_perplexity", "bits_per_byte"])
    );
    assert_eq!(
        parts.iter().map(|part| (part.numerator, part.denominator)).collect::<Vec<_>>(),
        [(8.0, 2.0), (8.0, 10.0), (8.0, 10.0)]
    );
    assert!(
        (own[0].finish(4.0) - 4.0_f64.exp()).abs() < 1e-12 && (own[2].finish(0.8) - 0.8 / LN_2).abs() < 1e-12
    );
}
