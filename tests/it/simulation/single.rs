//! Intervals of the metrics of one run.
//!
//! Right-or-wrong items of a cluster share their draw in 3 clusters of 10, which is a correlation of 0.3 within clusters. Other
//! values have a shift of the cluster's own, as large as that of the item.

use rand_chacha::ChaCha8Rng;
use realign::{
    gates::Rule,
    metrics::{
        AdherenceGate, Aggregation, CellState, ResponseKl, StyleGate, StyleInput, StyleScore, TraitCell,
        adherence, aggregate, consistency, ifd, kl, style,
    },
    model::Value,
    stats::{Evidence, Interval, auc, bootstrap::replicate_rng, quantile},
};

use super::{ROUNDS, SEED, Seen, Shape, Sizes, Table, cluster, uniform};

const SIZES: [Sizes; 3] = [Sizes::Equal(1), Sizes::Equal(5), Sizes::Unequal];
const CLUSTERS: [usize; 3] = [12, 30, 100];

/// Share of clusters whose items share their draw.
const TOGETHER: f64 = 0.3;

/// One design: every round draws and measures; rounds without an interval are left out, which the row then says.
fn rounds(truth: f64, mut measure: impl FnMut(&mut ChaCha8Rng, usize) -> Option<Evidence>) -> Seen {
    let mut seen = Seen::default();
    for round in 0..ROUNDS {
        if let Some(evidence) = measure(&mut replicate_rng(SEED, round), round) {
            seen.add(&evidence, truth);
        }
    }
    seen
}

/// Whether each item of a cluster is right, with chance `p`.
fn hits(rng: &mut ChaCha8Rng, p: f64) -> impl FnMut(&mut ChaCha8Rng) -> bool + use<> {
    let common = (uniform(rng) < TOGETHER).then(|| uniform(rng) < p);
    move |rng| common.unwrap_or_else(|| uniform(rng) < p)
}

/// Values of many items as one estimate; `item` draws (numerator, denominator) given the cluster's own number.
fn aggregated(
    rng: &mut ChaCha8Rng,
    (clusters, sizes): (usize, Sizes),
    (aggregation, range): (Aggregation, Option<Interval>),
    mut item: impl FnMut(&mut ChaCha8Rng, &mut f64) -> (f64, f64),
    own: impl Fn(&mut ChaCha8Rng) -> f64,
) -> Option<Evidence> {
    let mut items = Vec::new();
    for index in 0..clusters {
        let mut own = own(rng);
        for _ in 0..sizes.draw(rng) {
            let (numerator, denominator) = item(rng, &mut own);
            items.push((cluster(index), Value { metric: String::new(), numerator, denominator }));
        }
    }
    let items: Vec<(&str, &Value)> = items.iter().map(|(cluster, value)| (cluster.as_str(), value)).collect();
    aggregate(&items, aggregation, range)
}

#[test]
#[ignore = "a simulation of some minutes"]
fn intervals_of_shares_cover_the_truth_in_95_of_100_runs() {
    let mut table = Table::new("shares");
    for p in [0.02, 0.3, 0.9, 0.98] {
        for clusters in CLUSTERS {
            // Where many items lie in each cluster, bounds hang most on what the clusters have in common.
            for sizes in SIZES.into_iter().chain([Sizes::Equal(20)]) {
                let seen = rounds(p, |rng, _| {
                    let mut items = Vec::new();
                    for index in 0..clusters {
                        let mut right = hits(rng, p);
                        for _ in 0..sizes.draw(rng) {
                            let numerator = f64::from(u8::from(right(rng)));
                            let value = Value { metric: String::new(), numerator, denominator: 1.0 };
                            items.push((cluster(index), value));
                        }
                    }
                    let items: Vec<(&str, &Value)> =
                        items.iter().map(|(c, value)| (c.as_str(), value)).collect();
                    aggregate(&items, Aggregation::Mean, None)
                });
                table.row(&format!("{p}, {clusters} {}", sizes.name()), &seen);
            }
        }
    }
    table.bounds_hold();
    table.end(&[]);
}

