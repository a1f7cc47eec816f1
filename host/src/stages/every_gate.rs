//! Every gate of the seven stages in each of its states, on constructed measurements, under the strict thresholds.
//!
//! Each row goes the way that a run goes: values by scenario family, the metric's own formula, its rule, a verdict. What
//! counts instead of estimating (pairs, coverage, overlap) has no state between pass and fail.

use std::{collections::BTreeMap, fmt::Write as _};

use super::instrument::false_alarms;
use crate::{
    gates::{Decision, Profile, Rule, Thresholds, decide},
    metrics::{
        adherence::{AdherenceGate, adherence},
        card::{Judged, Label, Reading, separation::separation},
        cell::{CellState, TraitCell},
        consistency::consistency,
        contrast::{Coverage, PairCells, contrast, covered},
        kl::{ResponseKl, kl},
        overlap::{clean, clean_rule},
        preference::{PairScore, gap, length_bias},
        retention::{Benchmark, ItemPair, retention},
        style::{StyleGate, StyleInput, StyleScore, style},
    },
    model::{Direction, Verdict},
    stats::{Evidence, Interval, by_cluster, mean},
};

const SEED: u64 = 1;
const UNIT: Interval = Interval { low: 0.0, high: 1.0 };

fn name(family: usize) -> String {
    format!("family {family:03}")
}

/// Families of two cells for each of two traits; `hits` of the families show the first trait, all show the second.
fn cells(hits: usize, families: usize) -> Vec<TraitCell> {
    (0..families)
        .flat_map(|family| ["plain", "pressure"].map(|kind| (family, kind)))
        .flat_map(|(family, kind)| ["thanks", "brief"].map(|trait_id| (family, kind, trait_id)))
        .map(|(family, kind, trait_id)| TraitCell {
            trait_id: trait_id.into(),
            family: name(family),
            kind: kind.into(),
            sample_id: format!("{}/{kind}", name(family)),
            // What is lost is lost under pressure, which consistency holds against the plain kind.
            state: if trait_id == "brief" || kind == "plain" || family < hits {
                CellState::Hit
            } else {
                CellState::Miss
            },
        })
        .collect()
}

/// Texts of which `alarms` show both traits and the others one.
fn other_texts(alarms: usize, texts: usize) -> Vec<TraitCell> {
    let plain = cells(alarms, texts).into_iter().filter(|cell| cell.kind == "pressure");
    plain.collect()
}

fn alarms(threshold: f64, count: usize, texts: usize) -> Decision {
    let metric = false_alarms("no-persona", &other_texts(count, texts), threshold);
    Decision::new(metric.verdict.expect("a gate"), metric.reason)
}

/// Pairs, one for each family: the difference of both sides, and whether the chosen answer is the longer one.
fn pairs(families: usize, difference: impl Fn(usize) -> f64, longer: usize) -> Vec<PairScore> {
    (0..families)
        .map(|family| PairScore {
            family: name(family),
            difference: Some(difference(family)),
            chosen_words: if family < longer { 30 } else { 20 },
            rejected_words: 25,
        })
        .collect()
}

fn separated(apart: usize, families: usize) -> Option<Evidence> {
    let pairs: Vec<PairCells> = (0..families)
        .map(|family| PairCells {
            family: name(family),
            consistent: vec![CellState::Hit],
            inconsistent: vec![if family < apart { CellState::Miss } else { CellState::Hit }],
        })
        .collect();
    contrast(&pairs)
}

fn coverage(toward: usize) -> Decision {
    let found: BTreeMap<String, Coverage> =
        BTreeMap::from([("thanks".to_owned(), Coverage { toward, against: 0 })]);
    covered(&found, &["thanks".to_owned()])
}

