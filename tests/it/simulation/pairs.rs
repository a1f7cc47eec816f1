//! Intervals of the difference between two runs.
//!
//! Of right-or-wrong items, a cluster is calm or moved, and items of one cluster share which; of other values, items of a
//! cluster share a shift. So the truth is a number, and clustering is what it is in real suites.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use realign::{
    compare::{
        Comparison, Correction, Identity, ItemValue, Method, MetricComparison, MetricInfo, Reported, Side,
        compare,
    },
    model::Direction,
    stats::{
        Evidence,
        bootstrap::{Bootstrap, replicate_rng},
    },
};

use super::{ROUNDS, SEED, Seen, Shape, Sizes, Table, cluster, uniform};

/// Draws both sides of an item.
type Draw = Box<dyn FnMut(&mut ChaCha8Rng) -> (f64, f64)>;

/// One made-up metric: items before and after.
pub(super) struct Made {
    pub(super) clusters: usize,
    pub(super) sizes: Sizes,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// Right or wrong. In `moved` of the clusters items are lost with `lost` and gained with `gained`, else with a tenth
    /// of both.
    Answers { moved: f64, lost: f64, gained: f64 },
    /// Right or wrong. A cluster loses `items` of its items, gains all it can, or loses `alone` of them one by one.
    Together { lost: f64, items: f64, gained: f64, alone: f64 },
    /// Any value. Clusters and items have shifts of their own around `shift`.
    Values { shift: f64, shape: Shape },
}

impl Made {
    fn truth(&self) -> f64 {
        match self.kind {
            Kind::Answers { moved, lost, gained } => (moved + 0.1 * (1.0 - moved)) * (gained - lost),
            Kind::Together { lost, items, gained, alone } => {
                0.3 * gained - 0.7 * (lost * items + (1.0 - lost) * alone)
            }
            Kind::Values { shift, .. } => shift,
        }
    }

    fn pairs(&self, rng: &mut ChaCha8Rng) -> Vec<(String, f64, f64)> {
        let mut pairs = Vec::new();
        for index in 0..self.clusters {
            let mut items: Draw = match self.kind {
                Kind::Answers { moved, lost, gained } => {
                    let strength = if uniform(rng) < moved { 1.0 } else { 0.1 };
                    Box::new(move |rng| {
                        let (draw, right) = (uniform(rng), f64::from(u8::from(uniform(rng) < 0.7)));
                        if draw < strength * lost {
                            (1.0, 0.0)
                        } else if draw < strength * (lost + gained) {
                            (0.0, 1.0)
                        } else {
                            (right, right)
                        }
                    })
                }
                Kind::Together { lost, items, gained, alone } => {
                    let draw = uniform(rng);
                    let (gone, comes) = (if draw < lost { items } else { alone }, draw > 1.0 - gained);
                    Box::new(move |rng| {
                        let (right, stays) = (uniform(rng) < 0.7, uniform(rng) >= gone);
                        let after = if right { stays } else { comes };
                        (f64::from(u8::from(right)), f64::from(u8::from(after)))
                    })
                }
                Kind::Values { shift, shape } => {
                    let own = shape.draw(rng);
                    Box::new(move |rng| {
                        let before = uniform(rng);
                        (before, before + shift + 0.2 * own + 0.2 * shape.draw(rng))
                    })
                }
            };
            for _ in 0..self.sizes.draw(rng) {
                let (before, after) = items(rng);
                pairs.push((cluster(index), before, after));
            }
        }
        pairs
    }
}

/// The comparison of one draw of made-up metrics; `replicates` are those of the sign-flip tests.
pub(super) fn compared(made: &[Made], round: usize, replicates: usize) -> Vec<MetricComparison> {
    let mut rng = replicate_rng(SEED, round);
    let (mut before, mut after, mut infos) = (Vec::new(), Vec::new(), BTreeMap::new());
    for (index, made) in made.iter().enumerate() {
        let metric = format!("m{index}");
        for (item, (cluster, was, is)) in made.pairs(&mut rng).into_iter().enumerate() {
            let value = |value| ItemValue {
                metric: metric.clone(),
                item: format!("i{item:06}"),
                cluster: cluster.clone(),
                value,
            };
            before.push(value(was));
            after.push(value(is));
        }
        let info =
            MetricInfo { direction: Some(Direction::Higher), range: None, chance: None, benchmark: false };
        infos.insert(metric, info);
    }
    let identity = Identity::default();
    let side = |values| Side { identity: &identity, values, reported: Reported::new() };
    let bootstrap = Bootstrap { replicates, seed: round as u64 };
    let method = Method { bootstrap, correction: Correction::Holm, margin: None };
    let mut found = compare(&side(&before), &[side(&after)], &infos, method, &[]).expect("comparable");
    match found.pop() {
        Some(Comparison::Compared { metrics, .. }) => metrics,
        other => panic!("{other:?}"),
    }
}