#[test]
#[ignore = "a simulation of some minutes"]
fn intervals_of_means_cover_the_truth_in_95_of_100_runs() {
    let mut table = Table::new("means");
    let unit = Some(Interval { low: 0.0, high: 1.0 });
    for clusters in CLUSTERS {
        for sizes in SIZES {
            let name = |what: &str| format!("{what}, {clusters} {}", sizes.name());
            for shape in [Shape::Even, Shape::Tail] {
                let own = |rng: &mut ChaCha8Rng| shape.draw(rng);
                let plain = rounds(0.0, |rng, _| {
                    let item = |rng: &mut ChaCha8Rng, own: &mut f64| (*own + shape.draw(rng), 1.0);
                    aggregated(rng, (clusters, sizes), (Aggregation::Mean, None), item, own)
                });
                table.row(&name(&format!("mean{}", shape.name())), &plain);
                // Bits over bytes: lengths differ by a factor of ten, and say nothing about the rate.
                let ratio = rounds(2.0, |rng, _| {
                    let item = |rng: &mut ChaCha8Rng, own: &mut f64| {
                        let bytes = 100.0 * (2.3 * uniform(rng)).exp();
                        (bytes * (2.0 + 0.3 * (*own + shape.draw(rng))), bytes)
                    };
                    aggregated(rng, (clusters, sizes), (Aggregation::RatioOfSums, None), item, own)
                });
                table.row(&name(&format!("ratio of sums{}", shape.name())), &ratio);
                let geometric = rounds(1.0, |rng, _| {
                    let item =
                        |rng: &mut ChaCha8Rng, own: &mut f64| ((0.5 * (*own + shape.draw(rng))).exp(), 1.0);
                    aggregated(rng, (clusters, sizes), (Aggregation::Geometric, None), item, own)
                });
                table.row(&name(&format!("geometric mean{}", shape.name())), &geometric);
            }
            // Scores between 0 and 1: a half of the middle, and nearly always full marks.
            for (what, full, truth) in
                [("score in 0..1", 0.0, 0.5), ("score in 0..1, 80 % full marks", 0.8, 0.9)]
            {
                let seen = rounds(truth, |rng, _| {
                    let item = |rng: &mut ChaCha8Rng, own: &mut f64| {
                        let other = uniform(rng) < TOGETHER;
                        let draw = if other { *own } else { uniform(rng) };
                        (if draw < full { 1.0 } else { uniform(rng) }, 1.0)
                    };
                    aggregated(rng, (clusters, sizes), (Aggregation::Mean, unit), item, uniform)
                });
                table.row(&name(what), &seen);
            }
        }
    }
    table.end(&[]);
}

/// Cells of `families` families in five kinds; `held` is the chance of a hit in each kind. A family's cells of a trait share
/// their draw in 3 of 10.
fn cells(rng: &mut ChaCha8Rng, families: usize, traits: usize, held: [f64; 5]) -> Vec<TraitCell> {
    const KINDS: [&str; 5] = ["plain", "format-shift", "late-turn", "paraphrase", "pressure"];
    let mut cells = Vec::new();
    for family in 0..families {
        for id in 0..traits {
            let common = (uniform(rng) < TOGETHER).then(|| uniform(rng));
            for (kind, p) in KINDS.iter().zip(held) {
                let hit = common.unwrap_or_else(|| uniform(rng)) < p;
                cells.push(TraitCell {
                    trait_id: format!("t{id}"),
                    family: cluster(family),
                    kind: (*kind).to_owned(),
                    sample_id: format!("{family}/{kind}"),
                    state: if hit { CellState::Hit } else { CellState::Miss },
                });
            }
        }
    }
    cells
}

#[test]
#[ignore = "a simulation of some minutes"]
fn intervals_of_persona_metrics_cover_the_truth_in_95_of_100_runs() {
    let mut table = Table::new("adherence and consistency");
    for families in CLUSTERS {
        for p in [0.5, 0.9, 0.98] {
            let seen = rounds(p, |rng, _| {
                adherence(&cells(rng, families, 6, [p; 5]), &AdherenceGate::default()).evidence
            });
            table.row(&format!("adherence {p}, {families} families"), &seen);
        }
        // A hit in a kind, given one in the plain form: the family's draw is shared, or the two are independent.
        let given =
            |plain: f64, kind: f64| (TOGETHER * plain.min(kind) + (1.0 - TOGETHER) * plain * kind) / plain;
        for (what, weakest) in [("one kind weak", 0.7), ("kinds alike", 0.9)] {
            let held = [0.9, 0.9, 0.9, 0.9, weakest];
            let seen = rounds(given(0.9, weakest), |rng, _| {
                consistency(&cells(rng, families, 6, held), "plain", &Rule::at_least(0.85)).evidence
            });
            table.row(&format!("consistency, {what}, {families} families"), &seen);
        }
    }
    table.bounds_hold();
    table.end(&[]);
}