/// A detector's card: right texts score `right`, others 0.4 on average, all of one length but for a word or two.
fn card(right: f64, groups: usize) -> Decision {
    let names: Vec<(String, String)> =
        (0..groups).map(|group| (name(group), format!("other {}", name(group)))).collect();
    let texts: Vec<Judged<'_>> = names
        .iter()
        .enumerate()
        .flat_map(|(group, (own, other))| {
            let wobble = f64::from(u32::try_from(group * 7 % 10).expect("small")) / 10.0;
            let words = 20 + group % 3;
            [
                Judged {
                    id: own,
                    group: own,
                    label: Label::Right,
                    words,
                    reading: Reading::Score(right + wobble),
                },
                Judged {
                    id: other,
                    group: other,
                    label: Label::None,
                    words,
                    reading: Reading::Score(0.4 + wobble),
                },
            ]
        })
        .collect();
    separation(&texts, 1.0).decide()
}

fn perplexity(threshold: f64, values: &[f64]) -> Decision {
    let rows: Vec<Vec<f64>> = values.iter().map(|value| vec![*value]).collect();
    decide(&Rule::below(threshold), mean::geometric(&rows).as_ref())
}

/// Nats per token by which chosen answers pull the model, a row for each family.
fn shift(threshold: f64, values: &[f64]) -> Decision {
    let names: Vec<String> = (0..values.len()).map(name).collect();
    let rows = names.iter().zip(values).map(|(family, value)| (family.as_str(), (value * 20.0, 20.0)));
    let found = mean::ratio_of_sums(&by_cluster(rows)).and_then(|mean| mean.evidence());
    decide(&Rule::at_most(threshold), found.as_ref())
}

fn voice(families: usize, spread: f64) -> Decision {
    let scores: Vec<StyleScore> = (0..families * 2)
        .map(|index| StyleScore {
            sample_id: format!("sample {index:03}"),
            family: name(index / 2),
            kind: if index % 2 == 0 { "plain" } else { "pressure" }.into(),
            score: 1.0 + spread * (((index * 37) % 11) as f64 / 5.0 - 1.0),
        })
        .collect();
    let exemplars: Vec<f64> = (0..24).map(|index| 1.0 + 0.02 * f64::from(index % 5 - 2)).collect();
    let others: Vec<f64> = (0..24).map(|index| 0.02 * f64::from(index % 5 - 2)).collect();
    let input = StyleInput { scores: &scores, exemplars: &exemplars, contrast: &others };
    style(&input, &StyleGate::default(), SEED).decision
}

fn divergence(threshold: f64, values: &[f64]) -> Decision {
    let responses: Vec<ResponseKl> = values
        .iter()
        .enumerate()
        .map(|(family, value)| ResponseKl { family: name(family), kind: None, tokens: vec![*value; 10] })
        .collect();
    let found = kl(&responses).map(|found| found.evidence);
    decide(&Rule::at_most(threshold), found.as_ref())
}

/// Three benchmarks of which one loses `lost` of `items` answers that were right; all were right before.
fn kept(share: f64, items: usize, lost: usize, right_before: usize) -> Decision {
    let benchmark = |number: usize| Benchmark {
        name: format!("benchmark {number}"),
        direction: Direction::Higher,
        chance: 0.25,
        range: Some(UNIT),
        reported: [None; 2],
        items: (0..items)
            .map(|item| {
                let before = f64::from(u8::from(item < right_before));
                let after = if number == 0 && item < lost { 0.0 } else { before };
                ItemPair { group: name(item), before, after }
            })
            .collect(),
    };
    retention(&[benchmark(0), benchmark(1), benchmark(2)], share).decision
}

