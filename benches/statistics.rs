//! How long the statistics of a usual report take: they must never be what a run waits for.

use criterion::{Criterion, criterion_group, criterion_main};
use realign::{
    metrics::{
        AdherenceGate, Benchmark, CellState, ItemPair, TraitCell, adherence, retention::retention, spoiled,
    },
    model::{Direction, Finish},
    stats::{
        Interval,
        bootstrap::Bootstrap,
        mean, paired,
        proportion::{self, Count},
    },
};
use std::hint::black_box;

/// 2,000 replicates, as reports use.
const PLAN: Bootstrap = Bootstrap { replicates: 2000, seed: 1 };

/// 120 families in five kinds with six traits.
fn cells() -> Vec<TraitCell> {
    let mut cells = Vec::new();
    for family in 0..120 {
        for kind in ["format-shift", "late-turn", "paraphrase", "plain", "pressure"] {
            for id in 0..6 {
                cells.push(TraitCell {
                    trait_id: format!("t{id}"),
                    family: format!("f{family:03}"),
                    kind: kind.to_owned(),
                    sample_id: format!("f{family:03}/{kind}"),
                    state: if (family * 7 + id) % 11 == 0 { CellState::Miss } else { CellState::Hit },
                });
            }
        }
    }
    cells
}

/// 100,000 items from 0 to 1 in groups of five; of scores no two groups are alike, which is the most that there is to do.
fn kept(scores: bool) -> Benchmark {
    let item = |index: usize| {
        let share = index as f64 * 0.618_033_988_75 % 1.0;
        let before = if scores { share } else { f64::from(u8::from(share < 0.6)) };
        let after = if index.is_multiple_of(97) { 0.0 } else { before };
        ItemPair { group: format!("g{}", index / 5), before, after }
    };
    Benchmark {
        name: "kept".into(),
        direction: Direction::Higher,
        chance: 0.25,
        range: Some(Interval { low: 0.0, high: 1.0 }),
        items: (0..100_000).map(item).collect(),
        reported: [None; 2],
    }
}

fn statistics(criterion: &mut Criterion) {
    let clusters: Vec<Count> = (0..200).map(|i| Count { hits: i % 5, n: 5 }).collect();
    criterion.bench_function("interval of a clustered share", |bench| {
        bench.iter(|| proportion::clustered(black_box(&clusters)).map(|share| share.evidence()));
    });
    let pairs: Vec<Vec<f64>> = (0..1000).map(|i| vec![f64::from(i % 3) - 1.0]).collect();
    criterion.bench_function("interval of a paired difference, 1,000 items", |bench| {
        bench.iter(|| mean::clustered(black_box(&pairs)).map(|mean| mean.interval(0.95)));
    });
    criterion.bench_function("sign-flip test, 1,000 items", |bench| {
        bench.iter(|| paired::sign_flip(black_box(&pairs), PLAN));
    });
    let cells = cells();
    criterion.bench_function("adherence of 3,600 cells", |bench| {
        bench.iter(|| adherence(black_box(&cells), &AdherenceGate::default()));
    });
    for (what, scores) in [("right or wrong", false), ("scores", true)] {
        let benchmarks = [kept(scores)];
        criterion.bench_function(&format!("retention of 100,000 items, {what}"), |bench| {
            bench.iter(|| retention(black_box(&benchmarks), 0.95));
        });
    }
    let words: Vec<String> = (0..800).map(|i| format!("word{}", i % 400)).collect();
    let response = words.join(" ");
    criterion.bench_function("is a response of 800 words a loop", |bench| {
        bench.iter(|| spoiled(black_box(&response), Finish::End));
    });
}

criterion_group!(benches, statistics);
criterion_main!(benches);