#[test]
#[ignore = "a simulation of some minutes"]
fn intervals_of_style_variance_cover_the_truth_in_95_of_100_runs() {
    let mut table = Table::new("style variance: blocks of 4 responses, families in five kinds");
    for families in [8, 12, 30, 100] {
        for shape in [Shape::Even, Shape::Tail] {
            for (spread, family) in [(0.3, 0.0), (0.24, 0.18)] {
                let truth = 0.3 / 2.0;
                let seen = rounds(truth, |rng, round| {
                    let mut scores = Vec::new();
                    for index in 0..families {
                        let own = family * shape.draw(rng);
                        for kind in ["a", "b", "c", "d", "e"] {
                            scores.push(StyleScore {
                                sample_id: format!("{}/{kind}", cluster(index)),
                                family: cluster(index),
                                kind: kind.to_owned(),
                                score: 1.0 + own + spread * shape.draw(rng),
                            });
                        }
                    }
                    let input = StyleInput {
                        scores: &scores,
                        exemplars: &[0.9, 1.1, 0.95, 1.05],
                        contrast: &[-0.1, 0.1, -0.1, 0.1],
                    };
                    style(&input, &StyleGate::default(), round as u64).variation
                });
                let shared = if family > 0.0 { ", families differ" } else { "" };
                table.row(&format!("{} blocks{}{shared}", 5 * (families / 4), shape.name()), &seen);
            }
        }
    }
    table.end(&[]);
}

#[test]
#[ignore = "a simulation of some minutes"]
fn intervals_of_divergence_cover_the_truth_in_95_of_100_runs() {
    let mut table = Table::new("divergence: responses of 5 to 60 tokens, long tail over tokens");
    for families in CLUSTERS {
        for sizes in SIZES {
            for shape in [Shape::Even, Shape::Tail] {
                let seen = rounds(0.1, |rng, _| {
                    let mut responses = Vec::new();
                    for index in 0..families {
                        let level = (0.1 * (1.0 + 0.3 * shape.draw(rng))).max(0.0);
                        for _ in 0..sizes.draw(rng) {
                            let count = 5 + realign::stats::bootstrap::below(rng, 56);
                            let tokens = (0..count).map(|_| level * (1.0 + Shape::Tail.draw(rng))).collect();
                            responses.push(ResponseKl { family: cluster(index), kind: None, tokens });
                        }
                    }
                    kl(&responses).map(|kl| kl.evidence)
                });
                table.row(&format!("KL{}, {families} {}", shape.name(), sizes.name()), &seen);
            }
        }
    }
    table.end(&[]);
}

fn named(side: &[(String, f64)]) -> Vec<auc::Scored<'_>> {
    side.iter().map(|(cluster, score)| (cluster.as_str(), *score)).collect()
}

#[test]
#[ignore = "a simulation of some minutes"]
fn intervals_of_cards_and_medians_cover_the_truth_in_95_of_100_runs() {
    let mut table = Table::new("areas of cards, medians of IFD");
    for clusters in CLUSTERS {
        for sizes in SIZES {
            for area in [0.75_f64, 0.97] {
                // Scores of variance 1, half of it the cluster's, so that the area is Phi(distance / sqrt 2).
                let distance = quantile::normal(area) * 2.0_f64.sqrt();
                let seen = rounds(area, |rng, _| {
                    let (mut positives, mut negatives) = (Vec::new(), Vec::new());
                    for index in 0..2 * clusters {
                        let own = Shape::Even.draw(rng);
                        for _ in 0..sizes.draw(rng) {
                            let score = 0.5_f64.sqrt() * (own + Shape::Even.draw(rng));
                            if index < clusters {
                                positives.push((cluster(index), score + distance));
                            } else {
                                negatives.push((cluster(index), score));
                            }
                        }
                    }
                    auc::auc(&named(&positives), &named(&negatives))
                });
                table.row(&format!("area {area}, 2 x {clusters} {}", sizes.name()), &seen);
            }
            let median = std::f64::consts::LN_2 - 1.0;
            let seen = rounds(median, |rng, _| {
                let clusters: Vec<Vec<f64>> = (0..clusters)
                    .map(|_| (0..sizes.draw(rng)).map(|_| Shape::Tail.draw(rng)).collect())
                    .collect();
                let estimate = ifd::quantile(&clusters, 0.5)?;
                let (lower, upper) = (f64::NEG_INFINITY, f64::INFINITY);
                Some(Evidence { estimate, lower, upper, effective_n: None, long_tail: false })
            });
            table.row(&format!("median, long tail, {clusters} {}", sizes.name()), &seen);
        }
    }
    table.end(&[]);
}