/// What each gate makes of three measurements: made to pass, to fail, and to leave it open.
fn table(asked: Thresholds) -> Vec<(&'static str, [Option<Decision>; 3])> {
    let at_least =
        |threshold, found: Option<Evidence>| Some(decide(&Rule::at_least(threshold), found.as_ref()));
    let gaps = |families, difference: fn(usize) -> f64| {
        let range = Some(Interval { low: -1.0, high: 1.0 });
        at_least(asked.gap, gap(&pairs(families, difference, 0), range))
    };
    let longer = |families, count| {
        let found = length_bias(&pairs(families, |_| 0.5, count));
        Some(decide(&Rule::at_most(asked.longer), found.as_ref()))
    };
    let gate = AdherenceGate { mean: Rule::at_least(asked.adherence), floor: asked.adherence_floor };
    let shown = |hits, families| Some(adherence(&cells(hits, families), &gate).decision);
    let steady = |hits, families| {
        Some(consistency(&cells(hits, families), "plain", &Rule::at_least(asked.consistency)).decision)
    };
    let found = |hits, families| {
        let gate = AdherenceGate { mean: Rule::at_least(asked.sensitivity), ..gate };
        Some(adherence(&cells(hits, families), &gate).decision)
    };
    let uncopied = |copies: usize| {
        let names: Vec<String> = (0..100).map(name).collect();
        let rows = names.iter().enumerate().map(|(row, family)| (family.as_str(), row < copies));
        Some(decide(&clean_rule(asked.clean), clean(rows).as_ref()))
    };
    let wide: Vec<f64> = (0..6).map(|row| if row % 2 == 0 { 12.0 } else { 30.0 }).collect();
    vec![
        (
            "1 perplexity",
            [&[15.0, 15.5, 14.5, 15.2, 14.8, 15.1][..], &[25.0, 25.5, 24.5, 25.2, 24.8, 25.1], &wide]
                .map(|values| Some(perplexity(asked.perplexity, values))),
        ),
        ("2 card", [Some(card(0.9, 60)), Some(card(-0.4, 60)), Some(card(0.45, 24))]),
        (
            "3 gap",
            [gaps(60, |_| 0.6), gaps(60, |_| -0.2), gaps(12, |family| if family < 4 { 1.0 } else { 0.0 })],
        ),
        ("3 longer", [longer(100, 50), longer(100, 95), longer(20, 13)]),
        (
            "3 contrast",
            [
                at_least(asked.separation, separated(98, 100)),
                at_least(asked.separation, separated(50, 100)),
                at_least(asked.separation, separated(18, 20)),
            ],
        ),
        ("3 coverage", [Some(coverage(3)), Some(coverage(0)), None]),
        ("3 clean", [uncopied(2), uncopied(30), None]),
        (
            "3 shift",
            [&[0.01, 0.02, 0.0, 0.01, 0.02][..], &[0.5, 0.52, 0.49, 0.51, 0.5], &[0.0, 0.2, 0.05, 0.25, 0.0]]
                .map(|values| Some(shift(asked.shift, values))),
        ),
        ("4 sensitivity", [found(100, 100), found(20, 100), found(8, 10)]),
        (
            "4 false alarms",
            [
                Some(alarms(asked.false_alarms, 0, 100)),
                Some(alarms(asked.false_alarms, 60, 100)),
                Some(alarms(asked.false_alarms, 0, 10)),
            ],
        ),
        ("7 adherence", [shown(100, 100), shown(20, 100), shown(8, 10)]),
        ("7 consistency", [steady(100, 100), steady(20, 100), steady(9, 10)]),
        ("4, 7 style variance", [Some(voice(100, 0.05)), Some(voice(100, 1.5)), Some(voice(24, 0.42))]),
        (
            "7 kl",
            [
                &[0.02, 0.03, 0.025, 0.02, 0.03][..],
                &[0.4, 0.45, 0.5, 0.42, 0.44],
                &[0.02, 0.2, 0.03, 0.22, 0.01],
            ]
            .map(|values| Some(divergence(asked.kl, values))),
        ),
        (
            "7 retention",
            [
                Some(kept(asked.retention, 200, 0, 180)),
                Some(kept(asked.retention, 200, 80, 180)),
                Some(kept(asked.retention, 40, 1, 36)),
            ],
        ),
    ]
}

#[test]
fn every_gate_passes_fails_and_stays_undecided() {
    let mut shown = String::new();
    for (gate, decisions) in table(Profile::Strict.thresholds()) {
        let wanted = [Verdict::Pass, Verdict::Fail, Verdict::Inconclusive];
        for (wanted, decision) in wanted.into_iter().zip(decisions) {
            let Some(decision) = decision else { continue };
            assert_eq!(decision.verdict, wanted, "{gate}: {}", decision.reason);
            writeln!(shown, "{gate:<19}  {:<12}  {}", format!("{:?}", decision.verdict), decision.reason)
                .expect("a string");
        }
    }
    insta::assert_snapshot!(shown);
}