/// The made-up metrics of the table, with names. `shifted`: the second run is worse, or higher.
fn designs(shifted: bool) -> Vec<(String, Made)> {
    let (lost, gained) = if shifted { (0.25, 0.10) } else { (0.18, 0.18) };
    let answers = Kind::Answers { moved: 0.4, lost, gained };
    let rare = Kind::Answers { moved: 0.2, lost: if shifted { 0.06 } else { 0.03 }, gained: 0.03 };
    let values = |shape| Kind::Values { shift: if shifted { 0.1 } else { 0.0 }, shape };
    let mut found = Vec::new();
    for (name, kind) in [
        ("answers", answers),
        ("answers, 1 of 40 changes", rare),
        ("values", values(Shape::Even)),
        ("values, long tail", values(Shape::Tail)),
    ] {
        for clusters in [12, 30, 100] {
            for sizes in [Sizes::Equal(1), Sizes::Equal(5), Sizes::Unequal] {
                let change = if shifted { ", changed" } else { "" };
                let name = format!("{name}{change}, {clusters} {}", sizes.name());
                found.push((name, Made { clusters, sizes, kind }));
            }
        }
    }
    found
}

/// How often the interval of this difference holds the truth.
fn seen(made: Made) -> Seen {
    let (truth, made) = (made.truth(), [made]);
    let mut seen = Seen::default();
    for round in 0..ROUNDS {
        // The interval does not hang on the sign-flip test, so one replicate is enough.
        let found = compared(&made, round, 1).remove(0);
        let (estimate, bounds) = found.difference.zip(found.bounds).expect("clusters");
        let (lower, upper) = (bounds.low, bounds.high);
        seen.add(&Evidence { estimate, lower, upper, effective_n: None, long_tail: false }, truth);
    }
    seen
}

#[test]
#[ignore = "a simulation of some minutes"]
fn intervals_of_differences_cover_the_truth_in_95_of_100_runs() {
    let mut table = Table::new("differences");
    for shifted in [false, true] {
        for (name, made) in designs(shifted) {
            table.row(&name, &seen(made));
        }
    }
    table.end(&[]);
}

/// Few changes do not show how items of a cluster hang together: the worst is that all of them do.
#[test]
#[ignore = "a simulation of some minutes"]
fn clusters_that_change_together_leave_differences_covered() {
    let mut table = Table::new("differences, clusters lost together");
    for (name, lost, items, gained, alone) in [
        ("1 % lost", 0.01, 1.0, 0.0, 0.0),
        ("5 % lost", 0.05, 1.0, 0.0, 0.0),
        ("15 % lost", 0.15, 1.0, 0.0, 0.0),
        ("10 % lost by half", 0.1, 0.5, 0.0, 0.0),
        ("6 % lost, 4 % gained", 0.06, 1.0, 0.04, 0.0),
        ("4 % lost, 1 % alone", 0.04, 1.0, 0.0, 0.01),
    ] {
        for (clusters, sizes) in [
            (14, Sizes::Equal(14)),
            (24, Sizes::Equal(20)),
            (40, Sizes::Equal(4)),
            (57, Sizes::Equal(10)),
            (100, Sizes::Equal(5)),
            (30, Sizes::Unequal),
            (60, Sizes::Unequal),
        ] {
            let made = Made { clusters, sizes, kind: Kind::Together { lost, items, gained, alone } };
            table.row(&format!("{clusters} {}, {name}", sizes.name()), &seen(made));
        }
    }
    // Items that are lost one by one tell that clusters are not lost whole, and then one is that was not drawn.
    table.end(&["57 of 10, 4 % lost, 1 % alone"]);
}
