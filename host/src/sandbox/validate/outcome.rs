//! What an evaluator made of its subjects.
//!
//! A wrong number of outcomes spoils the batch, for nobody knows which is whose. One bad outcome spoils its own cell.

use super::{Untrusted, broken, checked_failure, text};
use crate::{
    model::{Failure, Note, Outcome, Span, Value},
    sandbox::types::{Aggregation, Description, Metric},
};

const SPANS: usize = 1024;
const LABEL_BYTES: usize = 128;
const NOTES: usize = 64;
const NOTE_BYTES: usize = 4096;

/// What spans of an outcome point into: the response of a sample, or nothing for an item.
pub(in crate::sandbox) type Subject<'a> = Option<&'a str>;

/// Checks the outcomes of a batch, one per subject in its order.
pub(in crate::sandbox) fn outcomes(
    Untrusted(outcomes): Untrusted<Vec<Outcome>>,
    description: &Description,
    subjects: &[Subject<'_>],
) -> Result<Vec<Outcome>, Failure> {
    if outcomes.len() != subjects.len() {
        let (got, wanted) = (outcomes.len(), subjects.len());
        return Err(broken(format!("step gave {got} outcomes for a batch of {wanted}")));
    }
    let check = |(outcome, subject)| {
        checked(outcome, description, subject).unwrap_or_else(|message| Outcome::Failed(broken(message)))
    };
    Ok(outcomes.into_iter().zip(subjects.iter().copied()).map(check).collect())
}

fn checked(outcome: Outcome, description: &Description, subject: Subject<'_>) -> Result<Outcome, String> {
    match outcome {
        Outcome::Scored { values, spans, notes } => {
            check_values(&values, &description.metrics)?;
            check_spans(&spans, subject)?;
            check_notes(&notes)?;
            Ok(Outcome::Scored { values, spans, notes })
        }
        Outcome::NotApplicable(reason) => {
            text::within("not-applicable", &reason, text::MESSAGE_BYTES)?;
            Ok(Outcome::NotApplicable(reason))
        }
        Outcome::Failed(reported) => checked_failure(reported).map(Outcome::Failed),
    }
}

/// Exactly the metrics described, in their order.
fn check_values(values: &[Value], metrics: &[Metric]) -> Result<(), String> {
    if values.len() != metrics.len() {
        return Err(format!("{} values, {} metrics are described", values.len(), metrics.len()));
    }
    values.iter().zip(metrics).try_for_each(|(value, metric)| check_value(value, metric))
}

fn check_value(value: &Value, metric: &Metric) -> Result<(), String> {
    let name = &metric.name;
    if value.metric != *name {
        return Err(format!("a value stands where metric {name} is described"));
    }
    if !value.numerator.is_finite() {
        return Err(format!("metric {name}: numerator is {}, not a finite number", value.numerator));
    }
    // Negative denominators could add up to nothing in a ratio of sums.
    if !value.denominator.is_finite() || value.denominator <= 0.0 {
        return Err(format!(
            "metric {name}: denominator is {}, not a finite number above 0",
            value.denominator
        ));
    }
    let ratio = value.ratio();
    if !ratio.is_finite() {
        return Err(format!("metric {name}: numerator over denominator is {ratio}"));
    }
    if metric.aggregation == Aggregation::Geometric && ratio <= 0.0 {
        return Err(format!("metric {name} is {ratio}, a geometric mean needs values above 0"));
    }
    if let Some(low) = metric.low
        && ratio < low
    {
        return Err(format!("metric {name} is {ratio}, at least {low} is described"));
    }
    if let Some(high) = metric.high
        && ratio > high
    {
        return Err(format!("metric {name} is {ratio}, at most {high} is described"));
    }
    Ok(())
}

fn check_spans(spans: &[Span], subject: Subject<'_>) -> Result<(), String> {
    if spans.len() > SPANS {
        return Err(format!("{} spans, {SPANS} are allowed", spans.len()));
    }
    let Some(response) = subject else {
        return if spans.is_empty() {
            Ok(())
        } else {
            Err("spans on an item, which has no response".to_owned())
        };
    };
    for Span { start, end, label } in spans {
        text::within("span label", label, LABEL_BYTES)?;
        // Slicing checks order, bounds and character boundaries at once; empty spans mark nothing.
        let range = (*start as usize)..(*end as usize);
        if response.get(range).is_none_or(str::is_empty) {
            let bytes = response.len();
            return Err(format!(
                "span {start}..{end} is not a stretch of characters of the response's {bytes} bytes"
            ));
        }
    }
    Ok(())
}

fn check_notes(notes: &[Note]) -> Result<(), String> {
    if notes.len() > NOTES {
        return Err(format!("{} notes, {NOTES} are allowed", notes.len()));
    }
    for Note { key, value } in notes {
        text::line("note key", key, text::NAME_BYTES)?;
        text::within("note", value, NOTE_BYTES)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::sandbox::types::Direction;

    fn described(aggregation: Aggregation) -> Description {
        let metric = Metric {
            name: "presence".into(),
            unit: String::new(),
            direction: Direction::Higher,
            low: Some(0.0),
            high: Some(1.0),
            chance: None,
            aggregation,
        };
        Description {
            id: "example".into(),
            version: "0.1.0".into(),
            summary: "Finds examples.".into(),
            config_schema: "{}".into(),
            metrics: vec![metric],
            asks: BTreeSet::new(),
        }
    }

    fn value(numerator: f64, denominator: f64) -> Value {
        Value { metric: "presence".into(), numerator, denominator }
    }

    fn scored(values: Vec<Value>) -> Outcome {
        Outcome::Scored { values, spans: vec![], notes: vec![] }
    }

    fn message(outcome: Outcome, response: &str) -> String {
        match checked(outcome, &described(Aggregation::Mean), Some(response)) {
            Ok(_) => "valid".to_owned(),
            Err(message) => message,
        }
    }

    #[test]
    fn values_must_be_finite_in_range_and_as_described() {
        let lines = [
            message(scored(vec![value(1.0, 2.0)]), ""),
            message(scored(vec![value(f64::NAN, 1.0)]), ""),
            message(scored(vec![value(f64::INFINITY, 1.0)]), ""),
            message(scored(vec![value(1.0, 0.0)]), ""),
            message(scored(vec![value(-1.0, -1.0)]), ""),
            message(scored(vec![value(1.0, f64::NAN)]), ""),
            message(scored(vec![value(1e308, 1e-308)]), ""),
            message(scored(vec![value(3.0, 2.0)]), ""),
            message(scored(vec![value(-1.0, 2.0)]), ""),
            message(scored(vec![]), ""),
            message(scored(vec![Value { metric: "other".into(), ..value(1.0, 1.0) }]), ""),
        ];
        insta::assert_snapshot!(lines.join("\n"), @r"
        valid
        metric presence: numerator is NaN, not a finite number
        metric presence: numerator is inf, not a finite number
        metric presence: denominator is 0, not a finite number above 0
        metric presence: denominator is -1, not a finite number above 0
        metric presence: denominator is NaN, not a finite number above 0
        metric presence: numerator over denominator is inf
        metric presence is 1.5, at most 1 is described
        metric presence is -0.5, at least 0 is described
        0 values, 1 metrics are described
        a value stands where metric presence is described
        ");
    }

    #[test]
    fn geometric_values_must_be_above_zero() {
        let description = described(Aggregation::Geometric);
        let error = checked(scored(vec![value(0.0, 1.0)]), &description, None).unwrap_err();
        insta::assert_snapshot!(error, @"metric presence is 0, a geometric mean needs values above 0");
    }

    #[test]
    fn spans_must_be_stretches_of_whole_characters() {
        let span = |start, end| {
            let spans = vec![Span { start, end, label: "x".into() }];
            message(Outcome::Scored { values: vec![value(1.0, 1.0)], spans, notes: vec![] }, "aäb")
        };
        assert_eq!(span(1, 3), "valid");
        for (start, end) in [(2, 3), (1, 2), (0, 5), (3, 1), (1, 1), (u32::MAX, u32::MAX)] {
            assert_ne!(span(start, end), "valid", "{start}..{end}");
        }
        insta::assert_snapshot!(span(2, 9), @"span 2..9 is not a stretch of characters of the response's 4 bytes");
    }

    #[test]
    fn items_have_no_spans() {
        let spans = vec![Span { start: 0, end: 1, label: "x".into() }];
        let outcome = Outcome::Scored { values: vec![value(1.0, 1.0)], spans, notes: vec![] };
        let error = checked(outcome, &described(Aggregation::Mean), None).unwrap_err();
        insta::assert_snapshot!(error, @"spans on an item, which has no response");
    }

    #[test]
    fn one_bad_outcome_costs_one_cell_and_a_wrong_count_the_batch() {
        let description = described(Aggregation::Mean);
        let pair = || vec![scored(vec![value(1.0, 1.0)]), scored(vec![value(9.0, 1.0)])];
        let checked = outcomes(Untrusted(pair()), &description, &[Some(""), Some("")]).unwrap();
        assert_eq!(checked[0], scored(vec![value(1.0, 1.0)]));
        assert!(matches!(&checked[1], Outcome::Failed(failure) if failure.code == "contract"));
        let error = outcomes(Untrusted(pair()), &description, &[Some("")]).unwrap_err();
        insta::assert_snapshot!(error.message, @"step gave 2 outcomes for a batch of 1");
    }

    fn number() -> impl Strategy<Value = f64> {
        prop_oneof![any::<f64>(), Just(f64::NAN), Just(0.0), Just(-0.0), Just(f64::INFINITY), 0.0..2.0]
    }

    fn outcome() -> impl Strategy<Value = Outcome> {
        let value = ("presence|other|", number(), number())
            .prop_map(|(metric, numerator, denominator)| Value { metric, numerator, denominator });
        let span =
            (0..12_u32, 0..12_u32, ".{0,4}").prop_map(|(start, end, label)| Span { start, end, label });
        let note = (".{0,4}", ".{0,4}").prop_map(|(key, value)| Note { key, value });
        let list = |most| 0..most;
        prop_oneof![
            (
                prop::collection::vec(value, list(3)),
                prop::collection::vec(span, list(3)),
                prop::collection::vec(note, list(2))
            )
                .prop_map(|(values, spans, notes)| Outcome::Scored { values, spans, notes }),
            ".{0,8}".prop_map(Outcome::NotApplicable),
            ("sample|fuel|.{0,4}", ".{0,8}")
                .prop_map(|(code, message)| Outcome::Failed(Failure { code, message })),
        ]
    }

    proptest! {
        #[test]
        fn whatever_passes_is_finite_in_range_and_points_into_the_response(
            given in outcome(),
            response in ".{0,6}",
            geometric in any::<bool>(),
        ) {
            let aggregation = if geometric { Aggregation::Geometric } else { Aggregation::Mean };
            let description = described(aggregation);
            if let Ok(Outcome::Scored { values, spans, .. }) = checked(given, &description, Some(&response)) {
                prop_assert_eq!(values.len(), 1);
                prop_assert!((0.0..=1.0).contains(&values[0].ratio()));
                prop_assert!(!geometric || values[0].ratio().ln().is_finite());
                for span in spans {
                    prop_assert!(response.get(span.start as usize..span.end as usize).is_some());
                }
            }
        }
    }
}
