use super::*;
use crate::{metrics::Direction, stats::bootstrap::Bootstrap};

const PLAN: Method =
    Method { bootstrap: Bootstrap { replicates: 200, seed: 1 }, correction: Correction::Holm, margin: None };

fn identity(model: &str, suite: &str) -> Identity {
    Identity {
        subject: BTreeMap::from([("model".to_owned(), model.to_owned())]),
        engine: BTreeMap::new(),
        instrument: BTreeMap::from([("suite".to_owned(), suite.to_owned())]),
    }
}

fn side<'a>(identity: &'a Identity, values: &'a [ItemValue]) -> Side<'a> {
    Side { identity, values, reported: Reported::new() }
}

fn values(count: usize, right: usize) -> Vec<ItemValue> {
    (0..count)
        .map(|i| ItemValue {
            metric: "accuracy".to_owned(),
            item: format!("i{i}"),
            cluster: format!("i{i}"),
            value: f64::from(u8::from(i < right)),
        })
        .collect()
}

const INFO: MetricInfo =
    MetricInfo { direction: Some(Direction::Higher), range: None, chance: Some(0.25), benchmark: true };

fn described() -> BTreeMap<String, MetricInfo> {
    BTreeMap::from([("accuracy".to_owned(), INFO)])
}

#[test]
fn runs_of_different_suites_are_not_comparable_and_the_key_is_named() {
    let (one, other) = (identity("a", "s1"), identity("b", "s2"));
    let values = values(10, 5);
    let found = compare(&side(&one, &values), &[side(&other, &values)], &described(), PLAN, &[]);
    let Ok([Comparison::NotComparable(differences)]) = found.as_deref() else { panic!("{found:?}") };
    assert_eq!(differences.instrument[0].key, "suite");
}

#[test]
fn two_models_are_compared_on_what_both_answered() {
    let (one, other) = (identity("a", "s"), identity("b", "s"));
    let (before, after) = (values(60, 50), values(50, 20));
    let found = compare(&side(&one, &before), &[side(&other, &after)], &described(), PLAN, &[]);
    let Ok([Comparison::Compared { identity, metrics, only_before, only_after, retention }]) =
        found.as_deref()
    else {
        panic!("{found:?}")
    };
    assert_eq!(retention.as_ref().map(|kept| kept.decision.verdict), Some(crate::model::Verdict::Fail));
    assert_eq!(identity.subject[0].key, "model");
    assert_eq!((metrics[0].n, metrics[0].change), (50, Change::Regressed));
    assert_eq!((only_before.len(), only_after.len()), (10, 0));
}

#[test]
fn what_is_clear_between_two_runs_can_be_unclear_among_many() {
    let identity = identity("a", "s");
    let (before, after) = (values(60, 30), values(60, 22));
    let (before, after) = (side(&identity, &before), side(&identity, &after));
    let changes = |sides: &[Side<'_>]| -> Vec<Change> {
        let found = compare(&before, sides, &described(), PLAN, &[]).expect("comparable");
        found
            .iter()
            .map(|one| match one {
                Comparison::Compared { metrics, .. } => metrics[0].change,
                Comparison::NotComparable(_) => panic!("comparable"),
            })
            .collect()
    };
    let mut sides = vec![after];
    assert_eq!(changes(&sides), [Change::Regressed]);
    sides.resize(8, before.clone());
    assert_eq!(changes(&sides)[0], Change::CannotTell);
}
