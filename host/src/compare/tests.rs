use super::*;
use crate::metrics::Direction;

const PLAN: Bootstrap = Bootstrap { replicates: 200, seed: 1 };

fn identity(model: &str, suite: &str) -> Identity {
    Identity {
        subject: BTreeMap::from([("model".to_owned(), model.to_owned())]),
        engine: BTreeMap::new(),
        instrument: BTreeMap::from([("suite".to_owned(), suite.to_owned())]),
    }
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

fn described() -> BTreeMap<String, MetricInfo> {
    BTreeMap::from([("accuracy".to_owned(), MetricInfo { direction: Direction::Higher, range: None })])
}

#[test]
fn runs_of_different_suites_are_not_comparable_and_the_key_is_named() {
    let (one, other) = (identity("a", "s1"), identity("b", "s2"));
    let values = values(10, 5);
    let found = compare(
        Side { identity: &one, values: &values },
        Side { identity: &other, values: &values },
        &described(),
        PLAN,
    );
    let Ok(Comparison::NotComparable(differences)) = found else { panic!("{found:?}") };
    assert_eq!(differences.instrument[0].key, "suite");
}

#[test]
fn two_models_are_compared_on_what_both_answered() {
    let (one, other) = (identity("a", "s"), identity("b", "s"));
    let (before, after) = (values(60, 50), values(50, 20));
    let found = compare(
        Side { identity: &one, values: &before },
        Side { identity: &other, values: &after },
        &described(),
        PLAN,
    );
    let Ok(Comparison::Compared { identity, metrics, only_before, only_after }) = found else {
        panic!("{found:?}")
    };
    assert_eq!(identity.subject[0].key, "model");
    assert_eq!((metrics[0].n, metrics[0].change), (50, Change::Regressed));
    assert_eq!((only_before.len(), only_after.len()), (10, 0));
}
